package output

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// writeSARIF prints the findings and problems as SARIF 2.1.0, which code hosts
// show beside the lines
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
func writeSARIF(w io.Writer, r *report.PodReport, tool string) error {
	results := []any{}
	add := func(rule string, severity verdict.Severity, message, file string, line int) {
		results = append(results, map[string]any{
			"ruleId":  rule,
			"level":   sarifLevels[severity],
			"message": map[string]any{"text": message},
			"locations": []any{map[string]any{"physicalLocation": map[string]any{
				"artifactLocation": map[string]any{"uri": report.FileTitle(file)},
				"region":           map[string]any{"startLine": max(line, 1)},
			}}},
		})
	}
	for _, pod := range r.Pods {
		for _, f := range pod.Findings {
			add(f.ID, f.Severity, f.Message+"\n"+f.Remedy, pod.File, f.Line)
		}
		if pod.Verdict != verdict.Compatible {
			for _, reason := range pod.Reasons {
				if !tells(&pod, reason, r) {
					add(reason.Code, verdict.SeverityError, reason.Message, pod.File, pod.Line)
				}
			}
		}
	}
	for _, problem := range r.Problems {
		add(string(problem.Code), problem.Severity, problem.Message, problem.File, problem.Line)
	}
	return writeDocument(w, FormatJSON, map[string]any{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":    map[string]any{"driver": map[string]any{"name": "compat", "version": tool, "rules": sarifRules()}},
			"results": results,
		}},
	})
}

var sarifLevels = map[verdict.Severity]string{verdict.SeverityError: "error", verdict.SeverityWarning: "warning", verdict.SeverityInfo: "note"}

func sarifRules() []any {
	rules := []any{}
	for _, id := range sidecar.FindingIDs() {
		doc, _ := sidecar.FindingDoc(id)
		rules = append(rules, map[string]any{"id": id, "help": map[string]any{"text": doc, "markdown": doc}})
	}
	return rules
}

// The elements of JUnit's XML, as far as pipelines read them.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		ClassName string       `xml:"classname,attr"`
		Failure   *junitReason `xml:"failure,omitempty"`
		Error     *junitReason `xml:"error,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// tells reports whether a finding or a problem of the report says the same as a reason.
func tells(p *report.Pod, reason verdict.Reason, r *report.PodReport) bool {
	found := func(id string) bool {
		return slices.ContainsFunc(p.Findings, func(f sidecar.PodFinding) bool { return f.ID == id && f.Severity == verdict.SeverityError })
	}
	problem := func(p manifest.Problem) bool { return string(p.Code) == reason.Code }
	support := r.Sidecars != nil && reason.Code == string(r.Sidecars.Code)
	return found(reason.Code) || support && found("SC026") || slices.ContainsFunc(r.Problems, problem)
}

// writeJUnit prints one test case for each Pod: failed when it is incompatible,
// an error when it is unknown.
func writeJUnit(w io.Writer, r *report.PodReport) error {
	suite := junitSuite{Name: "compat validate-pod", Tests: len(r.Pods)}
	for i := range r.Pods {
		pod := &r.Pods[i]
		test := junitCase{Name: pod.Title(), ClassName: pod.File}
		reason := &junitReason{Message: string(pod.Verdict)}
		for _, why := range pod.Reasons {
			if !slices.Contains(sidecar.FindingIDs(), why.Code) || hides(pod, why) {
				reason.Text += fmt.Sprintf("%s: %s\n", why.Code, why.Message)
			}
		}
		for _, f := range pod.Findings {
			reason.Text += fmt.Sprintf("%s:%d: %s %s: %s\n", pod.File, f.Line, f.ID, f.Severity, f.Message)
		}
		switch pod.Verdict {
		case verdict.Incompatible:
			test.Failure = reason
			suite.Failures++
		case verdict.Unknown:
			test.Error = reason
			suite.Errors++
		}
		suite.Cases = append(suite.Cases, test)
	}
	for _, problem := range r.Problems {
		if problem.Severity == verdict.SeverityError {
			suite.Tests++
			suite.Failures++
			suite.Cases = append(suite.Cases, junitCase{
				Name: fmt.Sprintf("%s:%d", problem.File, problem.Line), ClassName: problem.File,
				Failure: &junitReason{Message: string(problem.Code), Text: problem.Message},
			})
		}
	}
	var document bytes.Buffer
	document.WriteString(xml.Header)
	encoder := xml.NewEncoder(&document)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	document.WriteByte('\n')
	_, err := w.Write(escapeControls(document.Bytes(), "&#x%X;"))
	return err
}

// escapeControls escapes the control characters that encoding/json and encoding/xml
// leave as they are, and that terminals obey: DEL and the C1 set.
func escapeControls(data []byte, format string) []byte {
	if !bytes.ContainsFunc(data, isControl) {
		return data
	}
	out := make([]byte, 0, len(data))
	for _, r := range string(data) {
		if isControl(r) {
			out = fmt.Appendf(out, format, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

func isControl(r rune) bool { return r >= 0x7f && r <= 0x9f }

// hides reports whether a reason is that of a finding which was not to be shown.
func hides(p *report.Pod, reason verdict.Reason) bool {
	return slices.Contains(sidecar.FindingIDs(), reason.Code) &&
		!slices.ContainsFunc(p.Findings, func(f sidecar.PodFinding) bool { return f.ID == reason.Code && f.Severity == verdict.SeverityError })
}
