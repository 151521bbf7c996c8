package placement

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/spec/yamltree"
)

// The keys of a PodSpec that are changed.
const (
	keySelector    = "nodeSelector"
	keyAffinity    = "affinity"
	keyNode        = "nodeAffinity"
	keyRequired    = "requiredDuringSchedulingIgnoredDuringExecution"
	keyTerms       = "nodeSelectorTerms"
	keyExpressions = "matchExpressions"
	keyPreferred   = "preferredDuringSchedulingIgnoredDuringExecution"
	keyPreference  = "preference"
)

// An EditError says which part of a manifest cannot be changed in place.
type EditError struct {
	File string
	Line int
	Path string // of the PodSpec, or of a part of it
	Err  error
}

// Error names the place.
func (e *EditError) Error() string {
	return fmt.Sprintf("changing %s in line %d of %s: %v", e.Path, e.Line, e.File, e.Err)
}

// CodeNotInPlace is that of an [*EditError].
const CodeNotInPlace = "notInPlace"

// Code is CodeNotInPlace.
func (e *EditError) Code() string { return CodeNotInPlace }

// Retryable is false.
func (e *EditError) Retryable() bool { return false }

// Unwrap returns why.
func (e *EditError) Unwrap() error { return e.Err }

// Edit writes constraints into the Pod templates of a file, which are what manifest.Parse found in it; of
// each by its index. Everything else keeps its bytes. The error is an [*EditError], or ctx's.
func Edit(ctx context.Context, name string, data []byte, pods []manifest.Pod, constraints []Constraints) ([]byte, error) {
	edited, err := eachDocument(data, pods, func(t *text, i int) error { return constraints[i].remove(t, pods[i]) })
	if err == nil {
		edited, err = eachDocument(edited, pods, func(t *text, i int) error { return constraints[i].insert(t, pods[i]) })
	}
	if err != nil {
		return nil, err
	}
	if err := verify(ctx, name, edited, pods, constraints); err != nil {
		return nil, err
	}
	return edited, sameBesides(data, edited, pods)
}

// eachDocument changes the Pods of a file, document by document.
func eachDocument(data []byte, pods []manifest.Pod, change func(t *text, pod int) error) ([]byte, error) {
	documents, err := yamltree.Split(data)
	if err != nil {
		return nil, err
	}
	var edits []edit
	next, offset := 0, 0
	for number, document := range documents {
		offset += bytes.Index(data[offset:], document.Data)
		var t *text
		for ; next < len(pods) && pods[next].Document == number+1; next++ {
			if t == nil {
				if t, err = parse(document.Data); err != nil {
					return nil, failed(pods[next], err)
				}
			}
			if err := change(t, next); err != nil {
				return nil, failed(pods[next], err)
			}
		}
		if t != nil && len(t.edits) > 0 {
			edits = append(edits, edit{offset, offset + len(document.Data), string(t.changed())})
		}
		offset += len(document.Data)
	}
	return splice(data, 0, edits), nil
}

func failed(p manifest.Pod, err error) error {
	return &EditError{File: p.File, Line: p.LineAt(p.Path), Path: p.Path, Err: err}
}

// verify reads what was written again: the same Pods, with the constraints and no other change.
func verify(ctx context.Context, name string, data []byte, pods []manifest.Pod, constraints []Constraints) error {
	written := manifest.Parse(ctx, name, data)
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, p := range pods {
		want := p.Spec.DeepCopy()
		constraints[i].Apply(want)
		if len(written.Pods) != len(pods) || !equal(written.Pods[i].Spec, *want) {
			return failed(p, errForm)
		}
	}
	return nil
}

// sameBesides compares all that is not meant to change: an alias of what does would change with it.
func sameBesides(before, after []byte, pods []manifest.Pod) error {
	old, err := yamltree.Split(before)
	if err != nil {
		return err
	}
	edited, err := yamltree.Split(after)
	if err != nil {
		return err
	}
	for i := 0; i < len(pods); {
		first, number := pods[i], pods[i].Document-1
		if number >= len(edited) {
			return failed(first, errForm)
		}
		var values [2]any
		for j, data := range [][]byte{old[number].Data, edited[number].Data} {
			t, err := parse(data)
			if err == nil {
				err = t.root.Decode(&values[j])
			}
			if err != nil {
				return failed(first, err)
			}
		}
		for ; i < len(pods) && pods[i].Document-1 == number; i++ {
			for _, value := range values {
				withoutPlacement(value, steps(pods[i].Path))
			}
		}
		if !reflect.DeepEqual(values[0], values[1]) {
			return failed(first, errForm)
		}
	}
	return nil
}

// withoutPlacement takes out of a document what is changed of the PodSpec at a path.
func withoutPlacement(value any, path []step) {
	for _, s := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[s.key]
		case []any:
			if s.index < 0 || s.index >= len(v) {
				return
			}
			value = v[s.index]
		}
	}
	if spec, ok := value.(map[string]any); ok {
		delete(spec, keySelector)
		delete(spec, keyAffinity)
	}
}

// equal compares PodSpecs; what is empty is not told from what is not there.
func equal(a, b corev1.PodSpec) bool {
	for _, s := range []*corev1.PodSpec{&a, &b} {
		if len(s.NodeSelector) == 0 {
			s.NodeSelector = nil
		}
		s.Affinity = compact(s.Affinity)
	}
	return reflect.DeepEqual(a, b)
}

func compact(a *corev1.Affinity) *corev1.Affinity {
	if a == nil {
		return nil
	}
	a = a.DeepCopy()
	if n := a.NodeAffinity; n != nil {
		if len(n.PreferredDuringSchedulingIgnoredDuringExecution) == 0 {
			n.PreferredDuringSchedulingIgnoredDuringExecution = nil
		}
		if n.RequiredDuringSchedulingIgnoredDuringExecution != nil {
			for i := range n.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
				if t := &n.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[i]; len(t.MatchExpressions) == 0 {
					t.MatchExpressions = nil
				}
			}
		}
		if reflect.DeepEqual(*n, corev1.NodeAffinity{}) {
			a.NodeAffinity = nil
		}
	}
	if *a == (corev1.Affinity{}) {
		return nil
	}
	return a
}

// remove takes out of a PodSpec's text what an earlier run wrote, as strip does.
func (c Constraints) remove(t *text, p manifest.Pod) error {
	_, spec, err := t.find(p.Path)
	if err != nil {
		return err
	}
	owned := func(key, _ *yaml.Node) bool { return c.owns(key.Value) }
	if key, selector := field(spec, keySelector); selector != nil && t.removeEntries(selector, owned) {
		t.removeKey(spec, key, selector)
	}
	affinityKey, affinity := field(spec, keyAffinity)
	nodeKey, node := field(affinity, keyNode)
	_, required := field(node, keyRequired)
	if _, terms := field(required, keyTerms); terms != nil {
		for _, term := range terms.Content {
			if _, expressions := field(term, keyExpressions); expressions != nil && c.keepsOne(expressions) {
				t.removeItems(expressions, c.ownsNode)
			}
		}
	}
	key, preferred := field(node, keyPreferred)
	if preferred == nil || !t.removeItems(preferred, c.ownsPreferenceNode) {
		return nil
	}
	from, value := node, preferred
	for _, outer := range []struct{ from, key, value *yaml.Node }{{affinity, nodeKey, node}, {spec, affinityKey, affinity}} {
		if len(outer.value.Content) > 2 || t.oneLine(outer.value) {
			break
		}
		from, key, value = outer.from, outer.key, outer.value
	}
	t.removeKey(from, key, value)
	return nil
}

// ownsNode reports whether a requirement asks for a label of ours.
func (c Constraints) ownsNode(requirement *yaml.Node) bool {
	_, key := field(requirement, "key")
	return key != nil && c.owns(key.Value)
}

// keepsOne reports whether there are requirements that are not ours.
func (c Constraints) keepsOne(expressions *yaml.Node) bool {
	for _, r := range expressions.Content {
		if !c.ownsNode(r) {
			return true
		}
	}
	return false
}

func (c Constraints) ownsPreferenceNode(term *yaml.Node) bool {
	_, preference := field(term, keyPreference)
	_, expressions := field(preference, keyExpressions)
	if expressions == nil {
		return false
	}
	for _, r := range expressions.Content {
		if c.ownsNode(r) {
			return true
		}
	}
	return false
}

// insert writes the constraints into a PodSpec's text, in which none are, as Apply does. What is first
// in the text must be what a second run finds first.
func (c Constraints) insert(t *text, p manifest.Pod) error {
	key, spec, err := t.find(p.Path)
	if err != nil {
		return err
	}
	if err := c.mergedIn(spec, p.Spec); err != nil {
		return err
	}
	s := t.style(key, spec)
	var missing mapping
	selectorKey, selector := field(spec, keySelector)
	switch {
	case len(c.Labels) == 0:
	case selector == nil:
		missing = append(missing, entry{keySelector, selectorValue(c.Labels)})
	default:
		if err := t.add(s, selectorKey, selector, selectorValue(c.Labels)); err != nil {
			return err
		}
	}
	bare := p.Spec.DeepCopy()
	c.strip(bare)
	if affinity := nodeAffinity(bare); affinity != nil {
		if required := affinity.RequiredDuringSchedulingIgnoredDuringExecution; required != nil && len(required.NodeSelectorTerms) == 0 {
			return errNoTerms
		}
	}
	terms, changed := c.terms(bare)
	more, err := c.insertAffinity(t, s, spec, bare, terms, changed)
	if err != nil {
		return err
	}
	return t.add(s, key, spec, append(missing, more...))
}

// mergedIn refuses a PodSpec with a part that would be hidden by one of its own.
func (c Constraints) mergedIn(node *yaml.Node, spec corev1.PodSpec) error {
	bare := spec.DeepCopy()
	c.strip(bare)
	_, selector := field(node, keySelector)
	_, affinity := field(node, keyAffinity)
	if selector == nil && len(bare.NodeSelector) > 0 || affinity == nil && compact(bare.Affinity) != nil {
		return errNotHere
	}
	return nil
}

// insertAffinity changes what there is of an affinity, and returns what is missing of the PodSpec.
func (c Constraints) insertAffinity(
	t *text, s style, spec *yaml.Node, bare *corev1.PodSpec, terms []corev1.NodeSelectorTerm, changed bool,
) (missing mapping, err error) {
	var wanted mapping // of the nodeAffinity
	if preferences := c.preferences(); len(preferences) > 0 {
		wanted = append(wanted, entry{keyPreferred, preferenceValues(preferences)})
	}
	if changed {
		values := make(list, len(terms))
		for i, term := range terms {
			values[i] = termValue(term)
		}
		wanted = append(wanted, entry{keyRequired, mapping{{keyTerms, values}}})
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	affinityKey, affinity := field(spec, keyAffinity)
	nodeKey, node := field(affinity, keyNode)
	switch {
	case affinity == nil:
		return mapping{{keyAffinity, mapping{{keyNode, wanted}}}}, nil
	case node == nil:
		return nil, t.add(s, affinityKey, affinity, mapping{{keyNode, wanted}})
	case null(node), node.Kind != yaml.MappingNode:
		return nil, t.add(s, nodeKey, node, wanted)
	}
	rest := mapping{}
	for _, w := range wanted {
		key, value := field(node, w.key)
		switch {
		case value == nil:
			rest = append(rest, w)
		case w.key == keyPreferred:
			err = t.addItems(s, key, value, w.value.(list)) //nolint:forcetypeassert // as above
		default:
			err = c.insertTerms(t, s, value, bare)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, t.add(s, nodeKey, node, rest)
}

// insertTerms adds what is missing to each of the terms that are ORed, of which there can be one copy for
// each group.
func (c Constraints) insertTerms(t *text, s style, required *yaml.Node, bare *corev1.PodSpec) error {
	if null(required) {
		return errForm
	}
	_, terms := field(required, keyTerms)
	selector := bare.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if terms == nil || terms.Kind != yaml.SequenceNode || selector == nil || len(terms.Content) != len(selector.NodeSelectorTerms) {
		return errForm
	}
	selected := selectorRequirements(bare.NodeSelector)
	for i, term := range terms.Content {
		parts := c.distribute(selector.NodeSelectorTerms[i], selected)
		copies := make([][]edit, len(parts))
		for j, added := range parts {
			outer := t.edits
			t.edits = nil
			err := t.require(s, term, added)
			copies[j], t.edits = t.edits, outer
			if err != nil {
				return err
			}
		}
		if len(copies) == 1 {
			t.edits = append(t.edits, copies[0]...)
			continue
		}
		t.repeat(terms, i, copies)
	}
	return nil
}

// require adds requirements to a term.
func (t *text) require(s style, term *yaml.Node, added []corev1.NodeSelectorRequirement) error {
	values := requirementValues(added)
	key, expressions := field(term, keyExpressions)
	switch {
	case len(added) == 0:
		return nil
	case term.Kind != yaml.MappingNode:
		return errAlias
	case expressions != nil:
		return t.addItems(s, key, expressions, values)
	case flow(term):
		before := t.before(term)
		return t.addFlow(term, []string{s.scalar(keyExpressions) + ": " + s.flow(values, before)})
	}
	at, indent := t.offset(term), column(term)
	t.replace(at, at, strings.TrimPrefix(s.block(mapping{{keyExpressions, values}}, indent), indent)+indent)
	return nil
}

// repeat writes an item of a list several times, each with other edits.
func (t *text) repeat(items *yaml.Node, i int, copies [][]edit) {
	item := items.Content[i]
	start, end, between := t.offset(item), 0, ", "
	if flow(items) {
		end = t.end(start)
	} else {
		start, end, between = t.line(item.Line), t.line(t.lastLine(item)+1), ""
	}
	var b strings.Builder
	for j, edits := range copies {
		if j > 0 {
			b.WriteString(between)
		}
		b.Write(splice(t.data[start:end], start, edits))
	}
	t.replace(start, end, b.String())
}
