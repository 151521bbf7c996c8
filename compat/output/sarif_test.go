package output_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// What GitHub's code scanning reads of SARIF
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support).
type (
	sarifText struct{ Text, Markdown string }
	sarifRule struct {
		ID                                      string
		ShortDescription, FullDescription, Help sarifText
		DefaultConfiguration                    struct{ Level string }
		Properties                              map[string]any
	}
	sarifLocation struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI string }
			Region           struct{ StartLine, StartColumn, EndLine int }
		}
		LogicalLocations []struct{ Name, FullyQualifiedName string }
		Message          *sarifText
	}
	sarifResult struct {
		RuleID                      string `json:"ruleId"`
		RuleIndex                   int
		Level                       string
		Message                     sarifText
		Locations, RelatedLocations []sarifLocation
		PartialFingerprints         map[string]string
		Suppressions                []struct {
			Kind, Justification string
			Location            sarifLocation
		}
	}
	sarifNotification struct {
		Descriptor struct {
			ID    string
			Index int
		}
		Level     string
		Message   sarifText
		Locations []sarifLocation
	}
	sarifLog struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version        string
					Rules, Notifications []sarifRule
				}
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []sarifNotification
			}
			ColumnKind string
			Results    []sarifResult
		}
	}
)

// readSARIF reads a document of which nothing is left out.
func readSARIF(t testing.TB, data []byte) sarifLog {
	t.Helper()
	var log sarifLog
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&log); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return log
}

// checkSARIF holds a document against what code scanning requires.
func checkSARIF(t testing.TB, data []byte) {
	t.Helper()
	log := readSARIF(t, data)
	if log.Schema == "" || log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Invocations) != 1 {
		t.Fatalf("not a log of one run: %.300s", data)
	}
	run := log.Runs[0]
	driver := run.Tool.Driver
	if driver.Name != "compat" || driver.Rules == nil || driver.Notifications == nil || run.Results == nil || run.ColumnKind == "" {
		t.Errorf("something is missing: %.300s", data)
	}
	used, prints := map[string]bool{}, map[string]bool{}
	for _, r := range run.Results {
		used[r.RuleID] = true
		if !refers(driver.Rules, r.RuleIndex, r.RuleID) || !isLevel(r.Level) || r.Message.Text == "" {
			t.Errorf("a result of no rule, level or message: %+v", r)
		}
		if len(r.Locations) != 1 || r.Suppressions == nil {
			t.Errorf("%d places, suppressions %v: %+v", len(r.Locations), r.Suppressions, r)
		}
		print := r.PartialFingerprints["compat/v1"]
		if !regexp.MustCompile(`^[0-9a-f]{32}:[1-9]\d*$`).MatchString(print) || prints[print] {
			t.Errorf("the fingerprint is missing, or there twice: %+v", r)
		}
		prints[print] = true
		locations := slices.Concat(r.Locations, r.RelatedLocations)
		for _, s := range r.Suppressions {
			if s.Kind != "inSource" {
				t.Errorf("a suppression that is %q", s.Kind)
			}
			locations = append(locations, s.Location)
		}
		checkLocations(t, locations)
	}
	checkRules(t, driver.Rules, used)
	checkNotifications(t, driver.Notifications, run.Invocations[0].ToolExecutionNotifications, run.Invocations[0].ExecutionSuccessful)
}

func refers(rules []sarifRule, index int, id string) bool {
	return index >= 0 && index < len(rules) && rules[index].ID == id
}

func isLevel(level string) bool { return slices.Contains([]string{"error", "warning", "note"}, level) }

// checkRules: each is described, there once, and used.
func checkRules(t testing.TB, rules []sarifRule, used map[string]bool) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.ID] || !used[r.ID] || utf8.RuneCountInString(r.ID) > 255 {
			t.Errorf("the rule %q is there twice, for nothing, or too long", r.ID)
		}
		seen[r.ID] = true
		for _, text := range []string{r.ShortDescription.Text, r.FullDescription.Text} {
			if text == "" || utf8.RuneCountInString(text) > 1024 || strings.ContainsAny(text, "\n`") {
				t.Errorf("%s: %q is no description", r.ID, text)
			}
		}
		if r.Help.Text == "" || strings.Contains(r.Help.Text, "`") || r.Help.Markdown == "" || !isLevel(r.DefaultConfiguration.Level) {
			t.Errorf("%s: help %+v, level %q", r.ID, r.Help, r.DefaultConfiguration.Level)
		}
		tags, ok := r.Properties["tags"].([]any)
		if !ok || len(tags) == 0 || len(tags) > 20 {
			t.Errorf("%s: tags %v", r.ID, r.Properties["tags"])
		}
		if severity := r.Properties["problem.severity"]; !slices.Contains([]any{"error", "warning", "recommendation"}, severity) {
			t.Errorf("%s: severity %v", r.ID, severity)
		}
	}
}

func checkNotifications(t testing.TB, descriptors []sarifRule, notifications []sarifNotification, successful bool) {
	t.Helper()
	used, failed := map[string]bool{}, false
	for _, n := range notifications {
		used[n.Descriptor.ID] = true
		if !refers(descriptors, n.Descriptor.Index, n.Descriptor.ID) || !isLevel(n.Level) || n.Message.Text == "" {
			t.Errorf("a notification of nothing: %+v", n)
		}
		failed = failed || n.Level == "error"
		checkLocations(t, n.Locations)
	}
	if notifications == nil || failed && successful {
		t.Errorf("successful %v with %+v", successful, notifications)
	}
	checkRules(t, descriptors, used)
}

// checkLocations: URIs are relative or those of files, and have only what RFC 3986 does not
// reserve; lines and columns begin with 1.
func checkLocations(t testing.TB, locations []sarifLocation) {
	t.Helper()
	form := regexp.MustCompile(`^(file:///)?([A-Za-z0-9._~/-]|%[0-9A-F]{2})*$`)
	for _, l := range locations {
		uri, region := l.PhysicalLocation.ArtifactLocation.URI, l.PhysicalLocation.Region
		parsed, err := url.Parse(uri)
		if err != nil || uri == "" || !form.MatchString(uri) || parsed.Scheme == "" && strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "./") {
			t.Errorf("%q is no URI: %v", uri, err)
		}
		if region.StartLine < 1 || region.StartColumn < 1 || region.EndLine != region.StartLine {
			t.Errorf("region %+v", region)
		}
	}
}

// junitCase is a test case as pipelines read it.
type junitCase struct {
	Name      string     `xml:"name,attr"`
	ClassName string     `xml:"classname,attr"`
	Attrs     []xml.Attr `xml:",any,attr"`
	Results   []struct {
		XMLName xml.Name
		Message string `xml:"message,attr"`
	} `xml:",any"`
}

// checkJUnit: the numbers are right, no two test cases have one name, and there are no times.
func checkJUnit(t testing.TB, data []byte) {
	t.Helper()
	var suite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	if err := xml.Unmarshal(data, &suite); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	counted, names := map[string]int{}, map[[2]string]bool{}
	for _, c := range suite.Cases {
		if len(c.Results) > 1 {
			t.Errorf("%s: %d results", c.Name, len(c.Results))
		}
		for _, result := range c.Results {
			counted[result.XMLName.Local]++
		}
		if name := [2]string{c.ClassName, c.Name}; names[name] || c.Name == "" {
			t.Errorf("%q is there twice, or is no name", name)
		}
		names[[2]string{c.ClassName, c.Name}] = true
		for _, a := range c.Attrs {
			if a.Name.Local != "file" {
				t.Errorf("%s: an attribute %s", c.Name, a.Name.Local)
			}
		}
	}
	want := map[string]int{"failure": suite.Failures, "error": suite.Errors, "skipped": suite.Skipped}
	for kind, n := range want {
		if counted[kind] != n {
			t.Errorf("%d of %s, and %d are told", counted[kind], kind, n)
		}
		delete(counted, kind)
	}
	if suite.Tests != len(suite.Cases) || len(counted) > 0 {
		t.Errorf("%d tests, and %d are told; others %v", len(suite.Cases), suite.Tests, counted)
	}
}

// TestPipelineFormats holds the goldens against what code hosts and pipelines read.
func TestPipelineFormats(t *testing.T) {
	for pattern, check := range map[string]func(testing.TB, []byte){"testdata/*.sarif.json": checkSARIF, "testdata/*.junit.xml": checkJUnit} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 10 {
			t.Fatalf("%d files: %v", len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				check(t, data)
			})
		}
	}
}

// fingerprints are those of the results of a file, with their rules and places.
func fingerprints(t *testing.T, file compat.File) map[string]string {
	t.Helper()
	document := pods(t, false, func(r *compat.PodRequest) { r.Kubelet = told("v1.34.2") }, file).(*report.PodReport)
	prints := map[string]string{}
	for _, r := range readSARIF(t, []byte(rendered(t, document, output.FormatSARIF, output.Style{}))).Runs[0].Results {
		prints[r.PartialFingerprints["compat/v1"]] = r.RuleID + " " + r.Locations[0].LogicalLocations[0].FullyQualifiedName
	}
	return prints
}

// TestFingerprints: they stay when lines, containers and documents move, and are others for
// another file, object, container, rule or path.
func TestFingerprints(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  initContainers:\n  - {name: a, image: x, restartPolicy: Always, readinessProbe: {httpGet: {port: 80}}}\n" +
		"  - {name: b, image: x, restartPolicy: Always, ports: [{containerPort: 1}, {containerPort: 2}]}\n  containers:\n  - {name: app, image: x, ports: [{containerPort: 1}, {containerPort: 2}]}\n"
	base := fingerprints(t, manifest("a.yaml", pod))
	if len(base) != 5 {
		t.Fatalf("fingerprints %v", base)
	}
	other := "apiVersion: v1\nkind: Pod\nmetadata: {name: other}\nspec: {containers: [{name: app, image: x}]}\n"
	for name, moved := range map[string]string{
		"lines":     "# a\n\n" + pod,
		"documents": other + "---\n" + pod,
		"a List":    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n- " + strings.ReplaceAll(strings.TrimSpace(pod), "\n", "\n  ") + "\n",
		"an order":  strings.Replace(pod, "  - {name: a,", "  - {name: z, image: x}\n  - {name: a,", 1),
	} {
		got := fingerprints(t, manifest("a.yaml", moved))
		for print, what := range base {
			if rule, _, _ := strings.Cut(what, " "); !strings.HasPrefix(got[print], rule) {
				t.Errorf("%s: the fingerprint of %s is gone: %v", name, what, got)
			}
		}
	}
	for name, file := range map[string]compat.File{
		"file":      manifest("b.yaml", pod),
		"name":      manifest("a.yaml", strings.Replace(pod, "name: web", "name: other", 1)),
		"namespace": manifest("a.yaml", strings.Replace(pod, "name: web", "name: web, namespace: shop", 1)),
		"template":  manifest("a.yaml", "# Source: web/templates/a.yaml\n"+pod),
	} {
		for print, what := range fingerprints(t, file) {
			if base[print] != "" {
				t.Errorf("another %s: %s has the fingerprint of %s", name, what, base[print])
			}
		}
	}
	twice := fingerprints(t, manifest("a.yaml", pod, pod))
	if len(twice) != 2*len(base) {
		t.Errorf("the same twice: %v", twice)
	}
	for print := range base {
		first, _, _ := strings.Cut(print, ":")
		if twice[print] == "" || twice[fmt.Sprint(first, ":2")] == "" {
			t.Errorf("the same twice: %s is not counted", print)
		}
	}
}

// TestURIs: names of files and what they are in SARIF.
func TestURIs(t *testing.T) {
	for name, want := range map[string]string{
		"-": "stdin", "a.yaml": "a.yaml", "./a.yaml": "a.yaml", "a//b/../c.yaml": "a/c.yaml", "../a.yaml": "../a.yaml", "/a.yaml": "file:///a.yaml",
		"/a b/c.yaml": "file:///a%20b/c.yaml", "a%b#c?d.yaml": "a%25b%23c%3Fd.yaml", "a:b.yaml": "a%3Ab.yaml", "ü/日.yaml": "%C3%BC/%E6%97%A5.yaml",
		"a+b&c=d@e!$'()*,;[]~.yaml": "a%2Bb%26c%3Dd%40e%21%24%27%28%29%2A%2C%3B%5B%5D~.yaml", "a\nb.yaml": "a%0Ab.yaml", "": ".", "c:\\a.yaml": "c%3A%5Ca.yaml",
	} {
		problem := pods(t, false, nil, manifest(name, "a: [\n")).(*report.PodReport)
		results := readSARIF(t, []byte(rendered(t, problem, output.FormatSARIF, output.Style{}))).Runs[0].Results
		if len(results) != 1 {
			t.Fatalf("%q: %d results", name, len(results))
		}
		if diff := cmp.Diff(want, results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}
