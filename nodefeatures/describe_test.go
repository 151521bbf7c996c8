package nodefeatures

import (
	"fmt"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"
)

// describe prints what a generated test was about.
func describe(t testing.TB, s *Snapshot, rules []nfdv1alpha1.GroupRule) string {
	data, err := yaml.Marshal(map[string]any{"features": s.Features, "rules": rules, "got": matched(t, s, rules)})
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(data)
}
