package nodefeatures

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// Where the features of the CPU are read.
const (
	cpusDir     = "bus/cpu/devices"
	cpuidleDir  = "devices/system/cpu/cpuidle"
	pstateDir   = "devices/system/cpu/intel_pstate"
	cpufreqDir  = "devices/system/cpu/cpufreq"
	resctrlRoot = "/sys/fs/resctrl"
)

// unreadCPUID: every machine has some flag, so no flag at all means that nothing
// was read.
func unreadCPUID(_ host, f *nfdv1alpha1.Features) *Unreadable {
	if len(f.Flags[catalogue.CPUID].Elements) > 0 {
		return nil
	}
	return &Unreadable{Reason: verdict.Reason{Code: ReasonSourceFailed, Message: "no CPU flag was found"}}
}

func unreadCState(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, "cpu.cstate") {
		return nil
	}
	return whole(firstUnreadable(
		h.sys("devices/system/cpu"),
		h.sys(cpuidleDir, "current_driver"),
		h.sys("module/intel_idle/parameters/max_cstate"),
	))
}

// unreadPState: NFD publishes an empty set both when intel_pstate is not in use
// and when it could not be read.
func unreadPState(h host, f *nfdv1alpha1.Features) *Unreadable {
	if reason := tryOpen(h.sys("devices/system/cpu")); reason != nil {
		return whole(reason)
	}
	if !exists(h.sys(pstateDir)) {
		return nil
	}
	found := f.Attributes["cpu.pstate"].Elements
	if found["status"] == "" {
		return whole(tryOpen(h.sys(pstateDir, "status")))
	}
	if found["turbo"] == "" {
		return part(tryOpen(h.sys(pstateDir, "no_turbo")))
	}
	if found["status"] == "active" && found["scaling_governor"] == "" {
		return part(governorReason(h))
	}
	return nil
}

// governorReason looks for a frequency policy that could not be read. Without
// one, the policies have different governors and NFD names none.
func governorReason(h host) *verdict.Reason {
	policies, err := os.ReadDir(h.sys(cpufreqDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		reason := reasonFor(h.sys(cpufreqDir), err)
		return &reason
	}
	for _, policy := range policies {
		dir := h.sys(cpufreqDir, policy.Name())
		if reason := firstUnreadable(filepath.Join(dir, "affected_cpus"), filepath.Join(dir, "scaling_governor")); reason != nil {
			return reason
		}
	}
	return nil
}

// unreadRDT: the flags are CPUID's; the number of classes comes from resctrl, if
// that is mounted.
func unreadRDT(_ host, f *nfdv1alpha1.Features) *Unreadable {
	found := f.Attributes["cpu.rdt"].Elements
	if found["RDTL3CA"] == "" || found["RDTL3CA_NUM_CLOSID"] != "" {
		return nil
	}
	reason := tryOpen(resctrlRoot + "/info/L3/num_closids")
	if reason != nil && reason.Code == ReasonFileMissing {
		reason.Hint = "mount resctrl at " + resctrlRoot
	}
	return part(reason)
}

// unreadSecurity: a parameter of KVM that does not exist is a feature that is not
// enabled, but only where sysfs can be seen at all.
func unreadSecurity(h host, f *nfdv1alpha1.Features) *Unreadable {
	if reason := tryOpen(h.sys("module")); reason != nil {
		return part(reason)
	}
	for _, parameter := range []string{
		"kvm_intel/parameters/tdx", "kvm_amd/parameters/sev", "kvm_amd/parameters/sev_es", "kvm_amd/parameters/sev_snp",
	} {
		dir, file := filepath.Split(parameter)
		if reason := refused(h.sys("module", dir, file)); reason != nil {
			return part(reason)
		}
	}
	found := f.Attributes["cpu.security"].Elements
	for enabled, capacity := range map[string]string{
		"tdx.enabled": "tdx.total_keys", "sev.enabled": "sev.asids", "sev.es.enabled": "sev.encrypted_state_ids",
	} {
		if found[enabled] != "" && found[capacity] == "" {
			return part(tryOpen(h.sys("fs/cgroup/misc.capacity")))
		}
	}
	return nil
}

// unreadSST: NFD publishes an empty set both when SST-BF is not in use and when it
// could not tell.
func unreadSST(h host, _ *nfdv1alpha1.Features) *Unreadable {
	cpus, err := os.ReadDir(h.sys(cpusDir))
	if err != nil {
		return &Unreadable{Reason: reasonFor(h.sys(cpusDir), err)}
	}
	for _, cpu := range cpus {
		path := h.sys(cpusDir, cpu.Name(), "cpufreq/base_frequency")
		if !exists(path) {
			continue
		}
		if reason := tryOpen(path); reason != nil {
			return whole(reason)
		}
		if nominalFrequency() == 0 {
			return &Unreadable{Reason: verdict.Reason{
				Code: ReasonSourceFailed, Message: "the CPU does not tell its nominal frequency, with which " + path + " is compared",
			}}
		}
	}
	return nil
}

// unreadTopology: NFD publishes an empty set if it fails to read one CPU.
func unreadTopology(h host, f *nfdv1alpha1.Features) *Unreadable {
	sockets := f.Attributes["cpu.topology"].Elements["socket_count"]
	if sockets != "" && sockets != "0" {
		return nil
	}
	cpus, err := os.ReadDir(h.sys(cpusDir))
	if err != nil {
		return &Unreadable{Reason: reasonFor(h.sys(cpusDir), err)}
	}
	var names []string
	for _, cpu := range cpus {
		topology := h.sys(cpusDir, cpu.Name(), "topology")
		names = append(names, cpu.Name())
		reason := firstUnreadable(filepath.Join(topology, "thread_siblings_list"), filepath.Join(topology, "physical_package_id"))
		if reason != nil {
			return whole(reason)
		}
	}
	return &Unreadable{Reason: verdict.Reason{
		Code: ReasonSourceFailed, Message: "no topology was found in " + h.sys(cpusDir) + " [" + strings.Join(names, " ") + "]",
	}}
}
