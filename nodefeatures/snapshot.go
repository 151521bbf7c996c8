package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// What a snapshot of ours says it is.
const (
	SnapshotAPIVersion = "compat/v1alpha1"
	SnapshotKind       = "NodeSnapshot"
)

// A Snapshot is what is known about one node at one moment: made by [Discover]
// on the machine itself, or read by [Load]. Its JSON form is stable: the same
// facts give the same bytes.
type Snapshot struct {
	// APIVersion is SnapshotAPIVersion.
	APIVersion string `json:"apiVersion"`
	// Kind is SnapshotKind.
	Kind string `json:"kind"`
	// Created is when the snapshot was made, RFC 3339. Discover has no clock
	// and leaves it to its caller.
	Created string `json:"created,omitempty"`
	// Changes are what Set, Unset and AddDevice changed, in order: these are not
	// facts of the node, but of one as it might be. Empty for a real one.
	Changes []string `json:"changes,omitempty"`
	// Tool is the name and version of the program that looked at the node.
	Tool string `json:"tool,omitempty"`
	// Node says which node it is.
	Node Node `json:"node"`
	// Sources says, by name, what became of each of NFD's sources. It is empty
	// in a snapshot that NFD made, which does not tell.
	Sources []Source `json:"sources"`
	// Kubelet holds what is known about the node's kubelet; nil when nobody asked.
	Kubelet *kubelet.Facts `json:"kubelet,omitempty"`
	// NVIDIADriver is what NVIDIA's kernel driver says of itself, which NFD does not publish; nil
	// when none is loaded, or nobody looked.
	NVIDIADriver *NVIDIADriver `json:"nvidiaDriver,omitempty"`
	// Features are the facts, as NFD publishes them, without those that could
	// not be read.
	Features nfdv1alpha1.Features `json:"features"`
	// Addresses gives, for a feature that lists devices, their addresses on the
	// bus (the name of the directory in sysfs, 0000:00:02.0), in the order of
	// the feature's elements. NFD does not publish them.
	Addresses map[string][]string `json:"addresses,omitempty"`
	// Omitted are the names, sorted, of the features that the node has and that Load
	// left out of Features, as LoadOptions asked.
	Omitted []string `json:"-"`
	// Object is the node's Node object; nil if there was none.
	Object *Object `json:"-"`
	// Notes are what Load has to tell about the objects that the snapshot was made of.
	Notes []verdict.Reason `json:"-"`
}

// A Node is the identity of a node. An empty field is not known: what NFD
// publishes names no architecture, for example.
type Node struct {
	// Name is the node's name as the caller, or its NodeFeature object, gives it.
	Name string `json:"name,omitempty"`
	// OS is the operating system, as in Go's GOOS.
	OS string `json:"os,omitempty"`
	// Architecture is as in Go's GOARCH.
	Architecture string `json:"architecture,omitempty"`
	// Kernel is the kernel's release, as uname -r prints it. Of a node that NFD
	// saw it is kernel.version.full, in which NFD replaces some characters.
	Kernel string `json:"kernel,omitempty"`
	// Runtime is the container runtime and its version, containerd://2.1.4, as the Node object
	// tells them.
	Runtime string `json:"runtime,omitempty"`
}

// A SourceStatus is what became of one of NFD's sources.
type SourceStatus string

// The four states of a source.
const (
	// SourceOK: everything that it publishes on this architecture was read.
	SourceOK SourceStatus = "ok"
	// SourcePartial: some of its features could not be read, or not wholly.
	SourcePartial SourceStatus = "partial"
	// SourceFailed: none of its features could be read.
	SourceFailed SourceStatus = "failed"
	// SourceNotRun: nobody asked for its features.
	SourceNotRun SourceStatus = "notRun"
)

// A Source is the record of one of NFD's sources.
type Source struct {
	// Name is NFD's name of the source: cpu, kernel, local, …
	Name string `json:"name"`
	// Status says how much of it was read.
	Status SourceStatus `json:"status"`
	// Reason says why it failed; nil unless it did.
	Reason *verdict.Reason `json:"reason,omitempty"`
	// Unreadable lists, by name, the features that could not be read.
	Unreadable []Unreadable `json:"unreadable"`
}

// An Unreadable is a feature about which something could not be read.
type Unreadable struct {
	// Feature is its whole name, kernel.loadedmodule.
	Feature string `json:"feature"`
	// Partial says that the feature is among the facts all the same: what it
	// has is true, what it does not have is unknown.
	Partial bool `json:"partial,omitempty"`
	// Except are names of elements, sorted, that are known not to be there all the
	// same: Unset said so.
	Except []string `json:"except,omitempty"`
	// Reason says why.
	Reason verdict.Reason `json:"reason"`
}

// complete makes every list and map of the snapshot non-nil, so that its JSON
// has no nulls. A flag or attribute set without elements says nothing about
// its elements, not even that they are absent, and is left out.
func (s *Snapshot) complete() {
	if s.Sources == nil {
		s.Sources = []Source{}
	}
	for i := range s.Sources {
		if s.Sources[i].Unreadable == nil {
			s.Sources[i].Unreadable = []Unreadable{}
		}
	}
	f := &s.Features
	if f.Flags == nil {
		f.Flags = map[string]nfdv1alpha1.FlagFeatureSet{}
	}
	if f.Attributes == nil {
		f.Attributes = map[string]nfdv1alpha1.AttributeFeatureSet{}
	}
	if f.Instances == nil {
		f.Instances = map[string]nfdv1alpha1.InstanceFeatureSet{}
	}
	completeElements(f)
}

func completeElements(f *nfdv1alpha1.Features) {
	for name, set := range f.Flags {
		if set.Elements == nil {
			delete(f.Flags, name)
		}
	}
	for name, set := range f.Attributes {
		if set.Elements == nil {
			delete(f.Attributes, name)
		}
	}
	for name, set := range f.Instances {
		if set.Elements == nil {
			set.Elements = []nfdv1alpha1.InstanceFeature{}
			f.Instances[name] = set
		}
		for i, instance := range set.Elements {
			if instance.Attributes == nil {
				set.Elements[i].Attributes = map[string]string{}
			}
		}
	}
}
