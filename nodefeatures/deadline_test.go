package nodefeatures

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"

	"nodecompat/spec"
)

// matched is Match in a test that has the time.
func matched(tb testing.TB, s *Snapshot, rules []nfdv1alpha1.GroupRule) []Rule {
	tb.Helper()
	got, err := s.Match(tb.Context(), rules)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// hostileSpec is a most expensive spec that package spec lets through: many
// patterns, each tried on every name of the kernel's configuration.
func hostileSpec(tb testing.TB) []nfdv1alpha1.GroupRule {
	tb.Helper()
	pattern := strings.Repeat("(.*x)?", 40) + "$" + "^"
	var rules []map[string]any
	for i := range 900 {
		expression := map[string]any{"op": "InRegexp", "value": []string{pattern + fmt.Sprint(i)}}
		term := map[string]any{"feature": "kernel.config", "matchName": expression}
		rules = append(rules, map[string]any{"name": fmt.Sprint("r", i), "matchFeatures": []any{term}})
	}
	data, err := yaml.Marshal(map[string]any{"version": "v1alpha1", "compatibilities": []any{map[string]any{"rules": rules}}})
	if err != nil {
		tb.Fatal(err)
	}
	parsed, problems := spec.Parse(data)
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return parsed.Sets[0].Rules
}

// TestMatchDeadline: a spec that would take minutes on a large node ends when
// its caller says so.
func TestMatchDeadline(t *testing.T) {
	elements := map[string]string{}
	for i := range 50_000 {
		elements[fmt.Sprint("SOME_OPTION_OF_THE_KERNEL_", i)] = "y"
	}
	s := own("{}", Source{Name: "kernel", Status: SourceOK})
	s.Features.Attributes["kernel.config"] = nfdv1alpha1.NewAttributeFeatures(elements)
	rules := hostileSpec(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	got, err := s.Match(ctx, rules)
	if !errors.Is(err, context.DeadlineExceeded) || got != nil {
		t.Errorf("%d rules, error %v", len(got), err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestMatchCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := node(t, "node-a.json").Match(ctx, benchmarkRules(1)); !errors.Is(err, context.Canceled) || got != nil {
		t.Errorf("%d rules, error %v", len(got), err)
	}
}
