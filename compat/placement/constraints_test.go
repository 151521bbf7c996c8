package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// TestEarlier tells what a PodSpec asks for from what it should ask for.
func TestEarlier(t *testing.T) {
	t.Parallel()
	c := Constraints{
		Domain: domain, Labels: []string{domain + "/b"}, Groups: []Group{
			{OS: "linux", Architectures: []string{"amd64"}, Labels: []string{domain + "/c"}},
			{OS: "linux", Architectures: []string{"arm64"}, Labels: []string{domain + "/a", domain + "/b"}},
		},
	}
	all := []string{domain + "/a", domain + "/b", domain + "/c"}
	if diff := cmp.Diff(all, c.Required()); diff != "" {
		t.Error(diff)
	}
	spec := corev1.PodSpec{NodeSelector: map[string]string{"disk": "ssd"}}
	if got := c.Earlier(&spec); len(got) > 0 || c.Applied(&spec) {
		t.Errorf("%q of a PodSpec without any", got)
	}
	c.Apply(&spec)
	if diff := cmp.Diff(all, c.Earlier(&spec)); diff != "" || !c.Applied(&spec) {
		t.Errorf("applied: %s", diff)
	}
	if spec.NodeSelector[domain+"/old"] = "true"; c.Applied(&spec) {
		t.Error("with a label of an earlier run it counts as applied")
	}
	if (Constraints{Domain: domain}).Applied(&spec) {
		t.Error("without constraints it counts as applied")
	}
}
