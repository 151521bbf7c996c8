package output

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// diffShown is how many differences of one kind in one feature the text form
// shows unless Style.All is set: kernels differ in a thousand options.
const diffShown = 10

// writeSnapshotDiff prints the differences by feature: what only one of the nodes has,
// then what both have with different values.
func writeSnapshotDiff(w io.Writer, d *report.SnapshotDiff, style Style) error {
	p := newPrinter(style)
	p.line(0, "a: %s", describeDiffNode(d.A))
	p.line(0, "b: %s", describeDiffNode(d.B))
	if len(d.Differences) == 0 {
		p.line(0, "no difference")
		return p.flush(w)
	}
	var features [][]nodefeatures.Difference
	for i, x := range d.Differences {
		if i == 0 || x.Feature != d.Differences[i-1].Feature {
			features = append(features, nil)
		}
		last := &features[len(features)-1]
		*last = append(*last, x)
	}
	p.line(0, "%s in %s", counted(len(d.Differences), "difference"), counted(len(features), "feature"))
	for _, differences := range features {
		p.blank()
		p.differences(differences)
	}
	return p.flush(w)
}

func describeDiffNode(n nodefeatures.Node) string {
	if n.Name == "" {
		n.Name = "a node without a name"
	}
	return describeSnapshotNode(n)
}

// counted spells a number of things: "1 feature", "1,234 features".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// differences prints those of one feature.
func (p *printer) differences(list []nodefeatures.Difference) {
	feature, first := list[0].Feature, list[0]
	if first.Name == "" && first.Device == nil { // the feature as a whole
		p.wrap(0, feature+": ", diffKind(first)+prefixed(": ", because(first)))
		return
	}
	p.line(0, "%s: %s", feature, counted(len(list), "difference"))
	var kinds []string
	byKind := map[string][]nodefeatures.Difference{}
	for _, x := range list {
		kind := diffKind(x)
		if byKind[kind] == nil {
			kinds = append(kinds, kind)
		}
		byKind[kind] = append(byKind[kind], x)
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return slices.Index(diffKinds, a) - slices.Index(diffKinds, b) })
	hidden := 0
	for _, kind := range kinds {
		shown := byKind[kind]
		if len(shown) > diffShown+1 && !p.style.All { // to hide one saves nothing
			shown = shown[:diffShown]
		}
		hidden += len(byKind[kind]) - len(shown)
		p.diffKind(kind, len(byKind[kind]), shown)
	}
	if hidden > 0 {
		p.line(1, "… and %s more (-o json or --all shows them)", thousands(hidden))
	}
}

// diffKinds are the kinds of differences, in the order of the text.
var diffKinds = []string{
	"only in a", "only in b", inBoth, "in a, unknown in b", "unknown in a, in b", "not in a, unknown in b", "unknown in a, not in b",
}

const inBoth = "in both"

// diffKind says who has it.
func diffKind(x nodefeatures.Difference) string {
	switch a, b := x.A.State, x.B.State; {
	case a == nodefeatures.StatePresent && b == nodefeatures.StatePresent:
		return inBoth
	case b == nodefeatures.StateAbsent && a == nodefeatures.StatePresent:
		return "only in a"
	case a == nodefeatures.StateAbsent && b == nodefeatures.StatePresent:
		return "only in b"
	default:
		return diffSide(x.A, "a") + ", " + diffSide(x.B, "b")
	}
}

func diffSide(s nodefeatures.Side, name string) string {
	switch s.State {
	case nodefeatures.StatePresent:
		return "in " + name
	case nodefeatures.StateAbsent:
		return "not in " + name
	default:
		return "unknown in " + name
	}
}

// because says why something is not known.
func because(x nodefeatures.Difference) string {
	for _, s := range []nodefeatures.Side{x.A, x.B} {
		if s.Reason != nil {
			return s.Reason.Message
		}
	}
	return ""
}

// diffKind prints differences of one kind: names in a list, devices and pairs of
// values a line each.
func (p *printer) diffKind(kind string, total int, shown []nodefeatures.Difference) {
	var names []string
	for _, x := range shown {
		switch {
		case x.Device != nil && kind == inBoth:
			p.wrap(1, fmt.Sprintf("%d in a, %d in b: ", x.A.Count, x.B.Count), strings.Join(pairs(x.Device), " "))
		case x.Device != nil:
			p.wrap(1, kind+times(x)+": ", strings.Join(pairs(x.Device), " "))
		case kind == inBoth:
			p.wrap(1, x.Name+": ", fmt.Sprintf("%s in a, %s in b", side(x.A), side(x.B)))
		default:
			names = append(names, nameWithValue(x))
		}
	}
	if len(names) > 0 {
		p.wrap(1, fmt.Sprintf("%s (%s): ", kind, thousands(total)), strings.Join(names, " "))
	}
	if why := because(shown[0]); why != "" {
		p.wrap(2, "unknown: ", why)
	}
}

// times says how many equal devices one node has and the other has not.
func times(x nodefeatures.Difference) string {
	if n := max(x.A.Count, x.B.Count); n > 1 {
		return fmt.Sprintf(", %d times", n)
	}
	return ""
}

func nameWithValue(x nodefeatures.Difference) string {
	for _, s := range []nodefeatures.Side{x.A, x.B} {
		if s.Value != nil {
			return x.Name + "=" + report.QuoteIfOdd(*s.Value)
		}
	}
	return x.Name
}

// side spells what one node has.
func side(s nodefeatures.Side) string {
	if s.Value != nil {
		return report.QuoteIfOdd(*s.Value)
	}
	return string(s.State)
}
