package output_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nodecompat/compat"
	kubernetes "nodecompat/compat/manifest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// healthyPods are n Deployments with a sidecar that is waited for.
func healthyPods(t testing.TB, kubelet string, n int) *report.PodReport {
	t.Helper()
	var documents []string
	for i := range n {
		documents = append(documents, fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-%d}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      initContainers:
        - {name: envoy, image: "envoy:1", restartPolicy: Always, startupProbe: {httpGet: {port: 80}, periodSeconds: 1, failureThreshold: 60}}
      containers:
        - {name: shop, image: "shop:1"}
`, i))
	}
	return pods(t, false, func(r *compat.PodRequest) { r.Kubelet = told(kubelet) }, compat.File{
		Name: "all.yaml", Data: []byte(strings.Join(documents, "---\n")),
	}).(*report.PodReport)
}

// TestHealthyPods: twenty Pods about which there is nothing to say are a page, whatever
// there is to say of the kubelet, and each has one line.
func TestHealthyPods(t *testing.T) {
	for _, kubelet := range []string{"v1.29.1", "v1.30.4", "v1.34.2", "v1.36.0"} {
		text := rendered(t, healthyPods(t, kubelet, 20), output.FormatText, output.Style{})
		if n := strings.Count(text, "\n"); n > 40 {
			t.Errorf("%s: %d lines:\n%s", kubelet, n, text)
		}
		for i := range 20 {
			if line := fmt.Sprintf("\n✓ Deployment shop-%d\n", i); strings.Count(text, line) != 1 || strings.Count(text, fmt.Sprintf("shop-%d\n", i)) != 1 {
				t.Errorf("%s: no line, or more than one, of Pod %d:\n%s", kubelet, i, text)
			}
		}
	}
}

// wrapped are the documents whose text is wrapped; attach and others print lines that
// programs look for.
func wrapped(document any) bool {
	switch document.(type) {
	case *report.NodeReport, *report.NodeReportList, *report.PodReport, *report.SnapshotDiff:
		return true
	}
	return false
}

// oneLine reports whether a line is a node's among many with its reasons, which grep is to find.
func oneLine(document any, line string) bool {
	_, list := document.(*report.NodeReportList)
	return list && slices.ContainsFunc([]string{"✗ ", "? ", "✓ "}, func(mark string) bool { return strings.HasPrefix(line, mark) })
}

// TestWidth: a line is longer than the width only where one word is, where it is YAML to copy, or a
// node's among many.
func TestWidth(t *testing.T) {
	for _, s := range scenarios() {
		document := s.document(t)
		if !wrapped(document) {
			continue
		}
		for _, width := range []int{-1, 0, 1, 40, 57, 80, 200} {
			limit := max(width, 30)
			if width <= 0 {
				limit = 80
			}
			text := rendered(t, document, output.FormatText, output.Style{Width: width, All: true})
			for line := range strings.SplitSeq(text, "\n") {
				words := strings.Fields(strings.TrimLeft(line, " │"))
				if utf8.RuneCountInString(line) > limit && len(words) > 2 && !strings.HasPrefix(line, "        ") && !oneLine(document, line) {
					t.Errorf("%s in %d columns has\n%s", s.name, width, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s in %d columns has a line with spaces at its end: %q", s.name, width, line)
				}
			}
			if plain, wide := strings.Fields(text), strings.Fields(rendered(t, document, output.FormatText, output.Style{Width: 1 << 20, All: true})); width == 57 && !clips(document) && !sameWords(plain, wide) {
				t.Errorf("%s in %d columns says something else:\n%s", s.name, width, text)
			}
		}
	}
}

// clips reports whether a document has lines that are cut, or the names of as many nodes as fit.
func clips(document any) bool {
	_, node := document.(*report.NodeReport)
	_, diff := document.(*report.SnapshotDiff)
	return !node && !diff
}

func sameWords(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

// TestASCII: nothing else is in the text, and the marks have the same places.
func TestASCII(t *testing.T) {
	for _, s := range scenarios() {
		document := s.document(t)
		plain := rendered(t, document, output.FormatText, output.Style{All: true})
		text := rendered(t, document, output.FormatText, output.Style{All: true, ASCII: true})
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("%s: not ASCII:\n%s", s.name, text)
		}
		if strings.Count(text, "\n") != strings.Count(plain, "\n") {
			t.Errorf("%s: in ASCII it is\n%s\nand otherwise\n%s", s.name, text, plain)
		}
	}
}

// TestSaidOnce: what is said of one thing in the same words is said once, an error too.
func TestSaidOnce(t *testing.T) {
	for name, messages := range map[string][]string{
		"node_no_answer": {"image 1 at registry.test:5000/app"},
		"node_failure":   {"image 2 at registry.test:5000/app", "off by default"},
		"node_error":     {"no such file"},
		"nodes_failed":   {"image 2 at registry.test:5000/app"},
		"pods_error":     {"no such file"},
		"pods_images":    {"image 3 at registry.test:5000/app"},
		"pods_old_node":  {"a sidecar is an ordinary init container"},
		"pods_rejected":  {"off by default"},
		"pods_unknown":   {"tell the kubelet's version"},
	} {
		for _, s := range scenarios() {
			if s.name != name {
				continue
			}
			text := hosts.ReplaceAllString(rendered(t, s.document(t), output.FormatText, output.Style{Width: 1000}), "registry.test:5000")
			for _, message := range messages {
				if n := strings.Count(text, message); n != 1 {
					t.Errorf("%s says %q %d times:\n%s", name, message, n, text)
				}
			}
		}
	}
}

// TestErrorsAreSaid: the text says every error of a report, with its hint.
func TestErrorsAreSaid(t *testing.T) {
	e := &report.Error{Code: "timeout", Message: "the time is up", Hint: "give it more"}
	node := report.NewNodeReport(now, nil)
	node.Error, node.Verdict = e, verdict.Incompatible
	reason := report.NewNodeReport(now, nil)
	reason.Error, reason.Reasons = e, []verdict.Reason{{Code: e.Code, Message: e.Message}}
	image := report.NewNodeReport(now, nil)
	image.Error, image.Images = e, []report.Image{{Reference: "a", Error: e, Verdict: verdict.Unknown, Reasons: reason.Reasons}}
	image.Reasons = []verdict.Reason{{Code: e.Code, Message: "a: " + e.Message}}
	pod := report.NewPodReport(now, nil)
	pod.Error = e
	pod.Images = image.Images
	pod.Pods = []report.Pod{podOf(e), podOf(e)}
	notJudged := report.NewPodReport(now, nil)
	notJudged.Error = e
	grouped := compat.Nodes{Summary: report.Summary{Groups: []report.NodeGroup{{
		Verdict: verdict.Unknown, Nodes: 1, Names: []string{"a"}, Reasons: []report.GroupReason{{Code: e.Code, Message: e.Message}},
	}}}}.List(now, []*report.NodeReport{node})
	for name, document := range map[string]any{
		"node": node, "reason": reason, "image": image, "Pod": pod, "no Pod": notJudged, "grouped": grouped,
		"nodes": compat.Nodes{Verdict: verdict.Incompatible}.List(now, []*report.NodeReport{node}),
	} {
		text := rendered(t, document, output.FormatText, output.Style{})
		if strings.Count(text, e.Message) != 1 || strings.Count(text, e.Hint) != 1 {
			t.Errorf("%s: the error and its hint are not there once:\n%s", name, text)
		}
	}
}

// podOf is a Pod with an image that could not be fetched.
func podOf(e *report.Error) report.Pod {
	return report.Pod{
		Pod: kubernetes.Pod{Kind: "Pod", Name: "a", File: "a.yaml", Line: 1}, Verdict: verdict.Unknown,
		Reasons: []verdict.Reason{{Code: e.Code, Message: "container c: image a: " + e.Message}},
		Images: []report.PodImage{{
			ContainerImage: kubernetes.ContainerImage{Container: "c", Image: "a"}, Reference: "a", Verdict: verdict.Unknown,
		}},
	}
}

// TestPodLines: what is said of a Pod in a line.
func TestPodLines(t *testing.T) {
	finding := func(id, container string, severity verdict.Severity) sidecar.PodFinding {
		return sidecar.PodFinding{ID: id, Container: container, Severity: severity, Message: "the message"}
	}
	step := func(name string, kind sidecar.StepKind, ready sidecar.Ready) sidecar.Step {
		return sidecar.Step{Container: name, Kind: kind, Ready: ready, Starts: true}
	}
	order := []verdict.Reason{{Code: report.CodeStartOrder, Message: "what comes after …"}}
	image := []report.PodImage{{ContainerImage: kubernetes.ContainerImage{Container: "c", Image: "app:1"}, Verdict: verdict.Unknown}}
	for _, row := range []struct {
		pod  report.Pod
		want string
	}{
		{report.Pod{Verdict: verdict.Compatible}, "✓ Pod a"},
		{report.Pod{Verdict: verdict.Compatible, Findings: []sidecar.PodFinding{finding("SC001", "envoy", verdict.SeverityWarning)}}, "✓ Pod a: envoy is not waited for"},
		{report.Pod{Verdict: verdict.Compatible, Findings: []sidecar.PodFinding{
			finding("SC003", "envoy", verdict.SeverityInfo), finding("SC002", "envoy", verdict.SeverityWarning), finding("SC002", "envoy", verdict.SeverityWarning),
		}}, "✓ Pod a: envoy: a readinessProbe does not hold back the app, and 1 more"},
		{report.Pod{Verdict: verdict.Incompatible, Reasons: order, Plan: sidecar.Plan{Steps: []sidecar.Step{step("envoy", sidecar.StepSidecar, sidecar.ReadyNo)}}, Findings: []sidecar.PodFinding{finding("SC001", "envoy", verdict.SeverityWarning)}}, "✗ Pod a: envoy is not waited for"},
		{report.Pod{Verdict: verdict.Incompatible, Reasons: order, Plan: sidecar.Plan{Steps: []sidecar.Step{
			step("m", sidecar.StepInit, sidecar.ReadyYes), step("x", sidecar.StepSidecar, sidecar.ReadyWeak), step("y", sidecar.StepSidecar, sidecar.ReadyYes),
			step("z", sidecar.StepLegacy, sidecar.ReadyBestEffort), step("w", sidecar.StepSidecar, sidecar.ReadyNo), step("app", sidecar.StepApp, ""),
		}}}, "✗ Pod a: x, z and w are not waited for"},
		{report.Pod{Verdict: verdict.Incompatible, Reasons: []verdict.Reason{{Code: "SC031", Message: "the message"}}, Findings: []sidecar.PodFinding{finding("SC031", "", verdict.SeverityError)}}, "✗ Pod a: the message"},
		{report.Pod{Verdict: verdict.Incompatible, Reasons: []verdict.Reason{{Code: "SC031", Message: "left out"}}}, "✗ Pod a: left out"},
		{report.Pod{Verdict: verdict.Incompatible, Reasons: []verdict.Reason{{Code: "SC026", Message: "the message"}}, Plan: sidecar.Plan{Outcome: sidecar.OutcomeStuck}, Findings: []sidecar.PodFinding{finding("SC026", "", verdict.SeverityError)}}, "✗ Pod a: stays in Init"},
		{report.Pod{Verdict: verdict.Unknown, Plan: sidecar.Plan{Outcome: sidecar.OutcomeUnknown}, Reasons: []verdict.Reason{{Code: "KUBELET_VERSION_UNKNOWN", Message: "the message"}}}, "? Pod a: native sidecar support is not known"},
		{report.Pod{Verdict: verdict.Unknown, Images: image, Reasons: []verdict.Reason{{Code: "noArtifact", Message: "container c: image app:1: nothing"}}}, "? Pod a: image app:1 has no compatibility artifact"},
		{report.Pod{Verdict: verdict.Unknown, Images: image, Reasons: []verdict.Reason{{Code: "network", Message: "container c: image app:1: nothing"}}}, "? Pod a: image app:1 is unknown"},
		{report.Pod{Verdict: verdict.Unknown, Reasons: []verdict.Reason{{Code: "template", Message: "a template"}}}, "? Pod a: a template"},
		{report.Pod{Verdict: verdict.Compatible, Findings: []sidecar.PodFinding{finding("SC999", "envoy", verdict.SeverityInfo)}}, "✓ Pod a: envoy: the message"},
		{report.Pod{Verdict: verdict.Compatible, Findings: []sidecar.PodFinding{finding("SC999", strings.Repeat("很", 100), verdict.SeverityInfo), finding("SC998", "", verdict.SeverityInfo)}}, "✓ Pod a: " + strings.Repeat("很", 29) + "…, and 1 more"},
	} {
		row.pod.Kind, row.pod.Name, row.pod.File, row.pod.Line = "Pod", "a", "a.yaml", 1
		document := report.NewPodReport(now, nil)
		document.Pods = []report.Pod{row.pod}
		lines := strings.Split(rendered(t, document, output.FormatText, output.Style{}), "\n")
		if lines[2] != row.want {
			t.Errorf("the line is\n%s, want\n%s", lines[2], row.want)
		}
	}
}

// TestSameNames: Pods of the same name are told apart by their places.
func TestSameNames(t *testing.T) {
	document := report.NewPodReport(now, nil)
	for i, name := range []string{"a", "a", "b"} {
		document.Pods = append(document.Pods, report.Pod{Pod: kubernetes.Pod{Kind: "Pod", Name: name, File: "-", Line: i + 1}, Verdict: verdict.Compatible})
	}
	want := "UNKNOWN  this node\n\n✓ Pod a (stdin:1)\n✓ Pod a (stdin:2)\n✓ Pod b\n"
	if text := rendered(t, document, output.FormatText, output.Style{}); text != want {
		t.Errorf("the text is\n%s, want\n%s", text, want)
	}
}

// TestSavedIsTheSame: what a report looks like hangs on nothing but its JSON.
func TestSavedIsTheSame(t *testing.T) {
	for _, s := range scenarios() {
		document := s.document(t)
		var data bytes.Buffer
		if err := output.Write(&data, output.FormatJSON, document, output.Style{}); err != nil {
			t.Fatal(err)
		}
		switch document.(type) {
		case *report.NodeReport, *report.NodeReportList, *report.PodReport:
		default:
			continue
		}
		saved, err := compat.ReadReport(data.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for form, written := range forms {
			direct, again := new(bytes.Buffer), new(bytes.Buffer)
			if err := output.Write(direct, written.format, document, written.style); err != nil {
				continue // not one of its forms
			}
			if err := output.Write(again, written.format, saved, written.style); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(direct.Bytes(), again.Bytes()) {
				t.Errorf("%s as %s is\n%s\nand, saved in between,\n%s", s.name, form, direct, again)
			}
		}
	}
}
