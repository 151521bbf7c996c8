package nodefeatures

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/catalogue"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// How JSON is read.
var (
	// strict refuses unknown and duplicate keys, and text that is no UTF-8.
	strict = json.RejectUnknownMembers(true)
	// lenient reads what an API server stores, as encoding/json does: unknown keys are
	// skipped, of duplicate ones the last counts, and bytes that are no UTF-8 are
	// replaced.
	lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
)

// A document is one JSON value of a stream, and what it turned out to be.
type document struct {
	where    string
	data     []byte
	features jsontext.Value // those at the top level, which are not in data
	joined   bool           // the Node was known when it was chosen which features of a snapshot are kept
	item     bool           // of a list
	list     bool           // what is left of a list without its items
	next     string         // the token for the list's next part

	snapshot *Snapshot // nil if it is not one
	object   *nodeFeature
	node     *Snapshot // of a Node object: what that tells
	passed   string    // why NFD assigns the object to no node
	err      error
}

// header is what tells one kind of document from another. The three types of
// features are at the top level in what `nfd export features` prints.
type header struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Flags      jsontext.Value `json:"flags"`
	Attributes jsontext.Value `json:"attributes"`
	Instances  jsontext.Value `json:"instances"`
	Metadata   struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	// Of a Status:
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// decode finds out what the document is, and leaves out the features that are not
// kept.
func (d *document) decode(l *loader) error {
	defer func() {
		if snapshot := d.snapshot != nil && !d.joined; !snapshot && (d.object == nil || d.object.joined) {
			d.data, d.features = nil, nil
		}
	}()
	if d.item {
		return d.decodeObject(l)
	}
	var h header
	if err := json.Unmarshal(d.data, &h, lenient); err != nil {
		return jsonError(err)
	}
	list := isNFD(h.APIVersion) && h.Kind == "NodeFeatureList" || h.APIVersion == "v1" && (h.Kind == "List" || h.Kind == "NodeList")
	switch {
	case d.list && !list:
		return fmt.Errorf("%w: a list of apiVersion %q, kind %q; %s", ErrNotSnapshot, h.APIVersion, h.Kind, accepted)
	case list && !d.list:
		return fmt.Errorf("%w: a list without items; %s", ErrNotSnapshot, accepted)
	case list:
		d.next = h.Metadata.Continue
		return nil
	case h.APIVersion == "v1" && h.Kind == "Status":
		return &ServerError{Status: h.Code, Message: h.Message}
	case isNFD(h.APIVersion) && h.Kind == "NodeFeature", h.APIVersion == "v1" && h.Kind == "Node":
		return d.decodeObject(l)
	}
	return d.decodeSnapshot(h, l)
}

// A ServerError is an API server's refusal where objects were expected, as one may begin to answer
// with 200 before something goes wrong.
type ServerError struct {
	Status  int // as of HTTP; 410 of a list's token that has expired
	Message string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("the API server says: %d %.512q", e.Status, e.Message)
}

func (d *document) decodeSnapshot(h header, l *loader) error {
	var err error
	switch {
	case h.Kind == SnapshotKind && h.APIVersion == SnapshotAPIVersion:
		d.snapshot, err = d.decodeOwn(l)
	case h.Kind == SnapshotKind:
		err = fmt.Errorf("%w: apiVersion %q of %s is not known, want %q", ErrNotSnapshot, h.APIVersion, SnapshotKind, SnapshotAPIVersion)
	case h.APIVersion == "" && h.Kind == "" && (h.Flags != nil || h.Attributes != nil || h.Instances != nil):
		d.snapshot, err = d.decodeExport(l.options)
	default:
		err = fmt.Errorf("%w: apiVersion %q, kind %q; %s", ErrNotSnapshot, h.APIVersion, h.Kind, accepted)
	}
	if err != nil {
		return err
	}
	d.snapshot.complete()
	return d.snapshot.withinBounds()
}

// decodeOwn reads a snapshot that Discover made.
func (d *document) decodeOwn(l *loader) (*Snapshot, error) {
	s := &Snapshot{}
	own := struct {
		*Snapshot
		Features jsontext.Value `json:"features"` // once more
	}{Snapshot: s}
	if err := json.Unmarshal(d.data, &own, strict); err != nil {
		return nil, jsonError(err)
	}
	if own.Features != nil {
		return nil, errors.New(`duplicate field "features"`)
	}
	for _, source := range s.Sources {
		switch source.Status {
		case SourceOK, SourcePartial, SourceFailed, SourceNotRun:
		default:
			return nil, fmt.Errorf("source %q has the status %q, want %s, %s, %s or %s",
				source.Name, source.Status, SourceOK, SourcePartial, SourceFailed, SourceNotRun)
		}
	}
	if err := s.NVIDIADriver.check(); err != nil {
		return nil, err
	}
	node := l.node(s.Node.Name)
	d.joined = node != nil || l.options.Features == nil
	kept := l.options.kept(s.Node.told(node))
	if err := s.decodeFeatures(d.features, kept); err != nil {
		return nil, err
	}
	for feature, addresses := range s.Addresses {
		if kept != nil && !kept[feature] {
			delete(s.Addresses, feature)
		} else if devices := len(s.Features.Instances[feature].Elements); len(addresses) != devices {
			return nil, fmt.Errorf("%d addresses for the %d devices of %s", len(addresses), devices, feature)
		}
	}
	return s, nil
}

// decodeExport reads what `nfd export features` prints: the features and nothing else.
func (d *document) decodeExport(o LoadOptions) (*Snapshot, error) {
	if d.features != nil {
		return nil, errors.New(`unknown field "features"`)
	}
	d.joined = true // nothing tells of its Node before
	s := foreign(Node{})
	if err := s.decodeFeatures(d.data, o.kept(s.Node)); err != nil {
		return nil, err
	}
	s.describe()
	return s, nil
}

// foreign is an empty snapshot of a node that NFD saw.
func foreign(node Node) *Snapshot {
	return &Snapshot{
		APIVersion: SnapshotAPIVersion, Kind: SnapshotKind, Node: node, Sources: []Source{},
		Features: *nfdv1alpha1.NewFeatures(),
	}
}

// describe takes from the features what they tell about the node itself.
func (s *Snapshot) describe() {
	s.Node.Kernel = cmp.Or(s.Node.Kernel, s.Features.Attributes[catalogue.KernelVersion].Elements["full"])
	if s.Node.Name == "" {
		s.Node.Name = s.Features.Attributes[catalogue.SystemName].Elements["nodename"]
	}
}

// decodeFeatures reads the features that are kept, strictly.
func (s *Snapshot) decodeFeatures(data []byte, kept map[string]bool) (err error) {
	s.Features = *nfdv1alpha1.NewFeatures()
	s.Omitted, err = eachSet(data, kept, true, func(dec *jsontext.Decoder, kind setKind, name string) error {
		var set featureSet
		if err := set.decode(dec, kind, strict); err != nil {
			return err
		}
		set.mergeInto(&s.Features, kind, name)
		return nil
	})
	return err
}

// eachSet calls read for the set of each feature that is kept, which reads it from
// the decoder. The names of the others, sorted, are omitted.
func eachSet(
	data []byte, kept map[string]bool, strictly bool, read func(dec *jsontext.Decoder, kind setKind, name string) error,
) (omitted []string, err error) {
	if data == nil {
		return nil, nil
	}
	options := lenient
	if strictly {
		options = strict
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), options)
	err = eachMember(dec, func(key string) error {
		kind, ok := setKinds[key]
		switch {
		case !ok && strictly:
			return fmt.Errorf("unknown field %q", key)
		case !ok:
			return dec.SkipValue()
		}
		return eachMember(dec, func(name string) error {
			if kept == nil || kept[name] {
				return read(dec, kind, name)
			}
			omitted = append(omitted, name)
			return dec.SkipValue()
		})
	})
	slices.Sort(omitted)
	return slices.Compact(omitted), jsonError(err)
}

// eachMember calls f for each member of the object that comes next, with its key; f
// reads the value. null has no members.
func eachMember(dec *jsontext.Decoder, f func(key string) error) error {
	token, err := dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() == 'n':
		return nil
	case token.Kind() != '{':
		return fmt.Errorf("%s is %s, which it cannot be", cmp.Or(fieldOf(dec.StackPointer()), "features"), kindName(token.Kind()))
	}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err == nil {
			err = f(key.String())
		}
		if err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}

// jsonError says what is wrong with JSON without naming types of Go.
func jsonError(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return fmt.Errorf("duplicate field %q", fieldOf(syntactic.JSONPointer))
	case errors.As(err, &syntactic):
		return fmt.Errorf("%w, at byte %d", syntactic.Err, syntactic.ByteOffset)
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return fmt.Errorf("unknown field %q", fieldOf(semantic.JSONPointer))
	case errors.As(err, &semantic):
		return fmt.Errorf("%s is %s, which it cannot be", cmp.Or(fieldOf(semantic.JSONPointer), "the document"), kindName(semantic.JSONKind))
	}
	return err
}

// fieldOf spells the place of a value with dots.
func fieldOf(pointer jsontext.Pointer) string {
	return strings.Join(slices.Collect(pointer.Tokens()), ".")
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case 'n', 't', 'f':
		return kind.String()
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "a " + kind.String()
}

// withinBounds checks how much there is of a node.
func (s *Snapshot) withinBounds() error {
	f := &s.Features
	if n := len(f.Flags) + len(f.Attributes) + len(f.Instances) + len(s.Omitted); n > MaxFeatures {
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
