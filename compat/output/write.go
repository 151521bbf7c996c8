package output

import (
	"bytes"
	"fmt"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// A Format is how a document is written.
type Format string

// The formats. JSON, YAML and NDJSON take every document, text those that people
// read, tree and table what discover lists, SARIF and JUnit PodReports, Markdown those
// three that can be saved and rendered again.
const (
	FormatJSON   Format = "json"
	FormatYAML   Format = "yaml"
	FormatNDJSON Format = "ndjson" // one line
	FormatText   Format = "text"
	FormatTree   Format = "tree"
	FormatTable  Format = "table"
	FormatSARIF  Format = "sarif"
	FormatJUnit  Format = "junit"
	// FormatSpec is the spec that a DeriveReport or GenerateReport drafts.
	FormatSpec Format = "spec"
	// FormatMarkdown is for the summary of a pull request or pipeline.
	FormatMarkdown Format = "markdown"
	// FormatPredicate is JSON of a VerdictPredicate, to which a NodeReport or PodReport is reduced.
	FormatPredicate Format = "predicate"
)

// Structured reports whether a format is for programs and holds the whole document.
func (f Format) Structured() bool {
	return f == FormatJSON || f == FormatYAML || f == FormatNDJSON
}

// Write writes a document in a format. Nothing is written unless all of it could be
// encoded, and then in one piece.
func Write(w io.Writer, format Format, document any, style Style) error {
	var err error
	switch format {
	case FormatJSON, FormatYAML, FormatNDJSON, FormatPredicate:
		err = writeDocument(w, format, document)
	case FormatText, FormatTree:
		err = writeText(w, document, style)
	case FormatMarkdown:
		err = writeMarkdown(w, document)
	default:
		err = writeSpecial(w, format, document, style)
	}
	if err != nil {
		return fmt.Errorf("writing the %s document: %w", format, err)
	}
	return nil
}

// Has reports whether a report has a form in the format.
func Has(format Format, document any) bool {
	switch format {
	case FormatSARIF, FormatJUnit:
		_, pods := document.(*report.PodReport)
		_, specs := document.(*report.LintReport)
		_, tests := document.(*report.TestReport)
		return pods || specs && format == FormatSARIF || tests && format == FormatJUnit
	case FormatPredicate:
		_, node := document.(*report.NodeReport)
		_, pods := document.(*report.PodReport)
		return node || pods
	case FormatTree, FormatTable, FormatNDJSON, FormatSpec:
		return false
	}
	return true
}

// writeSpecial writes the formats that one kind of document has.
func writeSpecial(w io.Writer, format Format, document any, style Style) error {
	switch d := document.(type) {
	case *report.DeriveReport:
		if format == FormatSpec {
			return writeDrafts(w, d)
		}
	case *report.GenerateReport:
		if format == FormatSpec {
			return writeDraft(w, d)
		}
	case *report.DiscoverReport:
		if format == FormatTable {
			return writeTable(w, d)
		}
	case *report.TestReport:
		if format == FormatJUnit {
			return writeTestsJUnit(w, d)
		}
	case *report.LintReport:
		if format == FormatSARIF {
			return writeLintSARIF(w, d, style.Tool)
		}
	case *report.PodReport:
		switch format {
		case FormatSARIF:
			return writeSARIF(w, d, style.Tool)
		case FormatJUnit:
			return writeJUnit(w, d)
		}
	}
	return fmt.Errorf("a %T has no such form", document)
}

func writeText(w io.Writer, document any, style Style) error {
	switch d := document.(type) {
	case *report.NodeReport:
		return writeNode(w, d, style)
	case *report.NodeReportList:
		return writeNodes(w, d, style)
	case *report.PodReport:
		return writePod(w, d, style)
	case *report.ClusterReport:
		return writeCluster(w, d, style)
	case *report.PlaceReport:
		return writePlace(w, d, style)
	case *report.SnapshotReport:
		return writeClusterSnapshot(w, d, style)
	case *report.AttachReport:
		return writeAttach(w, d, style)
	case *report.DetachReport:
		return writeDetach(w, d, style)
	case *report.DiscoverReport:
		return writeTree(w, d, style)
	case *report.LintReport:
		return writeLint(w, d, style)
	case *report.SnapshotDiff:
		return writeSnapshotDiff(w, d, style)
	case *report.TestReport:
		return writeTests(w, d, style)
	case *report.SpecDiff:
		return writeSpecDiff(w, d, style)
	case *nodefeatures.Snapshot:
		return writeSnapshot(w, d, style)
	case report.Words:
		return writeWords(w, d, style)
	case []report.Code:
		return writeCode(w, d, style)
	case *report.Topic:
		return writeTopic(w, d, style)
	}
	return fmt.Errorf("a %T has no text", document)
}

// writeDocument writes JSON, or the same as YAML.
func writeDocument(w io.Writer, format Format, document any) error {
	indent := ""
	if format == FormatJSON || format == FormatPredicate {
		indent = "  "
	}
	var buf bytes.Buffer
	if err := encode(&buf, document, indent); err != nil {
		return err
	}
	data := buf.Bytes()
	if format == FormatYAML {
		var err error
		if data, err = yaml.JSONToYAML(markHidden(data)); err != nil {
			return err
		}
		data = escapeMarked(data)
	} else {
		data = escapeHidden(data)
	}
	_, err := w.Write(data)
	return err
}

// encode encodes a document as JSON, with each level indented.
func encode(w io.Writer, document any, indent string) error {
	options := []jsonv2.Options{jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false)}
	if indent != "" {
		options = append(options, jsontext.WithIndent(indent))
	}
	if err := jsonv2.MarshalWrite(w, document, options...); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

// SummaryLine returns a report in one line, for a person whose standard output goes
// elsewhere.
func SummaryLine(document any) string {
	switch d := document.(type) {
	case *report.NodeReport:
		return nodeSummary(d)
	case *report.NodeReportList:
		return nodesSummary(d.Summary)
	case *report.PodReport:
		return podSummary(d)
	case *report.ClusterReport:
		return clusterSummary(d)
	case *report.PlaceReport:
		return placeSummary(d)
	case *report.SnapshotReport:
		return clusterSnapshotSummary(d)
	}
	return ""
}
