package nodefeatures

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"
)

// Bounds on the stream that Load reads.
const (
	// MaxStream is how many bytes are read in all.
	MaxStream = 1 << 30
	// MaxDocument is how many bytes of JSON one snapshot or object may have.
	MaxDocument = 16 << 20
	// MaxHeld is how many bytes of features are held until the end of a list of
	// objects, those that are the same on several nodes counted once.
	MaxHeld = 320 << 20
)

// LoadOptions say what Load keeps of what it reads.
type LoadOptions struct {
	// Features are the names of the features that will be asked for, in any case;
	// the others are left out of the snapshots, but for those that hints need.
	// nil keeps all.
	Features []string
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
// It ends with the first error. Snapshots may share parts with each other: don't
// change them, use Set, Unset and AddDevice, which change a copy.
func Load(r io.Reader, o LoadOptions) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		l := loader{kept: keptFeatures(o.Features), blobs: map[string]*blob{}}
		more, err := l.read(r, yield)
		if err == nil && more {
			more, err = l.merged(yield)
		}
		if err == nil && more && l.count == 0 {
			err = fmt.Errorf("%w: it is empty; %s", ErrNotSnapshot, accepted)
		}
		if err != nil {
			yield(nil, fmt.Errorf("reading snapshots: %w", err))
		}
	}
}

// keptFeatures are the features that are asked for, those that hints look at,
// and those that describe the node; nil keeps all.
func keptFeatures(features []string) map[string]bool {
	kept := lookedAt(features)
	if kept != nil {
		kept[kernelVersion], kept[nodeName] = true, true
	}
	return kept
}

// lookedAt are the features, in lower case, and those that their hints look at;
// nil are all.
func lookedAt(features []string) map[string]bool {
	if features == nil {
		return nil
	}
	names := map[string]bool{}
	for _, name := range features {
		names[strings.ToLower(name)] = true
	}
	if names[loadedModules] {
		names[enabledModules] = true
	}
	if names[cpuFlags] {
		names[cpuModel] = true
	}
	return names
}

// A loader gathers what a stream says.
type loader struct {
	kept  map[string]bool
	count int // documents
	held  int // bytes of blobs
	blobs map[string]*blob
	// objects are NFD's, which are merged at the end.
	objects []*heldObject
}

// read decodes the documents of the stream, a batch at a time: while one is
// being decoded the next is read. More is false if nobody wants any.
func (l *loader) read(r io.Reader, yield func(*Snapshot, error) bool) (more bool, err error) {
	documents := newSplitter(r)
	decode := func(d *document) { d.decode(l.kept) }
	wait := sideBySide([]*document{}, decode)
	for {
		next, errRead := documents.next(batch)
		waitNext := sideBySide(next, decode)
		more, err := l.take(wait(), yield)
		if err == nil && more && errRead != nil {
			more, err = l.take(waitNext(), yield)
		}
		switch {
		case err != nil || !more:
			return false, err
		case errors.Is(errRead, io.EOF):
			return true, nil
		case errRead != nil:
			return false, errRead
		}
		wait = waitNext
	}
}

// take hands on the snapshots and holds the objects.
func (l *loader) take(documents []*document, yield func(*Snapshot, error) bool) (more bool, err error) {
	for _, d := range documents {
		l.count++
		if d.err == nil && l.count > MaxNodes {
			d.err = fmt.Errorf("more than the limit of %d objects", MaxNodes)
		}
		for _, o := range d.objects {
			if d.err == nil {
				d.err = l.hold(o)
			}
		}
		if d.err != nil {
			return false, fmt.Errorf("%s: %w", d.where, d.err)
		}
		if d.snapshot != nil && !yield(d.snapshot, nil) {
			return false, nil
		}
	}
	return true, nil
}

// sideBySide calls f for every element, on all CPUs; the function that it
// returns waits until that is done.
func sideBySide[T any](list []T, f func(T)) (wait func() []T) {
	var group sync.WaitGroup
	work := make(chan T, len(list))
	for _, element := range list {
		work <- element
	}
	close(work)
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		group.Go(func() {
			for element := range work {
				f(element)
			}
		})
	}
	return func() []T {
		group.Wait()
		return list
	}
}
