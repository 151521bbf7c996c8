//go:build integration

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

const (
	integrationSetsNodes = 48
	integrationSetsSpecs = 340 // of which some have no equal in rules
)

// TestIntegrationClusterSets compares the verdicts on a live cluster with the labels that a real nfd-master sets for
// the same specs: of several sets with weights, whose rules refer to variables of earlier ones. It does so by rules
// that a test made, whose label has the weight of the best set as value, and by those that compat place makes.
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
		if s.need != nil {
			// Two specs may have the same need.
			if a := c.do(t, "POST", "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules", "application/json", s.need.JSON()); a.status != http.StatusCreated && a.status != http.StatusConflict {
				t.Fatalf("%s: %d %s", s.file, a.status, a.body)
			}
		}
	}
	c.rule(t, "zzz", `[{"name": "all", "labels": {"`+integrationLabels+`all": "true"}, "matchFeatures": [{"feature": "vendor.mixed"}]}]`)
	labels := c.settled(t, integrationLabels, "all", c.startMaster(t, integrationSetsNode(0)))
	saved := c.write(t, "nodefeatures.json", string(c.do(t, "GET", integrationNodeFeatures, "", nil).body))

	seen := map[string]int{}
	for _, s := range specs {
		c.compareSets(t, s, saved, labels, seen)
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[key], key)
	}
	for key, least := range map[string]int{
		"rules: specs": 300, "rules: compatible, labelled with the weight": 1000, "rules: incompatible, not labelled": 1000,
		"place: specs": 250, "place: compatible, labelled with the weight": 500, "place: incompatible, not labelled": 1000,
	} {
		if seen[key] < least {
			t.Errorf("the generator is lopsided: %d %s", seen[key], key)
		}
	}
}

func integrationSetsNode(i int) string { return fmt.Sprintf("sets-%03d", i) }

// An integrationFleetSpec is a spec, and what nodefeatures.TestWriteSets made of it.
type integrationFleetSpec struct {
	ID, Untranslated string
	Rules            json.RawMessage
	Fails            []int // nodes on which NFD's evaluator has an error

	file      string
	need      *cluster.Need // what place makes of it; nil if it cannot
	needFails []int         // as Fails
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
	fleet := make([]nfdv1alpha1.Features, len(nodes))
	for i, text := range nodes {
		if err := json.Unmarshal([]byte(text), &fleet[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range integrationSetsSpecs {
		s := integrationFleetSpec{file: filepath.Join(dir, fmt.Sprintf("spec-%03d.yaml", i))}
		if err := json.Unmarshal(read("rules-%03d.json", i), &s); err != nil {
			t.Fatal(err)
		}
		s.translate(t, read("spec-%03d.yaml", i), fleet)
		specs = append(specs, s)
	}
	return nodes, specs
}

// translate makes rules as place does.
func (s *integrationFleetSpec) translate(t *testing.T, data []byte, fleet []nfdv1alpha1.Features) {
	t.Helper()
	parsed, problems := spec.Parse(data)
	if problems.Err() != nil {
		t.Fatalf("%s: %v", s.file, problems)
	}
	need, err := cluster.Translate(t.Context(), parsed)
	var impossible *cluster.TranslateError
	if errors.As(err, &impossible) {
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", s.file, err)
	}
	s.need = need
	for i := range fleet {
		if slices.ContainsFunc(need.Rules, func(r nfdv1alpha1.Rule) bool {
			_, err := nodefeaturerule.Execute(&r, fleet[i].DeepCopy(), false) // looks at all of a rule
			return err != nil
		}) {
			s.needFails = append(s.needFails, i)
		}
	}
}

// weights are those by which the label of a node says that a set matches, for each way of making rules: 0 for no
// label, -1 for one that stands for any weight.
func (s *integrationFleetSpec) weights(t *testing.T, labels map[string]string) map[string]int {
	t.Helper()
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", s.file, err)
		}
		return n
	}
	weights := map[string]int{}
	if s.Untranslated == "" {
		if weights["rules"] = 0; labels[s.ID] != "" {
			weights["rules"] = number(labels[s.ID])
		}
	}
	if s.need != nil {
		switch weights["place"] = 0; {
		case labels[s.need.ID] == "":
		case s.need.Weights == nil:
			weights["place"] = -1
		default:
			weights["place"] = s.need.Weights[number(labels[s.need.ID+".rank"])-1]
		}
	}
	return weights
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
	for by := range s.weights(t, nil) {
		seen[by+": specs"]++
	}
	for i := range integrationSetsNodes {
		name := integrationSetsNode(i)
		if v := single[name].Verdict; v != verdicts[name] {
			t.Errorf("%s on %s: by validate-node %s, by validate-cluster %s", s.file, name, v, verdicts[name])
		}
		for by, weight := range s.weights(t, labels[name]) {
			fails := map[string][]int{"rules": s.Fails, "place": s.needFails}[by]
			kind, ok := integrationPair{single[name], weight, slices.Contains(fails, i)}.compare(t)
			if seen[by+": "+kind]++; !ok {
				t.Errorf("%s on %s: %s: %s, weight %d", s.file, name, by, kind, weight)
			}
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

// An integrationPair is the verdict on a node, and the weight by which nfd-master labelled it; fails says that NFD
// has an error in one of the rules.
type integrationPair struct {
	node   report.NodeReport
	weight int
	fails  bool
}

// compare says how the pair differs, and whether it may: the set by which the node is labelled may be one that
// compat does not know, and never one that is incompatible; a better one may be missing only by an error.
func (p integrationPair) compare(t *testing.T) (kind string, ok bool) {
	t.Helper()
	image, best := p.node.Images[0], 0
	if image.Score != nil {
		best = *image.Score
	}
	weight := p.weight
	if weight < 0 && p.node.Verdict == verdict.Compatible {
		weight = best
	}
	if weight == 0 {
		if p.node.Verdict == verdict.Compatible {
			return fmt.Sprintf("compatible, not labelled, NFD has an error: %v", p.fails), p.fails
		}
		return fmt.Sprintf("%s, not labelled", p.node.Verdict), true
	}
	var sets []report.Set // that may be the one
	for _, s := range image.Sets {
		if (s.Weight == weight || weight < 0) && s.Verdict != verdict.Incompatible {
			sets = append(sets, s)
		}
	}
	switch {
	case len(sets) == 0:
		return fmt.Sprintf("%s, labelled by an incompatible set", p.node.Verdict), false
	case weight == best:
		return "compatible, labelled with the weight", true
	case weight > 0 && weight < best:
		return fmt.Sprintf("compatible, labelled with a lower weight, NFD has an error: %v", p.fails), p.fails
	}
	why := integrationUnknown(t, sets) // the rules have no template, and NFD may match before it comes to an error
	return fmt.Sprintf("%s, labelled by an unknown set: %s", p.node.Verdict, why), strings.Contains(why, "templateFailed") || strings.Contains(why, "notEvaluable")
}

// integrationUnknown are the codes of what compat does not know of sets.
func integrationUnknown(t *testing.T, sets []report.Set) string {
	t.Helper()
	data, err := json.Marshal(sets)
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
