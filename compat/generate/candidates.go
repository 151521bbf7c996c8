package generate

import (
	"fmt"
	"maps"
	"slices"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
)

// A Term is one thing that a draft asks of a node.
type Term struct {
	Feature string `json:"feature"`
	// Expressions must all hold; if the feature lists devices, on one device.
	Expressions []Expression `json:"expressions"`
	// Why says what the nodes have.
	Why string `json:"why"`
	// Refuses are the nodes that must be refused and for which this is not true, sorted. Empty where
	// none were given.
	Refuses []string `json:"refuses"`

	form catalogue.Kind // of the feature; 0 for devices and names
}

// An Expression is what a term asks of one element.
type Expression struct {
	// Element is its name, or that of an attribute of devices; empty for one on names.
	Element string `json:"element,omitempty"`
	// MatchName says that it is about the names of the feature's elements.
	MatchName bool `json:"matchName,omitempty"`
	// Op is NFD's operator.
	Op string `json:"op"`
	// Type is that of the values: empty, or version.
	Type string `json:"type,omitempty"`
	// Value are the operator's values, none for some operators.
	Value []string `json:"value,omitempty"`
}

// A tier says how plainly a candidate is something that an image may need. Candidates of a later
// tier are used only where those before it do not tell nodes apart.
type tier uint8

const (
	named   tier = iota // asked for by name: in the draft in any case
	common              // what the nodes have in common
	finer               // the same in more detail than most images need
	upper               // refuses what is newer or more, which mostly would do
	absence             // refuses what has something
)

// A candidate is a term that may become part of the draft.
type candidate struct {
	Term
	tier tier
	// instead is what several ways to say the same have in common: the first that is true of all
	// nodes is used, the others only to tell nodes apart. "" for a candidate that has no other.
	instead string
}

// maxListed is how many flags or attributes of an open-ended feature, such as modules, are listed;
// of one that has more in common, none are unless they are named: nobody needs them all.
const maxListed = 16

// maxValues is how many different values of an attribute are listed.
const maxValues = 4

// A gatherer makes the candidates of what nodes have.
type gatherer struct {
	nodes, refused []*kind
	candidates     []candidate
	notes          []string
}

// gather makes the candidates, in the order of the features.
func (g *gatherer) gather(s Selection) {
	for _, w := range s.wanted {
		before := len(g.candidates) + len(g.notes)
		if g.unknown(w.feature.Name) {
			continue
		}
		switch {
		case w.feature.Name == catalogue.KernelVersion:
			g.kernel()
		case w.feature.Kind == catalogue.Instance:
			g.devices(w)
		default:
			if w.feature.Kind.Has(catalogue.Flag) {
				g.flags(w)
			}
			g.attributes(w)
		}
		if len(g.candidates)+len(g.notes) == before && !w.bySource {
			g.note("%s: there is nothing that %s", w.feature.Name, g.have())
		}
	}
}

func (g *gatherer) note(format string, args ...any) {
	g.notes = append(g.notes, fmt.Sprintf(format, args...))
}

// have is who has what is in common.
func (g *gatherer) have() string {
	switch n := g.count(); n {
	case 1:
		return "the node has"
	case 2:
		return "both nodes have"
	default:
		return fmt.Sprintf("all %d nodes have", n)
	}
}

// on is where it is so.
func (g *gatherer) on() string {
	switch n := g.count(); n {
	case 1:
		return "on the node"
	case 2:
		return "on both nodes"
	default:
		return fmt.Sprintf("on all %d nodes", n)
	}
}

// same is a value that all of them have.
func (g *gatherer) same() string {
	if g.count() == 1 {
		return "what the node has"
	}
	return "the same " + g.on()
}

// extreme is one of the nodes that is the oldest, the least or the like.
func (g *gatherer) extreme(which string, k *kind) string {
	if g.count() == 1 {
		return "the node"
	}
	return fmt.Sprintf("the %s of the nodes, %s,", which, k)
}

func (g *gatherer) count() (n int) {
	for _, k := range g.nodes {
		n += len(k.labels)
	}
	return n
}

// unknown notes that nothing is asked of a feature that is not known of all nodes.
func (g *gatherer) unknown(feature string) bool {
	var labels []string
	reason := ""
	for _, k := range g.nodes {
		if !k.unknown(feature) {
			continue
		}
		labels = append(labels, k.labels...)
		reason = whyUnknown(k.Snapshot, feature)
	}
	if len(labels) == 0 {
		return false
	}
	slices.Sort(labels)
	g.note("%s is left out: it is not known of %s: %s", feature, list(labels), reason)
	return true
}

// unknown reports whether nothing is known of the feature, or of the element if path has one.
func (k *kind) unknown(path string) bool { return k.state(path) == nodefeatures.StateUnknown }

func (k *kind) state(path string) nodefeatures.State {
	place, err := k.Lookup(path)
	if err != nil {
		return nodefeatures.StateUnknown // it is no text
	}
	return place.State
}

// whyUnknown is the reason that a snapshot gives.
func whyUnknown(s *nodefeatures.Snapshot, feature string) string {
	for _, source := range s.Sources {
		for _, u := range source.Unreadable {
			if u.Feature == feature {
				return u.Reason.Message
			}
		}
	}
	return "its snapshot does not have it, nor says why"
}

// add adds a candidate of one expression.
func (g *gatherer) add(t tier, feature string, form catalogue.Kind, why string, expressions ...Expression) *candidate {
	g.candidates = append(g.candidates, candidate{tier: t, Term: Term{Feature: feature, Expressions: expressions, Why: why, Refuses: []string{}, form: form}})
	return &g.candidates[len(g.candidates)-1]
}

// notOnAll notes why an element that was named is left out.
func (g *gatherer) notOnAll(feature, element string) {
	for _, k := range g.nodes {
		switch k.state(feature + "." + element) {
		case nodefeatures.StateAbsent:
			g.note("%s.%s is left out: %s does not have it", feature, element, k)
			return
		case nodefeatures.StateUnknown:
			g.note("%s.%s is left out: it is not known of %s", feature, element, k)
			return
		}
	}
}

// absentEverywhere are the names, sorted, of those that a refused node has and of which it is known
// that no other has any.
func (g *gatherer) absentEverywhere(feature string, has func(*kind) map[string]bool) []string {
	names := map[string]bool{}
	for _, k := range g.refused {
		maps.Copy(names, has(k))
	}
	for _, k := range g.nodes {
		maps.DeleteFunc(names, func(name string, _ bool) bool { return has(k)[name] })
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		return isNever(feature, name) || slices.ContainsFunc(g.nodes, func(k *kind) bool { return k.unknown(feature + "." + name) })
	})
}

// intersection are the keys that all maps have.
func intersection[V any](nodes []*kind, of func(*kind) map[string]V) []string {
	var keys []string
	for key := range of(nodes[0]) {
		if !slices.ContainsFunc(nodes[1:], func(k *kind) bool { _, ok := of(k)[key]; return !ok }) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// prefixed is a text behind another; "" stays so.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
