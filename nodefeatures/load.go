package nodefeatures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"nodecompat/nodefeatures/catalogue"

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
}

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
// It ends with the first error, and with the context. Snapshots may share parts with each other: don't
// change them, use Set, Unset and AddDevice, which change a copy.
func Load(ctx context.Context, r io.Reader, o LoadOptions) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		l := loader{options: o, merger: merger{sets: map[setKey]*sharedSet{}}}
		more, err := l.read(ctx, r, yield)
		if err == nil && more {
			more, err = l.merged(ctx, yield)
		}
		if err == nil && more && l.count == 0 {
			err = fmt.Errorf("%w: it is empty; %s", ErrNotSnapshot, accepted)
		}
		if err != nil {
			yield(nil, fmt.Errorf("reading snapshots: %w", err))
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

// A loader gathers what a stream says.
type loader struct {
	options LoadOptions
	count   int // documents
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
			d.err = d.decode(l.options)
			return d.err
		})
	}
	return func() []*document {
		group.Wait() //nolint:errcheck // each document has its own error, and the first of the stream counts
		return documents
	}
}

// take hands on the snapshots and keeps the objects.
func (l *loader) take(documents []*document, yield func(*Snapshot, error) bool) (more bool, err error) {
	for _, d := range documents {
		l.count++
		err := d.err
		if err == nil && l.count > MaxNodes {
			err = fmt.Errorf("more than the limit of %d objects", MaxNodes)
		}
		for _, o := range d.objects {
			if err == nil {
				err = l.add(o)
			}
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", d.where, err)
		}
		if d.snapshot != nil && !yield(d.snapshot, nil) {
			return false, nil
		}
	}
	return true, nil
}
