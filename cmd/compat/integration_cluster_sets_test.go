//go:build integration

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

const (
	integrationSetsNodes = 48
	integrationSetsSpecs = 340 // of which some have no equal in rules
)

// TestIntegrationClusterSets compares the verdicts on a live cluster with the labels that a real nfd-master sets for
// the same specs: of several sets with weights, whose rules refer to variables of earlier ones. The label's
// value is the weight of the best set.
func TestIntegrationClusterSets(t *testing.T) {
	c := integrationControlPlane(t)
	nodes, specs := integrationSets(t)
	for i, features := range nodes {
		c.node(t, integrationSetsNode(i), "")
		c.nodeFeature(t, integrationNamespace, integrationSetsNode(i), integrationSetsNode(i), features)
	}
	for _, s := range specs {
		if len(s.Rules) > 0 {
			c.rule(t, s.ID, string(s.Rules))
		}
	}
	c.rule(t, "zzz", `[{"name": "all", "labels": {"`+integrationLabels+`all": "true"}, "matchFeatures": [{"feature": "vendor.mixed"}]}]`)
	labels := c.settled(t, integrationLabels, "all", c.startMaster(t, integrationSetsNode(0)))
	saved := c.write(t, "nodefeatures.json", string(c.do(t, "GET", integrationNodeFeatures, "", nil).body))

	seen := map[string]int{}
	for _, s := range specs {
		if s.Untranslated != "" {
			seen["specs without rules: "+s.Untranslated]++
			continue
		}
		seen["specs with rules"]++
		c.compareSets(t, s, saved, labels, seen)
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[key], key)
	}
	if seen["specs with rules"] < 300 || seen["compatible, labelled with the weight"] < 1000 || seen["incompatible, not labelled"] < 1000 || seen["labels by one of several sets"] < 500 {
		t.Error("the generator is lopsided")
	}
}

func integrationSetsNode(i int) string { return fmt.Sprintf("sets-%03d", i) }

// An integrationFleetSpec is a spec, and what nodefeatures.TestWriteSets made of it.
type integrationFleetSpec struct {
	ID, Untranslated string
	Rules            json.RawMessage
	Fails            []int // nodes on which NFD's evaluator has an error
	file             string
}

// integrationSets has the conformance test's generator write nodes and specs.
func integrationSets(t *testing.T) (nodes []string, specs []integrationFleetSpec) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "test", "./nodefeatures", "-run", "^TestWriteSets$", "-count=1")
	cmd.Dir = integrationRoot(t)
	cmd.Env = append(os.Environ(), fmt.Sprintf("COMPAT_FLEET_SETS=%s,%d,%d", dir, integrationSetsNodes, integrationSetsSpecs))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := func(name string, i int) []byte {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf(name, i)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for i := range integrationSetsNodes {
		nodes = append(nodes, string(read("node-%03d.json", i)))
	}
	for i := range integrationSetsSpecs {
		s := integrationFleetSpec{file: filepath.Join(dir, fmt.Sprintf("spec-%03d.yaml", i))}
		if err := json.Unmarshal(read("rules-%03d.json", i), &s); err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	return nodes, specs
}

// compareSets judges a spec on the live cluster and compares with the labels, and with the verdicts on the nodes
// one by one, which also say the weight of the best set. Where NFD's evaluator has no error, all must be equal
// that compat knows; where it has one, nfd-master may leave out what is compatible, and no more.
func (c *integrationCluster) compareSets(t *testing.T, s integrationFleetSpec, saved string, labels map[string]map[string]string, seen map[string]int) {
	t.Helper()
	r := integrationProgram{path: integrationBinary(t)}.run(t, "validate-cluster", "--spec", s.file, "--kubeconfig", c.kubeconfig)
	got := integrationDecode[report.ClusterReport](t, r)
	if got.Error != nil || len(got.Workloads) != 1 || got.Workloads[0].Candidates.Total != integrationSetsNodes {
		t.Fatalf("%s: %s", s.file, r)
	}
	verdicts := integrationVerdicts(got.Workloads[0])
	single := integrationNodeReports(t, s.file, saved)
	for i := range integrationSetsNodes {
		name := integrationSetsNode(i)
		pair := integrationPair{node: single[name], verdict: verdicts[name], label: labels[name][s.ID], fails: slices.Contains(s.Fails, i)}
		if pair.node.Verdict != pair.verdict {
			t.Errorf("%s on %s: by validate-node %s, by validate-cluster %s", s.file, name, pair.node.Verdict, pair.verdict)
		}
		kind, ok := pair.compare(t)
		if seen[kind]++; !ok {
			t.Errorf("%s on %s: %s: %s, label %q\n%s", s.file, name, kind, pair.verdict, pair.label, s.Rules)
		}
		if len(pair.node.Images[0].Sets) > 1 && pair.label != "" {
			seen["labels by one of several sets"]++
		}
	}
}

// integrationNodeReports judges a spec on saved NodeFeature objects, by node.
func integrationNodeReports(t *testing.T, spec, saved string) map[string]report.NodeReport {
	t.Helper()
	r := integrationProgram{path: integrationBinary(t)}.run(t, "validate-node", "--spec", spec, "--features", saved, "-o", "ndjson")
	reports := map[string]report.NodeReport{}
	for line := range strings.Lines(string(r.stdout)) {
		var one report.NodeReport
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		reports[one.Node.Name] = one
	}
	if len(reports) != integrationSetsNodes {
		t.Fatalf("%d reports: %s", len(reports), r)
	}
	return reports
}

// An integrationPair is a verdict, and the label that nfd-master set, "" for none; fails says that NFD has an
// error in one of the rules.
type integrationPair struct {
	node    report.NodeReport
	verdict verdict.Verdict
	label   string
	fails   bool
}

// compare says how the pair differs, and whether it may: the set by which the node is labelled may be one that
// compat does not know, and never one that is incompatible; a better one may be missing only by an error.
func (p integrationPair) compare(t *testing.T) (kind string, ok bool) {
	t.Helper()
	image := p.node.Images[0]
	best := 0
	if image.Score != nil {
		best = *image.Score
	}
	if p.label == "" {
		if p.verdict == verdict.Compatible {
			return fmt.Sprintf("compatible, not labelled, NFD has an error: %v", p.fails), p.fails
		}
		return fmt.Sprintf("%s, not labelled", p.verdict), true
	}
	weight, err := strconv.Atoi(p.label)
	if err != nil {
		t.Fatal(err)
	}
	by := image.Sets[slices.IndexFunc(image.Sets, func(s report.Set) bool { return s.Weight == weight })]
	switch {
	case weight == best && by.Verdict == verdict.Compatible:
		return "compatible, labelled with the weight", true
	case by.Verdict == verdict.Incompatible:
		return "labelled by an incompatible set", false
	case weight < best:
		return fmt.Sprintf("compatible, labelled with a lower weight, NFD has an error: %v", p.fails), p.fails
	}
	why := integrationUnknown(t, by) // the rules have no template, and NFD may match before it comes to an error
	return fmt.Sprintf("%s, labelled by an unknown set: %s", p.verdict, why), strings.Contains(why, "templateFailed") || strings.Contains(why, "notEvaluable")
}

// integrationUnknown are the codes of what compat does not know of a set.
func integrationUnknown(t *testing.T, set report.Set) string {
	t.Helper()
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, match := range regexp.MustCompile(`"code":"([^"]*)"`).FindAllStringSubmatch(string(data), -1) {
		codes = append(codes, match[1])
	}
	slices.Sort(codes)
	return strings.Join(slices.Compact(codes), ", ")
}
