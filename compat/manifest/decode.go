package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// A decoder turns the nodes of one document into Pods. It checks them against
// the Go types on the way, because the errors of JSON's decoders have no lines.
type decoder struct {
	*parser

	templated  bool
	items      iter.Seq2[*yamltree.Node, error] // of a List that is too long to be read at once
	owner      *yamltree.Node                   // the object of a Pod template that is deep in it
	ownerPath  string
	bestEffort bool            // the kind is not one of Kubernetes' own
	live       bool            // an API server gave the object out, and knows what is in it
	refused    map[string]bool // paths of the Pod whose values were left out
	nodes      int             // spent so far
	text       int             // bytes of them
	looks      int             // keys looked at so far
	tooBig     bool
	places     map[string]place // of the Pod that is being read
}

func (d *decoder) problem(n *yamltree.Node, path string, code ProblemCode, severity verdict.Severity, message string) {
	d.report(Problem{Code: code, Severity: severity, Path: path, Line: int(n.Line), Column: int(n.Column), Message: message})
}

// spend counts values, aliased ones as often as they are used. It is false when
// the document has too many.
func (d *decoder) spend(n int) bool {
	d.nodes += n
	return d.within(d.nodes <= yamltree.MaxValues, "more than %d values", yamltree.MaxValues)
}

// spendText is spend for the bytes of a text.
func (d *decoder) spendText(n int) bool {
	d.text += n
	return d.within(d.text <= yamltree.MaxDocument, "more than %d bytes", yamltree.MaxDocument)
}

// look counts keys that are looked at, which with aliases can be many more
// than there are.
func (d *decoder) look(n int) bool {
	const most = 100 * yamltree.MaxValues
	d.looks += n
	return d.within(d.looks <= most, "more than %d values", yamltree.MaxValues)
}

// within reports once that the document is beyond a bound.
func (d *decoder) within(ok bool, format string, bound int) bool {
	if !ok && !d.tooBig {
		d.tooBig = true
		d.report(Problem{Code: ProblemTooBig, Severity: verdict.SeverityError, Message: fmt.Sprintf("the document has "+format, bound)})
	}
	return ok
}

// pod reads an object that has a PodSpec.
func (d *decoder) pod(n *yamltree.Node, path, where string, t typeMeta, bestEffort bool) {
	spec := d.at(n, where)
	switch {
	case (spec == nil || spec.Kind != yamltree.Mapping) && d.noMapping(n, path, where):
		return
	case spec == nil || spec.Kind != yamltree.Mapping:
		d.problem(n, JoinPath(path, where), ProblemNoTemplate, verdict.SeverityError, fmt.Sprintf("no PodSpec in %s", where))
		return
	case d.containers(spec) > MaxContainers:
		d.problem(spec, JoinPath(path, where), ProblemTooManyContainers, verdict.SeverityError, fmt.Sprintf("more than %d containers: the Pod is left out", MaxContainers))
		return
	case d.members+d.containers(spec) > MaxFileContainers:
		d.problem(spec, JoinPath(path, where), ProblemTooBig, verdict.SeverityError, fmt.Sprintf("more than %d containers in a file: this Pod is left out", MaxFileContainers))
		return
	case len(d.m.Pods) >= MaxPods:
		d.problem(n, path, ProblemTooBig, verdict.SeverityError, fmt.Sprintf("more than %d Pods in a file: this one is left out", MaxPods))
		return
	}
	owner, root := n, path
	if d.owner != nil {
		owner, root = d.owner, d.ownerPath
	}
	p := Pod{
		APIVersion: Shorten(t.apiVersion), Kind: Shorten(t.kind), BestEffort: bestEffort,
		File: d.file, Source: d.source, Document: d.document, Line: int(owner.Line), Path: JoinPath(path, where), root: root, node: n,
	}
	d.places, d.refused = map[string]place{}, map[string]bool{}
	d.bestEffort, d.live = bestEffort, d.written(owner, "metadata.uid") != ""
	d.members += d.containers(spec)
	if !d.whole(n, owner, where, t, &p) {
		return
	}
	d.placeholders(owner, spec, &p)
	d.places[p.Path] = placeOf(spec) // where their content begins
	if v := d.at(owner, "metadata"); v != nil {
		d.places[p.ObjectPath("metadata")] = placeOf(v)
	}
	p.Name, p.Namespace = Shorten(cmp.Or(d.written(owner, "metadata.name"), d.written(owner, "metadata.generateName"))), Shorten(d.written(owner, "metadata.namespace"))
	p.places, p.refused, p.aboveRefused = d.places, d.refused, allAbove(d.refused)
	p.Suppressions = d.annotated(owner, root, strings.TrimPrefix(strings.TrimPrefix(p.Path, root), "."))
	d.m.Pods = append(d.m.Pods, p)
}

// noMapping tells which of the mappings on the way to a PodSpec is something else; false if one is
// missing.
func (d *decoder) noMapping(n *yamltree.Node, path, where string) bool {
	for _, key := range strings.Split(where, ".") {
		n, path = d.at(n, key), JoinPath(path, key)
		switch {
		case n == nil || n.Kind == yamltree.Scalar && (n.Typed() == nil || placeholder(n) != ""):
			return false
		case n.Kind != yamltree.Mapping:
			d.mistyped(n, path, "a mapping")
			return true
		}
	}
	return false
}

// written returns a scalar as it is written, whatever its type is.
func (d *decoder) written(n *yamltree.Node, path string) string {
	if v := d.at(n, path); v != nil && v.Kind == yamltree.Scalar {
		return v.Value
	}
	return ""
}

func (d *decoder) containers(spec *yamltree.Node) int {
	total := 0
	for _, r := range []Role{RoleInit, RoleRegular, RoleEphemeral} {
		if list := d.at(spec, r.Field()); list != nil {
			total += len(list.Content)
		}
	}
	return total
}

// value converts a node to what encoding/json makes of the same JSON, leaving
// out what does not fit the type. ok is false when nothing is left.
func (d *decoder) value(n *yamltree.Node, t reflect.Type, path string, depth int) (v any, ok bool) {
	n = n.Deref()
	if !d.spend(1) || !d.spendText(len(n.Value)) {
		return nil, false
	}
	if depth > yamltree.MaxDepth { // through aliases
		d.problem(n, "", ProblemTooBig, verdict.SeverityError, fmt.Sprintf("nested deeper than %d levels", yamltree.MaxDepth))
		return nil, false
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isNull(n) {
		return nil, true
	}
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler):
		return d.special(n, t, path)
	case t.Kind() == reflect.Struct:
		return d.mapping(n, t, path, depth)
	case t.Kind() == reflect.Map:
		return d.mapping(n, t, path, depth)
	case t.Kind() == reflect.Slice:
		return d.sequence(n, t, path, depth)
	}
	return d.scalar(n, t, path)
}

func (d *decoder) sequence(n *yamltree.Node, t reflect.Type, path string, depth int) (any, bool) {
	if n.Kind != yamltree.Sequence {
		return d.wrong(n, path, "a list")
	}
	list := make([]any, len(n.Content)) // what does not fit is null, which keeps the indexes
	for i := range n.Content {
		at := path + PathIndex(i)
		d.places[at] = placeOf(&n.Content[i])
		list[i], _ = d.value(&n.Content[i], t.Elem(), at, depth+1)
	}
	return list, true
}

// mapping reads a struct or a map.
func (d *decoder) mapping(n *yamltree.Node, t reflect.Type, path string, depth int) (any, bool) {
	if n.Kind != yamltree.Mapping {
		return d.wrong(n, path, "a mapping")
	}
	object, seen := map[string]any{}, map[string]bool{}
	d.pairs(n, path, 0, func(key, value *yamltree.Node) {
		name, _ := yamltree.KeyText(typed(key))
		of, known := d.field(t, name)
		at := JoinPath(path, PathKey(name))
		switch {
		case !known:
			d.unknown(key, at, d.types.of(t))
			return
		case seen[name]:
			d.problem(key, at, ProblemDuplicateKey, verdict.SeverityWarning, fmt.Sprintf("the key %.60q is here twice: kubectl takes the last", name))
			delete(object, name)
		}
		seen[name] = true
		d.places[at] = placeOf(key)
		if v, ok := d.value(value, of, at, depth+1); ok && d.spendText(len(name)) {
			object[name] = v
		}
	})
	return object, !d.tooBig
}

// field returns the type of a key's value.
func (d *decoder) field(t reflect.Type, key string) (of reflect.Type, known bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	of, known = d.types.of(t)[key]
	return of, known
}

// pairs calls each with the keys and values of a mapping, those that are merged
// into it first.
func (d *decoder) pairs(n *yamltree.Node, path string, merges int, each func(key, value *yamltree.Node)) {
	if !d.look(len(n.Content)) {
		return
	}
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		own[n.Content[i].Deref().Value] = true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].IsMerge() && merges < yamltree.MaxDepth {
			for _, source := range mergeSources(n.Content[i+1].Deref()) {
				if !d.spend(10) { // a merge costs more than a value
					return
				}
				d.pairs(source, path, merges+1, func(key, value *yamltree.Node) {
					if !own[key.Value] {
						own[key.Value] = true
						each(key, value)
					}
				})
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Deref()
		switch {
		case key.IsMerge():
		case key.Kind != yamltree.Scalar || isNull(key):
			d.problem(key, path, ProblemNonStringKey, verdict.SeverityError, "a key that is no text")
		default:
			each(key, &n.Content[i+1])
		}
	}
}

// unknown reports a key that the type does not have, and leaves its value out. One
// that is nearly right is a mistake; another can be a field that is newer than the types.
func (d *decoder) unknown(key *yamltree.Node, path string, fields map[string]reflect.Type) {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	d.refused[path] = true
	if near := verdict.Nearest(key.Value, names); near != "" && !d.live {
		d.problem(key, path, ProblemUnknownKey, verdict.SeverityError, fmt.Sprintf("unknown key %.60q: did you mean %s?", key.Value, near))
		return
	}
	severity := verdict.SeverityError
	if d.bestEffort || d.live { // the kind's own controller may know it, or the API server does
		severity = verdict.SeverityWarning
	}
	d.problem(key, path, ProblemNewerKey, severity, fmt.Sprintf(
		"unknown key %.60q: Kubernetes %s has no such field here; if it is newer, it was not considered", key.Value, APITypes))
}

// wrong reports a value that does not fit, which is left out.
func (d *decoder) wrong(n *yamltree.Node, path, want string) (any, bool) {
	d.refused[path] = true
	if mark := placeholder(n); mark != "" {
		d.unfilled(n, path, mark)
		return nil, false
	}
	d.mistyped(n, path, want)
	return nil, false
}

// mistyped tells of a value of a wrong type.
func (d *decoder) mistyped(n *yamltree.Node, path, want string) {
	got := map[yamltree.Kind]string{yamltree.Mapping: "a mapping", yamltree.Sequence: "a list"}[n.Kind]
	if got == "" {
		got = fmt.Sprintf("%.60q", n.Value)
		switch typed(n).(type) {
		case json.Number:
			got = "the number " + got
		case bool:
			got = "the truth value " + got
		}
	}
	d.problem(n, path, ProblemWrongType, verdict.SeverityError, fmt.Sprintf("%s is needed here, not %s: the API server refuses it", want, got))
}
