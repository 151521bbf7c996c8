package compat

import (
	"cmp"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// maxFound is how many different values are counted for a reason, however many nodes there are.
const maxFound = 100

// A counter sums nodes up as they come.
type counter struct {
	summary report.Summary
	failed  bool
	groups  []*report.NodeGroup
	keys    map[string]*report.NodeGroup // by verdict and reasons, without what was found
}

func (c *counter) add(r *report.NodeReport) {
	s := &c.summary
	s.Nodes++
	c.failed = c.failed || r.Error != nil
	c.addToGroup(r)
	switch r.Verdict {
	case verdict.Compatible:
		s.Compatible++
		return
	case verdict.Incompatible:
		s.Incompatible++
	default:
		s.Unknown++
	}
	if len(r.Reasons) == 0 {
		return
	}
	first := r.Reasons[0]
	for i, known := range s.Reasons {
		if known.Verdict == r.Verdict && known.Code == first.Code && known.Message == first.Message {
			s.Reasons[i].Nodes++
			return
		}
	}
	s.Reasons = append(s.Reasons, report.ReasonCount{Verdict: r.Verdict, Code: first.Code, Nodes: 1, Node: r.Node.Name, Message: first.Message})
}

// result is the summary of all nodes that were added, and their verdict: that of
// all, or of the best.
func (c *counter) result(anyNode bool) Nodes {
	s := c.summary
	s.Reasons = append([]report.ReasonCount{}, s.Reasons...)
	slices.SortStableFunc(s.Reasons, func(a, b report.ReasonCount) int { return cmp.Compare(b.Nodes, a.Nodes) })
	s.Groups = c.sortedGroups()
	return Nodes{Verdict: nodesVerdict(s, anyNode), Summary: s, Failed: c.failed}
}

// nodesVerdict is that of all nodes, or of the best; unknown without any.
func nodesVerdict(s report.Summary, anyNode bool) verdict.Verdict {
	counts := []struct {
		verdict verdict.Verdict
		nodes   int
	}{{verdict.Incompatible, s.Incompatible}, {verdict.Unknown, s.Unknown}, {verdict.Compatible, s.Compatible}}
	if anyNode {
		slices.Reverse(counts)
	}
	for _, c := range counts {
		if c.nodes > 0 {
			return c.verdict
		}
	}
	return verdict.Unknown
}

// addToGroup adds a node to those with the same verdict for the same reasons.
func (c *counter) addToGroup(r *report.NodeReport) {
	c.addCauses(r.Verdict, reasonCauses(r), cmp.Or(r.Node.Name, r.Node.Snapshot))
}

// addCauses adds a node with a verdict and its reasons, taken apart.
func (c *counter) addCauses(v verdict.Verdict, causes []codedCause, name string) {
	group := c.group(v, causes)
	group.Names = append(group.Names, name)
	addNodes(group, 1, causes)
}

// group is that of nodes with a verdict for the same reasons.
func (c *counter) group(v verdict.Verdict, causes []codedCause) *report.NodeGroup {
	key := strings.Builder{}
	key.WriteString(string(v))
	for _, cause := range causes {
		key.WriteString("\x00" + cause.code + "\x00" + cause.General())
	}
	group, ok := c.keys[key.String()]
	if !ok {
		group = &report.NodeGroup{Verdict: v, Names: []string{}, Reasons: make([]report.GroupReason, len(causes))}
		for i, cause := range causes {
			group.Reasons[i] = report.GroupReason{Code: cause.code, Message: cause.General(), Hint: cause.Hint, Found: []report.FoundCount{}}
		}
		countAlone(group)
		if c.keys == nil {
			c.keys = map[string]*report.NodeGroup{}
		}
		c.keys[key.String()] = group
		c.groups = append(c.groups, group)
	}
	return group
}

// countAlone makes a group count the nodes that one reason alone keeps from being compatible.
func countAlone(g *report.NodeGroup) {
	if g.Verdict == verdict.Compatible {
		return
	}
	g.OnlyThis = new(int)
	for i := range g.Reasons {
		g.Reasons[i].OnlyThis = new(int)
	}
}

// addNodes counts nodes to a group, with what was found on all of them.
func addNodes(g *report.NodeGroup, nodes int, reasons []codedCause) {
	g.Nodes += nodes
	if g.OnlyThis != nil && slices.ContainsFunc(reasons, func(c codedCause) bool { return c.alone }) {
		*g.OnlyThis += nodes
	}
	for i, c := range reasons {
		if g.OnlyThis != nil && c.alone {
			*g.Reasons[i].OnlyThis += nodes
		}
		if g.Reasons[i].Hint != c.Hint {
			g.Reasons[i].Hint = ""
		}
		if c.Wanted != "" {
			countFound(&g.Reasons[i], c.Found, nodes)
		}
	}
}

func countFound(r *report.GroupReason, value string, nodes int) {
	switch i := slices.IndexFunc(r.Found, func(f report.FoundCount) bool { return f.Value == value }); {
	case i >= 0:
		r.Found[i].Nodes += nodes
	case len(r.Found) < maxFound:
		r.Found = append(r.Found, report.FoundCount{Value: value, Nodes: nodes})
	default:
		r.FoundOther += nodes
	}
}

// sortedGroups lists the groups by verdict, the biggest first; of equals, that of the
// node that came first.
func (c *counter) sortedGroups() []report.NodeGroup {
	list := make([]report.NodeGroup, len(c.groups))
	for i, group := range c.groups {
		list[i] = *group
		for j := range group.Reasons {
			slices.SortStableFunc(group.Reasons[j].Found, func(a, b report.FoundCount) int { return cmp.Compare(b.Nodes, a.Nodes) })
		}
	}
	slices.SortStableFunc(list, func(a, b report.NodeGroup) int {
		return cmp.Or(cmp.Compare(slices.Index(report.VerdictOrder, a.Verdict), slices.Index(report.VerdictOrder, b.Verdict)), cmp.Compare(b.Nodes, a.Nodes))
	})
	return list
}

// A codedCause is a reason of a report, taken apart.
type codedCause struct {
	code string
	report.Cause
	// alone is true where the node would be compatible if this reason were gone.
	alone bool
}

// reasonCauses are the report's reasons, taken apart: one for each, in their order.
func reasonCauses(r *report.NodeReport) []codedCause {
	return joinCauses(r, func(i int) []codedCause { return imageCauses(r.Images[i]) })
}

// joinCauses is reasonCauses, where those of the images are known.
func joinCauses(r *report.NodeReport, causesOf func(image int) []codedCause) []codedCause {
	list := make([]codedCause, 0, len(r.Reasons))
	var ofImages []codedCause
	failed := 0
	for i, image := range r.Images {
		if image.Verdict == r.Verdict {
			for _, c := range causesOf(i) {
				if len(r.Images) > 1 {
					c.Cause = c.In(image.Name() + ": ")
				}
				ofImages = append(ofImages, c)
			}
		}
		if image.Verdict != verdict.Compatible {
			failed++
		}
	}
	others := r.Reasons[:max(0, len(r.Reasons)-len(ofImages))]
	for _, reason := range others {
		list = append(list, codedCause{reason.Code, sidecarCause(r, reason), len(others) == 1 && failed == 0})
	}
	for i := range ofImages {
		ofImages[i].alone = ofImages[i].alone && len(others) == 0 && failed == 1
	}
	return append(list, ofImages...)
}

// sidecarCause takes the kubelet's version out of a reason.
func sidecarCause(r *report.NodeReport, reason verdict.Reason) report.Cause {
	c := report.Cause{Message: reason.Message, Hint: reason.Hint}
	if r.Sidecars == nil || r.Sidecars.Kubelet.Version == "" {
		return c
	}
	version := r.Sidecars.Kubelet.Version
	if before, after, ok := strings.Cut(c.Message, "kubelet "+version+" "); ok {
		c.Wanted, c.Found = before+"the kubelet "+after, version
	}
	return c
}

// imageCauses are the image's reasons, taken apart.
func imageCauses(i report.Image) []codedCause {
	ofSets := map[string][]report.Cause{
		report.CodeNoSetMatches: report.Causes(verdict.Incompatible, i.Sets),
		report.CodeFactsUnknown: report.Causes(verdict.Unknown, i.Sets),
	}
	alone := map[string][]bool{
		report.CodeNoSetMatches: aloneIn(verdict.Incompatible, i.Sets),
		report.CodeFactsUnknown: aloneIn(verdict.Unknown, i.Sets),
	}
	of := func(code string) bool { return len(ofSets[code]) > 0 }
	mixed := slices.ContainsFunc(i.Reasons, func(r verdict.Reason) bool { return !of(r.Code) })
	list := make([]codedCause, 0, len(i.Reasons))
	for _, reason := range i.Reasons {
		c := report.Cause{Message: reason.Message, Hint: reason.Hint}
		only := len(i.Reasons) == 1
		if sets := ofSets[reason.Code]; len(sets) > 0 {
			c, ofSets[reason.Code] = sets[0], sets[1:]
			only, alone[reason.Code] = alone[reason.Code][0] && !mixed, alone[reason.Code][1:]
		}
		list = append(list, codedCause{reason.Code, c, only})
	}
	return list
}

// aloneIn says of the sets that have a verdict whether what is named of each is all that it lacks.
func aloneIn(v verdict.Verdict, sets []report.Set) []bool {
	var list []bool
	for _, s := range sets {
		if s.Verdict == v {
			list = append(list, s.Alone())
		}
	}
	return list
}
