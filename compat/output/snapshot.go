package output

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// writeSnapshot prints a snapshot for a person: one line for each feature.
func writeSnapshot(w io.Writer, s *nodefeatures.Snapshot, style Style) error {
	p := newPrinter(style)
	p.line(0, "node %s", describeSnapshotNode(s.Node))
	if d := s.NVIDIADriver; d != nil && d.Version != "" {
		p.line(0, "NVIDIA driver %s", d.Version)
	}
	p.blank()
	f := s.Features
	for _, name := range slices.Sorted(maps.Keys(f.Flags)) {
		p.feature(name, slices.Sorted(maps.Keys(f.Flags[name].Elements)))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Attributes)) {
		p.feature(name, pairs(f.Attributes[name].Elements))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Instances)) {
		for i, instance := range f.Instances[name].Elements {
			title := fmt.Sprintf("%s[%d]", name, i)
			if addresses := s.Addresses[name]; i < len(addresses) && addresses[i] != "" {
				title = fmt.Sprintf("%s %s", name, addresses[i])
			}
			p.feature(title, pairs(instance.Attributes))
		}
	}
	p.unread(s.Sources)
	if d := s.NVIDIADriver; d != nil && d.Reason != nil {
		p.line(0, "NVIDIA driver: %s", d.Reason.Message)
		p.hint(0, d.Reason.Hint)
	}
	return p.flush(w)
}

// elementsShown bounds the elements that a line of text names; a kernel's
// configuration has thousands, which the JSON form lists.
const elementsShown = 12

func (p *printer) feature(name string, elements []string) {
	if len(elements) == 0 {
		return // read, and nothing there
	}
	line := strings.Join(elements[:min(len(elements), elementsShown)], " ")
	if more := len(elements) - elementsShown; more > 0 {
		line += fmt.Sprintf(" … and %d more", more)
	}
	p.line(0, "%s: %s", name, line)
}

func pairs(m map[string]string) []string {
	list := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, key+"="+report.QuoteIfOdd(m[key]))
	}
	return list
}
