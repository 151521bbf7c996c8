package nodefeatures

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdsource "sigs.k8s.io/node-feature-discovery/source"
)

func discovered(t *testing.T, o Options) *Snapshot {
	t.Helper()
	s, err := Discover(t.Context(), o)
	must(t, err)
	return s
}

// TestGaps puts each way in which a feature can be unreadable, or legitimately
// empty, into a file tree.
func TestGaps(t *testing.T) {
	cpus := map[string]string{
		"sys/devices/system/cpu/": "", "sys/bus/cpu/devices/cpu0/topology/thread_siblings_list": "0\n",
		"sys/bus/cpu/devices/cpu0/topology/physical_package_id": "0\n",
	}
	idle := map[string]string{"sys/devices/system/cpu/cpuidle/current_driver": "intel_idle\n"}
	pstate := map[string]string{"sys/devices/system/cpu/intel_pstate/status": "active\n"}
	dimm := map[string]string{"sys/bus/nd/devices/nmem0/devtype": "nvdimm\n"}
	gpu, bridge := pciFiles("0000:01:00.0", "0302", "10de", "1234"), pciFiles("0000:00:00.0", "0600", "8086", "0d57")
	halfGPU := maps.Clone(gpu)
	delete(halfGPU, "sys/bus/pci/devices/0000:01:00.0/subsystem_device")
	usb := "sys/bus/usb/devices/1-1/"
	hub := map[string]string{usb + "idProduct": "0001\n", usb + "idVendor": "1d6b\n", usb + "bDeviceClass": "09\n"}
	composite := map[string]string{
		usb + "idProduct": "0001\n", usb + "bDeviceClass": "00\n",
		usb + "1-1:1.0/bInterfaceClass": "0e\n", usb + "1-1:1.1/bInterfaceClass/": "",
	}

	tests := []struct {
		name, feature string
		files         map[string]string
		want          string
		amd64         bool
	}{
		{"no sysfs", "cpu.topology", nil, ReasonFileMissing, false},
		{"one CPU", "cpu.topology", cpus, "", false},
		{"a CPU without its package", "cpu.topology", map[string]string{
			"sys/bus/cpu/devices/cpu0/topology/thread_siblings_list": "0\n",
		}, ReasonFileMissing, false},
		{"no CPU", "cpu.topology", map[string]string{"sys/bus/cpu/devices/": ""}, ReasonSourceFailed, false},
		{"no sysfs", "cpu.cstate", nil, ReasonFileMissing, true},
		{"no cpuidle", "cpu.cstate", cpus, "", true},
		{"intel_idle without its parameter", "cpu.cstate", with(cpus, idle), ReasonFileMissing, true},
		{"no sysfs", "cpu.pstate", nil, ReasonFileMissing, true},
		{"no intel_pstate", "cpu.pstate", cpus, "", true},
		{"intel_pstate without status", "cpu.pstate", with(cpus, map[string]string{"sys/devices/system/cpu/intel_pstate/": ""}), ReasonFileMissing, true},
		{"no_turbo missing", "cpu.pstate", with(cpus, pstate), "partial " + ReasonFileMissing, true},
		{"coprocessor", "cpu.coprocessor", cpus, ReasonNotThisArchitecture, true},

		{"no sysfs", "kernel.selinux", nil, ReasonFileMissing, false},
		{"no SELinux", "kernel.selinux", map[string]string{"sys/fs/": ""}, "", false},
		{"selinuxfs not mounted", "kernel.selinux", map[string]string{"sys/fs/selinux/": ""}, ReasonFileMissing, false},
		{"SELinux", "kernel.selinux", map[string]string{"sys/fs/selinux/enforce": "1"}, "", false},
		{"an empty file, on which NFD's source panics", "kernel.selinux", map[string]string{"sys/fs/selinux/enforce": ""}, ReasonSourceFailed, false},
		{"no sysfs", "kernel.kvm", nil, ReasonFileMissing, false},
		{"no KVM", "kernel.kvm", map[string]string{"sys/devices/virtual/": ""}, "", false},
		{"KVM", "kernel.kvm", map[string]string{"sys/devices/virtual/misc/kvm/": ""}, "", false},

		{"no procfs", "memory.swap", nil, ReasonFileMissing, false},
		{"no swap", "memory.swap", map[string]string{"proc/swaps": "Filename Type Size\n"}, "", false},
		{"no sysfs", "memory.numa", nil, ReasonFileMissing, false},
		{"no sysfs", "memory.hugepages", nil, ReasonFileMissing, false},
		{"no huge pages", "memory.hugepages", map[string]string{"sys/kernel/": ""}, "", false},
		{"a size without count", "memory.hugepages", map[string]string{"sys/kernel/mm/hugepages/hugepages-2048kB/": ""}, ReasonFileMissing, false},
		{"no sysfs", "memory.nv", nil, ReasonFileMissing, false},
		{"no NVDIMM", "memory.nv", map[string]string{"sys/bus/": ""}, "", false},
		{"an NVDIMM", "memory.nv", dimm, "", false},

		{"no sysfs", "network.device", nil, ReasonFileMissing, false},
		{"no sysfs", "network.virtual", nil, ReasonFileMissing, false},
		{"no interface", "network.virtual", map[string]string{"sys/class/net/": ""}, "", false},
		{"no sysfs", "storage.block", nil, ReasonFileMissing, false},
		{"no disk", "storage.block", map[string]string{"sys/block/": ""}, "", false},

		{"no PCI bus", "pci.device", map[string]string{"sys/bus/": ""}, ReasonFileMissing, false},
		{"no PCI device", "pci.device", map[string]string{"sys/bus/pci/devices/": ""}, "", false},
		{"two PCI devices", "pci.device", with(gpu, bridge), "", false},
		{"one of them half readable", "pci.device", with(halfGPU, bridge), "partial " + ReasonFileMissing, false},
		{"no sysfs", "usb.device", nil, ReasonFileMissing, false},
		{"no USB", "usb.device", map[string]string{"sys/bus/": ""}, "", false},
		{"a USB device", "usb.device", hub, "", false},
		{"an interface that cannot be read", "usb.device", composite, "partial " + ReasonSourceFailed, false},

		{"no etc", "system.osrelease", nil, ReasonFileMissing, false},
		{"os-release", "system.osrelease", map[string]string{"etc/os-release": "ID=debian\n"}, "", false},
		{"a relative link", "system.osrelease", map[string]string{
			"etc/os-release": "->../usr/lib/os-release", "usr/lib/os-release": "ID=debian\n",
		}, "", false},
		{"a link out of the root", "system.osrelease", map[string]string{"etc/os-release": "->/etc/os-release"}, ReasonOtherSystem, false},
		{"a directory", "system.osrelease", map[string]string{"etc/os-release/": ""}, ReasonSourceFailed, false},
		{"no DMI", "system.dmiid", nil, ReasonFileMissing, false},
		{"DMI", "system.dmiid", map[string]string{"sys/devices/virtual/dmi/id/sys_vendor": "QEMU\n"}, "", false},
		{"an attribute that cannot be read", "system.dmiid", map[string]string{
			"sys/devices/virtual/dmi/id/sys_vendor": "QEMU\n", "sys/devices/virtual/dmi/id/bios_date": "->bios_date",
		}, "partial " + ReasonSourceFailed, false},
		{"no name", "system.name", nil, ReasonNodeNameNotSet, false},
	}
	for _, tt := range tests {
		t.Run(tt.feature+"/"+tt.name, func(t *testing.T) {
			if tt.amd64 && runtime.GOARCH != "amd64" {
				t.Skip("NFD detects it on amd64")
			}
			s := discovered(t, Options{Features: []string{strings.ToUpper(tt.feature)}, Root: tree(t, tt.files)})
			if got := code(s, tt.feature); got != tt.want {
				t.Errorf("got %q, want %q: %+v", got, tt.want, find(s, tt.feature))
			}
			has := slices.Contains(featureNames(s), tt.feature)
			if readable := tt.want == "" || strings.HasPrefix(tt.want, "partial"); has != readable {
				t.Errorf("among the features: %v", has)
			}
		})
	}
}

func featureNames(s *Snapshot) []string {
	names := slices.Collect(maps.Keys(s.Features.Flags))
	names = slices.AppendSeq(names, maps.Keys(s.Features.Attributes))
	return slices.AppendSeq(names, maps.Keys(s.Features.Instances))
}

// TestOtherRoot: what NFD reads from the running machine is right below the root
// of the same machine, and unreadable below that of another.
func TestOtherRoot(t *testing.T) {
	bootID, err := os.ReadFile("/" + bootIDFile)
	must(t, err)
	release, err := os.ReadFile("/" + releaseFile)
	must(t, err)
	running := []string{"cpu.cpuid", "cpu.model", "kernel.version"}

	same := discovered(t, Options{Root: tree(t, map[string]string{bootIDFile: string(bootID), releaseFile: string(release)})})
	for _, name := range running {
		if got := code(same, name); got != "" {
			t.Errorf("%s on the same machine: %s", name, got)
		}
	}
	want := Node{OS: runtime.GOOS, Architecture: runtime.GOARCH, Kernel: strings.TrimSpace(string(release))}
	if diff := cmp.Diff(want, same.Node); diff != "" {
		t.Error(diff)
	}

	other := discovered(t, Options{Name: "b", Root: tree(t, map[string]string{bootIDFile: "another\n", releaseFile: "5.4.0\n"})})
	for _, name := range append(running, "kernel.config", "kernel.loadedmodule", "kernel.enabledmodule", "cpu.rdt", "cpu.security") {
		if got := code(other, name); got != ReasonOtherSystem && got != ReasonNotThisArchitecture {
			t.Errorf("%s on another machine: %q", name, got)
		}
		if slices.Contains(featureNames(other), name) {
			t.Errorf("%s of this machine is among another's features", name)
		}
	}
	if diff := cmp.Diff(Node{Name: "b", Kernel: "5.4.0"}, other.Node); diff != "" {
		t.Error(diff)
	}
	if got := status(other, "kernel"); got != SourceFailed {
		t.Errorf("kernel is %s", got)
	}
}

// TestNeededSources: only the sources that publish what is asked for are run.
func TestNeededSources(t *testing.T) {
	tests := []struct {
		features []string
		run      []string
	}{
		{nil, []string{"cpu", "kernel", "local", "memory", "network", "pci", "storage", "system", "usb"}},
		{[]string{}, nil},
		{[]string{"vendor.feature", "rule.matched"}, nil},
		{[]string{"Kernel.LoadedModule", "PCI.device"}, []string{"kernel", "pci"}},
	}
	for _, tt := range tests {
		s := discovered(t, Options{Features: tt.features})
		var run []string
		for _, source := range s.Sources {
			if source.Status != SourceNotRun {
				run = append(run, source.Name)
			}
		}
		if diff := cmp.Diff(tt.run, run); diff != "" {
			t.Errorf("%v: %s", tt.features, diff)
		}
		for _, name := range featureNames(s) {
			if source, _, _ := strings.Cut(name, "."); !slices.Contains(run, source) {
				t.Errorf("%v: %s is among the features", tt.features, name)
			}
		}
	}
}

// TestDiscoverTwice: NFD's sources are singletons, so that one call could leak
// into another; also when they overlap.
func TestDiscoverTwice(t *testing.T) {
	root := tree(t, pciFiles("0000:01:00.0", "0302", "10de", "1234"))
	here := discovered(t, Options{Features: []string{"pci.device"}})
	there := discovered(t, Options{Features: []string{"pci.device"}, Root: root})
	if got := there.Addresses["pci.device"]; len(got) != 1 || got[0] != "0000:01:00.0" {
		t.Errorf("addresses %v", got)
	}
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if diff := cmp.Diff(there, discovered(t, Options{Features: []string{"pci.device"}, Root: root})); diff != "" {
				t.Error(diff)
			}
		})
		calls.Go(func() {
			if diff := cmp.Diff(here, discovered(t, Options{Features: []string{"pci.device"}})); diff != "" {
				t.Error(diff)
			}
		})
		calls.Go(func() {
			if _, err := here.Match(t.Context(), benchmarkRules(40)); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestAddresses(t *testing.T) {
	usb := "sys/bus/usb/devices/"
	s := discovered(t, Options{Root: tree(t, with(
		pciFiles("0000:00:02.0", "0200", "1af4", "1041"), pciFiles("0000:00:01.0", "0200", "1af4", "1041"),
		map[string]string{
			usb + "1-1/idProduct": "0002\n", usb + "1-1/bDeviceClass": "09\n",
			usb + "1-2/idProduct": "0003\n", usb + "1-2/bDeviceClass": "00\n",
			usb + "1-2/1-2:1.0/bInterfaceClass": "0e\n", usb + "1-2/1-2:1.1/bInterfaceClass": "01\n",
			"sys/class/net/eth0/operstate": "up\n", "sys/class/net/eth0/device": "->../../../bus/pci/devices/0000:00:01.0",
		},
	))})
	want := map[string][]string{
		"pci.device": {"0000:00:01.0", "0000:00:02.0"}, "usb.device": {"1-1", "1-2:1.0", "1-2:1.1"}, "network.device": {"0000:00:01.0"},
	}
	if diff := cmp.Diff(want, s.Addresses); diff != "" {
		t.Error(diff)
	}
}

// TestSilence: NFD logs a good deal about a machine like this one; nothing of
// that reaches the screen, and all of it the logger that is given.
func TestSilence(t *testing.T) {
	stderr := os.Stderr
	read, write, err := os.Pipe()
	must(t, err)
	os.Stderr = write
	t.Cleanup(func() { os.Stderr = stderr })
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	root := t.TempDir()
	discovered(t, Options{Root: root})
	discovered(t, Options{Root: root, Logger: logger})
	must(t, write.Close())
	screen, err := io.ReadAll(read)
	must(t, err)
	if len(screen) > 0 {
		t.Errorf("on the screen:\n%s", screen)
	}
	if got := log.String(); !strings.Contains(got, "level=DEBUG") || strings.Contains(got, "level=ERROR") || !strings.Contains(got, "sys") {
		t.Errorf("in the log:\n%s", got)
	}
}

func TestDiscoverCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Discover(ctx, Options{}); !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}

// TestSnapshotJSON: the same facts give the same bytes, without nulls, and they
// are read back as they were.
func TestSnapshotJSON(t *testing.T) {
	s := discovered(t, Options{Name: "n", Tool: "compat"})
	one, err := json.Marshal(s)
	must(t, err)
	if bytes.Contains(one, []byte("null")) {
		t.Errorf("there is a null in %s", one)
	}
	again, err := load(one)
	must(t, err)
	two, err := json.Marshal(again[0])
	must(t, err)
	if diff := cmp.Diff(string(one), string(two)); diff != "" {
		t.Error(diff)
	}
}

// TestKnownFeatures: the catalogue has exactly NFD's sources, and whatever they publish
// here.
func TestKnownFeatures(t *testing.T) {
	known := KnownFeatures()
	var names []string
	for _, source := range sources() {
		names = append(names, source.name)
	}
	registered := slices.Sorted(maps.Keys(nfdsource.GetAllFeatureSources()))
	if runtime.GOARCH == "arm64" {
		registered = slices.Sorted(slices.Values(append(registered, cpuSource)))
	}
	if diff := cmp.Diff(registered, names); diff != "" {
		t.Error(diff)
	}
	for name, source := range nfdsource.GetAllFeatureSources() {
		f, err := detect(name)
		if err != nil {
			t.Logf("%s: %v", source.Name(), err)
		}
		for _, feature := range slices.Concat(slices.Collect(maps.Keys(f.Flags)), slices.Collect(maps.Keys(f.Attributes)), slices.Collect(maps.Keys(f.Instances))) {
			if !slices.Contains(known, feature) {
				t.Errorf("NFD publishes %s", feature)
			}
		}
	}
}
