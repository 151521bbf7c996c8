package nodefeatures

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	kjson "sigs.k8s.io/json"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// walked are the ways in which objects and sets are written.
var walked = []string{
	`{"apiVersion": "v1", "kind": "K", "metadata": {"name": "a"}, "spec": {"features": {"flags": {"a.b": {"elements": {"X": {}}}}}}}`,
	`{"spec":{"labels":{"x":"y"},"features":{"attributes":{"a.b":{"elements":{"k":"v","k":"w"}},"c.d":null},"instances":{"e.f":{"elements":[{"attributes":{"a":"}"}}]}}}}}`,
	`{"spec": {"features": {"flags": {}, "flags": {}}}}`, `{"spec": {"features": {"flags": {"a": {}, "a": {}}}}}`,
	`{"spec": {}, "spec": {}}`, `{"spec": null}`, `{"kind": 7}`, `{"a": [1, {"b": "]"}, -1.5e3, true], "kind": "\u004b"}`, `[]`, `{}`, ` { } `,
	`{"elements": {"a": "b", "c": "\"d\\", "e": "\u00e9", "f": "é", "g" : "" , "\u0068": "h"}}`, `{"elements": {"a": {}, "b": { }}}`,
	`{"elements": {"a": {}}, "elements": {"b": {}}}`, `{"elements": null}`, `{"Elements": {"a": "b"}}`, `{"elements": {"a": 1}}`,
	"{\"elements\": {\"\xff\": \"\xff\"}}", `{"elements":{"a":"\\"},"x":"\\\""}`, `{"elements": {"a": null}}`, `{"elements": []}`,
}

// FuzzWalk: what is read without a decoder is what a decoder reads.
func FuzzWalk(f *testing.F) {
	for _, text := range walked {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		var quick, decoded rawObject
		if walkObject(&quick, text, nil) {
			must(t, kjson.UnmarshalCaseSensitivePreserveInts([]byte(text), &decoded))
			f := &decoded.Spec.Features
			for _, sets := range []map[string]json.RawMessage{f.Flags, f.Attributes, f.Instances} {
				for name := range sets {
					sets[name] = compact(sets[name])
				}
			}
			if diff := cmp.Diff(decoded, quick); diff != "" {
				t.Errorf("decoder (-), walk (+): %s", diff)
			}
		}
		if elements, ok := flagsOf(text); ok {
			var set nfdv1alpha1.FlagFeatureSet
			must(t, kjson.UnmarshalCaseSensitivePreserveInts([]byte(text), &set))
			if diff := cmp.Diff(set.Elements, elements); diff != "" {
				t.Errorf("decoder (-), walk (+): %s", diff)
			}
		}
		if elements, ok := attributesOf(text); ok {
			var set nfdv1alpha1.AttributeFeatureSet
			must(t, kjson.UnmarshalCaseSensitivePreserveInts([]byte(text), &set))
			if diff := cmp.Diff(set.Elements, elements); diff != "" {
				t.Errorf("decoder (-), walk (+): %s", diff)
			}
		}
	})
}

// TestWalkUsual: what a cluster has needs no decoder.
func TestWalkUsual(t *testing.T) {
	for _, text := range []string{walked[0], `{"kind":"K","spec":{"features":{"flags":{},"attributes":{},"instances":{}}}}`} {
		if !walkObject(&rawObject{}, text, nil) {
			t.Errorf("not read: %s", text)
		}
	}
	if _, ok := attributesOf(`{"elements":{"a":"b","c":"\"quoted\""}}`); !ok {
		t.Error("attributes were not read")
	}
	if _, ok := flagsOf(`{"elements":{"a":{},"b":{}}}`); !ok {
		t.Error("flags were not read")
	}
}
