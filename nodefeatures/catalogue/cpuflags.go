package catalogue

import "slices"

// The names of CPU flags that NFD v0.19.0 publishes in cpu.cpuid, sorted, by
// the architecture of the node.
var (
	// amd64Flags are the x86 features of github.com/klauspost/cpuid and the levels
	// of the x86-64 psABI (source/cpu/cpuid_amd64.go).
	amd64Flags = []string{
		"ADX", "AESNI", "AMD3DNOW", "AMD3DNOWEXT", "AMXBF16", "AMXCOMPLEX", "AMXFP16", "AMXFP8", "AMXINT8", "AMXTF32",
		"AMXTILE", "AMXTRANSPOSE", "APX_F", "AVX", "AVX10", "AVX10_128", "AVX10_256", "AVX10_512", "AVX2", "AVX512BF16",
		"AVX512BITALG", "AVX512BMM", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512ER", "AVX512F", "AVX512FP16", "AVX512IFMA",
		"AVX512PF", "AVX512VBMI", "AVX512VBMI2", "AVX512VL", "AVX512VNNI", "AVX512VP2INTERSECT", "AVX512VPOPCNTDQ",
		"AVXIFMA", "AVXNECONVERT", "AVXSLOW", "AVXVNNI", "AVXVNNIINT16", "AVXVNNIINT8", "BHI_CTRL", "BMI1", "BMI2",
		"CETIBT", "CETSS", "CLDEMOTE", "CLMUL", "CLZERO", "CMOV", "CMPCCXADD", "CMPSB_SCADBS_SHORT", "CMPXCHG8", "CPBOOST",
		"CPPC", "CX16", "EFER_LMSLE_UNS", "ENQCMD", "ERMS", "F16C", "FLUSH_L1D", "FMA3", "FMA4", "FP128", "FP256", "FRED",
		"FSRM", "FXSR", "FXSROPT", "GFNI", "HLE", "HRESET", "HTT", "HWA", "HYBRID_CPU", "HYPERVISOR", "IA32_ARCH_CAP",
		"IA32_CORE_CAP", "IBPB", "IBPB_BRTYPE", "IBRS", "IBRS_PREFERRED", "IBRS_PROVIDES_SMP", "IBS", "IBSBRNTRGT",
		"IBSFETCHSAM", "IBSFFV", "IBSOPCNT", "IBSOPCNTEXT", "IBSOPSAM", "IBSRDWROPCNT", "IBSRIPINVALIDCHK",
		"IBS_FETCH_CTLX", "IBS_OPDATA4", "IBS_OPFUSE", "IBS_PREVENTHOST", "IBS_ZEN4", "IDPRED_CTRL", "INT_WBINVD",
		"INVLPGB", "KEYLOCKER", "KEYLOCKERW", "LAHF", "LAM", "LBRVIRT", "LZCNT", "MCAOVERFLOW", "MCDT_NO", "MCOMMIT",
		"MD_CLEAR", "MMX", "MMXEXT", "MOVBE", "MOVDIR64B", "MOVDIRI", "MOVSB_ZL", "MOVU", "MPX", "MSRIRC", "MSRLIST",
		"MSR_PAGEFLUSH", "NRIPS", "NX", "OSXSAVE", "PCONFIG", "PMU_FIXEDCOUNTER_CYCLES", "PMU_FIXEDCOUNTER_INSTRUCTIONS",
		"PMU_FIXEDCOUNTER_REFCYCLES", "PMU_FIXEDCOUNTER_TOPDOWN_SLOTS", "POPCNT", "PPIN", "PREFETCHI", "PSFD", "RDPRU",
		"RDRAND", "RDSEED", "RDTSCP", "RRSBA_CTRL", "RTM", "RTM_ALWAYS_ABORT", "SBPB", "SERIALIZE", "SEV", "SEV_64BIT",
		"SEV_ALTERNATIVE", "SEV_DEBUGSWAP", "SEV_ES", "SEV_RESTRICTED", "SEV_SNP", "SGX", "SGXLC", "SGXPQC", "SHA",
		"SM3_X86", "SM4_X86", "SME", "SME_COHERENT", "SPEC_CTRL_SSBD", "SRBDS_CTRL", "SRSO_MSR_FIX", "SRSO_NO",
		"SRSO_USER_KERNEL_NO", "SSE", "SSE2", "SSE3", "SSE4", "SSE42", "SSE4A", "SSSE3", "STIBP", "STIBP_ALWAYSON",
		"STOSB_SHORT", "SUCCOR", "SVM", "SVMDA", "SVMFBASID", "SVML", "SVMNP", "SVMPF", "SVMPFT", "SYSCALL", "SYSEE", "TBM",
		"TDX_GUEST", "TLB_FLUSH_NESTED", "TME", "TOPEXT", "TSA_L1_NO", "TSA_SQ_NO", "TSA_VERW_CLEAR", "TSCRATEMSR",
		"TSXLDTRK", "VAES", "VMCBCLEAN", "VMPL", "VMSA_REGPROT", "VMX", "VPCLMULQDQ", "VTE", "WAITPKG", "WBNOINVD",
		"WRMSRNS", "X86_64_V1", "X86_64_V2", "X86_64_V3", "X86_64_V4", "X87", "XGETBV1", "XOP", "XSAVE", "XSAVEC",
		"XSAVEOPT", "XSAVES",
	}
	// arm64Flags are those of source/cpu/cpuid_linux_arm64.go.
	arm64Flags = []string{
		"AES", "AFP", "ASIMD", "ASIMDDP", "ASIMDFHM", "ASIMDHP", "ASIMDRDM", "ATOMICS", "BF16", "BTI", "CPUID", "CRC32",
		"DCPODP", "DCPOP", "DGH", "DIT", "EBF16", "ECV", "EVTSTRM", "FCMA", "FLAGM", "FLAGM2", "FP", "FPHP", "FRINT",
		"I8MM", "ILRCPC", "JSCVT", "LRCPC", "MTE", "MTE3", "PACA", "PACG", "PMULL", "RNG", "RPRES", "SB", "SHA1", "SHA2",
		"SHA3", "SHA512", "SM3", "SM4", "SME", "SMEB16F32", "SMEF16F32", "SMEF32F32", "SMEF64F64", "SMEFA64", "SMEI16I64",
		"SMEI8I32", "SSBS", "SVE", "SVE2", "SVEAES", "SVEBF16", "SVEBITPERM", "SVEEBF16", "SVEF32MM", "SVEF64MM", "SVEI8MM",
		"SVEPMULL", "SVESHA3", "SVESM4", "USCAT", "WFXT",
	}
	// otherFlags are those of arm, ppc64le and s390x, of the files beside it.
	otherFlags = []string{
		"26BIT", "4xxMAC", "AES", "ALTIVEC", "ARCHPMU", "ARCH_2_05", "ARCH_2_06", "ARCH_2_07", "ARCH_3_00", "ARCH_3_1",
		"BOOKE", "CELLBE", "CRC32", "CRUNCH", "DARN", "DFLT", "DFP", "DSCR", "EBB", "EDAT", "EDSP", "EFPDOUBLE", "EFPFLOAT",
		"EIMM", "ESAN3", "ETF3EH", "EVTSTRM", "FASTMUL", "FPA", "FPU", "GS", "HALF", "HIGHGPRS", "HTM", "HTM-NO-SUSPEND",
		"HTM-NOSC", "IC_SNOOP", "IDIVA", "IDIVT", "IEEE128", "ISEL", "IWMMXT", "JAVA", "LDISP", "LPAE", "MMA", "MMU", "MSA",
		"NEON", "NNPA", "NOTB", "PA6T", "PCIMIO", "PMULL", "POWER4", "POWER5", "POWER5+", "POWER6X", "PPC32", "PPC601",
		"PPC64", "PPCLE", "SCV", "SHA1", "SHA2", "SIE", "SMT", "SORT", "SPE", "STFLE", "SWP", "TAR", "TE", "THUMB",
		"THUMBEE", "TLS", "TRUE_LE", "UCACHE", "VCRYPTO", "VFP", "VFPD32", "VFPv3", "VFPv3D16", "VFPv4", "VSX", "VX", "VXD",
		"VXE", "VXE2", "VXP", "VXP2", "ZARCH",
	}
)

// HasCPUFlag reports whether NFD publishes the flag in cpu.cpuid on some architecture.
func HasCPUFlag(name string) bool {
	for _, flags := range [][]string{amd64Flags, arm64Flags, otherFlags} {
		if _, ok := slices.BinarySearch(flags, name); ok {
			return true
		}
	}
	return false
}

// CPUFlags returns the names of all flags, those of amd64 first.
func CPUFlags() []string { return slices.Concat(amd64Flags, arm64Flags, otherFlags) }
