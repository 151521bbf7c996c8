package placement

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"nodecompat/spec/yamltree"
)

// An Object is one that belongs to what was placed.
type Object struct {
	Name       string
	YAML, JSON []byte // the same, in two forms
}

// A Result is something to tell whoever called a function of Kubernetes' resource model.
// https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
type Result struct{ Message, Severity string }

// Owner says which objects come from an earlier run.
type Owner struct{ APIVersion, Kind, Label, Value, Prefix string }

// owns reports whether an object is one that an earlier run wrote.
func (o Owner) owns(n *yaml.Node) bool {
	_, version := field(n, "apiVersion")
	_, kind := field(n, "kind")
	_, metadata := field(n, "metadata")
	_, name := field(metadata, "name")
	_, labels := field(metadata, "labels")
	_, manager := field(labels, o.Label)
	return version != nil && kind != nil && name != nil && manager != nil && version.Value == o.APIVersion &&
		kind.Value == o.Kind && manager.Value == o.Value && strings.HasPrefix(name.Value, o.Prefix)
}

// Earlier are the names of the objects of an earlier run that Join takes out of a file, or replaces.
func (o Owner) Earlier(data []byte) ([]string, error) {
	documents, err := yamltree.Split(data)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, document := range documents {
		if !bytes.Contains(document.Data, []byte(o.Kind)) {
			continue
		}
		t, err := parse(document.Data)
		if err != nil {
			return nil, err
		}
		objects := []*yaml.Node{t.root}
		if _, kind := field(t.root, "kind"); kind != nil && kind.Value == resourceList {
			if _, items := field(t.root, "items"); items != nil {
				objects = items.Content
			}
		}
		for _, n := range objects {
			if o.owns(n) {
				_, metadata := field(n, "metadata")
				_, name := field(metadata, "name")
				names = append(names, name.Value)
			}
		}
	}
	return names, nil
}

// Join makes one stream of files, with the objects in place of those of an earlier run: as documents
// at its end, or as items of a ResourceList, which then has the results as well.
func Join(files [][]byte, owner Owner, objects []Object, results []Result) ([]byte, error) {
	var out []byte
	function, json := false, len(files) > 0
	for _, data := range files {
		kept, list, err := withoutObjects(data, owner, objects, results)
		if err != nil {
			return nil, err
		}
		function = function || list
		json = json && isJSON(kept)
		out = append(out, separated(out, kept)...)
	}
	if function {
		return out, nil
	}
	if !json && isJSON(out) { // readers take all that follows for JSON as well, unless it begins as YAML
		out = append([]byte("---\n"), out...)
	}
	for _, o := range objects {
		switch {
		case json:
			out = append(append(endLine(out), o.JSON...), '\n')
		default:
			out = append(append(endLine(out), "---\n"...), o.YAML...)
		}
	}
	return out, nil
}

// separated is what is written of a file behind others.
func separated(before, data []byte) []byte {
	if len(before) == 0 || len(data) == 0 || bytes.HasPrefix(data, []byte("---")) || isJSON(before) && isJSON(data) {
		return data
	}
	begin := "---\n"
	if !bytes.HasSuffix(before, []byte("\n")) {
		begin = "\n---\n"
	}
	return append([]byte(begin), data...)
}

func endLine(data []byte) []byte {
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		return append(data, '\n')
	}
	return data
}

// isJSON reports whether a text begins as JSON does.
func isJSON(data []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"`))
}

// withoutObjects is a file without the objects of an earlier run. A ResourceList among its documents gets
// the new ones, and the results.
func withoutObjects(data []byte, owner Owner, objects []Object, results []Result) (kept []byte, function bool, err error) {
	documents, err := yamltree.Split(data)
	if err != nil {
		return nil, false, err
	}
	var edits []edit
	offset := 0
	for _, document := range documents {
		offset += bytes.Index(data[offset:], document.Data)
		end := offset + len(document.Data)
		if mayOwn := bytes.Contains(document.Data, []byte(owner.Kind)); mayOwn || bytes.Contains(document.Data, []byte(resourceList)) {
			t, err := parse(document.Data)
			if err != nil {
				return nil, false, err
			}
			_, kind := field(t.root, "kind")
			switch {
			case owner.owns(t.root):
				if end < len(data) && data[end] == '\n' {
					end++
				}
				edits = append(edits, edit{offset, end, ""})
			case kind != nil && kind.Value == resourceList:
				function = true
				list, err := inList(t, owner, objects, results)
				if err != nil {
					return nil, false, fmt.Errorf("changing a %s: %w", resourceList, err)
				}
				edits = append(edits, edit{offset, end, string(list)})
			}
		}
		offset = end
	}
	return splice(data, 0, edits), function, nil
}

const resourceList = "ResourceList"

// inList is a ResourceList with other objects of ours, and other results. An object that is there as it
// should be stays, with the annotations that its owner gave it.
func inList(t *text, owner Owner, objects []Object, results []Result) ([]byte, error) {
	key, items := field(t.root, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return t.data, nil
	}
	present := map[string]bool{}
	for _, o := range objects {
		present[o.Name] = slices.ContainsFunc(items.Content, func(n *yaml.Node) bool { return owner.owns(n) && o.is(n) })
	}
	missing := slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return present[o.Name] })
	obsolete := func(n *yaml.Node) bool {
		return owner.owns(n) && !slices.ContainsFunc(objects, func(o Object) bool { return o.is(n) })
	}
	if t.removeItems(items, obsolete) { // which are all
		t.replace(t.line(key.Line), t.line(t.lastLine(items)+1), column(key)+"items: []"+t.newline)
	}
	resultsKey, old := field(t.root, "results")
	switch {
	case old == nil:
	case flow(t.root):
		t.removeEntries(t.root, func(key, _ *yaml.Node) bool { return key.Value == "results" })
	default:
		t.removeLines(resultsKey.Line, t.lastLine(old))
	}
	t, err := parse(t.changed())
	if err != nil {
		return nil, err
	}
	key, items = field(t.root, "items")
	if err := t.addObjects(key, items, missing); err != nil {
		return nil, err
	}
	if len(results) > 0 {
		t.addResults(key, results)
	}
	return t.changed(), nil
}

// is reports whether a node is the object, whatever its metadata has besides.
func (o Object) is(n *yaml.Node) bool {
	_, metadata := field(n, "metadata")
	_, name := field(metadata, "name")
	_, spec := field(n, "spec")
	if name == nil || spec == nil || name.Value != o.Name {
		return false
	}
	var have, want any
	var own struct{ Spec yaml.Node }
	return spec.Decode(&have) == nil && yaml.Unmarshal(o.JSON, &own) == nil && own.Spec.Decode(&want) == nil && reflect.DeepEqual(have, want)
}

// addObjects puts objects in front of a list's items.
func (t *text) addObjects(key, items *yaml.Node, objects []Object) error {
	if len(objects) == 0 {
		return nil
	}
	if flow(items) {
		parts := make([]string, len(objects))
		for i, o := range objects {
			parts[i] = string(o.JSON)
		}
		return t.addFlow(items, parts)
	}
	indent := column(items)
	var b strings.Builder
	for _, o := range objects {
		begin := indent + "- "
		for line := range bytes.Lines(o.YAML) {
			b.WriteString(begin + strings.TrimSuffix(string(line), "\n") + t.newline)
			begin = indent + "  "
		}
	}
	t.insertLines(key.Line, b.String())
	return nil
}

// addResults writes the results in front of the items.
func (t *text) addResults(items *yaml.Node, results []Result) {
	values := make(list, len(results))
	for i, r := range results {
		values[i] = mapping{{"message", r.Message}, {"severity", r.Severity}}
	}
	s := style{step: "  ", newline: t.newline, json: t.json}
	at := t.offset(items)
	if !flow(t.root) {
		t.replace(t.line(items.Line), t.line(items.Line), s.block(mapping{{"results", values}}, column(items)))
		return
	}
	t.replace(at, at, s.scalar("results")+": "+s.flow(values, "")+", ")
}
