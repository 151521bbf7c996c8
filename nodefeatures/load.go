package nodefeatures

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	kjson "sigs.k8s.io/json"
)

// Bounds on what Load reads.
const (
	// MaxYAMLSize is how many bytes of YAML are read, which needs many times the
	// memory and time of JSON.
	MaxYAMLSize = 8 << 20
	// MaxNodes is how many objects a list may hold.
	MaxNodes = 10_000
	// MaxFeatures is how many features a node may have.
	MaxFeatures = 1_000
	// MaxElements is how many flags, attributes and devices' attributes a node
	// may have in all.
	MaxElements = 200_000
)

// ErrNotSnapshot is wrapped by Load's error when the data is well formed, but
// nothing that describes nodes.
var ErrNotSnapshot = errors.New("not a snapshot of a node")

// accepted is what Load's errors say that it takes.
const accepted = "want what `compat features` or `nfd export features` prints, or a NodeFeature object or list"

// documents counts the documents of a YAML stream. In column 0, `---` can be
// nothing but their separator (https://yaml.org/spec/1.2.2/#912-document-markers).
func documents(data []byte) int {
	n, content := 0, false
	for line := range bytes.Lines(data) {
		text := bytes.TrimRight(line, " \t\r\n")
		marker := bytes.Equal(text, []byte("---")) || bytes.HasPrefix(text, []byte("--- ")) || bytes.Equal(text, []byte("..."))
		switch {
		case marker:
			content = len(text) > len("---")
			if content {
				n++
			}
		case len(text) > 0 && text[0] != '#' && text[0] != '%' && !content:
			content = true
			n++
		}
	}
	return n
}

// header is what tells one kind of object from another. The three types of
// features are at the top level in what `nfd export features` prints.
type header struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Flags      json.RawMessage `json:"flags"`
	Attributes json.RawMessage `json:"attributes"`
	Instances  json.RawMessage `json:"instances"`
}

// load reads the snapshot that begins like this.
func (h header) load(data []byte) (*Snapshot, error) {
	switch {
	case h.Kind == SnapshotKind && h.APIVersion == SnapshotAPIVersion:
		return loadOwn(data)
	case h.Kind == SnapshotKind:
		return nil, fmt.Errorf("%w: apiVersion %q of %s is not known, want %q", ErrNotSnapshot, h.APIVersion, SnapshotKind, SnapshotAPIVersion)
	case h.APIVersion == "" && h.Kind == "" && (h.Flags != nil || h.Attributes != nil || h.Instances != nil):
		return loadExport(data)
	}
	return nil, fmt.Errorf("%w: apiVersion %q, kind %q; %s", ErrNotSnapshot, h.APIVersion, h.Kind, accepted)
}

// loadOwn reads a snapshot that Discover made.
func loadOwn(data []byte) (*Snapshot, error) {
	s := &Snapshot{}
	if err := strictly(data, s); err != nil {
		return nil, err
	}
	for _, source := range s.Sources {
		switch source.Status {
		case SourceOK, SourcePartial, SourceFailed, SourceNotRun:
		default:
			return nil, fmt.Errorf("source %q has the status %q, want %s, %s, %s or %s",
				source.Name, source.Status, SourceOK, SourcePartial, SourceFailed, SourceNotRun)
		}
	}
	for feature, addresses := range s.Addresses {
		if devices := len(s.Features.Instances[feature].Elements); len(addresses) != devices {
			return nil, fmt.Errorf("%d addresses for the %d devices of %s", len(addresses), devices, feature)
		}
	}
	return s, nil
}

// strictly decodes JSON without tolerating unknown or duplicate keys.
func strictly(data []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		return err
	}
	return errors.Join(strict...)
}

// loadExport reads what `nfd export features` prints: the features and nothing else.
func loadExport(data []byte) (*Snapshot, error) {
	s := foreign(Node{})
	if err := strictly(data, &s.Features); err != nil {
		return nil, err
	}
	s.describe()
	return s, nil
}

// foreign is an empty snapshot of a node that NFD saw.
func foreign(node Node) *Snapshot {
	return &Snapshot{APIVersion: SnapshotAPIVersion, Kind: SnapshotKind, Node: node, Sources: []Source{}}
}

// describe takes from the features what they tell about the node itself.
func (s *Snapshot) describe() {
	s.Node.Kernel = s.Features.Attributes[kernelVersion].Elements["full"]
	if s.Node.Name == "" {
		s.Node.Name = s.Features.Attributes[nodeName].Elements["nodename"]
	}
}

func (s *Snapshot) withinBounds() error {
	f := &s.Features
	if n := len(f.Flags) + len(f.Attributes) + len(f.Instances); n > MaxFeatures {
		return fmt.Errorf("%d features are more than the limit of %d", n, MaxFeatures)
	}
	elements := 0
	for _, set := range f.Flags {
		elements += len(set.Elements)
	}
	for _, set := range f.Attributes {
		elements += len(set.Elements)
	}
	for _, set := range f.Instances {
		for _, device := range set.Elements {
			elements += 1 + len(device.Attributes)
		}
	}
	if elements > MaxElements {
		return fmt.Errorf("%d elements are more than the limit of %d", elements, MaxElements)
	}
	return nil
}
