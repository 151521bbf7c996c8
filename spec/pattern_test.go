package spec

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	semver "github.com/Masterminds/semver/v3"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// TestVersionPattern holds the patterns against a comparison of numbers, for values as nodes have them.
func TestVersionPattern(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	number := func() int {
		return []int{0, 1, 2, 8, 9, 10, 11, 14, 18, 19, 20, 99, 100, 101, 427}[random.IntN(15)]
	}
	version := func() string {
		parts := make([]string, 1+random.IntN(3))
		for i := range parts {
			parts[i] = fmt.Sprint(number())
			if random.IntN(8) == 0 {
				parts[i] = "0" + parts[i]
			}
		}
		return strings.Join(parts, ".")
	}
	rests := []string{"", "", "-427.13.1.el9_4.x86_64", "_deb13-cloud-amd64", "-generic", "+", " LTS", ".", ".x", "~rc1"}
	ops := []nfdv1alpha1.MatchOp{"Gt", "Ge", "Lt", "Le", "GtLt", "GeLe"}
	for range 10_000 {
		e := &nfdv1alpha1.MatchExpression{Op: ops[random.IntN(len(ops))], Type: nfdv1alpha1.TypeVersion, Value: []string{version()}}
		if len(e.Op) == 4 {
			e.Value = append(e.Value, version())
		}
		pattern, err := VersionPattern(e)
		if err != nil {
			t.Fatalf("%v: %v", e, err)
		}
		re := regexp.MustCompile(pattern)
		for range 10 {
			numbers := version()
			value := numbers + rests[random.IntN(len(rests))]
			if random.IntN(20) == 0 {
				value = "v" + value
			}
			if got, want := re.MatchString(value), holds(e, numbers); got != want {
				t.Fatalf("%v on %s: the pattern says %t\n%s", e, value, got, pattern)
			}
		}
		for _, value := range []string{"", "word", "3a5f", "v", ".1", "-3"} {
			if re.MatchString(value) {
				t.Fatalf("%v on %q: the pattern holds\n%s", e, value, pattern)
			}
		}
	}
}

// holds compares as NFD does.
func holds(e *nfdv1alpha1.MatchExpression, numbers string) bool {
	v := semver.MustParse(numbers)
	first := v.Compare(semver.MustParse(e.Value[0]))
	switch e.Op {
	case nfdv1alpha1.MatchGt:
		return first > 0
	case nfdv1alpha1.MatchGe:
		return first >= 0
	case nfdv1alpha1.MatchLt:
		return first < 0
	case nfdv1alpha1.MatchLe:
		return first <= 0
	case nfdv1alpha1.MatchGtLt:
		return first > 0 && v.Compare(semver.MustParse(e.Value[1])) < 0
	}
	return first >= 0 && v.Compare(semver.MustParse(e.Value[1])) <= 0
}

// TestVersionPatternRefuses has what is no comparison of versions.
func TestVersionPatternRefuses(t *testing.T) {
	t.Parallel()
	for _, e := range []nfdv1alpha1.MatchExpression{
		{Op: "Ge", Value: []string{"six"}}, {Op: "Ge", Value: []string{"1000000000001"}}, {Op: "Ge"}, {Op: "GeLe", Value: []string{"1"}}, {Op: "In", Value: []string{"1"}},
	} {
		if pattern, err := VersionPattern(&e); err == nil {
			t.Errorf("%v becomes %s", e, pattern)
		}
	}
}

// TestNumberPattern does the same with integers.
func TestNumberPattern(t *testing.T) {
	t.Parallel()
	for _, op := range []nfdv1alpha1.MatchOp{"Gt", "Ge", "Lt", "Le", "GtLt", "GeLe"} {
		for first := -25; first <= 25; first++ {
			for _, last := range []int{first + 1, first + 2, first + 13, first + 120} {
				e := &nfdv1alpha1.MatchExpression{Op: op, Value: []string{fmt.Sprint(first)}}
				if len(op) == 4 {
					e.Value = append(e.Value, fmt.Sprint(last))
				}
				pattern, err := NumberPattern(e)
				if err != nil {
					t.Fatalf("%v: %v", e, err)
				}
				re := regexp.MustCompile(pattern)
				for n := -150; n <= 150; n++ {
					want := map[nfdv1alpha1.MatchOp]bool{
						"Gt": n > first, "Ge": n >= first, "Lt": n < first, "Le": n <= first,
						"GtLt": n > first && n < last, "GeLe": n >= first && n <= last,
					}[op]
					for _, form := range []string{"%d", "%04d", "%+d"} {
						if value := fmt.Sprintf(form, n); re.MatchString(value) != want {
							t.Fatalf("%v on %s: the pattern says %t\n%s", e, value, !want, pattern)
						}
					}
				}
				for _, value := range []string{"", "-", "+", "x", "1x", "1.0", " 1"} {
					if re.MatchString(value) {
						t.Fatalf("%v on %q: the pattern holds\n%s", e, value, pattern)
					}
				}
			}
		}
	}
}
