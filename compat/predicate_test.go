package compat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/golden/schema"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// TestPredicate says what is judged and with which answer, and nothing of the node and the registry.
func TestPredicate(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	index, manifests := s.PushIndex(t, "app", "1", amd64, arm64)
	a := s.attach(index, day1, "a", fails)
	s.Sign(t, "app", a, s.author)
	r := s.judge(s.policy(""), nil)
	p := compat.Predicate(r, false)
	want := &report.VerdictPredicate{
		APIVersion: "compat/v1alpha1", Kind: "VerdictPredicate", Created: r.Created, Verdict: verdict.Incompatible, Codes: []string{"noSetMatches"},
		Images: []report.PredicateImage{{
			Digest: index.Digest.String(), ManifestDigest: manifests[0].Digest.String(), Platform: "linux/amd64",
			ArtifactDigest: a.Digest.String(), Verdict: verdict.Incompatible, Codes: []string{"noSetMatches"},
		}},
		PolicySHA256: r.Policy.SHA256, Node: report.PredicateNode{OS: "linux", Architecture: "amd64"},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	without, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"node-a", "6.1.58", s.Host(), "policy.yaml", "AVX512F", "key1"} {
		if strings.Contains(string(without), secret) {
			t.Errorf("the predicate tells %q: %s", secret, without)
		}
	}
	schema.Satisfied(t, report.Schema(report.KindVerdictPredicate), without)
	with, err := json.Marshal(compat.Predicate(r, true))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(with), "node-a") || !strings.Contains(string(with), "AVX512F") || strings.Contains(string(with), s.Host()) {
		t.Errorf("with the node: %s", with)
	}
	if p := compat.Predicate(&report.LintReport{}, false); p != nil {
		t.Errorf("of another document: %+v", p)
	}
}

// TestPredicatePod has all images of a Pod.
func TestPredicatePod(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	s.signed(day1, "a", holds, s.author)
	other := s.PushImage(t, "other", "1", amd64)
	s.PushArtifact(t, "other", other, []byte(specOf(set(5, "b", holds))), day1)
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: a, image: \"" + s.Host() + "/app:1\"}\n  - {name: b, image: \"" + s.Host() + "/other:1\"}\n"
	r, err := compat.ValidatePod(t.Context(), compat.PodRequest{
		NodeRequest: compat.NodeRequest{Registry: s.options(s.policy("")), Snapshot: load(t, nodeA), Now: now, Kubelet: told("v1.34.0")},
		Manifests:   []compat.File{{Name: "pod.yaml", Data: []byte(pod)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := compat.Predicate(r, false)
	if r.Policy == nil || p.PolicySHA256 != r.Policy.SHA256 || len(p.Images) != 2 || p.Verdict != verdict.Unknown ||
		p.Images[0].Verdict != verdict.Compatible || *p.Images[0].Score != 5 || p.Images[1].Verdict != verdict.Unknown {
		t.Errorf("got %+v", p)
	}
	if diff := cmp.Diff([]string{"noTrustedArtifact"}, p.Images[1].Codes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
