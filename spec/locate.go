package spec

import (
	"strconv"
	"strings"

	"nodecompat/spec/yamltree"
)

// A Locator finds the places in a document that paths lead to.
type Locator struct{ root *yamltree.Node }

// NewLocator reads a document. Of one that is not YAML it finds nothing.
func NewLocator(data []byte) Locator {
	root, err := yamltree.Parse(data)
	if err != nil {
		return Locator{}
	}
	return Locator{root}
}

// Place returns where the value at a path such as compatibilities[0].rules[1] begins, from 1; ok is
// false where there is none. Keys in a path are plain words.
func (l Locator) Place(path string) (line, column int, ok bool) {
	n := l.root
	for step := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		if n == nil {
			return 0, 0, false
		}
		n = n.Deref()
		if index, isItem := strings.CutPrefix(step, "["); isItem {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || n.Kind != yamltree.Sequence || i < 0 || i >= len(n.Content) {
				return 0, 0, false
			}
			n = n.Content[i].Deref()
			continue
		}
		n = n.Get(step)
	}
	if n == nil {
		return 0, 0, false
	}
	return int(n.Line), int(n.Column), true
}
