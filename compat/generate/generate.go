package generate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec"
)

// A Result is a draft, and how it came about.
type Result struct {
	// Terms are what the draft asks of a node, in its order.
	Terms []Term `json:"terms"`
	// LeftOut are what the nodes have in common as well, and what tells no refused node apart.
	LeftOut []Term `json:"leftOut"`
	// Notes are what else whoever reviews the draft should know.
	Notes []string `json:"notes"`
	// Spec is the draft: a commented spec.
	Spec string `json:"spec"`
}

// Generate drafts a spec of what nodes have in common in the selected features. If there are nodes to
// refuse, the draft asks for as little as refuses all of them, and for what was named. The nodes are
// sorted ([Sort]); there is at least one.
//
// The error is a [*NoDraftError] where there is no such draft, or ctx's.
func Generate(ctx context.Context, s Selection, nodes, refused []Node) (*Result, error) {
	label := labeler(nodes, refused)
	features := s.Features()
	g := gatherer{nodes: kinds(nodes, false, features, label), refused: kinds(refused, true, features, label), notes: []string{}}
	list, err := g.candidatesFor(ctx, s)
	if err != nil {
		return nil, err
	}
	chosen := chooseCommon(list)
	if len(refused) > 0 {
		var left int
		if chosen, left = chooseApart(list, len(g.refused)); left >= 0 {
			return nil, g.notApart(ctx, s, g.refused[left])
		}
	}
	if len(indices(chosen)) == 0 {
		return nil, g.nothing(s)
	}
	return g.result(list, chosen, nodes, refused, label), nil
}

// candidatesFor gathers and judges the candidates that may become part of the draft.
func (g *gatherer) candidatesFor(ctx context.Context, s Selection) ([]judged, error) {
	g.gather(s)
	candidates := g.candidates
	if len(g.refused) == 0 {
		candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.tier > common })
	}
	return judge(ctx, candidates, g.nodes, g.refused)
}

// result writes the draft of what was chosen.
func (g *gatherer) result(list []judged, chosen []bool, nodes, refused []Node, label func(Node) string) *Result {
	r := &Result{Terms: []Term{}, LeftOut: []Term{}, Notes: g.notes}
	for i := range list {
		t := list[i].Term
		for k := range g.refused {
			if list[i].refuses(k) {
				t.Refuses = append(t.Refuses, g.refused[k].labels...)
			}
		}
		slices.Sort(t.Refuses)
		switch {
		case chosen[i]:
			if list[i].tier > common {
				t.Why += others(list, i)
			}
			r.Terms = append(r.Terms, t)
		case list[i].tier <= common && len(refused) > 0:
			r.LeftOut = append(r.LeftOut, t)
		}
	}
	var d spec.Draft
	if len(r.LeftOut)+len(r.Notes) > 0 {
		d.Line("", "")
	}
	if n := len(r.LeftOut); n > 0 {
		d.Comment("", fmt.Sprintf("in common as well, and not needed to tell the nodes apart: %s", leftOut(r.LeftOut)))
	}
	for _, note := range r.Notes {
		d.Comment("", note)
	}
	r.Spec = string(drafted(r.Terms, head(nodes, refused, label))) + d.String()
	return r
}

// leftOut names terms in short.
func leftOut(terms []Term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = inShort(t)
	}
	return list(texts)
}

// inShort names a term: cpu.cpuid.AVX2, or a device by its attributes.
func inShort(t Term) string {
	x := t.Expressions[0]
	switch {
	case x.MatchName:
		return t.Feature + "." + x.Value[0]
	case t.form != 0:
		return t.Feature + "." + x.Element
	}
	texts := make([]string, len(t.Expressions))
	for i, x := range t.Expressions {
		texts[i] = spec.Printable(x.Element + " " + strings.Join(x.Value, " or "))
	}
	return t.Feature + " (" + strings.Join(texts, ", ") + ")"
}

// others says which other candidates of the same kind refuse the same nodes: that one of them is what
// the image needs, a person has to see.
func others(candidates []judged, i int) string {
	var names []string
	for j := range candidates {
		c := &candidates[j]
		same := j != i && c.tier == candidates[i].tier && c.Feature == candidates[i].Feature
		for k := range c.verdicts {
			same = same && (c.refuses(k) || !candidates[i].refuses(k))
		}
		if same {
			names = append(names, inShort(c.Term))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; in its place would do: " + list(names)
}

// head is what a draft begins with.
func head(nodes, refused []Node, label func(Node) string) []string {
	labels := func(nodes []Node) string {
		texts := make([]string, len(nodes))
		for i, n := range nodes {
			texts[i] = label(n)
		}
		return list(texts)
	}
	lines := []string{fmt.Sprintf("Drafted by `compat spec generate` from %s: %s", counted(len(nodes), "node"), labels(nodes))}
	switch {
	case len(refused) > 0:
		return append(lines, fmt.Sprintf("It refuses %s: %s", counted(len(refused), "node"), labels(refused)),
			"It asks for no more than that takes, and what was named: see that it is what the image needs.")
	case len(nodes) == 1:
		return append(lines, "This is what one node has, as an example: others may do as well. Take out what the image does not need.")
	}
	return append(lines, "This is what the nodes have, which may be more than the image needs: take the rest out.")
}

// nothing is the error that a draft would be empty.
func (g *gatherer) nothing(s Selection) error {
	e := &NoDraftError{code: CodeNothingInCommon, message: fmt.Sprintf("there is nothing in %s that %s and a spec could ask for", list(s.Features()), g.have())}
	if len(g.notes) > 0 {
		e.hint = strings.Join(g.notes, "; ")
	}
	return e
}

// notApart is the error that a node has all that the others have in common.
func (g *gatherer) notApart(ctx context.Context, s Selection, k *kind) error {
	from, hint, err := g.witness(ctx, s, k)
	if err != nil {
		return err
	}
	message := fmt.Sprintf("%s cannot be told apart from %s by %s", k, from, list(s.Features()))
	if unknown := slices.DeleteFunc(s.Features(), func(feature string) bool { return !k.unknown(feature) }); len(unknown) > 0 {
		message += "; not known of it: " + list(unknown)
	}
	return &NoDraftError{code: CodeNotToldApart, message: message, hint: cmp.Or(g.optionHint(s, k), hint)}
}

// maxWitnesses is how many nodes are compared with one that cannot be told apart.
const maxWitnesses = 50

// witness names the first node that has nothing that the refused one lacks; all of them if each has
// something, but not the same.
func (g *gatherer) witness(ctx context.Context, s Selection, refused *kind) (from, hint string, err error) {
	for _, k := range g.nodes[:min(len(g.nodes), maxWitnesses)] {
		pair := gatherer{nodes: []*kind{k}, refused: []*kind{refused}}
		list, err := pair.candidatesFor(ctx, s)
		if err != nil {
			return "", "", err
		}
		if !slices.ContainsFunc(list, func(j judged) bool { return j.refuses(0) }) {
			return k.String(), "name other features as well; `compat features diff` of the two shows what differs", nil
		}
	}
	labels := make([]string, len(g.nodes))
	for i, k := range g.nodes {
		labels[i] = k.String()
	}
	return list(labels) + " together", "each of them has something that it lacks, but not the same: generate a spec for some of the nodes at a time", nil
}

// optionHint names kernel options that tell a refused node apart, if any option was meant and none
// named.
func (g *gatherer) optionHint(s Selection, refused *kind) string {
	if !slices.ContainsFunc(s.wanted, func(w wanted) bool { return w.feature.Name == catalogue.KernelConfig && w.whole }) || refused.unknown(catalogue.KernelConfig) {
		return ""
	}
	of := attributesOf(catalogue.KernelConfig)
	var differ []string
	for _, option := range intersection(g.nodes, of) {
		value := of(g.nodes[0])[option]
		same := !slices.ContainsFunc(g.nodes, func(k *kind) bool { return of(k)[option] != value })
		if other, ok := of(refused)[option]; same && (!ok || other != value) {
			differ = append(differ, option)
		}
	}
	if len(differ) == 0 {
		return ""
	}
	return fmt.Sprintf("name the kernel option that the image needs, as in --feature kernel.config.%s; different are: %s", differ[0], list(differ))
}
