package derive

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nodecompat/spec/yamltree"
)

// Merge renews the derived rules in a spec that a person works on, and leaves all else as it is,
// comments too. Derived are the rules whose names begin with RulePrefix. They are renewed in the
// sets that have some, or in all sets if none has: sets are alternatives, and each must ask for what
// the image needs. A draft that is merged with itself stays as it is.
//
// The rules must be written as a list with a rule on each `- `: others are an error.
func (r *Result) Merge(existing []byte, title string, certainOnly bool) ([]byte, error) {
	sets, err := ruleLists(existing)
	if err != nil {
		return nil, err
	}
	lines := bytes.SplitAfter(existing, []byte("\n"))
	renewed := slices.ContainsFunc(sets, func(s ruleList) bool { return slices.Contains(s.derived, true) })
	rules := r.Rules(certainOnly)
	for _, set := range slices.Backward(sets) { // so that the lines of the others stay where they are
		if renewed && !slices.Contains(set.derived, true) {
			continue
		}
		if lines, err = set.renew(lines, rules); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(lines[0], []byte("# "+titleBegins)) {
		lines[0] = []byte("# " + title + "\n")
	}
	merged := bytes.Join(lines, nil)
	return merged, sameOthers(existing, merged)
}

// titleBegins is how a draft's first line begins.
const titleBegins = "Drafted by `compat spec derive`"

// A ruleList is where the rules of a set are: the lines of their dashes, from 0, and in which column
// those are.
type ruleList struct {
	starts  []int
	derived []bool // which of them were derived
	column  int
	head    int // the first line of the list, with the comments above its first rule
}

// ruleLists finds the rules of each set.
func ruleLists(data []byte) ([]ruleList, error) {
	root, err := yamltree.Parse(data)
	if err != nil {
		return nil, err
	}
	sets := root.Deref().Get("compatibilities")
	if sets == nil || sets.Deref().Kind != yamltree.Sequence {
		return nil, errors.New("it has no compatibilities")
	}
	var lists []ruleList
	lines := bytes.SplitAfter(data, []byte("\n"))
	for i := range sets.Deref().Content {
		key, rules := entry(sets.Deref().Content[i].Deref(), "rules")
		if rules == nil || rules.Kind != yamltree.Sequence {
			return nil, fmt.Errorf("compatibilities[%d] has no list of rules of its own", i)
		}
		list := ruleList{head: int(key.Line)}
		for j := range rules.Content {
			rule := &rules.Content[j]
			line := int(rule.Line) - 1
			text := lines[line]
			column := len(text) - len(bytes.TrimLeft(text, " "))
			if !bytes.HasPrefix(text[column:], []byte("- ")) || j > 0 && (column != list.column || line == list.starts[j-1]) {
				return nil, fmt.Errorf("line %d: the rule does not begin with a dash of its own", line+1)
			}
			name := rule.Deref().Get("name")
			list.column = column
			list.starts = append(list.starts, line)
			list.derived = append(list.derived, name != nil && strings.HasPrefix(name.Deref().Value, RulePrefix))
		}
		if len(list.starts) == 0 {
			return nil, fmt.Errorf("compatibilities[%d] has no rules", i)
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// entry returns a key of a mapping and its value, nil if there is none.
func entry(n *yamltree.Node, name string) (key, value *yamltree.Node) {
	for i := 0; n.Kind == yamltree.Mapping && i+1 < len(n.Content); i += 2 {
		if key := n.Content[i].Deref(); key.Value == name {
			return key, n.Content[i+1].Deref()
		}
	}
	return nil, nil
}

// renew puts rules in the place of the derived ones.
func (l ruleList) renew(lines [][]byte, rules []Need) ([][]byte, error) {
	if !slices.Contains(l.derived, false) && len(rules) == 0 {
		return nil, errors.New("nothing that was found asks for a rule, and there is no other: nothing would be left")
	}
	at := l.head
	if first := slices.Index(l.derived, true); first >= 0 {
		at = l.starts[first]
	}
	var w draftWriter
	for _, n := range rules {
		w.rule(strings.Repeat(" ", l.column), n)
	}
	for i, start := range slices.Backward(l.starts) {
		if !l.derived[i] {
			continue
		}
		lines = slices.Delete(lines, start, l.last(lines, start)+1)
	}
	return slices.Insert(lines, at, []byte(w.String())), nil
}

// last is the last line of the rule that begins in a line: those behind it that are indented more
// than its dash, but for empty ones at the end.
func (l ruleList) last(lines [][]byte, start int) int {
	last := start
	for i := start + 1; i < len(lines); i++ {
		text := bytes.TrimRight(lines[i], " \r\n")
		if len(text) == 0 {
			continue
		}
		if len(text)-len(bytes.TrimLeft(text, " ")) <= l.column {
			break
		}
		last = i
	}
	return last
}

// sameOthers makes sure that a person's rules are what they were.
func sameOthers(before, after []byte) error {
	a, errA := others(before)
	b, errB := others(after)
	if errA != nil || errB != nil || !slices.Equal(a, b) {
		return errors.New("the derived rules are written in a way that they cannot be replaced without touching others")
	}
	return nil
}

// others are the rules that were not derived, as JSON.
func others(data []byte) ([]string, error) {
	root, err := yamltree.Parse(data)
	if err != nil {
		return nil, err
	}
	var list []string
	sets := root.Deref().Get("compatibilities").Deref()
	for i := range sets.Content {
		rules := sets.Content[i].Deref().Get("rules")
		for j := range rules.Content {
			rule := rules.Content[j].Deref()
			if name := rule.Get("name"); name != nil && strings.HasPrefix(name.Deref().Value, RulePrefix) {
				continue
			}
			text, err := rule.JSON(false)
			if err != nil {
				return nil, err
			}
			list = append(list, fmt.Sprintf("%d %s", i, text))
		}
	}
	return list, nil
}
