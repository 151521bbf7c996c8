package spec

import (
	"encoding/json"
	"fmt"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
)

// TestOperatorsAsNFD gives every operator every type and various values, to
// Parse and to NFD's evaluator on an element with a value that is a number and
// a version. What NFD refuses, Parse refuses; Parse alone refuses types that
// NFD ignores.
func TestOperatorsAsNFD(t *testing.T) {
	values := [][]string{
		nil,
		{},
		{""},
		{"1"},
		{"-1"},
		{"+1"},
		{"1.5"},
		{"v1.2.3"},
		{"word"},
		{"("},
		{"^5$"},
		{"1", "2"},
		{"2", "1"},
		{"2", "2"},
		{"2", "x"},
		{"1.2", "1.3-rc1"},
		{"1", "2", "3"},
		{"9223372036854775808"},
		{"1.2.3.4"},
		{"5.14.0-427.el9_4"},
		{"5.14.0-427.el9"},
		{"01"},
		{"1.02"},
		{" 1"},
		{"1_0"},
	}
	ops := []nfdv1alpha1.MatchOp{"Any", "in"}
	for op := range operators {
		ops = append(ops, op)
	}
	for _, op := range ops {
		for _, typ := range []nfdv1alpha1.ValueType{"", "version", "semver"} {
			for _, value := range values {
				e := nfdv1alpha1.MatchExpression{Op: op, Type: typ, Value: value}
				set := nfdv1alpha1.MatchExpressionSet{"element": &e}
				_, _, err := nodefeaturerule.MatchValues(&set, map[string]string{"element": "5"}, true)
				text, errJSON := json.Marshal(e)
				if errJSON != nil {
					t.Fatal(errJSON)
				}
				s, problems := Parse(fmt.Appendf(nil, `{"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "a", "matchFeatures": [
					{"feature": "kernel.version", "matchExpressions": {"element": %s}}]}]}]}`, text))
				want := err == nil && (typ == "" || operators[op].Ordered)
				if (s != nil) != want {
					t.Errorf("%s: NFD: %v; Parse: %v", text, err, problems.Err())
				}
			}
		}
	}
}
