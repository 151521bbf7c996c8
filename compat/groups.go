package compat

import (
	"cmp"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// Bounds on what a summary holds, however many nodes there are.
const (
	// maxGroupNames is how many nodes of a group are named.
	maxGroupNames = 10
	// maxFound is how many different values are counted for a reason.
	maxFound = 100
)

// A NodeGroup is nodes that have the same verdict for the same reasons, whatever
// was found on each of them.
type NodeGroup struct {
	Verdict verdict.Verdict `json:"verdict"`
	// Nodes is how many they are, and Names are the first of them, at most 10: the
	// file of a node that has no name.
	Nodes int      `json:"nodes"`
	Names []string `json:"names"`
	// Reasons say why, most decisive first.
	Reasons []GroupReason `json:"reasons"`
}

// A GroupReason is a reason that the nodes of a group share.
type GroupReason struct {
	Code string `json:"code"`
	// Message says what was wanted, without what was found.
	Message string `json:"message"`
	// Hint is there if it is the same on all of the nodes.
	Hint string `json:"hint,omitempty"`
	// Found counts the nodes by what they have instead, the most frequent first.
	// Empty where the message says all.
	Found []FoundCount `json:"found"`
	// FoundOther counts the nodes that have something else: of different values at
	// most 100 are told apart.
	FoundOther int `json:"foundOther,omitempty"`
}

// A FoundCount is how many nodes have a value.
type FoundCount struct {
	Value string `json:"value"`
	Nodes int    `json:"nodes"`
}

// groups counts nodes as they come.
type groups struct {
	list []*NodeGroup
	keys map[string]*NodeGroup
}

func (g *groups) add(r *NodeReport) {
	reasons := r.causes()
	key := strings.Builder{}
	key.WriteString(string(r.Verdict))
	for _, c := range reasons {
		key.WriteString("\x00" + c.code + "\x00" + c.general())
	}
	group, ok := g.keys[key.String()]
	if !ok {
		group = &NodeGroup{Verdict: r.Verdict, Names: []string{}, Reasons: make([]GroupReason, len(reasons))}
		for i, c := range reasons {
			group.Reasons[i] = GroupReason{Code: c.code, Message: c.general(), Hint: c.hint, Found: []FoundCount{}}
		}
		if g.keys == nil {
			g.keys = map[string]*NodeGroup{}
		}
		g.keys[key.String()] = group
		g.list = append(g.list, group)
	}
	group.add(cmp.Or(r.Node.Name, r.Node.Snapshot), reasons)
}

func (g *NodeGroup) add(name string, reasons []codedCause) {
	g.Nodes++
	if len(g.Names) < maxGroupNames {
		g.Names = append(g.Names, name)
	}
	for i, c := range reasons {
		if g.Reasons[i].Hint != c.hint {
			g.Reasons[i].Hint = ""
		}
		if c.wanted != "" {
			g.Reasons[i].count(c.found)
		}
	}
}

func (r *GroupReason) count(value string) {
	switch i := slices.IndexFunc(r.Found, func(f FoundCount) bool { return f.Value == value }); {
	case i >= 0:
		r.Found[i].Nodes++
	case len(r.Found) < maxFound:
		r.Found = append(r.Found, FoundCount{value, 1})
	default:
		r.FoundOther++
	}
}

// verdictOrder is how groups are listed: what is wrong first.
var verdictOrder = []verdict.Verdict{verdict.Incompatible, verdict.Unknown, verdict.Compatible}

// sorted lists the groups by verdict, the biggest first; of equals, that of the
// node that came first.
func (g *groups) sorted() []NodeGroup {
	list := make([]NodeGroup, len(g.list))
	for i, group := range g.list {
		list[i] = *group
		for j := range group.Reasons {
			slices.SortStableFunc(group.Reasons[j].Found, func(a, b FoundCount) int { return cmp.Compare(b.Nodes, a.Nodes) })
		}
	}
	slices.SortStableFunc(list, func(a, b NodeGroup) int {
		return cmp.Or(cmp.Compare(slices.Index(verdictOrder, a.Verdict), slices.Index(verdictOrder, b.Verdict)), cmp.Compare(b.Nodes, a.Nodes))
	})
	return list
}

// A codedCause is a reason of a report, taken apart.
type codedCause struct {
	code string
	cause
}

// causes are the report's reasons, taken apart: one for each, in their order.
func (r *NodeReport) causes() []codedCause {
	list := make([]codedCause, 0, len(r.Reasons))
	var ofImages []codedCause
	for _, image := range r.Images {
		if r.decidedBy(image) {
			ofImages = append(ofImages, image.causes(len(r.Images) > 1)...)
		}
	}
	for _, reason := range r.Reasons[:max(0, len(r.Reasons)-len(ofImages))] {
		list = append(list, codedCause{reason.Code, r.sidecarCause(reason)})
	}
	return append(list, ofImages...)
}

// sidecarCause takes the kubelet's version out of a reason.
func (r *NodeReport) sidecarCause(reason verdict.Reason) cause {
	c := cause{message: reason.Message, hint: reason.Hint}
	if r.Sidecars == nil || r.Sidecars.Kubelet.Version == "" {
		return c
	}
	version := r.Sidecars.Kubelet.Version
	if before, after, ok := strings.Cut(c.message, "kubelet "+version+" "); ok {
		c.wanted, c.found = before+"the kubelet "+after, version
	}
	return c
}

// causes are the image's reasons, taken apart.
func (i Image) causes(named bool) []codedCause {
	ofSets := map[string][]cause{
		codeNoSetMatches: causes(verdict.Incompatible, i.Sets),
		codeFactsUnknown: causes(verdict.Unknown, i.Sets),
	}
	list := make([]codedCause, 0, len(i.Reasons))
	for _, reason := range i.Reasons {
		c := cause{message: reason.Message, hint: reason.Hint}
		if sets := ofSets[reason.Code]; len(sets) > 0 {
			c, ofSets[reason.Code] = sets[0], sets[1:]
		}
		if named {
			c = c.in(i.Name() + ": ")
		}
		list = append(list, codedCause{reason.Code, c})
	}
	return list
}
