package placement

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var owner = Owner{APIVersion: "x/v1", Kind: "Rule", Label: "by", Value: "us", Prefix: "our-"}

func rule(name string) Object {
	return Object{
		Name: name,
		YAML: []byte("apiVersion: x/v1\nkind: Rule\nmetadata: {name: " + name + ", labels: {by: us}}\nspec: {a: 1}\n"),
		JSON: []byte(`{"apiVersion": "x/v1", "kind": "Rule", "metadata": {"name": "` + name + `", "labels": {"by": "us"}}, "spec": {"a": 1}}`),
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	const foreign = "apiVersion: x/v1\nkind: Rule\nmetadata: {name: our-other}\n"
	yaml, json := func(name string) string { return string(rule(name).YAML) }, func(name string) string { return string(rule(name).JSON) }
	for _, test := range []struct {
		name    string
		files   []string
		objects []Object
		results []Result
		want    string
	}{
		{"files become one stream", []string{"a: 1", "b: 1\n", "---\nc: 1\n"}, []Object{rule("our-1")}, nil, "a: 1\n---\nb: 1\n---\nc: 1\n---\n" + yaml("our-1")},
		{"what an earlier run wrote goes", []string{yaml("our-0") + "---\na: 1\n---\n" + yaml("our-1") + "---\n" + foreign}, []Object{rule("our-1"), rule("our-2")}, nil, "---\na: 1\n---\n" + foreign + "---\n" + yaml("our-1") + "---\n" + yaml("our-2")},
		{"nothing is added", []string{"a: 1\n"}, nil, nil, "a: 1\n"},
		{"JSON", []string{"{\"a\": 1}\n" + json("our-0") + "\n", `{"b": 1}`}, []Object{rule("our-1")}, nil, "{\"a\": 1}\n{\"b\": 1}\n" + json("our-1") + "\n"},
		{"JSON in front of YAML", []string{`{"b": 1}`, "a: 1\n"}, []Object{rule("our-1")}, nil, "---\n{\"b\": 1}\n---\na: 1\n---\n" + yaml("our-1")},
		{
			"a function's list",
			[]string{"kind: ResourceList\nitems: # all\n- {kind: A}\n- apiVersion: x/v1\n  kind: Rule\n  metadata:\n    name: our-0\n    labels: {by: us}\n  spec: {a: 1}\n# about B\n- {kind: B}\nresults:\n- message: old\n"},
			[]Object{rule("our-1")},
			[]Result{{"new: \"this\"", "warning"}},
			"kind: ResourceList\nresults:\n- message: \"new: \\\"this\\\"\"\n  severity: warning\nitems: # all\n- apiVersion: x/v1\n  kind: Rule\n  metadata: {name: our-1, labels: {by: us}}\n  spec: {a: 1}\n- {kind: A}\n# about B\n- {kind: B}\n",
		},
		{
			"an object with annotations stays, unless it is another",
			[]string{"kind: ResourceList\nitems:\n  - {apiVersion: x/v1, kind: Rule, metadata: {name: our-1, labels: {by: us}, annotations: {path: a}}, spec: {a: 1}}\n  - {apiVersion: x/v1, kind: Rule, metadata: {name: our-2, labels: {by: us}}, spec: {a: 2}}\n"},
			[]Object{rule("our-1"), rule("our-2")},
			nil,
			"kind: ResourceList\nitems:\n  - apiVersion: x/v1\n    kind: Rule\n    metadata: {name: our-2, labels: {by: us}}\n    spec: {a: 1}\n  - {apiVersion: x/v1, kind: Rule, metadata: {name: our-1, labels: {by: us}, annotations: {path: a}}, spec: {a: 1}}\n",
		},
		{"all of a function's items go", []string{"kind: ResourceList\nitems:\n- {apiVersion: x/v1, kind: Rule, metadata: {name: our-1, labels: {by: us}}, spec: {a: 1}}\n"}, nil, nil, "kind: ResourceList\nitems: []\n"},
		{"a function's list in JSON", []string{`{"kind": "ResourceList", "items": [{"kind": "A"}]}`}, []Object{rule("our-1")}, []Result{{"m", "warning"}}, `{"kind": "ResourceList", "results": [{"message": "m", "severity": "warning"}], "items": [` + json("our-1") + `, {"kind": "A"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := make([][]byte, len(test.files))
			for i, f := range test.files {
				files[i] = []byte(f)
			}
			once, err := Join(files, owner, test.objects, test.results)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(once)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if twice, err := Join([][]byte{once}, owner, test.objects, test.results); err != nil || !bytes.Equal(twice, once) {
				t.Errorf("a second time: %v\n%s", err, cmp.Diff(string(once), string(twice)))
			}
		})
	}
}

// TestOwnerEarlier finds what Join takes out: documents, and items of a function's list, but not of others.
func TestOwnerEarlier(t *testing.T) {
	t.Parallel()
	items := "items:\n- " + string(rule("our-2").JSON) + "\n- {kind: Rule}\n"
	for data, want := range map[string][]string{
		string(rule("our-1").YAML) + "---\nkind: A\n---\n" + string(rule("our-0").YAML): {"our-1", "our-0"},
		"kind: ResourceList\n" + items:                                {"our-2"},
		"kind: List\n" + items:                                        nil,
		"apiVersion: x/v1\nkind: Rule\nmetadata: {name: our-other}\n": nil,
	} {
		got, err := owner.Earlier([]byte(data))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, %s", data, err, diff)
		}
	}
	if _, err := owner.Earlier([]byte("kind: Rule\na: [")); err == nil {
		t.Error("no error of what is no YAML")
	}
}
