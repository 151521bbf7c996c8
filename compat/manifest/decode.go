package manifest

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// A decoder turns the nodes of one document into Pods. It checks them against
// the Go types on the way, because the errors of JSON's decoders have no lines.
type decoder struct {
	*parser

	templated bool
	items     iter.Seq2[*yamltree.Node, error] // of a List that is too long to be read at once
	nodes     int                              // spent so far
	text      int                              // bytes of them
	looks     int                              // keys looked at so far
	tooBig    bool
	places    map[string]place // of the Pod that is being read
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
	p := Pod{
		APIVersion: Shorten(t.apiVersion), Kind: Shorten(t.kind), BestEffort: bestEffort,
		File: d.file, Source: d.source, Document: d.document, Line: int(n.Line), Path: JoinPath(path, where),
	}
	if !bestEffort {
		d.envelope(n, path)
	}
	p.Name, p.Namespace = Shorten(d.textAt(n, "metadata.name")), Shorten(d.textAt(n, "metadata.namespace"))
	if p.Name == "" {
		p.Name = Shorten(d.textAt(n, "metadata.generateName"))
	}
	template := strings.TrimSuffix(strings.TrimSuffix(where, "spec"), ".")
	p.Labels = d.texts(n, JoinPath(template, "metadata.labels"))
	p.Annotations = d.texts(n, JoinPath(template, "metadata.annotations"))
	p.Workload = d.workload(n, where, t)
	d.places = map[string]place{}
	for _, field := range []string{"metadata", "metadata.labels", "metadata.annotations"} {
		d.mark(n, path, JoinPath(template, field))
	}
	d.mark(n, path, where)
	d.members += d.containers(spec)
	if d.into(spec, p.Path, &p.Spec) {
		p.places = d.places
		p.Suppressions = d.annotated(n, path, where)
		d.m.Pods = append(d.m.Pods, p)
	}
}

// envelope reports keys around the spec that no object has.
func (d *decoder) envelope(n *yamltree.Node, path string) {
	text := reflect.TypeFor[string]()
	top := map[string]reflect.Type{"apiVersion": text, "kind": text, "metadata": text, "spec": text, "status": text, "template": text}
	check := func(of *yamltree.Node, at string, fields map[string]reflect.Type) {
		d.pairs(of, at, 0, func(key, _ *yamltree.Node) {
			if _, known := fields[key.Value]; !known {
				d.unknown(key, JoinPath(at, PathKey(key.Value)), fields)
			}
		})
	}
	check(n, path, top)
	if metadata := d.at(n, "metadata"); metadata != nil && metadata.Kind == yamltree.Mapping {
		check(metadata, JoinPath(path, "metadata"), d.types.of(reflect.TypeFor[metav1.ObjectMeta]()))
	}
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

// mark notes where something outside the PodSpec is.
func (d *decoder) mark(n *yamltree.Node, path, where string) {
	v := d.at(n, where)
	if v == nil {
		return
	}
	d.places[JoinPath(path, where)] = placeOf(v)
	if v.Kind == yamltree.Mapping && where != "metadata" && d.look(len(v.Content)) {
		for i := 0; i+1 < len(v.Content); i += 2 {
			d.places[JoinPath(JoinPath(path, where), PathKey(v.Content[i].Deref().Value))] = placeOf(&v.Content[i])
		}
	}
}

// texts reads a mapping of text to text; what is none is left out.
func (d *decoder) texts(n *yamltree.Node, path string) map[string]string {
	texts := map[string]string{}
	if v := d.at(n, path); v != nil && v.Kind == yamltree.Mapping {
		for i := 0; i+1 < len(v.Content); i += 2 {
			value := v.Content[i+1].Deref()
			if text, ok := value.Typed().(string); ok && value.Kind == yamltree.Scalar && d.spend(1) {
				texts[v.Content[i].Deref().Value] = text
			}
		}
	}
	return texts
}

// workload reads what of the object around the template matters.
func (d *decoder) workload(n *yamltree.Node, where string, t typeMeta) Workload {
	var w Workload
	switch t.kind {
	case "Job", "CronJob":
		w.Job = true
		spec := strings.TrimSuffix(where, ".template.spec")
		d.number(n, JoinPath(spec, "backoffLimit"), &w.BackoffLimit)
		d.number(n, JoinPath(spec, "activeDeadlineSeconds"), &w.ActiveDeadlineSeconds)
	case "Deployment":
		w.ProgressDeadlineSeconds = new(int32(600))
		d.number(n, "spec.progressDeadlineSeconds", &w.ProgressDeadlineSeconds)
	}
	return w
}

// number reads an integer into a pointer to one, and leaves it when there is none.
func (d *decoder) number(n *yamltree.Node, path string, into any) {
	if v := d.at(n, path); v != nil && v.Kind == yamltree.Scalar {
		if number, ok := v.Typed().(json.Number); ok {
			// What does not fit is refused by the API server; here it counts as absent.
			_ = json.Unmarshal([]byte(number), into)
		}
	}
}

// into decodes a PodSpec. Everything in it that is wrong has been reported and
// left out by value; false means that it was too big.
func (d *decoder) into(n *yamltree.Node, path string, spec *corev1.PodSpec) bool {
	v, _ := d.value(n, reflect.TypeFor[corev1.PodSpec](), path, 0)
	if d.tooBig {
		return false
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, spec)
	}
	if err != nil {
		d.problem(n, path, ProblemWrongType, verdict.SeverityError, fmt.Sprintf("not a PodSpec: %.300s", printable(err.Error())))
	}
	return err == nil
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
	if n.Kind == yamltree.Scalar && n.Typed() == nil {
		return nil, false
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
	list := make([]any, 0, len(n.Content))
	for i := range n.Content {
		at := path + PathIndex(i)
		d.places[at] = placeOf(&n.Content[i])
		v, _ := d.value(&n.Content[i], t.Elem(), at, depth+1)
		if v == nil && isObject(t.Elem()) {
			v = map[string]any{} // keeps the indexes
		}
		if v != nil {
			list = append(list, v)
		}
	}
	return list, true
}

func isObject(t reflect.Type) bool { return t.Kind() == reflect.Struct }

// mapping reads a struct or a map.
func (d *decoder) mapping(n *yamltree.Node, t reflect.Type, path string, depth int) (any, bool) {
	if n.Kind != yamltree.Mapping {
		return d.wrong(n, path, "a mapping")
	}
	object, seen := map[string]any{}, map[string]bool{}
	d.pairs(n, path, 0, func(key, value *yamltree.Node) {
		of, known := d.field(t, key.Value)
		at := JoinPath(path, PathKey(key.Value))
		if !known {
			d.unknown(key, at, d.types.of(t))
			return
		}
		if seen[key.Value] {
			d.problem(key, at, ProblemDuplicateKey, verdict.SeverityError, fmt.Sprintf("the key %.60q is here twice", key.Value))
		}
		seen[key.Value] = true
		d.places[at] = placeOf(key)
		if v, ok := d.value(value, of, at, depth+1); ok && d.spendText(len(key.Value)) {
			object[key.Value] = v
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
		case key.Kind != yamltree.Scalar:
			d.problem(key, path, ProblemNonStringKey, verdict.SeverityError, "a key that is no text")
		default:
			each(key, &n.Content[i+1])
		}
	}
}

// unknown reports a key that the type does not have. One that is nearly right
// is a mistake; another can be a field that is newer than the types.
func (d *decoder) unknown(key *yamltree.Node, path string, fields map[string]reflect.Type) {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	if near := verdict.Nearest(key.Value, names); near != "" {
		d.problem(key, path, ProblemUnknownKey, verdict.SeverityError, fmt.Sprintf("unknown key %.60q: did you mean %s?", key.Value, near))
		return
	}
	d.problem(key, path, ProblemUnknownKey, verdict.SeverityWarning, fmt.Sprintf(
		"unknown key %.60q: Kubernetes %s has no such field here; if it is newer, it was not considered", key.Value, APITypes))
}

func (d *decoder) wrong(n *yamltree.Node, path, want string) (any, bool) {
	got := map[yamltree.Kind]string{yamltree.Mapping: "a mapping", yamltree.Sequence: "a list"}[n.Kind]
	if got == "" {
		got = fmt.Sprintf("%.60q", n.Value)
		switch n.Typed().(type) {
		case json.Number:
			got = "the number " + got
		case bool:
			got = "the truth value " + got
		}
	}
	d.problem(n, path, ProblemWrongType, verdict.SeverityError, fmt.Sprintf("%s is needed here, not %s: the API server refuses it", want, got))
	return nil, false
}
