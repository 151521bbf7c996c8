package compat

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// platformFor is the platform that images are judged for: the one asked for, otherwise
// the node's own. It is the zero value for a snapshot that does not say what it is of;
// this host's has nothing to do with that.
func platformFor(asked *artifact.Platform, saved *nodefeatures.Snapshot) artifact.Platform {
	switch {
	case asked != nil:
		return *asked
	case saved == nil:
		return artifact.HostPlatform()
	case saved.Node.OS == "" || saved.Node.Architecture == "":
		return artifact.Platform{}
	}
	return artifact.Platform{OS: saved.Node.OS, Architecture: saved.Node.Architecture}
}

// inspect returns the facts to judge: the saved ones, or what the host shows of the
// features that the rules name. Without any rule nothing is read.
func inspect(
	ctx context.Context, saved *nodefeatures.Snapshot, discovery nodefeatures.Options, features []string,
) (*nodefeatures.Snapshot, error) {
	if saved != nil {
		return saved, nil
	}
	discovery.Features = features
	return nodefeatures.Discover(ctx, discovery)
}

// features are those that the rules of all subjects name, and those that tell of GPUs where an image
// asks for one; never nil, which would mean all.
func features(subjects []subject) []string {
	names := []string{}
	for _, s := range subjects {
		if s.spec != nil {
			names = append(names, s.spec.Features()...)
		}
		if s.asksForGPU() {
			names = append(names, catalogue.PCIDevice, catalogue.LocalLabel)
		}
	}
	return names
}

// kubeletFacts prefers what was given, then what the snapshot recorded. A snapshot's
// node is not this host, so the host is looked at only without one.
func kubeletFacts(ctx context.Context, saved *nodefeatures.Snapshot, options kubelet.Options) (*kubelet.Facts, error) {
	if saved == nil {
		return kubelet.Detect(ctx, options)
	}
	return saved.Kubelet.With(options)
}

// giveUp notes why the specs that were found cannot be judged.
func giveUp(subjects []subject, err error) {
	for i := range subjects {
		if subjects[i].err == nil {
			subjects[i].spec, subjects[i].err = nil, err
		}
	}
}

// evidence is what was gathered about one node.
type evidence struct {
	snapshot *nodefeatures.Snapshot
	file     string // it was loaded from
	saved    bool   // it is of another machine, or another time
	support  sidecar.Support
	machine  *kubelet.NodeMachine // of the Node object; nil if none was given
	// absent is true where the host was looked at and runs no kubelet.
	absent bool
	// detection says why the kubelet could not be looked for; nil if it was.
	detection *report.Error
	runtime   artifact.Runtime // the node's, by which the images' manifests were chosen
}

// report puts together what was found out about one node. odd is what is odd about a
// what-if.
func (e evidence) report(now time.Time, subjects []subject, images []report.Image, odd []verdict.Reason, p policy) *report.NodeReport {
	result := report.NewNodeReport(now, nil)
	result.Images, result.Policy = images, policyOf(subjects)
	result.Node = e.describe()
	support := e.support // by itself: a report does not keep the snapshot
	result.Sidecars = &support
	result.Warnings = append(append(result.Warnings, odd...), e.warnings(subjects)...)
	result.Warnings = append(result.Warnings, gpuWarnings(images)...)
	result.Warnings = append(result.Warnings, missingIsCompatible(subjects, p)...)
	decideNode(result, e.detection, p)
	return result
}

func (e evidence) describe() report.Node {
	s := e.snapshot
	node := report.Node{
		Name:         s.Node.Name,
		OS:           s.Node.OS,
		Architecture: s.Node.Architecture,
		Kernel:       s.Node.Kernel,
		Kubelet:      e.support.Kubelet.Version,
		Runtime:      e.runtime.String(),
		Snapshot:     e.file,
		Sources:      s.Sources,
		Changes:      s.Changes,
	}
	if o := e.support.Kubelet.Origin; o != nil && o.Source == kubelet.SourceNodeObject {
		node.Name = o.Detail
		if e.support.OtherMachine() && !e.saved { // what this host is says nothing about it
			node.OS, node.Architecture, node.Kernel = "", "", ""
			if m := e.machine; m != nil {
				node.OS, node.Architecture, node.Kernel = m.OS, m.Architecture, m.Kernel
			}
		}
	}
	return node
}

// refutes reports whether a node has what a problem says that this NFD does not publish.
func refutes(s *nodefeatures.Snapshot, p spec.Problem) bool {
	if p.Feature == "" {
		return false
	}
	path := p.Feature
	if p.Element != "" {
		path += "." + p.Element
	}
	place, err := s.Lookup(path)
	return err == nil && place.State == nodefeatures.StatePresent
}

// platform is the operating system and architecture of the node whose kubelet would run a Pod; "" where
// that is not known: a host without a kubelet is none.
func (e evidence) platform() (os, architecture string) {
	if e.saved || !e.absent && !e.support.OtherMachine() {
		os, architecture = e.snapshot.Node.OS, e.snapshot.Node.Architecture
	}
	if e.machine != nil {
		os, architecture = cmp.Or(e.machine.OS, os), cmp.Or(e.machine.Architecture, architecture)
	}
	return os, architecture
}

// labels are those that every kubelet gives its Node, as far as they are known.
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch
func (e evidence) labels() map[string]string {
	os, architecture := e.platform()
	labels := map[string]string{corev1.LabelOSStable: os, corev1.LabelArchStable: architecture}
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	return labels
}

// judgedHere warns that images were judged by a host that is no node, or need not be one, which nobody asked for.
func (e evidence) judgedHere() []verdict.Reason {
	if e.saved || !e.absent || e.machine != nil {
		return nil
	}
	return []verdict.Reason{{
		Code:    report.CodeJudgedHere,
		Message: "the images were judged by what this machine has, and it is no node, or not the one that is meant",
		Hint:    "choose the node with --features or --node, or leave images out with --no-images",
	}}
}

// warnings are what did not decide: what the specs and the registries warn of.
func (e evidence) warnings(subjects []subject) []verdict.Reason {
	warnings := slices.Clone(e.snapshot.Notes)
	if !e.saved && len(subjects) > 0 && e.support.OtherMachine() {
		warnings = append(warnings, verdict.Reason{
			Code:    kubelet.ReasonOtherMachine,
			Message: "the Node object is another machine's: only its kubelet was judged by it, the images by this host",
			Hint:    "save what the node offers with `compat features`, and give that with --features",
		})
	}
	return append(warnings, e.subjectWarnings(subjects)...)
}

// subjectWarnings are those about the images and specs.
func (e evidence) subjectWarnings(subjects []subject) []verdict.Reason {
	var warnings []verdict.Reason
	for _, s := range subjects {
		if s.platformUnknown() {
			warnings = append(warnings, platformUnknown("only what is attached to the index of "+s.reference+" was looked at"))
		}
		warnings = append(warnings, e.selectionWarnings(s)...)
		name := cmp.Or(s.reference, s.file)
		for _, w := range s.warnings {
			warnings = append(warnings, verdict.Reason{Code: w.Code, Message: name + ": " + w.Message})
		}
		for _, p := range s.problems {
			if p.Severity == verdict.SeverityWarning && !refutes(e.snapshot, p) {
				warnings = append(warnings, verdict.Reason{Code: p.Code, Message: fmt.Sprintf("%s: %s: %s", name, p.Path, p.Message), Hint: p.Hint})
			}
		}
	}
	return warnings
}
