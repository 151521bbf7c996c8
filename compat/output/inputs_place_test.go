package output_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nodecompat/compat"
	"nodecompat/nodefeatures/apiserver"
)

// placeScenarios are what a cluster has of the rules of two specs: one that labels nodes, and one that is
// missing, or that it does not let read.
var placeScenarios = []scenario{
	{"place", func(t *testing.T) any { return checkPlacement(t, http.StatusNotFound) }, []string{"json", "txt", "yaml"}},
	{"place_forbidden", func(t *testing.T) any { return checkPlacement(t, http.StatusForbidden) }, []string{"txt"}},
}

func checkPlacement(t *testing.T, status int) any {
	t.Helper()
	request := compat.PlaceRequest{NoImages: true, Manifests: []compat.File{{Name: "deploy.yaml", Data: []byte(clusterWorkloads)}}}
	for _, element := range []string{"A", "B"} {
		text := "version: v1alpha1\ncompatibilities: [{rules: [{name: r, matchFeatures: [{feature: kernel.config, matchExpressions: {" + element + ": {op: Exists}}}]}]}]\n"
		request.Files = append(request.Files, compat.File{Name: element, Data: []byte(text)})
	}
	placed, err := compat.Place(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == apiserver.Nodes:
			labels := placed.Needs[0].Label() + "," + placed.Needs[1].Label()
			_, _ = w.Write([]byte(`{"items": [{"metadata": {"name": "a", "annotations": {"nfd.node.kubernetes.io/feature-labels": "` + labels + `"}}}, {"metadata": {"name": "b"}}]}`))
		case strings.HasSuffix(r.URL.Path, placed.Needs[0].Name()):
			_, _ = w.Write(placed.Needs[0].JSON())
		default:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"kind": "Status", "message": "no"}`))
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: \"" + server.URL + "\"}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := apiserver.Open(apiserver.Options{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := compat.CheckPlacement(t.Context(), client, placed, time.Unix(1790000000, 0))
	elsewhere := strings.NewReplacer(server.URL, "https://cluster.example.com")
	r.Server = elsewhere.Replace(r.Server)
	for i := range r.Reasons {
		r.Reasons[i].Message = elsewhere.Replace(r.Reasons[i].Message)
	}
	for i := range r.Warnings {
		r.Warnings[i].Message = elsewhere.Replace(r.Warnings[i].Message)
	}
	if r.Error != nil {
		r.Error.Message = elsewhere.Replace(r.Error.Message)
	}
	return r
}
