package nodefeatures

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"nodecompat/nodefeatures/verdict"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A setKind is one of the three types of features.
type setKind byte

const (
	flagSet setKind = iota
	attributeSet
	instanceSet
)

// setKinds are the keys of the three types in JSON.
var setKinds = map[string]setKind{"flags": flagSet, "attributes": attributeSet, "instances": instanceSet}

// A featureSet is the elements of one feature, of one of the types.
type featureSet struct {
	flags      nfdv1alpha1.FlagFeatureSet
	attributes nfdv1alpha1.AttributeFeatureSet
	instances  nfdv1alpha1.InstanceFeatureSet
}

// decode reads the elements of that kind.
func (s *featureSet) decode(dec *jsontext.Decoder, kind setKind, options json.Options) error {
	switch kind {
	case flagSet:
		return json.UnmarshalDecode(dec, &s.flags, options)
	case attributeSet:
		return json.UnmarshalDecode(dec, &s.attributes, options)
	}
	return json.UnmarshalDecode(dec, &s.instances, options)
}

// A merger makes one snapshot of all the NodeFeature objects of a node, which may
// be anywhere in a stream.
type merger struct {
	objects []*pendingObject
	// sets are the elements of features that were met. Most nodes of a cluster have
	// many in common, which are kept and decoded once.
	sets map[setKey]*sharedSet
	size int // of sets, in bytes
}

// A setKey is what makes two sets the same.
type setKey struct {
	kind setKind
	json string
}

// A pendingObject waits for the other objects of its node.
type pendingObject struct {
	*nodeFeature
	sets []pendingSet
}

type pendingSet struct {
	feature string
	*sharedSet
}

// A sharedSet is the elements of features of several nodes. Those of one node only
// do not stay decoded.
type sharedSet struct {
	setKey
	uses int

	once    sync.Once
	decoded featureSet
	err     error
}

// add keeps an object until the end of the stream.
func (m *merger) add(n *nodeFeature) error {
	o := &pendingObject{nodeFeature: n}
	for _, set := range n.sets {
		shared, ok := m.sets[setKey{set.kind, string(set.json)}]
		if !ok {
			if m.size += len(set.json); m.size > MaxPending {
				return fmt.Errorf("the objects differ in more than the limit of %d bytes; split the list by nodes", MaxPending)
			}
			shared = &sharedSet{setKey: setKey{set.kind, string(set.json)}}
			m.sets[shared.setKey] = shared
		}
		shared.uses++
		o.sets = append(o.sets, pendingSet{set.feature, shared})
	}
	n.sets = nil
	m.objects = append(m.objects, o)
	return nil
}

// decode decodes the set, once if it is shared.
func (s *sharedSet) decode() (featureSet, error) {
	parse := func() (set featureSet, err error) {
		dec := jsontext.NewDecoder(strings.NewReader(s.json), lenient)
		return set, jsonError(set.decode(dec, s.kind, lenient))
	}
	if s.uses == 1 {
		return parse()
	}
	s.once.Do(func() { s.decoded, s.err = parse() })
	return s.decoded, s.err
}

// merged hands on the snapshots that the objects make, the first one with the notes.
func (l *loader) merged(ctx context.Context) error {
	l.sets = nil
	byNode(l.objects)
	var nodes []*mergedNode
	for i, o := range l.objects {
		if i == 0 || l.objects[i-1].node != o.node {
			nodes = append(nodes, &mergedNode{})
		}
		nodes[len(nodes)-1].objects = append(nodes[len(nodes)-1].objects, o)
	}
	l.objects = nil
	for some := range slices.Chunk(nodes, batch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var group errgroup.Group
		for _, n := range some {
			group.Go(func() error {
				n.snapshot, n.err = merge(n.objects, l.options.Namespace, l.nodes[n.objects[0].node])
				return nil
			})
		}
		group.Wait() //nolint:errcheck // each node has its own error
		for _, n := range some {
			if n.err != nil {
				n.snapshot, n.err = nil, fmt.Errorf("node %q: %w", n.objects[0].node, n.err)
			} else {
				n.snapshot.Notes = append(n.snapshot.Notes, l.leftNotes()...)
			}
			l.input = n.objects[0].input
			if l.hand(n.snapshot, n.err); l.done {
				return nil
			}
			*n = mergedNode{}
		}
	}
	return nil
}

// A mergedNode is a node and the objects that describe it.
type mergedNode struct {
	objects  []*pendingObject
	snapshot *Snapshot
	err      error
}

// merge makes one snapshot of the objects of a node, as the nfd-master in a namespace does. Where
// that is not given, it is that of the node's worker; where workers in several namespaces made
// objects, what depends on which of them is believed is left out. node is what the Node object
// tells; nil if there is none.
func merge(objects []*pendingObject, namespace string, node *Snapshot) (*Snapshot, error) {
	workers := workerNamespaces(objects)
	homes := []string{namespace}
	if namespace == "" && len(workers) > 0 {
		homes = workers
	}
	s, err := mergeFrom(inOrderOfMaster(objects, homes[0]))
	if err != nil {
		return nil, err
	}
	var differing []string
	for _, home := range homes[1:] {
		other, err := mergeFrom(inOrderOfMaster(objects, home))
		if err != nil {
			return nil, err
		}
		differing = append(differing, leaveOutDiffering(&s.Features, &other.Features)...)
	}
	slices.Sort(differing)
	s.Notes = twoWorkers(s.Node.Name, workers, namespace, slices.Compact(differing))
	s.join(node)
	s.describe()
	s.complete()
	return s, nil
}

// twoWorkers tells that workers in several namespaces describe a node.
func twoWorkers(node string, workers []string, namespace string, differing []string) []verdict.Reason {
	if len(workers) < 2 {
		return nil
	}
	note := verdict.Reason{
		Code:    ReasonTwoWorkers,
		Message: fmt.Sprintf("workers in the namespaces %s describe the node %s", strings.Join(workers, ", "), node),
		Hint:    "delete the objects that no worker keeps any more",
	}
	switch {
	case namespace != "":
		note.Message += "; they are merged as nfd-master in " + namespace + " does"
		if !slices.Contains(workers, namespace) {
			note.Message += ", where none of them is"
		}
	case len(differing) > 0:
		note.Message += " and differ in what is therefore unknown: " + strings.Join(differing, ", ")
		note.Hint = "say with --nfd-namespace in which of them nfd-master runs, or " + note.Hint
	default:
		note.Message += "; whichever of them nfd-master takes first, it comes to the same"
	}
	return []verdict.Reason{note}
}

// leaveOutDiffering takes the features out of f that are others in g, and names them.
func leaveOutDiffering(f, g *nfdv1alpha1.Features) (names []string) {
	same := func(name string) bool {
		return reflect.DeepEqual(f.Flags[name], g.Flags[name]) && reflect.DeepEqual(f.Attributes[name], g.Attributes[name]) &&
			reflect.DeepEqual(f.Instances[name], g.Instances[name])
	}
	all := slices.Concat(slices.Collect(maps.Keys(f.Flags)), slices.Collect(maps.Keys(f.Attributes)), slices.Collect(maps.Keys(f.Instances)))
	for _, name := range all {
		if !same(name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		delete(f.Flags, name)
		delete(f.Attributes, name)
		delete(f.Instances, name)
	}
	return names
}

// mergeFrom makes one snapshot of the objects of a node, in that order.
func mergeFrom(objects []*pendingObject) (*Snapshot, error) {
	s := foreign(Node{Name: objects[0].node})
	for _, o := range objects {
		if o.err != nil {
			return nil, o.err
		}
		for _, set := range o.sets {
			decoded, err := set.decode()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", set.feature, err)
			}
			decoded.mergeInto(&s.Features, set.kind, set.feature)
		}
		if s.Tool == "" && o.worker != "" {
			s.Tool = "nfd-worker " + o.worker
		}
		s.Omitted = append(s.Omitted, o.omitted...)
	}
	slices.Sort(s.Omitted)
	s.Omitted = slices.Compact(s.Omitted)
	return s, s.withinBounds()
}

// mergeInto adds the set to a feature as NFD does. The first of a feature is shared
// with other snapshots; to add another to it, it is copied.
func (s *featureSet) mergeInto(f *nfdv1alpha1.Features, kind setKind, name string) {
	switch kind {
	case flagSet:
		f.Flags[name] = nfdv1alpha1.FlagFeatureSet{Elements: mergedElements(f.Flags[name].Elements, s.flags.Elements)}
	case attributeSet:
		f.Attributes[name] = nfdv1alpha1.AttributeFeatureSet{Elements: mergedElements(f.Attributes[name].Elements, s.attributes.Elements)}
	case instanceSet:
		f.Instances[name] = nfdv1alpha1.InstanceFeatureSet{Elements: slices.Concat(f.Instances[name].Elements, s.instances.Elements)}
	}
}

func mergedElements[V any](elements, more map[string]V) map[string]V {
	switch {
	case elements == nil:
		return more
	case more == nil:
		return elements
	}
	merged := maps.Clone(elements)
	maps.Copy(merged, more)
	return merged
}
