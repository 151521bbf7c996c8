package compat

import (
	"context"
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// selector says who chooses from an index, as far as that is known before the node was looked at:
// the platform asked for, or the node's runtime and platform. The level of the CPU is not.
func (req NodeRequest) selector(saved *nodefeatures.Snapshot, machine kubelet.NodeMachine) artifact.Selector {
	s := artifact.Selector{Platform: platformFor(req.Platform, saved)}
	runtime, given := req.Runtime, req.Runtime.Rule != ""
	if !given && saved != nil && saved.Node.Runtime != "" {
		machine = kubelet.NodeMachine{Runtime: saved.Node.Runtime} // a Node object that came with it
	}
	if !given {
		runtime, _ = artifact.ParseRuntime(machine.Runtime) //nolint:errcheck // of another one no rule is known
	}
	if req.Platform != nil || runtime.Rule == "" {
		return s
	}
	its := artifact.Platform{OS: machine.OS, Architecture: machine.Architecture}
	if s.Platform.OS == "" && its.OS != "" && its.Architecture != "" {
		s.Platform = its
	}
	other := its.OS != "" && its.OS != s.Platform.OS || its.Architecture != "" && its.Architecture != s.Platform.Architecture
	if s.Platform.OS == "" || other && !given {
		return s // the Node object is of another machine than the one that the images are judged by
	}
	s.Runtime = runtime
	if s.Platform.OS == windows {
		s.Platform.OSVersion = kernelOf(saved, machine)
	}
	return s
}

// nodeMachine is what the Node object that was given says about its machine.
func (req NodeRequest) nodeMachine() kubelet.NodeMachine {
	if req.Kubelet.NodeObject != nil {
		if machine, err := kubelet.ReadNodeMachine(req.Kubelet.NodeObject); err == nil { // else the kubelet's detection says so
			return *machine
		}
	}
	return kubelet.NodeMachine{}
}

const windows = "windows"

// kernelOf is the version of the kernel, on Windows that of the host.
func kernelOf(saved *nodefeatures.Snapshot, machine kubelet.NodeMachine) string {
	if saved != nil && saved.Node.Kernel != "" {
		return saved.Node.Kernel
	}
	return machine.Kernel
}

// looksAtCPU reports whether it matters for a choice which level the CPU has.
func looksAtCPU(s artifact.Selector) bool {
	return s.Runtime.Rule != "" && s.Platform.Architecture == "amd64"
}

// cpuLevel is the level of x86-64 that the node's CPU has, with what is assumed of it; 0 if it is not
// known. facts are the kubelet's: what this host is says nothing about another machine's Node object.
func (req NodeRequest) cpuLevel(ctx context.Context, facts *kubelet.Facts) int {
	if req.Snapshot == nil && sidecar.Judge(facts, nil).OtherMachine() {
		return 0
	}
	snapshot, err := inspect(ctx, req.Snapshot, req.Discovery, []string{catalogue.CPUID})
	if err != nil {
		return 0
	}
	if changed, _, err := req.Changes.apply(snapshot); err == nil {
		snapshot = changed
	}
	return levelOf(snapshot)
}

// levelOf is the highest level of x86-64 among the CPU's flags; 0 if one is not known, or if there is
// none, as with an NFD that does not publish them.
func levelOf(s *nodefeatures.Snapshot) int {
	level := 0
	for n := 1; n <= 4; n++ {
		place, err := s.Lookup(fmt.Sprintf("%s.X86_64_V%d", catalogue.CPUID, n))
		switch {
		case err != nil || place.State == nodefeatures.StateUnknown:
			return 0
		case place.State == nodefeatures.StatePresent:
			level = n
		}
	}
	return level
}

// selectedBy are the subjects as a node with the selector sees them.
func selectedBy(subjects []subject, selector artifact.Selector) []subject {
	list := slices.Clone(subjects)
	for i := range list {
		list[i].wanted = selector
	}
	return list
}

// describeSelection says which manifest the node takes, and why; nil for what is no image, or was
// not read.
func describeSelection(s subject) *report.Selection {
	if s.image == nil {
		return nil
	}
	selection := &report.Selection{Rule: s.wanted.Rule(), Reason: selectionReason(s)}
	if m := s.image.Manifest; m != nil {
		manifest := m.Digest.String()
		selection.Manifest = &manifest
	}
	if s.platform != nil {
		selection.Platform = artifact.FormatPlatform(*s.platform)
	}
	if better := betterManifest(s); better != nil {
		d := better.Digest.String()
		selection.Better = &d
	}
	return selection
}

// betterManifest is the manifest that the node could run, and that suits it better than the one that
// its runtime takes; nil if there is none, or nobody knows.
func betterManifest(s subject) *ocispec.Descriptor {
	if s.wanted.Runtime.Rule == "" || s.image == nil || s.image.Index == nil || len(s.image.Either) > 0 {
		return nil
	}
	return s.image.Better(s.wanted)
}

// selectionReason says in words why a manifest is taken.
func selectionReason(s subject) string {
	machine := artifact.FormatPlatform(s.wanted.Platform)
	switch i := s.image; {
	case i.Index == nil:
		return "the reference is of a manifest and no index: there is nothing to choose"
	case s.platformUnknown():
		return "the node's platform is not known"
	case manifestUnread(s) != nil:
		return manifestUnread(s).Message
	case s.wanted.Runtime.Rule == "" && i.Manifest == nil:
		return "no manifest is for " + machine
	case s.wanted.Runtime.Rule == "":
		return "the best manifest for " + machine + ": no runtime is asked"
	case i.Manifest == nil:
		return runtimeTitle(s) + " takes none of the manifests on a " + machine + " node"
	}
	taken := "a manifest whose platform is not known"
	if s.platform != nil {
		taken = artifact.FormatPlatform(*s.platform)
	}
	text := fmt.Sprintf("%s takes %s on a %s node", runtimeTitle(s), taken, machine)
	if better := betterManifest(s); better != nil {
		text += "; the node could run " + artifact.FormatPlatform(artifact.NormalizePlatform(*better.Platform)) + ", which has to be named by its digest"
	}
	return text
}

// runtimeTitle names the node's runtime: "containerd 2.1.4".
func runtimeTitle(s subject) string {
	return s.wanted.Runtime.Name() + " " + s.wanted.Runtime.Version
}

// noManifest says that the image has no manifest for the node.
func noManifest(s subject) *verdict.Reason {
	reason := verdict.Reason{
		Code:    report.CodePlatformNotFound,
		Message: "the image has no manifest for " + artifact.FormatPlatform(s.wanted.Platform),
		Hint:    "its index lists no image at all",
	}
	if len(s.image.Available) > 0 {
		reason.Hint = "it has " + joinPlatforms(s.image.Available)
	}
	if s.wanted.Runtime.Rule == "" {
		return &reason
	}
	reason.Code = report.CodeNoManifestForRuntime
	reason.Message = fmt.Sprintf("%s finds no manifest in the image's index that it takes on a %s node", runtimeTitle(s), artifact.FormatPlatform(s.wanted.Platform))
	if better := betterManifest(s); better != nil {
		reason.Hint += fmt.Sprintf("; the node could run %s, if it is named by its digest: %s",
			artifact.FormatPlatform(artifact.NormalizePlatform(*better.Platform)), better.Digest)
	}
	return &reason
}

// manifestUndecided says that it is not known which manifest the node's runtime takes. Nil where it is.
func manifestUndecided(s subject) *verdict.Reason {
	if s.image == nil || len(s.image.Either) == 0 {
		return nil
	}
	names := make([]string, len(s.image.Either))
	for i, d := range s.image.Either {
		if names[i] = "none"; d != nil {
			names[i] = artifact.FormatPlatform(artifact.NormalizePlatform(*d.Platform))
		}
	}
	reason := &verdict.Reason{
		Code:    report.CodeManifestUnknown,
		Message: fmt.Sprintf("which manifest %s takes is not known: %s", runtimeTitle(s), strings.Join(names, " or ")),
		Hint:    "tell the runtime's version with --runtime, or the manifest's platform with --platform",
	}
	if s.wanted.LevelDecides() && s.wanted.Level == 0 {
		reason.Message += ", by the level of the CPU"
		reason.Hint = "judge a saved node with --features, or tell the manifest's platform with --platform"
	}
	return reason
}

// takesFallback reports whether the runtime chose 32-bit programs for a 64-bit node.
func takesFallback(s subject) bool {
	if s.image == nil || s.image.Index == nil || s.wanted.Runtime.Rule == "" || s.platform == nil || s.platform.OS != s.wanted.Platform.OS {
		return false
	}
	return runs32Bit(s.wanted.Platform.Architecture, s.platform.Architecture)
}

func runs32Bit(machine, program string) bool {
	return machine == "amd64" && program == "386" || machine == "arm64" && program == "arm"
}

// selectionWarnings are what will happen with an image on its node, beside what decides.
func (e evidence) selectionWarnings(s subject) []verdict.Reason {
	var warnings []verdict.Reason
	if s.image == nil || s.platform == nil {
		return nil
	}
	its, machine := artifact.FormatPlatform(*s.platform), artifact.FormatPlatform(s.wanted.Platform)
	warn := func(code, message, hint string) {
		warnings = append(warnings, verdict.Reason{Code: code, Message: s.reference + ": " + message, Hint: hint})
	}
	if host := e.windowsHost(); s.platform.OS == windows && artifact.WindowsBuildsDiffer(host, s.platform.OSVersion) {
		warn(report.CodeWindowsBuild, fmt.Sprintf("it is for Windows %s, and the node has %s: it does not start, unless with Hyper-V isolation", s.platform.OSVersion, host), "use the image's tag for the node's release of Windows")
	}
	if features := s.unaskedFeatures(); len(features) > 0 {
		warn(report.CodeOSFeatures, fmt.Sprintf("its manifest needs %s, which the one who takes it does not look for: it does not start where that is missing", strings.Join(features, ", ")), "")
	}
	switch other := s.wanted.Runtime.Rule != "" && (s.platform.Architecture != s.wanted.Platform.Architecture || s.platform.OS != s.wanted.Platform.OS); {
	case takesFallback(s):
		warn(report.CodeFallback32Bit, fmt.Sprintf("%s takes %s on a %s node: it starts only where the CPU and the kernel run 32-bit programs", runtimeTitle(s), its, machine), "push a manifest for "+machine)
	case other && s.image.Index == nil:
		warn(report.CodeEmulated, fmt.Sprintf("%s takes %s on a %s node without a look at its platform: it ends with an exec format error, unless the node emulates it (binfmt_misc)", runtimeTitle(s), its, machine), "")
	}
	return warnings
}

// unaskedFeatures are the features of the operating system that the manifest needs, and nobody asked for.
func (s *subject) unaskedFeatures() []string {
	var list []string
	for _, f := range s.platform.OSFeatures {
		if !slices.Contains(s.wanted.Platform.OSFeatures, f) {
			list = append(list, f)
		}
	}
	return list
}

// windowsHost is the version of Windows that the node runs; "" if it is not known.
func (e evidence) windowsHost() string {
	switch {
	case e.machine != nil && e.machine.OS == windows:
		return e.machine.Kernel
	case e.snapshot.Node.OS == windows:
		return e.snapshot.Node.Kernel
	}
	return ""
}
