package nodefeatures

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	kjson "sigs.k8s.io/json"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"
)

// Bounds on what Load reads.
const (
	// MaxSize is how many bytes of JSON are read: a list of about a thousand nodes.
	MaxSize = 64 << 20
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

// Load reads snapshots of nodes, as JSON or YAML: one of ours, what `nfd export
// features` prints, or NodeFeature objects and lists of them as kubectl prints
// them, several objects of one node merged into one snapshot. Ours are read
// strictly: unknown and duplicate keys are errors. There is at least one
// snapshot in the result, sorted by the nodes' names.
//
// Nothing about the machine that Load runs on gets into a snapshot. Those that
// are not ours have no Sources: a feature that they lack is unknown, not absent.
func Load(data []byte) ([]*Snapshot, error) {
	data, err := toJSON(data)
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	snapshots, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	for _, s := range snapshots {
		if err := s.withinBounds(); err != nil {
			return nil, fmt.Errorf("reading a snapshot of %q: %w", s.Node.Name, err)
		}
		s.complete()
	}
	return snapshots, nil
}

// toJSON converts YAML, which is anything that does not begin as a JSON object.
func toJSON(data []byte) ([]byte, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", len(data), MaxSize)
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: it is empty; %s", ErrNotSnapshot, accepted)
	}
	if data[0] == '{' {
		return data, nil
	}
	if len(data) > MaxYAMLSize {
		return nil, fmt.Errorf("%d bytes of YAML are more than the limit of %d; use JSON", len(data), MaxYAMLSize)
	}
	if documents(data) > 1 {
		return nil, errors.New("more than one YAML document; use a list, or a file each")
	}
	return yaml.YAMLToJSONStrict(data)
}

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

func load(data []byte) ([]*Snapshot, error) {
	var h header
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &h); err != nil {
		return nil, err
	}
	return h.load(data)
}

// load reads the object that begins like this.
func (h header) load(data []byte) ([]*Snapshot, error) {
	nfd := nfdv1alpha1.SchemeGroupVersion.String()
	switch {
	case h.Kind == SnapshotKind && h.APIVersion == SnapshotAPIVersion:
		return loadOwn(data)
	case h.Kind == SnapshotKind:
		return nil, fmt.Errorf("%w: apiVersion %q of %s is not known, want %q", ErrNotSnapshot, h.APIVersion, SnapshotKind, SnapshotAPIVersion)
	case h.APIVersion == nfd && h.Kind == "NodeFeature":
		return loadNodeFeature(data)
	case h.APIVersion == nfd && h.Kind == "NodeFeatureList", h.APIVersion == "v1" && h.Kind == "List":
		return loadNodeFeatures(data)
	case h.APIVersion == "" && h.Kind == "" && (h.Flags != nil || h.Attributes != nil || h.Instances != nil):
		return loadExport(data)
	}
	return nil, fmt.Errorf("%w: apiVersion %q, kind %q; %s", ErrNotSnapshot, h.APIVersion, h.Kind, accepted)
}

// loadOwn reads a snapshot that Discover made.
func loadOwn(data []byte) ([]*Snapshot, error) {
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
	return []*Snapshot{s}, nil
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
func loadExport(data []byte) ([]*Snapshot, error) {
	s := foreign(Node{})
	if err := strictly(data, &s.Features); err != nil {
		return nil, err
	}
	s.describe()
	return []*Snapshot{s}, nil
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
