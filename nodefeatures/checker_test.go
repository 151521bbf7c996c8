package nodefeatures

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The checker recomputes every verdict from a report's JSON alone, by rules of
// its own: it knows neither the node, nor NFD's evaluator, nor ours.
type checker struct{ *testing.T }

// report is as much of a rule's JSON as the checker believes.
type reportedRule struct {
	Name     string
	Verdict  string
	Reason   *struct{ Code string }
	Terms    []reportedTerm
	MatchAny []struct {
		Verdict string
		Terms   []reportedTerm
	}
}

type reportedTerm struct {
	Feature, Verdict string
	Reason           *struct{ Code string }
	Expressions      []reportedExpression
	Device           *struct{ Attributes map[string]string }
	Devices          *int
}

type reportedExpression struct {
	Name, Op, Type, Verdict string
	MatchName               bool
	Value                   []string
	Reason                  *struct{ Code string }
	Found                   *struct {
		Present                     bool
		Value                       *string
		Names, Candidates           []string
		NamesTotal, CandidatesTotal int
	}
}

// check recomputes the verdicts of rules.
func (c checker) check(rules []Rule) {
	c.Helper()
	data, err := json.Marshal(rules)
	must(c.T, err)
	var reported []reportedRule
	must(c.T, json.Unmarshal(data, &reported))
	for _, r := range reported {
		if want := c.rule(&r); want != r.Verdict {
			c.Errorf("rule %s is %s, its report says %s: %s", r.Name, r.Verdict, want, data)
		}
	}
}

func (c checker) rule(r *reportedRule) string {
	if r.Reason != nil {
		return "unknown" // invalidRule, templateFailed
	}
	var parts, alternatives []string
	if len(r.Terms) > 0 {
		parts = append(parts, c.terms(r.Terms))
	}
	for _, a := range r.MatchAny {
		verdict := c.terms(a.Terms)
		if verdict != a.Verdict {
			c.Errorf("an alternative is %s, its report says %s", a.Verdict, verdict)
		}
		alternatives = append(alternatives, verdict)
	}
	if len(alternatives) > 0 {
		parts = append(parts, oneOf(alternatives))
	}
	return allTrue(parts)
}

func (c checker) terms(terms []reportedTerm) string {
	verdicts := make([]string, len(terms))
	for i := range terms {
		verdicts[i] = c.term(&terms[i])
		if verdicts[i] != terms[i].Verdict {
			data, err := json.Marshal(terms[i])
			must(c.T, err)
			c.Errorf("the term is %s, its report says %s: %s", terms[i].Verdict, verdicts[i], data)
		}
	}
	return allTrue(verdicts)
}

// term: nothing matches where there is nothing; what could not be read may
// hold; otherwise the expressions tell.
func (c checker) term(t *reportedTerm) string {
	code := ""
	if t.Reason != nil {
		code = t.Reason.Code
	}
	if code == ReasonFeatureAbsent || code == ReasonNoDevice {
		return "incompatible"
	}
	verdicts := make([]string, len(t.Expressions))
	for i, x := range t.Expressions {
		verdicts[i] = c.expression(t, &t.Expressions[i])
		if verdicts[i] != x.Verdict {
			c.Errorf("%s %s %s %v is %s, its report says %s", t.Feature, x.Name, x.Op, x.Value, x.Verdict, verdicts[i])
		}
	}
	verdict := allTrue(verdicts)
	if code != "" && code != ReasonNotEvaluable && t.Devices != nil && verdict == "incompatible" {
		return "unknown" // there may be another device
	}
	return verdict
}

func (c checker) expression(t *reportedTerm, x *reportedExpression) string {
	switch {
	case x.Reason != nil && x.Reason.Code != ReasonNotEvaluable:
		return "unknown" // a fact is missing
	case x.MatchName:
		return c.names(x)
	case x.Found == nil && t.Reason == nil && x.Reason == nil:
		c.Errorf("%s %s: nothing found, and no reason", t.Feature, x.Name)
		return "unknown"
	case x.Found == nil:
		return "unknown"
	}
	if t.Device != nil {
		value, ok := t.Device.Attributes[x.Name]
		if ok != x.Found.Present || ok && *x.Found.Value != value {
			c.Errorf("%s %s: found %v, and the device has %q", t.Feature, x.Name, x.Found, value)
		}
	}
	return holds(x, x.Found.Present, x.Found.Value)
}

// names: the names found all match, and if none is, no candidate does.
func (c checker) names(x *reportedExpression) string {
	if x.Found == nil {
		if x.Reason == nil {
			return "unknown" // the term says why
		}
		return "unknown"
	}
	for _, name := range x.Found.Names {
		if holds(x, true, &name) != "compatible" {
			c.Errorf("name %s does not match %s %v", name, x.Op, x.Value)
		}
	}
	if x.Found.NamesTotal > 0 {
		return "compatible"
	}
	for _, name := range x.Found.Candidates {
		if holds(x, true, &name) != "incompatible" {
			c.Errorf("name %s is no candidate of %s %v", name, x.Op, x.Value)
		}
	}
	return "incompatible"
}

// holds evaluates an operator, as NFD's documentation describes it.
// https://kubernetes-sigs.github.io/node-feature-discovery/v0.19/usage/customization-guide.html#matchexpressions
func holds(x *reportedExpression, present bool, value *string) string {
	switch x.Op {
	case "Any", "Exists", "DoesNotExist":
		if len(x.Value) > 0 {
			return "unknown"
		}
		return yes(x.Op == "Any" || present == (x.Op == "Exists"))
	}
	operators := strings.Fields("In NotIn InRegexp Gt Ge Lt Le GtLt GeLe IsTrue IsFalse")
	if !slices.Contains(operators, x.Op) {
		return "unknown"
	}
	if !present || value == nil {
		return "incompatible"
	}
	switch x.Op {
	case "IsTrue", "IsFalse":
		if len(x.Value) > 0 {
			return "unknown"
		}
		return yes(*value == strings.ToLower(strings.TrimPrefix(x.Op, "Is")))
	case "In", "NotIn", "InRegexp":
		return holdsOneOf(x, *value)
	}
	return compares(x, *value)
}

func holdsOneOf(x *reportedExpression, value string) string {
	if len(x.Value) == 0 {
		return "unknown"
	}
	if x.Op != "InRegexp" {
		return yes(slices.Contains(x.Value, value) == (x.Op == "In"))
	}
	for _, pattern := range x.Value {
		if _, err := regexp.Compile(pattern); err != nil {
			return "unknown"
		}
	}
	return yes(slices.ContainsFunc(x.Value, func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(value) }))
}

// compares orders the value among the operands, as numbers or as versions.
func compares(x *reportedExpression, value string) string {
	order := numberOrder
	if x.Type == "version" {
		order = versionOrder
	}
	two := x.Op == "GtLt" || x.Op == "GeLe"
	if want := map[bool]int{false: 1, true: 2}[two]; len(x.Value) != want {
		return "unknown"
	}
	orders := make([]int, len(x.Value))
	for i, operand := range x.Value {
		o, ok := order(value, operand)
		if !ok {
			return "unknown"
		}
		orders[i] = o
	}
	switch x.Op {
	case "Gt":
		return yes(orders[0] > 0)
	case "Ge":
		return yes(orders[0] >= 0)
	case "Lt":
		return yes(orders[0] < 0)
	case "Le":
		return yes(orders[0] <= 0)
	}
	if low, ok := order(x.Value[0], x.Value[1]); x.Type == "" && (!ok || low >= 0) {
		return "unknown"
	}
	if x.Op == "GtLt" {
		return yes(orders[0] > 0 && orders[1] < 0)
	}
	return yes(orders[0] >= 0 && orders[1] <= 0)
}

func numberOrder(a, b string) (int, bool) {
	one, errOne := strconv.Atoi(a)
	two, errTwo := strconv.Atoi(b)
	return sign(one - two), errOne == nil && errTwo == nil
}

var version = regexp.MustCompile(`^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+_~. ].*)?$`)

func versionOrder(a, b string) (int, bool) {
	one, two := version.FindStringSubmatch(a), version.FindStringSubmatch(b)
	if one == nil || two == nil {
		return 0, false
	}
	for i := 1; i < len(one); i++ {
		x, _ := strconv.Atoi("0" + one[i]) //nolint:errcheck // digits
		y, _ := strconv.Atoi("0" + two[i]) //nolint:errcheck // digits
		if x != y {
			return sign(x - y), true
		}
	}
	return 0, true
}

func sign(n int) int { return map[bool]int{n < 0: -1, n > 0: 1}[true] }

func yes(b bool) string { return map[bool]string{true: "compatible", false: "incompatible"}[b] }

// allTrue and oneOf are Kleene's AND and OR, spelled out once more.
func allTrue(verdicts []string) string {
	switch {
	case slices.Contains(verdicts, "incompatible"):
		return "incompatible"
	case slices.Contains(verdicts, "unknown"), len(verdicts) == 0:
		return "unknown"
	}
	return "compatible"
}

func oneOf(verdicts []string) string {
	switch {
	case slices.Contains(verdicts, "compatible"):
		return "compatible"
	case slices.Contains(verdicts, "unknown"):
		return "unknown"
	}
	return "incompatible"
}

// TestChecker: of generated nodes, also of such about which something is not
// known, the report alone gives every verdict.
func TestChecker(t *testing.T) {
	for i := range 5_000 {
		g := generator{rand.New(rand.NewPCG(5, uint64(i)))}
		s, rules := g.snapshot(), g.rules()
		s.complete()
		g.forget(s)
		got := matched(t, s, rules)
		checker{t}.check(got)
		checkNearest(t, s, got)
		if t.Failed() {
			t.Fatalf("seed 5, %d:\n%s", i, describe(t, s, rules))
		}
	}
}

// forget makes some features unreadable, wholly or in part.
func (g generator) forget(s *Snapshot) {
	for range g.IntN(3) {
		name := g.feature()
		partial := g.chance(50)
		if !partial {
			delete(s.Features.Flags, name)
			delete(s.Features.Attributes, name)
			delete(s.Features.Instances, name)
		}
		s.Sources = append(s.Sources, unread(name, partial))
	}
}

// checkNearest looks at all devices: the one shown fails the fewest
// expressions, and no earlier one as few.
func checkNearest(t *testing.T, s *Snapshot, rules []Rule) {
	t.Helper()
	for _, r := range rules {
		for _, term := range r.allTerms() {
			if term.Device == nil {
				continue
			}
			var shown *[2]int
			var best [2]int
			for i, device := range s.Features.Instances[term.Feature].Elements {
				n := misses(&term, device.Attributes)
				if i == 0 || n[0] < best[0] || n[0] == best[0] && n[1] < best[1] {
					best = n
					shown = nil
					if mapsEqual(device.Attributes, term.Device.Attributes) {
						shown = &n
					}
				}
			}
			if shown == nil {
				t.Errorf("%s: the device shown is not the nearest: %v", term.Feature, term.Device.Attributes)
			}
		}
	}
}

func misses(t *Term, attributes map[string]string) (n [2]int) {
	for _, x := range t.Expressions {
		if x.MatchName {
			continue
		}
		value, ok := attributes[x.Name]
		switch holds(&reportedExpression{Op: x.Op, Type: x.Type, Value: x.Value}, ok, &value) {
		case "incompatible":
			n[0]++
		case "unknown":
			n[1]++
		}
	}
	return n
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}
