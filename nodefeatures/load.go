package nodefeatures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"

	"golang.org/x/sync/errgroup"
)

// Bounds on what Load reads.
const (
	// MaxStream is how many bytes of one stream are read.
	MaxStream = 4 << 30
	// MaxDocument is how many bytes of JSON one snapshot or object may have.
	MaxDocument = 16 << 20
	// MaxYAMLSize is how many bytes of YAML are read, which needs many times the
	// memory and time of JSON.
	MaxYAMLSize = 8 << 20
	// MaxNodes is how many snapshots and objects are read in all.
	MaxNodes = 50_000
	// MaxFeatures is how many features a node may have.
	MaxFeatures = 1_000
	// MaxElements is how many flags, attributes and devices' attributes a node
	// may have in all.
	MaxElements = 200_000
	// MaxPending is how many bytes of features of NodeFeature objects wait for the
	// end of the stream, those that are the same in several objects counted once.
	MaxPending = 320 << 20
)

// ErrNotSnapshot is wrapped by Load's error when the data is well formed, but
// nothing that describes nodes.
var ErrNotSnapshot = errors.New("not a snapshot of a node")

// accepted is what Load's errors say that it takes.
const accepted = "want what `compat features` or `nfd export features` prints, or a NodeFeature object or list"

// LoadOptions say what Load keeps of what it reads.
type LoadOptions struct {
	// Features names the features that will be asked for, in any case, of a node of
	// which so much is known before its features are read. The others are left out
	// of its snapshot, but for those that hints need, and are listed in Omitted; all
	// that is known of them is that they are JSON. nil keeps all, as nil names do.
	// It is called from several goroutines.
	Features func(Node) []string
	// Nodes says that a cluster is read: its Node objects are nodes also where no NodeFeature object is
	// there at all, and a name is one node. A second snapshot of it is an error, and one comes before
	// what NodeFeature objects say, with a note.
	Nodes bool
	// OnlyNodes takes nothing but Node objects for nodes, also where there is none: a server was asked
	// for them. What ends one input then ends all.
	OnlyNodes bool
	// SomeNodes says that the Node objects are some of a cluster's: that one is not
	// there says nothing about its NodeFeature objects.
	SomeNodes bool
	// Labels names the labels of Node objects that are kept, unless AllLabels keeps all.
	Labels    map[string]bool
	AllLabels bool
	// Namespace is that of nfd-master, where NodeFeature objects of a node are in several. "" takes
	// that of the node's worker.
	Namespace string
}

// maxNotes is how many objects that are passed over are told.
const maxNotes = 10

// batch is how many documents are read before they are decoded side by side.
const batch = 32

// Load reads the snapshots of nodes from a stream: ours, what `nfd export
// features` prints, and NodeFeature objects, Node objects and lists of them as
// kubectl prints them, one after the other, as NDJSON, as JSON documents, or as
// documents of one YAML stream. Ours are read strictly: unknown and duplicate keys
// are errors. A list is read object by object, so that a cluster's needs a fraction
// of its size. A snapshot comes as soon as it is read, in the order of the stream;
// what NFD's objects say is merged into one snapshot for each node, and these come
// at the end, sorted by the nodes' names.
//
// Nothing about the machine that Load runs on gets into a snapshot. Those that
// are not ours have no Sources: a feature that they lack is unknown, not absent.
//
// Without Node objects, each node that a NodeFeature object names is one. With
// them, they are the nodes: a NodeFeature object of another one is passed over with
// a note, and a Node that no object describes is a node of which no feature is
// known. A Node also tells the operating system, the architecture, the container
// runtime and the kubelet's version. It has to come before a snapshot of its node: behind it, it is an
// error. Where features are left out by what a Node tells, it has to come before its NodeFeature
// objects, or what they were not asked for is unknown.
//
// What is wrong with one document or node is an error in place of its snapshot, and the others
// follow; what ends the stream comes last. NodeFeature objects that NFD assigns to no node are passed
// over with a note.
//
// It ends with the context. Snapshots may share parts with each other: don't
// change them, use Set, Unset and AddDevice, which change a copy.
func Load(ctx context.Context, r io.Reader, o LoadOptions) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		one := func(yield func(Input, error) bool) { yield(Input{Reader: r}, nil) }
		for loaded := range LoadAll(ctx, one, o) {
			if loaded.Notes == nil && !yield(loaded.Snapshot, loaded.Err) {
				return
			}
		}
	}
}

// An Input is one of the streams that LoadAll reads.
type Input struct {
	// Name is what the input is called in a Loaded.
	Name   string
	Reader io.Reader
	// EndOfList, if it is not nil, is called at the end of a list with the token of
	// its metadata by which an API server is asked for the next part; "" at the last.
	EndOfList func(token string)
}

// Loaded is a snapshot, what is wrong in place of one, or at the end notes that no snapshot has.
type Loaded struct {
	// Input is the name of the one that the snapshot is from; of several, the first.
	Input    string
	Snapshot *Snapshot
	Err      error
	Notes    []verdict.Reason
}

// LoadAll reads inputs one after the other as [Load] reads one, as parts of one
// whole: what a NodeFeature object in one says is merged with what is in another. What ends an input
// is an error, and the others follow; an error in place of an input, and a bound on all of them, are the
// last.
func LoadAll(ctx context.Context, inputs iter.Seq2[Input, error], o LoadOptions) iter.Seq[Loaded] {
	return func(yield func(Loaded) bool) {
		l := newLoader(o, yield)
		for input, err := range inputs {
			before := l.count
			l.input = input.Name
			if err != nil {
				l.fail(err)
				return
			}
			switch err := l.read(ctx, input); {
			case err != nil && (o.OnlyNodes || ctx.Err() != nil):
				l.fail(err)
			case err != nil:
				l.hand(nil, err)
			case l.count == before:
				l.hand(nil, fmt.Errorf("%w: it is empty; %s", ErrNotSnapshot, accepted))
			}
			if l.done {
				return
			}
		}
		l.fail(l.merge(ctx))
		if notes := l.leftNotes(); notes != nil && !l.done {
			yield(Loaded{Notes: notes})
		}
	}
}

// kept are the features that are asked of the node, those that hints need, and
// those that describe the node; nil keeps all.
func (o LoadOptions) kept(n Node) map[string]bool {
	if o.Features == nil {
		return nil
	}
	kept := withHints(o.Features(n))
	if kept != nil {
		kept[catalogue.KernelVersion], kept[catalogue.SystemName] = true, true
	}
	return kept
}

// withHints are the features, in lower case, and those that their hints need;
// nil are all.
func withHints(features []string) map[string]bool {
	if features == nil {
		return nil
	}
	names := map[string]bool{}
	for _, name := range features {
		names[strings.ToLower(name)] = true
	}
	if names[catalogue.LoadedModule] {
		names[catalogue.EnabledModule] = true
	}
	if names[catalogue.CPUID] {
		names[catalogue.CPUModel] = true
	}
	return names
}

// A loader gathers what streams say.
type loader struct {
	options LoadOptions
	yield   func(Loaded) bool
	done    bool             // nobody wants more, or there was an error that ends all
	input   string           // the one at hand
	count   int              // documents
	notes   []verdict.Reason // about objects that were passed over
	seen    map[string]sight // snapshots that were no objects, by their nodes' names
	merger

	lock  sync.RWMutex         // of nodes: while documents are decoded, others are taken
	nodes map[string]*Snapshot // of Node objects, by name
}

// A sight is where a snapshot was read.
type sight struct {
	input string
	alone bool // no Node object was there before
}

func newLoader(o LoadOptions, yield func(Loaded) bool) *loader {
	return &loader{
		options: o, yield: yield, seen: map[string]sight{}, nodes: map[string]*Snapshot{},
		merger: merger{sets: map[setKey]*sharedSet{}},
	}
}

// hand hands on a snapshot, or an error in place of one.
func (l *loader) hand(s *Snapshot, err error) {
	if err != nil {
		err = fmt.Errorf("reading snapshots: %w", err)
	}
	l.done = l.done || !l.yield(Loaded{Input: l.input, Snapshot: s, Err: err})
}

// fail hands on the error that ends all.
func (l *loader) fail(err error) {
	if err != nil && !l.done {
		l.hand(nil, err)
		l.done = true
	}
}

// node is what the Node object by that name tells; nil if none came so far.
func (l *loader) node(name string) *Snapshot {
	l.lock.RLock()
	defer l.lock.RUnlock()
	return l.nodes[name]
}

// read decodes the documents of a stream, a batch at a time: while one is being
// decoded the next is read. The error is what ended the stream.
func (l *loader) read(ctx context.Context, input Input) error {
	stream := newDocuments(input.Reader)
	defer stream.close()
	decoded := l.decode(nil)
	for !l.done {
		next, err := stream.next(ctx, batch)
		decodedNext := l.decode(next)
		l.take(decoded(), input)
		if err != nil {
			l.take(decodedNext(), input)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		decoded = decodedNext
	}
	return nil
}

// decode begins to decode documents; the function that it returns waits for them.
func (l *loader) decode(documents []*document) (wait func() []*document) {
	var group errgroup.Group
	for _, d := range documents {
		group.Go(func() error {
			if d.err = d.decode(l); d.err != nil {
				d.snapshot = nil
			}
			return nil
		})
	}
	return func() []*document {
		group.Wait() //nolint:errcheck // each document has its own error
		return documents
	}
}

// take hands on the snapshots and keeps the objects.
func (l *loader) take(documents []*document, input Input) {
	for _, d := range documents {
		if l.done {
			return
		}
		if l.count++; l.count > MaxNodes {
			l.fail(fmt.Errorf("%s: more than the limit of %d objects", d.where, MaxNodes))
			return
		}
		switch {
		case d.node != nil:
			d.err = l.takeNode(d.node)
		case d.object != nil:
			if err := l.takeObject(d); err != nil {
				l.fail(fmt.Errorf("%s: %w", d.where, err))
				return
			}
		case d.list && input.EndOfList != nil:
			input.EndOfList(d.next)
		case d.passed != "" && len(l.notes) < maxNotes:
			l.notes = append(l.notes, verdict.Reason{Code: ReasonPassedOver, Message: d.passed})
		}
		if d.snapshot != nil {
			d.err = l.takeSnapshot(d)
		}
		if d.err != nil {
			d.err = fmt.Errorf("%s: %w", d.where, d.err)
		}
		switch {
		case d.err != nil:
			l.hand(nil, d.err)
		case d.snapshot != nil:
			l.hand(d.snapshot, nil)
		}
	}
}

// takeNode keeps what a Node object tells.
func (l *loader) takeNode(node *Snapshot) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	name := node.Node.Name
	l.nodes[name] = node
	if seen, ok := l.seen[name]; ok && seen.alone {
		seen.alone = false
		l.seen[name] = seen
		return fmt.Errorf("the Node object of %s comes behind the node's snapshot%s, which was read without it: give Node objects first", name, in(seen.input))
	}
	return nil
}

// takeSnapshot adds to a snapshot what the Node object tells. One whose Node came only while it was
// decoded is decoded once more, since its Node says which features count.
func (l *loader) takeSnapshot(d *document) error {
	name := d.snapshot.Node.Name
	node := l.node(name)
	if seen, ok := l.seen[name]; ok && name != "" && l.options.Nodes {
		return fmt.Errorf("this is a second snapshot of the node %s; the first is%s: give one of them", name, in(seen.input))
	}
	if node != nil && !d.joined {
		if err := d.decodeSnapshot(header{APIVersion: SnapshotAPIVersion, Kind: SnapshotKind}, l); err != nil {
			return err
		}
	}
	d.data, d.features = nil, nil
	l.seen[name] = sight{l.input, node == nil}
	d.snapshot.join(node)
	return nil
}

// in tells of an input that has a name.
func in(input string) string {
	if input == "" {
		return " in the same input"
	}
	return " in " + input
}

// takeObject keeps what a NodeFeature object tells. One whose Node came only while
// it was decoded is decoded once more, since its Node says which features count.
func (l *loader) takeObject(d *document) error {
	if !d.object.joined && l.options.Features != nil && l.node(d.object.node) != nil {
		if err := d.decodeObject(l); err != nil {
			return err
		}
	}
	d.data, d.object.input = nil, l.input
	return l.add(d.object)
}

// merge hands on what the objects say about nodes.
func (l *loader) merge(ctx context.Context) error {
	if len(l.objects) == 0 {
		if err := l.nothing(); err != nil {
			return err
		}
	}
	described := map[string]bool{}
	for _, o := range l.objects {
		described[o.node] = true
	}
	if len(l.nodes) > 0 || l.options.OnlyNodes {
		l.passOver(described)
	}
	if l.options.Nodes {
		l.preferSnapshots()
	}
	if err := l.merged(ctx); err != nil || l.done {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(l.nodes)) {
		if _, seen := l.seen[name]; seen || described[name] {
			continue
		}
		node := l.nodes[name]
		node.Notes = append(l.leftNotes(), verdict.Reason{
			Code: ReasonNoNodeFeature, Message: fmt.Sprintf("no NodeFeature object describes the node %s: nothing is known about it", name),
			Hint: "run nfd-worker there",
		})
		if l.hand(node, nil); l.done {
			return nil
		}
	}
	return nil
}

// leftNotes are the notes about objects, which the first snapshot gets.
func (l *loader) leftNotes() []verdict.Reason {
	notes := l.notes
	l.notes = nil
	return notes
}

// passOver leaves out the objects of nodes that have no Node object.
func (l *loader) passOver(described map[string]bool) {
	var names []string
	for name := range described {
		if l.nodes[name] == nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	l.objects = slices.DeleteFunc(l.objects, func(o *pendingObject) bool { return l.nodes[o.node] == nil })
	if l.options.SomeNodes {
		return
	}
	slices.Sort(names)
	what := "NodeFeature objects describe nodes that"
	if len(names) == 1 {
		what = "NodeFeature objects describe a node that"
	}
	l.notes = append(l.notes, verdict.Reason{
		Code: ReasonNoNode, Message: fmt.Sprintf("%s no Node object is there for, so NFD passes them over: %s", what, some(names)),
		Hint: "nfd-gc removes such objects",
	})
}

// preferSnapshots leaves out the objects of nodes that have a snapshot.
func (l *loader) preferSnapshots() {
	names := map[string]bool{}
	l.objects = slices.DeleteFunc(l.objects, func(o *pendingObject) bool {
		_, seen := l.seen[o.node]
		names[o.node] = names[o.node] || seen
		return seen
	})
	maps.DeleteFunc(names, func(_ string, seen bool) bool { return !seen })
	if len(names) > 0 {
		l.notes = append(l.notes, verdict.Reason{
			Code:    ReasonPassedOver,
			Message: "NodeFeature objects are passed over, since there is a snapshot of their node: " + some(slices.Sorted(maps.Keys(names))),
		})
	}
}

// some lists names, of many the first.
func some(names []string) string {
	if more := len(names) - maxNotes; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNotes], ", "), more)
	}
	return strings.Join(names, ", ")
}

// nothing says what is wrong with inputs that say nothing about a node's features.
func (l *loader) nothing() error {
	switch {
	case len(l.notes) > 0 && len(l.nodes) == 0 && !l.options.OnlyNodes:
		return fmt.Errorf("%w: %s", ErrNotSnapshot, l.notes[0].Message)
	case len(l.nodes) > 0 && len(l.seen) == 0 && !l.options.Nodes:
		return fmt.Errorf("%w: it has Node objects, which say nothing about features; %s", ErrNotSnapshot, accepted)
	}
	return nil
}
