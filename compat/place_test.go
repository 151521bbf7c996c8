package compat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

const placedPod = `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  template:
    spec:
      containers: [{name: a, image: example.com/a:1}]
`

func placeRequest(specs ...string) compat.PlaceRequest {
	r := compat.PlaceRequest{NoImages: true, Manifests: []compat.File{{Name: "agent.yaml", Data: []byte(placedPod)}}}
	for i, s := range specs {
		r.Files = append(r.Files, compat.File{Name: fmt.Sprintf("spec%d.yaml", i), Data: []byte(s)})
	}
	return r
}

const (
	asksForA = "version: v1alpha1\ncompatibilities: [{rules: [{name: a, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}]}]\n"
	asksForB = "version: v1alpha1\ncompatibilities: [{rules: [{name: b, matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]}]\n"
)

// TestPlaceDistinct checks that equal needs are one label and one object, and others more.
func TestPlaceDistinct(t *testing.T) {
	t.Parallel()
	for want, specs := range map[int][]string{1: {asksForA, strings.Replace(asksForA, "name: a", "name: other", 1)}, 2: {asksForA, asksForB}} {
		placed, err := compat.Place(t.Context(), placeRequest(specs...))
		if err != nil {
			t.Fatal(err)
		}
		text := string(placed.Output)
		if n := strings.Count(text, "kind: NodeFeatureRule"); n != want || len(placed.Needs) != want {
			t.Errorf("%d objects, want %d\n%s", n, want, text)
		}
	}
}

// TestPlaceErrors tells what cannot be placed from what failed.
func TestPlaceErrors(t *testing.T) {
	t.Parallel()
	broken := placeRequest(asksForA)
	broken.Manifests[0].Data = []byte("a: [")
	_, err := compat.Place(t.Context(), broken)
	var unread *compat.ManifestError
	if !errors.As(err, &unread) || compat.CannotPlace(err) {
		t.Errorf("%v of a manifest that cannot be read", err)
	}
	_, err = compat.Place(t.Context(), placeRequest("version: v1alpha1\n"))
	var malformed *compat.MalformedSpecError
	if !errors.As(err, &malformed) {
		t.Errorf("%v of a spec without sets", err)
	}
}

// TestCheckPlacement has what a cluster can answer.
func TestCheckPlacement(t *testing.T) {
	t.Parallel()
	placed, err := compat.Place(t.Context(), placeRequest(asksForA))
	if err != nil {
		t.Fatal(err)
	}
	need := placed.Needs[0]
	object := string(need.JSON())
	other := strings.Replace(object, `"A"`, `"Z"`, 1)
	const byHand = " by hand" // behind the name of a node
	for _, test := range []struct {
		name, object string
		status       int // of the objects; 0 answers
		nodes        []string
		nodesStatus  int
		want         verdict.Verdict
		code         string
		state        report.RuleState
		count        int // -1: not known
	}{
		{"there", object, 0, []string{"a", "b"}, 0, verdict.Compatible, report.CodeRulesPlaced, report.RuleEqual, 2},
		{"there with nulls", strings.Replace(object, `"matchFeatures"`, `"matchAny":null,"matchFeatures"`, 1), 0, []string{"a"}, 0, verdict.Compatible, report.CodeRulesPlaced, report.RuleEqual, 1},
		{"labelled by hand, too", object, 0, []string{"a" + byHand, "b"}, 0, verdict.Compatible, report.CodeRulesPlaced, report.RuleEqual, 1},
		{"labelled by hand", object, 0, []string{"a" + byHand}, 0, verdict.Unknown, report.CodeNodesNoLabel, report.RuleEqual, 0},
		{"not labelled", object, 0, nil, 0, verdict.Unknown, report.CodeNodesNoLabel, report.RuleEqual, 0},
		{"missing", "", http.StatusNotFound, nil, 0, verdict.Incompatible, report.CodeRulesMissing, report.RuleMissing, 0},
		{"other rules", other, 0, []string{"a"}, 0, verdict.Incompatible, report.CodeRulesDiffer, report.RuleDiffers, 1},
		{"objects forbidden", "", http.StatusForbidden, []string{"a"}, 0, verdict.Unknown, apiserver.CodeForbidden, report.RuleUnknown, -1},
		{"nodes forbidden", object, 0, nil, http.StatusForbidden, verdict.Unknown, apiserver.CodeForbidden, report.RuleEqual, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := placeServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch r.URL.Path {
				case "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules/" + need.Name():
					answer(w, test.status, test.object)
				case apiserver.Nodes:
					if got := r.URL.Query().Get("labelSelector"); got != need.Label()+"=true" {
						t.Errorf("the selector %s", got)
					}
					answer(w, test.nodesStatus, nodePage(r, need.Label(), test.nodes))
				}
			})
			got := compat.CheckPlacement(t.Context(), client, placed, time.Unix(0, 0))
			rule := got.Rules[0]
			count := -1
			if rule.Nodes != nil {
				count = *rule.Nodes
			}
			if got.Verdict != test.want || got.Reasons[0].Code != test.code || rule.State != test.state || count != test.count {
				t.Errorf("%s %+v, %s on %d nodes", got.Verdict, got.Reasons, rule.State, count)
			}
			if others := strings.Count(strings.Join(test.nodes, ""), byHand); rule.Others != others || len(got.Warnings) != others {
				t.Errorf("%d others, %+v", rule.Others, got.Warnings)
			}
			if failed := test.status == http.StatusForbidden || test.nodesStatus != 0; failed != (got.Error != nil) {
				t.Errorf("the error is %v", got.Error)
			}
		})
	}
	client := placeServer(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing is to be asked") })
	without := placeRequest()
	for want, manifest := range map[string]string{report.CodeNothingPlaced: placedPod, report.CodeNoPod: "apiVersion: tekton.dev/v1\nkind: TaskRun\n"} {
		without.Manifests[0].Data = []byte(manifest)
		placed, err := compat.Place(t.Context(), without)
		if err != nil {
			t.Fatal(err)
		}
		got := compat.CheckPlacement(t.Context(), client, placed, time.Unix(0, 0))
		if (got.Verdict == verdict.Compatible) != (want == report.CodeNothingPlaced) || got.Reasons[0].Code != want || len(got.Reasons) != 1 || len(got.Warnings) != 0 {
			t.Errorf("%s: %+v", want, got)
		}
		if want == report.CodeNoPod && !strings.Contains(got.Reasons[0].Message, "those of TaskRun were not looked for") {
			t.Errorf("the reason is %s", got.Reasons[0].Message)
		}
	}
}

// TestCheckDropped has labels that a workload asks for and no spec of this run.
func TestCheckDropped(t *testing.T) {
	t.Parallel()
	placed, err := compat.Place(t.Context(), placeRequest(asksForA))
	if err != nil {
		t.Fatal(err)
	}
	need := placed.Needs[0]
	again := placeRequest()
	again.Manifests[0].Data = placed.Output
	if placed, err = compat.Place(t.Context(), again); err != nil || len(placed.Needs) != 0 || strings.Contains(string(placed.Output), need.ID) {
		t.Fatalf("%v, %s", err, placed.Output)
	}
	for _, w := range placed.Warnings {
		if w.Code != report.CodePlacementDropped || !strings.Contains(w.Message, need.ID) {
			t.Errorf("%+v", w)
		}
	}
	if len(placed.Warnings) != 2 {
		t.Errorf("%+v: want one for the label and one for the rule", placed.Warnings)
	}
	const noRule, template = `{"spec": {"rules": [{"labels": {"other": "true"}}]}}`, `{"metadata": {"name": "t"}, "spec": {"rules": [{"labelsTemplate": "compat.feature.node.kubernetes.io/{{ . }}=true"}]}}`
	for _, test := range []struct {
		name, rules string
		status      int
		nodes       []string
		want        verdict.Verdict
		code        string
		state       report.RuleState
	}{
		{"given", noRule + "," + string(need.JSON()), 0, []string{"a"}, verdict.Compatible, report.CodeRulesPlaced, report.RulePresent},
		{"given by a template", template, 0, []string{"a"}, verdict.Compatible, report.CodeRulesPlaced, report.RulePresent},
		{"on no node", string(need.JSON()), 0, nil, verdict.Unknown, report.CodeNodesNoLabel, report.RulePresent},
		{"not given", noRule, 0, []string{"a"}, verdict.Incompatible, report.CodeRulesMissing, report.RuleMissing},
		{"no such kind", "", http.StatusNotFound, nil, verdict.Incompatible, report.CodeRulesMissing, report.RuleMissing},
		{"forbidden", "", http.StatusForbidden, nil, verdict.Unknown, apiserver.CodeForbidden, report.RuleUnknown},
	} {
		client := placeServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == apiserver.NodeFeatureRules {
				answer(w, test.status, `{"items": [`+test.rules+`]}`)
			} else {
				answer(w, 0, nodePage(r, need.Label(), test.nodes))
			}
		})
		got := compat.CheckPlacement(t.Context(), client, placed, time.Unix(0, 0))
		if got.Verdict != test.want || len(got.Reasons) != 1 || got.Reasons[0].Code != test.code || len(got.Rules) != 1 || got.Rules[0].State != test.state || got.Rules[0].Label != need.Label() || len(got.Warnings) != 0 {
			t.Errorf("%s: %+v", test.name, got)
		}
		if test.code == report.CodeRulesMissing && !strings.Contains(got.Reasons[0].Message, "DaemonSet agent asks for the label "+need.Label()) {
			t.Errorf("%s: %+v", test.name, got.Reasons)
		}
	}
}

// TestPlaceDropped: what another takes the place of is not told, what is gone is.
func TestPlaceDropped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		before, after []string
		patch         bool
		want          int // warnings
	}{
		{[]string{asksForA}, []string{asksForB}, false, 0},
		{[]string{asksForA}, []string{asksForA}, false, 0},
		{[]string{asksForA, asksForB}, []string{asksForB}, false, 2},
		{[]string{asksForA, asksForB}, []string{asksForB}, true, 1},
		{[]string{asksForA}, nil, true, 1},
		{nil, nil, false, 0},
	} {
		placed, err := compat.Place(t.Context(), placeRequest(test.before...))
		if err != nil {
			t.Fatal(err)
		}
		again := placeRequest(test.after...)
		again.Manifests[0].Data, again.Patch = placed.Output, test.patch
		if placed, err = compat.Place(t.Context(), again); err != nil || len(placed.Warnings) != test.want {
			t.Errorf("%d specs, then %d: %v, %+v", len(test.before), len(test.after), err, placed.Warnings)
		}
	}
}

// TestCheckImmutable: a Pod or Job that exists is told where it is placed otherwise.
func TestCheckImmutable(t *testing.T) {
	t.Parallel()
	const pod, job = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: b}]}\n",
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}], restartPolicy: Never}}}\n"
	for _, test := range []struct {
		manifest, path, answer string // a PodSpec; LABEL is the need's
		status, want           int
	}{
		{pod, "/api/v1/namespaces/shop/pods/a", `{"spec": {"nodeSelector": {"LABEL": "true"}}}`, 0, 0},
		{pod, "/api/v1/namespaces/shop/pods/a", `{"spec": {}}`, 0, 1},
		{pod, "/api/v1/namespaces/shop/pods/a", "", http.StatusNotFound, 0},
		{pod, "/api/v1/namespaces/shop/pods/a", "", http.StatusForbidden, 1},
		{strings.Replace(pod, "name: a, namespace", "generateName: a, namespace", 1), "", "", 0, 0},
		{strings.Replace(pod, "name: a, ", "name: ../a, ", 1), "", "", 0, 1},
		{job, "/apis/batch/v1/namespaces/default/jobs/a", `{"spec": {"template": {"spec": {"nodeSelector": {"LABEL": "true"}}}}}`, 0, 0},
		{job, "/apis/batch/v1/namespaces/default/jobs/a", `{"spec": {"template": {"spec": {"nodeSelector": {"x": "true"}}}}}`, 0, 1},
		{placedPod, "", "", 0, 0},
	} {
		request := placeRequest(asksForA)
		request.Manifests[0].Data = []byte(test.manifest)
		placed, err := compat.Place(t.Context(), request)
		if err != nil || len(placed.Warnings) != 0 {
			t.Fatal(err, placed.Warnings)
		}
		need := placed.Needs[0]
		client := placeServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch r.URL.Path {
			case test.path:
				answer(w, test.status, strings.ReplaceAll(test.answer, "LABEL", need.Label()))
			case apiserver.Nodes:
				answer(w, 0, nodePage(r, need.Label(), []string{"n"}))
			case apiserver.NodeFeatureRules + "/" + need.Name():
				answer(w, 0, string(need.JSON()))
			default:
				t.Errorf("asked for %s", r.URL.Path)
			}
		})
		got := compat.CheckPlacement(t.Context(), client, placed, time.Unix(0, 0))
		if got.Verdict != verdict.Compatible || len(got.Warnings) != test.want || test.want == 1 && got.Warnings[0].Code != report.CodeImmutableTemplate {
			t.Errorf("%s, %d: %+v", test.manifest, test.status, got)
		}
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	if status != 0 {
		w.WriteHeader(status)
		body = fmt.Sprintf(`{"kind": "Status", "code": %d, "message": "no"}`, status)
	}
	fmt.Fprint(w, body)
}

// nodePage lists one node a page, which nfd-master has labelled unless its name says otherwise.
func nodePage(r *http.Request, label string, names []string) string {
	at := 0
	fmt.Sscan(r.URL.Query().Get("continue"), &at) //nolint:errcheck // none is the first
	list := map[string]any{"kind": "NodeList", "metadata": map[string]string{}, "items": []any{}}
	if at < len(names) {
		metadata := map[string]any{"name": names[at]}
		if !strings.HasSuffix(names[at], " by hand") {
			metadata["annotations"] = map[string]string{"gpu.nfd.node.kubernetes.io/feature-labels": "cpu-model.id," + label}
		}
		list["items"] = []any{map[string]any{"metadata": metadata}}
	}
	if at+1 < len(names) {
		list["metadata"] = map[string]string{"continue": fmt.Sprint(at + 1)}
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// placeServer is a client of a server of the test's.
func placeServer(t *testing.T, handler http.HandlerFunc) *apiserver.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	config := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
"clusters": [{"name": "c", "cluster": {"server": %q}}], "users": [{"name": "u", "user": {}}]}`, server.URL)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := apiserver.Open(apiserver.Options{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
