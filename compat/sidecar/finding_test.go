package sidecar

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// Every finding is documented, and its examples do what they say: the bad one
// reports exactly that finding (or those that it lists), the good one nothing.
func TestFindingsDocumented(t *testing.T) {
	ids := FindingIDs()
	if !slices.IsSorted(ids) || len(ids) != 36 || ids[0] != "SC001" || ids[35] != "SC037" {
		t.Errorf("FindingIDs() = %v", ids)
	}
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			doc, ok := FindingDoc(id)
			if !ok {
				t.Fatal("not documented")
			}
			bad, good, ok := strings.Cut(doc, "\nGood:\n")
			if !ok {
				t.Fatal("no good example")
			}
			if id == "SC037" { // an API server's
				return
			}
			before, bad, _ := strings.Cut(bad, "\nBad:\n")
			target := targetIn(t, before+good)
			want := []string{id}
			if m := regexp.MustCompile(`\nReports: (.*)\n`).FindStringSubmatch(bad); m != nil {
				want = strings.Split(m[1], ", ")
			}
			findings := lintYAML(t, yamlIn(t, bad), target)
			if diff := cmp.Diff(want, idsOf(findings)); diff != "" {
				t.Errorf("bad example (-want +got):\n%s", diff)
			}
			for _, f := range findings {
				if f.ID == id && !strings.HasPrefix(doc, "## "+id+"\n\n"+string(f.Severity)+": ") {
					t.Errorf("severity %s is not the documented one", f.Severity)
				}
				if f.Line == 0 || f.Path == "" || f.Message == "" || f.Remedy == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if m := regexp.MustCompile(`(?s)\nTarget: .*`).FindString(bad); m != "" {
				target = targetIn(t, m)
			}
			if got := idsOf(lintYAML(t, yamlIn(t, good), target)); len(got) > 0 {
				t.Errorf("good example reports %v", got)
			}
		})
	}
	if _, ok := FindingDoc("SC029"); ok {
		t.Error("SC029 is documented, but does not exist")
	}
}

// TestDescribeFinding: every finding has all its texts, in lengths that code hosts show.
func TestDescribeFinding(t *testing.T) {
	for _, id := range FindingIDs() {
		text, ok := DescribeFinding(id)
		if !ok || string(text.Severity)+": "+text.Short != FindingTitle(id) || text.Short == "" || len(text.Short) > 100 {
			t.Errorf("%s: %v %q", id, ok, text.Severity+": "+verdict.Severity(text.Short))
		}
		if !strings.HasSuffix(text.Full, ".") || len(text.Full) < 50 || len(text.Full) > 1_000 || strings.ContainsAny(text.Full, "\n`") || strings.Contains(text.Full, "kind:") {
			t.Errorf("%s: %q", id, text.Full)
		}
		if doc, _ := FindingDoc(id); text.Markdown != doc || strings.Contains(text.Help, "`") || !strings.Contains(text.Help, "\nBad:\n\napiVersion: ") {
			t.Errorf("%s: help %q", id, text.Help)
		}
	}
	want := FindingText{
		Severity: verdict.SeverityWarning, Short: "nothing makes the app wait for a sidecar",
		Full: "A native sidecar without a startupProbe and without a postStart hook counts as started as soon as it runs. " +
			"The app is started then, ready sidecar or not. Add a startupProbe that succeeds when the sidecar is ready.",
	}
	got, _ := DescribeFinding("SC001")
	got.Help, got.Markdown = "", ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, id := range []string{"SC029", "", "SC00", "Findings"} {
		if text, ok := DescribeFinding(id); ok || text != (FindingText{}) {
			t.Errorf("%q is %+v", id, text)
		}
	}
}

// targetIn reads a Target: line, and judges the kubelet in it.
func targetIn(t *testing.T, text string) Target {
	t.Helper()
	m := regexp.MustCompile(`\nTarget: kubelet (\S+?)(?: with (\S+?))?, API server (\S+)\n`).FindStringSubmatch(text)
	if m == nil {
		return Target{}
	}
	s := Judge(node{version: m[1], gates: m[2]}.facts(t), nil)
	return Target{Kubelet: release(t, m[1]), API: release(t, m[3]), Support: &s}
}

func release(t *testing.T, version string) *kubelet.Release {
	t.Helper()
	if version == "" {
		return nil
	}
	r, err := kubelet.ParseRelease(version)
	if err != nil {
		t.Fatal(err)
	}
	return &r
}

func yamlIn(t *testing.T, markdown string) string {
	t.Helper()
	_, text, ok := strings.Cut(markdown, "```yaml\n")
	text, _, closed := strings.Cut(text, "```")
	if !ok || !closed {
		t.Fatal("no example")
	}
	return text
}

// onePod parses a manifest that must have one Pod and no problem.
func onePod(t *testing.T, source string) manifest.Pod {
	t.Helper()
	m := manifest.Parse(t.Context(), "pod.yaml", []byte(source))
	if len(m.Problems) > 0 || len(m.Pods) != 1 {
		t.Fatalf("Parse: %d Pods, problems %+v\n%s", len(m.Pods), m.Problems, source)
	}
	return m.Pods[0]
}

// lintYAML returns the findings, whose remedies do what they say.
func lintYAML(t *testing.T, manifest string, target Target) []PodFinding {
	t.Helper()
	p := onePod(t, manifest)
	findings := Lint(p, Order(p, target), target)
	checkRemedies(t, t.Name(), manifest, findings, target)
	return findings
}

// idsOf returns the distinct ids, sorted.
func idsOf(findings []PodFinding) []string {
	ids := []string{}
	for _, f := range findings {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
