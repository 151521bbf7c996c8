package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec"
)

// Names of what a translation makes.
const (
	// LabelDomain is the domain of the labels that nfd-master sets on nodes. It is one that NFD lets
	// rules set without configuration.
	LabelDomain = "compat.feature.node.kubernetes.io"
	// rankSuffix makes the rank's label from that of the need.
	rankSuffix = ".rank"
)

// Bounds on a translation.
const (
	// MaxRules is how many rules may be made of one spec.
	MaxRules = 4_096
	// MaxObject is the size of an object, in bytes of JSON: etcd takes 1.5 MiB.
	MaxObject = 1 << 20
)

const leaveOut = "leave alternatives out"

// CodeNotTranslated is that of a [*TranslateError].
const CodeNotTranslated = "notTranslated"

// A TranslateError says what of a spec has no equal in NodeFeatureRule objects.
type TranslateError struct {
	Rule   string // which rule it is about, in words; "" for the spec as a whole
	Reason string
	Remedy string
}

// Error names the rule and the reason.
func (e *TranslateError) Error() string {
	if e.Rule == "" {
		return e.Reason
	}
	return e.Rule + ": " + e.Reason
}

// Code is CodeNotTranslated.
func (e *TranslateError) Code() string { return CodeNotTranslated }

// Hint is what to do.
func (e *TranslateError) Hint() string { return e.Remedy }

// Retryable is false.
func (e *TranslateError) Retryable() bool { return false }

// A Need is what a spec asks of a node, as rules by which nfd-master labels the nodes that have it.
// Specs that ask for the same are the same need.
type Need struct {
	// ID is a digest of the rules: 16 hexadecimal digits.
	ID string
	// Weights are the different weights of the spec's sets, the smallest first; nil where all are the
	// same. Nodes have their rank as a label: n for the weight at n-1.
	Weights []int
	// Rules are in the order in which they must be evaluated.
	Rules []nfdv1alpha1.Rule
	// Dropped says which parts of the spec are left out, since they hold on no node.
	Dropped []string
}

// Label is the key of the label of the nodes that have what is needed; its value is "true".
func (n *Need) Label() string { return LabelDomain + "/" + n.ID }

// RankLabel is the key of their ranks.
func (n *Need) RankLabel() string { return n.Label() + rankSuffix }

// Name is that of the object with the rules.
func (n *Need) Name() string { return manifest.Manager + "-" + n.ID }

// Translate makes rules of a spec that match a node just where compat says that the spec is
// compatible. The spec must be valid. Rules follow these principles:
//
//   - What a term says about variables of earlier rules is evaluated now: the variables are known,
//     since all rules of a set must match.
//   - Every alternative is a rule of its own and nothing is in matchAny, where NFD's evaluation of one
//     alternative can end that of all others, and does so at random.
//   - A comparison of versions, and one of numbers where devices can be compared, is a regular
//     expression, which cannot fail: NFD's comparison fails on a version like that of RHEL's
//     kernels, and one device that it fails on hides all others.
//
// The error is a [*TranslateError], or ctx's.
func Translate(ctx context.Context, s *spec.Spec) (*Need, error) {
	need := &Need{}
	var sets []set
	for i := range s.Sets {
		for _, part := range conjunctions(&s.Sets[i]) {
			folded, problem, err := fold(ctx, part.rules, part.title(i))
			if err != nil {
				return nil, err
			}
			if problem != "" {
				need.Dropped = append(need.Dropped, problem)
				continue
			}
			folded.Weight = s.Sets[i].Weight
			sets = append(sets, *folded)
		}
	}
	if len(sets) == 0 {
		return nil, &TranslateError{
			Reason: "no node can ever match: " + need.Dropped[0], Remedy: "correct the spec: no workload that needs it would be placed",
		}
	}
	sets, need.Weights = rank(sets)
	canonical := encode(sets)
	digest := sha256.Sum256(canonical)
	need.ID = hex.EncodeToString(digest[:8])
	for i := range sets {
		need.Rules = append(need.Rules, sets[i].rules(need, i)...)
	}
	if len(need.Rules) > MaxRules {
		return nil, &TranslateError{Reason: fmt.Sprintf("it becomes %d rules, at most %d are made", len(need.Rules), MaxRules), Remedy: leaveOut}
	}
	if size := len(need.JSON()); size > MaxObject {
		return nil, &TranslateError{Reason: fmt.Sprintf("its rules have %d bytes, an object may have %d", size, MaxObject), Remedy: leaveOut}
	}
	return need, nil
}

// A conjunction is rules that must all match.
type conjunction struct {
	rules []nfdv1alpha1.GroupRule
	rule  int // of a NodeFeatureGroup, of which any rule is enough; -1 for a set
}

// conjunctions are a set, or each rule of a NodeFeatureGroup.
func conjunctions(s *spec.Set) []conjunction {
	if !s.AnyRule {
		return []conjunction{{s.Rules, -1}}
	}
	parts := make([]conjunction, len(s.Rules))
	for i := range s.Rules {
		parts[i] = conjunction{s.Rules[i : i+1], i}
	}
	return parts
}

// title names the rules' place in messages.
func (c conjunction) title(set int) title { return title{set, max(c.rule, 0), c.rule >= 0} }

// A set is one alternative of a need, without variables: all Terms and, of each of Choices, one
// alternative.
type set struct {
	Rank    int                            `json:"rank,omitempty"`
	Terms   nfdv1alpha1.FeatureMatcher     `json:"terms"`
	Choices [][]nfdv1alpha1.FeatureMatcher `json:"choices"` // of at least two alternatives each
	Weight  int                            `json:"-"`
}

// rank sorts sets by weight, leaves out those that ask for the same as one that is as good or
// better, and numbers the weights, if there are different ones.
func rank(sets []set) (ranked []set, weights []int) {
	slices.SortStableFunc(sets, func(a, b set) int {
		if a.Weight != b.Weight {
			return b.Weight - a.Weight
		}
		return bytes.Compare(encode(a), encode(b))
	})
	seen := map[string]bool{}
	sets = slices.DeleteFunc(sets, func(s set) bool {
		key := string(encode(s))
		defer func() { seen[key] = true }()
		return seen[key]
	})
	slices.Reverse(sets)
	for i := range sets {
		if i == 0 || sets[i].Weight != sets[i-1].Weight {
			weights = append(weights, sets[i].Weight)
		}
		sets[i].Rank = len(weights)
	}
	if len(weights) > 1 {
		return sets, weights
	}
	for i := range sets {
		sets[i].Rank = 0
	}
	return sets, nil
}

// rules are a set's. With one choice, or none, each alternative is one. With several, one for each
// alternative of each says by a variable that it matches, and the last asks for all of the variables:
// there is no product.
func (s *set) rules(n *Need, number int) []nfdv1alpha1.Rule {
	labels := map[string]string{n.Label(): "true"}
	if s.Rank > 0 {
		labels[n.RankLabel()] = fmt.Sprint(s.Rank)
	}
	var rules []nfdv1alpha1.Rule
	switch len(s.Choices) {
	case 0:
		rules = append(rules, nfdv1alpha1.Rule{Name: fmt.Sprintf("s%d", number), Labels: labels, MatchFeatures: s.Terms})
	case 1:
		for i, alternative := range s.Choices[0] {
			rules = append(rules, nfdv1alpha1.Rule{
				Name: fmt.Sprintf("s%d-a%d", number, i), Labels: labels, MatchFeatures: slices.Concat(s.Terms, alternative),
			})
		}
	default:
		matched := nfdv1alpha1.MatchExpressionSet{}
		for i, choice := range s.Choices {
			variable := fmt.Sprintf("%s-s%d-r%d", n.ID, number, i)
			matched[variable] = &nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchExists}
			for j, alternative := range choice {
				rules = append(rules, nfdv1alpha1.Rule{
					Name: fmt.Sprintf("s%d-r%d-a%d", number, i, j), Vars: map[string]string{variable: "true"}, MatchFeatures: alternative,
				})
			}
		}
		back := nfdv1alpha1.FeatureMatcherTerm{Feature: ruleMatched, MatchExpressions: &matched}
		rules = append(rules, nfdv1alpha1.Rule{Name: fmt.Sprintf("s%d", number), Labels: labels, MatchFeatures: append(slices.Clip(s.Terms), back)})
	}
	return rules
}

// encode is a text that is the same for what is equal.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // of texts and numbers
	}
	return data
}

// CPULevel is what a manifest of an image for a level of x86-64 above the first asks for; nil for other
// platforms.
func CPULevel(architecture, variant string) *spec.Spec {
	if architecture != "amd64" || !slices.Contains([]string{"v2", "v3", "v4"}, variant) {
		return nil
	}
	flag := nfdv1alpha1.MatchExpressionSet{"X86_64_" + strings.ToUpper(variant): {Op: nfdv1alpha1.MatchExists}}
	rule := nfdv1alpha1.GroupRule{Name: "x86-64-" + variant, MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: catalogue.CPUID, MatchExpressions: &flag}}}
	return &spec.Spec{Version: spec.Version, Sets: []spec.Set{{Rules: []nfdv1alpha1.GroupRule{rule}}}}
}
