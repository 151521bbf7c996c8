package nodefeatures

import (
	"encoding/json"
	"fmt"
	"maps"

	kjson "sigs.k8s.io/json"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A document is one JSON value of a stream, and what it turned out to be.
type document struct {
	where string
	data  []byte
	item  bool // of a list
	list  bool // what is left of a list without its items

	snapshot *Snapshot // nil if it is not one
	objects  []*rawObject
	err      error
}

// rawObject is an object of which the features are not decoded yet.
type rawObject struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       struct {
		Features struct {
			Flags      map[string]json.RawMessage `json:"flags"`
			Attributes map[string]json.RawMessage `json:"attributes"`
			Instances  map[string]json.RawMessage `json:"instances"`
		} `json:"features"`
	} `json:"spec"`
}

// decode finds out what the document is, and drops the features that are not kept.
func (d *document) decode(kept map[string]bool) {
	data := d.data
	d.data = nil
	var h header
	if !d.item {
		if d.err = kjson.UnmarshalCaseSensitivePreserveInts(data, &h); d.err != nil {
			return
		}
	}
	nfd := nfdv1alpha1.SchemeGroupVersion.String()
	list := h.APIVersion == nfd && h.Kind == "NodeFeatureList" || h.APIVersion == "v1" && h.Kind == "List"
	switch {
	case d.list && !list:
		d.err = fmt.Errorf("%w: a list of apiVersion %q, kind %q; %s", ErrNotSnapshot, h.APIVersion, h.Kind, accepted)
	case d.list:
	case d.item, h.APIVersion == nfd && h.Kind == "NodeFeature":
		d.decodeObject(data, kept)
	case list:
		d.decodeList(data, kept)
	default:
		d.decodeSnapshot(data, h, kept)
	}
}

func (d *document) decodeObject(data []byte, kept map[string]bool) {
	o := &rawObject{}
	if walkObject(o, string(data), kept) {
		d.objects = append(d.objects, o)
		return
	}
	o = &rawObject{}
	if d.err = kjson.UnmarshalCaseSensitivePreserveInts(data, o); d.err != nil {
		return
	}
	f := &o.Spec.Features
	for _, sets := range []map[string]json.RawMessage{f.Flags, f.Attributes, f.Instances} {
		for name, set := range sets {
			if kept != nil && !kept[name] {
				delete(sets, name)
				continue
			}
			sets[name] = compact(set)
		}
	}
	d.objects = append(d.objects, o)
}

// compact is well-formed JSON without its white space, of which kubectl's has
// as much as of text. It is faster than json.Compact, which checks it again.
func compact[T string | json.RawMessage](data T) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := i + 1
			for data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			out = append(out, data[i:end+1]...)
			i = end
		default:
			out = append(out, c)
		}
	}
	return out
}

// decodeList decodes a list that was not read item by item: one of YAML.
func (d *document) decodeList(data []byte, kept map[string]bool) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	d.err = kjson.UnmarshalCaseSensitivePreserveInts(data, &list)
	for _, item := range list.Items {
		if d.err == nil {
			d.decodeObject(item, kept)
		}
	}
}

func (d *document) decodeSnapshot(data []byte, h header, kept map[string]bool) {
	s, err := h.load(data)
	if err == nil {
		err = s.withinBounds()
	}
	if err != nil {
		d.err = err
		return
	}
	s.keep(kept)
	s.complete()
	d.snapshot = s
}

// keep drops all features but those that are kept.
func (s *Snapshot) keep(kept map[string]bool) {
	if kept == nil {
		return
	}
	drops := func(name string) bool { return !kept[name] }
	maps.DeleteFunc(s.Features.Flags, func(name string, _ nfdv1alpha1.FlagFeatureSet) bool { return drops(name) })
	maps.DeleteFunc(s.Features.Attributes, func(name string, _ nfdv1alpha1.AttributeFeatureSet) bool { return drops(name) })
	maps.DeleteFunc(s.Features.Instances, func(name string, _ nfdv1alpha1.InstanceFeatureSet) bool { return drops(name) })
	maps.DeleteFunc(s.Addresses, func(name string, _ []string) bool { return drops(name) })
}
