package nodefeatures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"

	"golang.org/x/sync/errgroup"
)

// Bounds on what Load reads.
const (
	// MaxStream is how many bytes are read in all.
	MaxStream = 1 << 30
	// MaxDocument is how many bytes of JSON one snapshot or object may have.
	MaxDocument = 16 << 20
	// MaxYAMLSize is how many bytes of YAML are read, which needs many times the
	// memory and time of JSON.
	MaxYAMLSize = 8 << 20
	// MaxNodes is how many snapshots and objects are read.
	MaxNodes = 10_000
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
	// Namespace is that of nfd-master, where NodeFeature objects of a node are in several. "" takes
	// that of the node's worker.
	Namespace string
}

// maxNotes is how many objects that are passed over are told.
const maxNotes = 10

// batch is how many documents are read before they are decoded side by side.
const batch = 32

// Load reads the snapshots of nodes from a stream: ours, what `nfd export
// features` prints, and NodeFeature objects and lists of them as kubectl prints
// them, one after the other, as NDJSON, as JSON documents, or as documents of one
// YAML stream. Ours are read strictly: unknown and duplicate keys are errors. A
// list is read object by object, so that a cluster's needs a fraction of its size.
// A snapshot comes as soon as it is read, in the order of the stream; what NFD's
// objects say is merged into one snapshot for each node, and these come at the
// end, sorted by the nodes' names.
//
// Nothing about the machine that Load runs on gets into a snapshot. Those that
// are not ours have no Sources: a feature that they lack is unknown, not absent.
//
// What is wrong with one document or node is an error in place of its snapshot, and the others
// follow; what ends the stream comes last. NodeFeature objects that NFD assigns to no node are passed
// over with a note. A Node object beside NodeFeature objects is a node of which nothing is known, if
// none of them describes it.
//
// It ends with the context. Snapshots may share parts with each other: don't
// change them, use Set, Unset and AddDevice, which change a copy.
func Load(ctx context.Context, r io.Reader, o LoadOptions) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		l := loader{options: o, merger: merger{sets: map[setKey]*sharedSet{}}}
		more, err := l.read(ctx, r, yield)
		if err == nil && more {
			more, err = l.merge(ctx, yield)
		}
		if err == nil && more && l.count == 0 {
			err = fmt.Errorf("%w: it is empty; %s", ErrNotSnapshot, accepted)
		}
		if err != nil {
			yield(nil, fmt.Errorf("reading snapshots: %w", err))
		}
	}
}

// merge hands on what the objects of the stream say about nodes.
func (l *loader) merge(ctx context.Context, yield func(*Snapshot, error) bool) (more bool, err error) {
	described := map[string]bool{}
	for _, o := range l.objects {
		described[o.node] = true
	}
	if len(described) == 0 {
		return l.noObjects(yield)
	}
	if more, err := l.merged(ctx, l.options.Namespace, l.notes, yield); err != nil || !more {
		return more, err
	}
	for _, node := range l.nodes {
		if described[node.Node.Name] {
			continue
		}
		described[node.Node.Name] = true
		node.Notes = []verdict.Reason{{
			Code: ReasonNoNodeFeature, Message: fmt.Sprintf("no NodeFeature object describes the node %s: nothing is known about it", node.Node.Name),
			Hint: "run nfd-worker there",
		}}
		if node.complete(); !yield(node, nil) {
			return false, nil
		}
	}
	return true, nil
}

// noObjects says what is wrong with a stream that has objects, but none about a node.
func (l *loader) noObjects(yield func(*Snapshot, error) bool) (more bool, err error) {
	var problem string
	switch {
	case len(l.notes) > 0:
		problem = l.notes[0].Message
	case len(l.nodes) > 0:
		problem = "it has Node objects, which say nothing about features; " + accepted
	default:
		return true, nil
	}
	return yield(nil, fmt.Errorf("reading snapshots: %w: %s", ErrNotSnapshot, problem)), nil
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

// A loader gathers what a stream says.
type loader struct {
	options LoadOptions
	count   int              // documents
	nodes   []*Snapshot      // of Node objects
	notes   []verdict.Reason // about objects that were passed over
	merger
}

// read decodes the documents of the stream, a batch at a time: while one is
// being decoded the next is read. More is false if nobody wants any.
func (l *loader) read(ctx context.Context, r io.Reader, yield func(*Snapshot, error) bool) (more bool, err error) {
	stream := newDocuments(r)
	defer stream.close()
	decoded := l.decode(nil)
	for {
		next, errRead := stream.next(ctx, batch)
		decodedNext := l.decode(next)
		more, err := l.take(decoded(), yield)
		if err == nil && more && errRead != nil {
			more, err = l.take(decodedNext(), yield)
		}
		switch {
		case err != nil || !more:
			return false, err
		case errors.Is(errRead, io.EOF):
			return true, nil
		case errRead != nil:
			return false, errRead
		}
		decoded = decodedNext
	}
}

// decode begins to decode documents; the function that it returns waits for them.
func (l *loader) decode(documents []*document) (wait func() []*document) {
	var group errgroup.Group
	for _, d := range documents {
		group.Go(func() error {
			if d.err = d.decode(l.options); d.err != nil {
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
func (l *loader) take(documents []*document, yield func(*Snapshot, error) bool) (more bool, err error) {
	for _, d := range documents {
		l.count++
		if l.count > MaxNodes {
			return false, fmt.Errorf("%s: more than the limit of %d objects", d.where, MaxNodes)
		}
		if d.object != nil {
			if err := l.add(d.object); err != nil {
				return false, fmt.Errorf("%s: %w", d.where, err)
			}
		}
		if d.node != nil {
			l.nodes = append(l.nodes, d.node)
		}
		if d.passed != "" && len(l.notes) < maxNotes {
			l.notes = append(l.notes, verdict.Reason{Code: ReasonPassedOver, Message: d.passed})
		}
		if d.err != nil {
			d.err = fmt.Errorf("reading snapshots: %s: %w", d.where, d.err)
		}
		if (d.snapshot != nil || d.err != nil) && !yield(d.snapshot, d.err) {
			return false, nil
		}
	}
	return true, nil
}
