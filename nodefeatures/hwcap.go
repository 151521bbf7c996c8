package nodefeatures

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"strings"
)

// The auxiliary vector's entries that hold an arm64 CPU's capabilities
// (https://www.kernel.org/doc/html/latest/arch/arm64/elf_hwcaps.html).
const (
	auxHWCAP  = 16
	auxHWCAP2 = 26
	auxEntry  = 16 // bytes: a type and a value, 64 bits each
)

// NFD's names of the capabilities, from bit 0 on: those of the kernel's
// asm/hwcap.h, without the underscores.
const (
	hwcapNames = "FP ASIMD EVTSTRM AES PMULL SHA1 SHA2 CRC32 ATOMICS FPHP ASIMDHP CPUID ASIMDRDM JSCVT FCMA LRCPC DCPOP " +
		"SHA3 SM3 SM4 ASIMDDP SHA512 SVE ASIMDFHM DIT USCAT ILRCPC FLAGM SSBS SB PACA PACG"
	hwcap2Names = "DCPODP SVE2 SVEAES SVEPMULL SVEBITPERM SVESHA3 SVESM4 FLAGM2 FRINT SVEI8MM SVEF32MM SVEF64MM SVEBF16 " +
		"I8MM BF16 DGH RNG BTI MTE ECV AFP RPRES MTE3 SME SMEI16I64 SMEF64F64 SMEI8I32 SMEF16F32 SMEB16F32 SMEF32F32 " +
		"SMEFA64 WFXT EBF16 SVEEBF16"
)

var errNoHWCAP = errors.New("the auxiliary vector has no AT_HWCAP")

// arm64Flags are the CPU flags that NFD publishes for an auxiliary vector, as
// in /proc/self/auxv.
func arm64Flags(auxv []byte) ([]string, error) {
	var flags []string
	found := false
	for ; len(auxv) >= auxEntry; auxv = auxv[auxEntry:] {
		value := binary.LittleEndian.Uint64(auxv[8:])
		switch binary.LittleEndian.Uint64(auxv) {
		case auxHWCAP:
			found = true
			flags = append(flags, namedBits(value, hwcapNames)...)
		case auxHWCAP2:
			flags = append(flags, namedBits(value, hwcap2Names)...)
		}
	}
	if !found {
		return nil, errNoHWCAP
	}
	return flags, nil
}

func namedBits(value uint64, names string) []string {
	var set []string
	for bit, name := range strings.Fields(names) {
		if value&(1<<bit) != 0 {
			set = append(set, name)
		}
	}
	return set
}

// topology counts sockets and threads as NFD does; nothing if it cannot read
// one CPU.
func topology(h host) map[string]string {
	cpus, err := os.ReadDir(h.sys(cpusDir))
	if err != nil {
		return nil
	}
	threads := false
	sockets := map[string]bool{}
	for _, cpu := range cpus {
		found, err := readAttributes(h.sys(cpusDir, cpu.Name(), "topology"), []string{"thread_siblings_list", "physical_package_id"})
		if err != nil {
			return nil
		}
		threads = threads || strings.ContainsAny(found["thread_siblings_list"], ",-")
		sockets[found["physical_package_id"]] = true
	}
	return map[string]string{
		"hardware_multithreading": strconv.FormatBool(threads),
		"socket_count":            strconv.Itoa(len(sockets)),
	}
}
