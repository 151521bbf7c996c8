package nodefeatures

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// How many pairs of a set of rules and a node TestConformance compares with
// NFD's evaluator: allPairs in CI (where CI is set), else somePairs, or as many
// as the environment variable COMPAT_CONFORMANCE_PAIRS says.
const (
	allPairs  = 200_000
	somePairs = 20_000
	perShard  = 5_000 // pairs of one seed
)

func conformancePairs(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("COMPAT_CONFORMANCE_PAIRS"); text != "" {
		pairs, err := strconv.Atoi(text)
		if err != nil || pairs < perShard {
			t.Fatalf("COMPAT_CONFORMANCE_PAIRS=%s, want a number from %d on", text, perShard)
		}
		return pairs
	}
	if os.Getenv("CI") != "" {
		return allPairs
	}
	return somePairs
}

// TestConformance generates nodes and rules and compares every verdict with
// NFD's own evaluator, in both of its modes. No fact is missing in these
// snapshots, so wherever NFD gives an answer it must be ours; and our
// explanation alone, without NFD's verdict, must lead to the same.
//
// A seed that fails can be given to FuzzConformance.
func TestConformance(t *testing.T) {
	pairs := conformancePairs(t)
	shards := make([]statistics, (pairs+perShard-1)/perShard)
	t.Run("pairs", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for i := range perShard {
					shards[shard].pair(t, uint64(shard), uint64(i))
				}
			})
		}
	})
	var seen statistics
	for _, shard := range shards {
		seen.add(shard)
	}
	t.Logf("%+v", seen)
	if seen.matched < pairs/10 || seen.failed < pairs/10 || seen.refused < pairs/20 || seen.backreferences < pairs/20 || seen.cut < pairs/100 {
		t.Errorf("the generator is lopsided: %+v", seen)
	}
}

// FuzzConformance is TestConformance without end.
func FuzzConformance(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, one, two uint64) { new(statistics).pair(t, one, two) })
}

// pair makes one node and one set of rules and compares.
func (s *statistics) pair(t *testing.T, one, two uint64) {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(one, two))}
	snapshot, rules := g.snapshot(), g.rules()
	s.pairs++
	s.compare(t, snapshot, rules)
	if t.Failed() {
		t.Fatalf("seeds %d, %d:\n%s", one, two, describe(t, snapshot, rules))
	}
}

// statistics are counted over pairs: rules by NFD's verdict on them, and those
// with a version of which only a part was compared.
type statistics struct{ pairs, rules, matched, failed, refused, backreferences, cut int }

func (s *statistics) add(more statistics) {
	s.pairs += more.pairs
	s.rules += more.rules
	s.matched += more.matched
	s.failed += more.failed
	s.refused += more.refused
	s.backreferences += more.backreferences
	s.cut += more.cut
}

// compare evaluates the rules as nfd-master does, feeding back variables, for as
// long as NFD has a verdict for every rule.
func (s *statistics) compare(t *testing.T, snapshot *Snapshot, rules []nfdv1alpha1.GroupRule) {
	t.Helper()
	verdicts := matched(t, snapshot, rules)
	for _, r := range verdicts {
		if strings.Contains(fmt.Sprint(r.notes()), "compared as") {
			s.cut++
		}
	}
	// What a template expands to on a feature of several types depends, with
	// failFast=true, on the order of a map; so both modes get the same variables.
	variables := make([]map[string]string, len(rules))
	evaluable := len(rules) // by failFast=false, which refuses more
	for _, failFast := range []bool{false, true} {
		features := snapshot.Features.DeepCopy()
		for i := range rules {
			out, err := nodefeaturerule.ExecuteGroupRule(&rules[i], features, failFast)
			s.rules++
			if err != nil {
				s.refused++
				evaluable = min(evaluable, i)
				break // what follows may depend on the variables of this rule
			}
			if RefersBack(&rules[i]) {
				s.backreferences++
			}
			want := verdictOf(out.MatchStatus.IsMatch)
			if want == verdict.Compatible {
				s.matched++
			} else {
				s.failed++
			}
			s.check(t, &rules[i], verdicts[i], want, failFast)
			if i == evaluable {
				break
			}
			if !failFast && out.MatchStatus.IsMatch { // otherwise NFD may return some all the same
				variables[i] = out.Vars
			}
			features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, maps.Clone(variables[i]))
		}
	}
}

func (s *statistics) check(t *testing.T, rule *nfdv1alpha1.GroupRule, got Rule, want verdict.Verdict, failFast bool) {
	t.Helper()
	// failFast=true returns at the first difference, and so may not get to an
	// expression that cannot be evaluated; then unknown is right as well.
	if got.Verdict != want && (!failFast || got.Verdict != verdict.Unknown) {
		t.Errorf("rule %s is %s, by NFD (failFast=%v) %s", rule.Name, got.Verdict, failFast, want)
	}
	if composed := recompute(got); composed != got.Verdict && got.Reason == nil {
		t.Errorf("rule %s is %s, but its terms make it %s", rule.Name, got.Verdict, composed)
	}
	checkExplanation(t, got)
}

// notes are those on a rule's expressions.
func (r *Rule) notes() []string {
	var notes []string
	for _, term := range r.allTerms() {
		for _, x := range term.Expressions {
			notes = append(notes, x.Note)
		}
	}
	return notes
}

// allTerms are a rule's terms and those of its alternatives.
func (r *Rule) allTerms() []Term {
	terms := slices.Clone(r.Terms)
	for _, a := range r.MatchAny {
		terms = append(terms, a.Terms...)
	}
	return terms
}

// recompute is the verdict that the explanation alone leads to.
func recompute(r Rule) verdict.Verdict {
	var parts []verdict.Verdict
	if len(r.Terms) > 0 {
		parts = append(parts, recomputeTerms(r.Terms))
	}
	var alternatives []verdict.Verdict
	for _, a := range r.MatchAny {
		alternatives = append(alternatives, recomputeTerms(a.Terms))
	}
	if len(alternatives) > 0 {
		parts = append(parts, verdict.Any(alternatives...))
	}
	return verdict.All(parts...)
}

// recomputeTerms goes down to the expressions, where there is no reason that
// concerns the whole term.
func recomputeTerms(terms []Term) verdict.Verdict {
	var verdicts []verdict.Verdict
	for _, t := range terms {
		var expressions []verdict.Verdict
		for _, x := range t.Expressions {
			expressions = append(expressions, x.Verdict)
		}
		if t.Reason != nil && t.Verdict == verdict.Unknown {
			expressions = append(expressions, verdict.Unknown)
		}
		verdicts = append(verdicts, verdict.All(expressions...))
	}
	return verdict.All(verdicts...)
}

// checkExplanation looks for explanations that contradict themselves.
func checkExplanation(t *testing.T, r Rule) {
	t.Helper()
	for _, term := range r.allTerms() {
		if term.Verdict == verdict.Unknown && term.Reason == nil {
			t.Errorf("rule %s: %s is unknown without a reason", r.Name, term.Feature)
		}
		if term.Feature != strings.ToLower(term.Feature) {
			t.Errorf("rule %s: feature %s is not in lower case", r.Name, term.Feature)
		}
		for _, x := range term.Expressions {
			if term.Device == nil || x.MatchName || x.Found == nil {
				continue
			}
			if value, ok := term.Device.Attributes[x.Name]; ok != x.Found.Present || ok && *x.Found.Value != value {
				t.Errorf("rule %s: %s %s is not what the device shown has", r.Name, term.Feature, x.Name)
			}
		}
	}
}

// A generator makes nodes and rules out of few names and values, so that they
// meet often.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g generator) feature() string {
	return g.one("cpu.cpuid", "kernel.config", "pci.device", "vendor.mixed", "kernel.loadedmodule")
}

func (g generator) name() string { return g.one("a", "a", "b", "b", "c", "A") }

func (g generator) value() string {
	return g.one("1", "2", "10", "true", "false", "y", "v1.2", "1.2.3", "5.14.0-427.el9_4.x86_64", "6.1.0-amd64", "-3", "", "word")
}

// snapshot records all sources as read, so that a feature that is not there is
// known to be absent.
func (g generator) snapshot() *Snapshot {
	s := &Snapshot{Features: *nfdv1alpha1.NewFeatures()}
	for _, source := range sources() {
		s.Sources = append(s.Sources, Source{Name: source.name, Status: SourceOK})
	}
	s.Sources = append(s.Sources, Source{Name: "vendor", Status: SourceOK})
	for range 4 + g.IntN(6) {
		name := g.feature()
		for range 1 + g.IntN(2) {
			g.addSet(&s.Features, name)
		}
	}
	// Everything that rules ask for is known to this snapshot.
	if _, ok := s.Features.Flags["vendor.mixed"]; !ok {
		s.Features.Flags["vendor.mixed"] = nfdv1alpha1.NewFlagFeatures("a")
	}
	return s
}

func (g generator) addSet(f *nfdv1alpha1.Features, name string) {
	switch g.IntN(3) {
	case 0:
		set := nfdv1alpha1.FlagFeatureSet{}
		if g.chance(90) {
			set.Elements = map[string]nfdv1alpha1.Nil{}
			for range g.IntN(6) {
				set.Elements[g.name()] = nfdv1alpha1.Nil{}
			}
		}
		f.Flags[name] = set
	case 1:
		set := nfdv1alpha1.AttributeFeatureSet{}
		if g.chance(90) {
			set.Elements = g.attributes()
		}
		f.Attributes[name] = set
	default:
		set := nfdv1alpha1.InstanceFeatureSet{}
		for range g.IntN(4) {
			set.Elements = append(set.Elements, *nfdv1alpha1.NewInstanceFeature(g.attributes()))
		}
		f.Instances[name] = set
	}
}

func (g generator) attributes() map[string]string {
	attributes := map[string]string{}
	for range g.IntN(7) {
		attributes[g.name()] = g.value()
	}
	return attributes
}

func (g generator) rules() []nfdv1alpha1.GroupRule {
	rules := make([]nfdv1alpha1.GroupRule, 1+g.IntN(3))
	for i := range rules {
		rules[i] = g.rule(i)
	}
	return rules
}

func (g generator) rule(i int) nfdv1alpha1.GroupRule {
	r := nfdv1alpha1.GroupRule{Name: fmt.Sprint("r", i)}
	if g.chance(70) {
		r.MatchFeatures = g.matcher(i)
	}
	if g.chance(40) || r.MatchFeatures == nil {
		for range 1 + g.IntN(3) {
			r.MatchAny = append(r.MatchAny, nfdv1alpha1.MatchAnyElem{MatchFeatures: g.matcher(i)})
		}
	}
	if g.chance(60) {
		r.Vars = map[string]string{g.name(): g.value()}
	}
	if g.chance(20) {
		r.VarsTemplate = g.one(
			"{{ range $domain, $features := . }}{{ range $name, $elements := $features }}b={{ len $elements }}\n{{ end }}{{ end }}",
			"c=2",
			"{{ range .pci.device }}{{ .a }}=1\n{{ end }}",
		)
	}
	return r
}

// matcher makes the terms of rule i; the first rule seldom refers to others.
func (g generator) matcher(i int) nfdv1alpha1.FeatureMatcher {
	m := make(nfdv1alpha1.FeatureMatcher, 1+g.IntN(2))
	for j := range m {
		m[j] = g.term(2 + 10*i)
	}
	return m
}

func (g generator) term(backreferences int) nfdv1alpha1.FeatureMatcherTerm {
	t := nfdv1alpha1.FeatureMatcherTerm{Feature: g.feature()}
	if g.chance(backreferences) {
		t.Feature = catalogue.RuleMatched
	}
	if g.chance(20) {
		t.Feature = strings.ToUpper(t.Feature)
	}
	if g.chance(85) {
		set := nfdv1alpha1.MatchExpressionSet{}
		for range 1 + g.IntN(2) {
			set[g.name()] = g.expression()
		}
		t.MatchExpressions = &set
	}
	if g.chance(15) || t.MatchExpressions == nil {
		t.MatchName = g.expression()
	}
	if g.chance(3) && t.MatchName != nil {
		t.MatchExpressions = &nfdv1alpha1.MatchExpressionSet{}
	}
	return t
}

// expression is well formed most of the time: what is not is refused by NFD,
// and by package spec.
func (g generator) expression() *nfdv1alpha1.MatchExpression {
	op := nfdv1alpha1.MatchOp(g.one("In", "In", "NotIn", "InRegexp", "InRegexp", "Exists", "Exists", "Exists", "Exists", "Exists",
		"DoesNotExist", "DoesNotExist", "DoesNotExist", "Gt", "Ge", "Lt", "Le", "GtLt", "GeLe", "IsTrue", "IsFalse", ""))
	m := &nfdv1alpha1.MatchExpression{Op: op}
	switch op {
	case nfdv1alpha1.MatchIn, nfdv1alpha1.MatchNotIn:
		m.Value = nfdv1alpha1.MatchValue{g.value(), g.value(), g.value(), g.name()}
	case nfdv1alpha1.MatchInRegexp:
		m.Value = nfdv1alpha1.MatchValue{g.one("^1", "e$", ".", "[abc]", "^$")}
	case nfdv1alpha1.MatchGt, nfdv1alpha1.MatchGe, nfdv1alpha1.MatchLt, nfdv1alpha1.MatchLe:
		m.Value = nfdv1alpha1.MatchValue{g.one("1", "2", "5")}
	case nfdv1alpha1.MatchGtLt, nfdv1alpha1.MatchGeLe:
		m.Value = nfdv1alpha1.MatchValue{"1", g.one("2", "11")}
	}
	if g.chance(40) && len(m.Value) > 0 {
		m.Type = nfdv1alpha1.TypeVersion
	}
	if g.chance(2) {
		m.Value = append(m.Value, g.value())
	}
	return m
}
