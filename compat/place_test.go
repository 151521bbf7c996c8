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
					answer(w, test.nodesStatus, nodePage(r, test.nodes))
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
			if failed := test.status == http.StatusForbidden || test.nodesStatus != 0; failed != (got.Error != nil) {
				t.Errorf("the error is %v", got.Error)
			}
		})
	}
	client := placeServer(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing is to be asked") })
	if got := compat.CheckPlacement(t.Context(), client, &compat.Placement{}, time.Unix(0, 0)); got.Verdict != verdict.Compatible || got.Reasons[0].Code != report.CodeNothingPlaced {
		t.Errorf("without rules: %+v", got)
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	if status != 0 {
		w.WriteHeader(status)
		body = fmt.Sprintf(`{"kind": "Status", "code": %d, "message": "no"}`, status)
	}
	fmt.Fprint(w, body)
}

// nodePage lists one node a page.
func nodePage(r *http.Request, names []string) string {
	at := 0
	fmt.Sscan(r.URL.Query().Get("continue"), &at) //nolint:errcheck // none is the first
	list := map[string]any{"kind": "NodeList", "metadata": map[string]string{}, "items": []any{}}
	if at < len(names) {
		list["items"] = []any{map[string]any{"metadata": map[string]string{"name": names[at]}}}
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
