package nodefeatures

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	nfdsource "sigs.k8s.io/node-feature-discovery/source"
	"sigs.k8s.io/node-feature-discovery/source/kernel"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// Files that NFD reads from the running machine, whatever the root.
const (
	modulesFile    = "/proc/modules"
	osReleaseFile  = "/proc/sys/kernel/osrelease"
	configGzipFile = "/proc/config.gz"
)

func unreadVersion(_ host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, catalogue.KernelVersion) {
		return nil
	}
	return whole(tryOpen(osReleaseFile))
}

// unreadConfig: NFD takes the first kernel configuration that it can read of a
// dozen places. If there is none, one that may not be read is the reason, else
// that none exists.
func unreadConfig(h host, f *nfdv1alpha1.Features) *Unreadable {
	if h.withoutConfig {
		return &Unreadable{Reason: verdict.Reason{Code: ReasonSourceNotRun, Message: "the kernel's configuration was not asked for"}}
	}
	if publishes(f, catalogue.KernelConfig) {
		return nil
	}
	release, err := os.ReadFile(osReleaseFile)
	if err != nil {
		return whole(tryOpen(osReleaseFile))
	}
	boot := h.path("boot", "config-"+strings.TrimSpace(string(release)))
	for _, path := range []string{configGzipFile, boot} {
		if reason := refused(path); reason != nil {
			return whole(reason)
		}
	}
	return &Unreadable{Reason: verdict.Reason{
		Code:    ReasonFileMissing,
		Message: "no kernel configuration: neither " + configGzipFile + " nor " + boot + " exists or can be read",
	}}
}

// needsKernelConfig says whether a feature that is asked for needs the kernel's
// configuration; nil asks for all. Unpacking it is a third of all detection.
func needsKernelConfig(features []string) bool {
	return features == nil || slices.ContainsFunc(features, func(name string) bool {
		return strings.EqualFold(name, catalogue.KernelConfig) || strings.EqualFold(name, catalogue.LoadedModule) // for its hint
	})
}

// configureKernel tells NFD's kernel source where to look for the kernel's
// configuration: everywhere, or in an empty file.
func configureKernel(h host) {
	config := &kernel.Config{}
	if h.withoutConfig {
		config.KconfigFile = os.DevNull
	}
	nfdsource.GetConfigurableSource(kernel.Name).SetConfig(config)
}

func unreadLoadedModules(_ host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, catalogue.LoadedModule) {
		return nil
	}
	reason := tryOpen(modulesFile)
	if reason != nil && withoutModules(f) {
		reason.Hint = "this kernel is built without loadable modules; what is built in is in kernel.enabledmodule and kernel.config"
	}
	return whole(reason)
}

// withoutModules says whether the kernel's configuration has no loadable modules.
func withoutModules(f *nfdv1alpha1.Features) bool {
	config, ok := f.Attributes[catalogue.KernelConfig]
	return ok && len(config.Elements) > 0 && config.Elements["MODULES"] == ""
}

// unreadEnabledModules: NFD publishes nothing without modules.builtin, and only the
// built-in modules without /proc/modules.
func unreadEnabledModules(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, catalogue.EnabledModule) {
		if publishes(f, catalogue.LoadedModule) {
			return nil
		}
		return part(tryOpen(modulesFile))
	}
	release, err := os.ReadFile(osReleaseFile)
	if err != nil {
		return whole(tryOpen(osReleaseFile))
	}
	reason := tryOpen(h.path("lib/modules", strings.TrimSpace(string(release)), "modules.builtin"))
	if reason != nil && reason.Code == ReasonFileMissing {
		reason.Hint = "in a container, mount the host's /lib/modules"
	}
	return whole(reason)
}

// unreadSELinux: the kernel makes the directory when SELinux is enabled; the file
// in it needs selinuxfs to be mounted as well, which it is not in most
// containers, and NFD takes its absence for a no
// (https://elixir.bootlin.com/linux/v6.12/source/security/selinux/selinuxfs.c).
func unreadSELinux(h host, f *nfdv1alpha1.Features) *Unreadable {
	dir := h.sys("fs/selinux")
	enforce := filepath.Join(dir, "enforce")
	if !publishes(f, "kernel.selinux") {
		return whole(firstUnreadable(h.sys("fs"), enforce))
	}
	if exists(dir) {
		return whole(tryOpen(enforce))
	}
	return nil
}

func unreadKVM(h host, f *nfdv1alpha1.Features) *Unreadable {
	if !publishes(f, "kernel.kvm") {
		return whole(tryOpen(h.sys("devices/virtual/misc/kvm")))
	}
	return whole(tryOpen(h.sys("devices/virtual")))
}
