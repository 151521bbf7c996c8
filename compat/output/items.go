package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"nodecompat/compat/report"
)

// Items keeps the reports of many nodes until their summary is known, with no more
// memory than it takes: encoded, or with no more than text shows of each. A report
// of 20 rules is some 280 KB, and a tenth of that encoded.
type Items struct {
	format  Format
	encoded []json.RawMessage
	short   []*report.NodeReport
}

// NewItems returns none yet, for a list in a format.
func NewItems(format Format) *Items { return &Items{format: format} }

// Add adds a report, which may be changed afterwards.
func (n *Items) Add(r *report.NodeReport) error {
	if !n.format.Structured() {
		n.short = append(n.short, shortened(r))
		return nil
	}
	var buf bytes.Buffer
	if err := encode(&buf, r, ""); err != nil {
		return fmt.Errorf("encoding the report on node %s: %w", r.Node.Name, err)
	}
	n.encoded = append(n.encoded, slices.Clip(bytes.TrimSpace(buf.Bytes())))
	return nil
}

// shortened leaves out what lists for people do not show.
func shortened(r *report.NodeReport) *report.NodeReport {
	short := *r
	short.Images = slices.Clone(r.Images)
	for i := range short.Images {
		short.Images[i].Sets, short.Images[i].Candidates = nil, nil
	}
	return &short
}

// Write writes the list, whose own items are not looked at, as Write does. A list of
// JSON is written piece by piece: it can have hundreds of megabytes.
func (n *Items) Write(w io.Writer, list *report.NodeReportList, style Style) error {
	whole := *list
	switch n.format {
	case FormatJSON:
		whole.Items = []*report.NodeReport{}
		if err := n.writeJSON(w, &whole); err != nil {
			return fmt.Errorf("writing the %s document: %w", n.format, err)
		}
		return nil
	case FormatYAML:
		return Write(w, n.format, struct {
			*report.NodeReportList
			Items []json.RawMessage `json:"items"`
		}{&whole, append([]json.RawMessage{}, n.encoded...)}, style)
	}
	whole.Items = n.short
	return Write(w, n.format, &whole, style)
}

// writeJSON writes what Write would.
func (n *Items) writeJSON(w io.Writer, list *report.NodeReportList) error {
	const indent, end = "  ", "[]\n}\n"
	var buf bytes.Buffer
	if err := encode(&buf, list, indent); err != nil {
		return err
	}
	head, last := bytes.CutSuffix(buf.Bytes(), []byte(end))
	if !last {
		return fmt.Errorf("a %s does not end with its items", list.Kind)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(escapeHidden(head)) //nolint:errcheck // Flush tells
	separator := "[\n"
	for _, item := range n.encoded {
		buf.Reset()
		buf.WriteString(separator + indent + indent)
		if err := json.Indent(&buf, item, indent+indent, indent); err != nil {
			return err
		}
		out.Write(escapeHidden(buf.Bytes())) //nolint:errcheck // Flush tells
		separator = ",\n"
	}
	if len(n.encoded) == 0 {
		out.WriteString(end) //nolint:errcheck // Flush tells
	} else {
		out.WriteString("\n" + indent + "]\n}\n") //nolint:errcheck // Flush tells
	}
	return out.Flush()
}
