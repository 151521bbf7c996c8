package nodefeatures

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	kjson "sigs.k8s.io/json"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A heldObject waits for the other objects of its node, with as much of it as is kept.
type heldObject struct {
	object
	sets []heldSet
}

// A heldSet is the elements of one feature. Most nodes of a cluster have many
// in common, which are held once.
type heldSet struct {
	kind    setKind
	feature string
	blob    *blob
}

// A setKind is one of the three types of features.
type setKind byte

const (
	flagSet setKind = iota
	attributeSet
	instanceSet
)

// A blob is a feature's elements as they were read; shared ones stay decoded.
type blob struct {
	kind setKind
	raw  string
	uses int

	once       sync.Once
	flags      nfdv1alpha1.FlagFeatureSet
	attributes nfdv1alpha1.AttributeFeatureSet
	instances  nfdv1alpha1.InstanceFeatureSet
	err        error
}

// hold keeps an object until the end of the stream.
func (l *loader) hold(raw *rawObject) error {
	o := &heldObject{object: object{APIVersion: raw.APIVersion, Kind: raw.Kind, Metadata: raw.Metadata}}
	if err := o.check(); err != nil {
		return err
	}
	f := &raw.Spec.Features
	if n := len(f.Flags) + len(f.Attributes) + len(f.Instances); n > MaxFeatures {
		return fmt.Errorf("%d features are more than the limit of %d", n, MaxFeatures)
	}
	o.Metadata.Annotations = map[string]string{nfdv1alpha1.WorkerVersionAnnotation: o.worker()}
	o.Metadata.Labels = map[string]string{nfdv1alpha1.NodeFeatureObjNodeNameLabel: o.node()}
	for kind, sets := range []map[string]json.RawMessage{f.Flags, f.Attributes, f.Instances} {
		for name, data := range sets {
			b, err := l.blob(setKind(kind), data)
			if err != nil {
				return err
			}
			o.sets = append(o.sets, heldSet{setKind(kind), name, b})
		}
	}
	l.objects = append(l.objects, o)
	return nil
}

// blob holds the data once, however often it comes.
func (l *loader) blob(kind setKind, data []byte) (*blob, error) {
	key := string(append(data, byte('0'+kind)))
	b, ok := l.blobs[key]
	if !ok {
		if l.held += len(data); l.held > MaxHeld {
			return nil, fmt.Errorf("the objects differ in more than the limit of %d bytes; split the list by nodes", MaxHeld)
		}
		b = &blob{kind: kind, raw: key[:len(data)]}
		l.blobs[key] = b
	}
	b.uses++
	return b, nil
}

// decode decodes the blob, once if it is shared.
func (b *blob) decode() *blob {
	if b.uses == 1 {
		once := &blob{kind: b.kind, raw: b.raw}
		once.parse()
		return once
	}
	b.once.Do(b.parse)
	return b
}

func (b *blob) parse() {
	var ok bool
	switch b.kind {
	case flagSet:
		b.flags.Elements, ok = flagsOf(b.raw)
	case attributeSet:
		b.attributes.Elements, ok = attributesOf(b.raw)
	}
	if ok {
		return
	}
	b.flags.Elements, b.attributes.Elements = nil, nil
	into := map[setKind]any{flagSet: &b.flags, attributeSet: &b.attributes, instanceSet: &b.instances}[b.kind]
	b.err = kjson.UnmarshalCaseSensitivePreserveInts([]byte(b.raw), into)
	for i := range b.instances.Elements {
		if b.instances.Elements[i].Attributes == nil {
			b.instances.Elements[i].Attributes = map[string]string{}
		}
	}
}

// merged hands on the snapshots that the objects make.
func (l *loader) merged(yield func(*Snapshot, error) bool) (more bool, err error) {
	l.blobs = nil
	inOrderOfMaster(l.objects, func(o *heldObject) *object { return &o.object })
	type merging struct {
		objects  []*heldObject
		snapshot *Snapshot
		err      error
	}
	var nodes []*merging
	for i, o := range l.objects {
		if i == 0 || l.objects[i-1].node() != o.node() {
			nodes = append(nodes, &merging{})
		}
		nodes[len(nodes)-1].objects = append(nodes[len(nodes)-1].objects, o)
	}
	l.objects = nil
	for some := range slices.Chunk(nodes, batch) {
		wait := sideBySide(some, func(m *merging) { m.snapshot, m.err = mergeHeld(m.objects) })
		for _, m := range wait() {
			if m.err != nil {
				return false, fmt.Errorf("node %q: %w", m.objects[0].node(), m.err)
			}
			if !yield(m.snapshot, nil) {
				return false, nil
			}
			*m = merging{}
		}
	}
	return true, nil
}

// mergeHeld makes one snapshot of the objects of a node.
func mergeHeld(objects []*heldObject) (*Snapshot, error) {
	s := foreign(Node{Name: objects[0].node()})
	s.Features = *nfdv1alpha1.NewFeatures()
	for _, o := range objects {
		for _, set := range o.sets {
			if err := s.merge(set); err != nil {
				return nil, fmt.Errorf("%s: %w", set.feature, err)
			}
		}
		if s.Tool == "" && o.worker() != "" {
			s.Tool = "nfd-worker " + o.worker()
		}
	}
	s.describe()
	if err := s.withinBounds(); err != nil {
		return nil, err
	}
	s.complete()
	return s, nil
}

// merge adds a set as NFD does. The first of a feature is shared with other
// snapshots; to add another to it, it is copied.
func (s *Snapshot) merge(set heldSet) error {
	b := set.blob.decode()
	if b.err != nil {
		return b.err
	}
	name, f := set.feature, &s.Features
	switch set.kind {
	case flagSet:
		merged, ok := f.Flags[name]
		if !ok {
			merged = b.flags
		} else if b.flags.Elements != nil {
			merged.Elements = maps.Clone(merged.Elements)
			b.flags.MergeInto(&merged)
		}
		f.Flags[name] = merged
	case attributeSet:
		merged, ok := f.Attributes[name]
		if !ok {
			merged = b.attributes
		} else if b.attributes.Elements != nil {
			merged.Elements = maps.Clone(merged.Elements)
			b.attributes.MergeInto(&merged)
		}
		f.Attributes[name] = merged
	case instanceSet:
		merged := f.Instances[name]
		merged.Elements = slices.Concat(merged.Elements, b.instances.Elements)
		f.Instances[name] = merged
	}
	return nil
}
