package nodefeatures

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// minParallel is the number of rules from which on they are shared among the CPUs.
const minParallel = 32

// A Matcher evaluates rules on the features of one snapshot, which must not change meanwhile. It may be
// used by several goroutines.
type Matcher struct {
	Snapshot *Snapshot
	facts    *facts
	cache    *Cache
}

// Matcher returns one that remembers results in c, which may be nil.
func (s *Snapshot) Matcher(c *Cache) *Matcher { return &Matcher{s, s.facts(), c} }

// Match evaluates the rules of one set, as [Matcher.Match] does.
func (s *Snapshot) Match(ctx context.Context, rules []nfdv1alpha1.GroupRule) ([]Rule, error) {
	return s.Matcher(nil).Match(ctx, rules)
}

// Match evaluates the rules of one set, in order, and explains every verdict.
// The variables of a rule that matches are seen by the rules after it, and
// forgotten at the end: nothing in the snapshot changes.
//
// The rules are those of a spec that was validated (package spec does): NFD
// executes their templates.
//
// The error is ctx's; there are no verdicts then. Match returns as soon as ctx
// is done, although a call of NFD's evaluator that is under way cannot be
// stopped: it goes on reading the snapshot and the rules until it is through,
// and no other is begun.
func (m *Matcher) Match(ctx context.Context, rules []nfdv1alpha1.GroupRule) ([]Rule, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("matching rules: %w", err)
	}
	done := make(chan []Rule, 1)
	go func() { done <- m.match(ctx.Done(), rules) }()
	select {
	case matched := <-done:
		if matched != nil {
			return matched, nil
		}
		<-ctx.Done()
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("matching rules: %w", ctx.Err())
}

// match is Match until stop is closed; then it returns nil.
func (m *Matcher) match(stop <-chan struct{}, rules []nfdv1alpha1.GroupRule) []Rule {
	nfdLog.catch()
	results := make([]result, len(rules))
	m.matchIndependent(stop, rules, results)

	m.matchDependent(stop, rules, results)
	select {
	case <-stop:
		return nil
	default:
	}
	out := make([]Rule, len(rules))
	for i := range results {
		out[i] = results[i].rule
	}
	return out
}

// matchDependent evaluates the rules that refer to variables of earlier ones, in order.
func (m *Matcher) matchDependent(stop <-chan struct{}, rules []nfdv1alpha1.GroupRule, results []result) {
	if !slices.ContainsFunc(rules, func(r nfdv1alpha1.GroupRule) bool { return RefersBack(&r) }) {
		return
	}
	vars := newVariables(m.facts.features)
	dependent := evaluator{stop: stop, facts: m.facts, features: vars.features}
	for i := range rules {
		if dependent.stopped() {
			return
		}
		if RefersBack(&rules[i]) {
			dependent.vars = vars
			results[i] = dependent.rule(&rules[i])
		}
		vars.record(&rules[i], results[i])
	}
}

// matchIndependent evaluates the rules that refer to no other, on all CPUs if
// there are many: each is a pure function of the facts.
func (m *Matcher) matchIndependent(stop <-chan struct{}, rules []nfdv1alpha1.GroupRule, results []result) {
	workers := 1
	if len(rules) >= minParallel {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	work := func() error {
		e := evaluator{stop: stop, facts: m.facts, features: m.facts.features, cache: m.cache}
		for i := int(next.Add(1)) - 1; i < len(rules) && !e.stopped(); i = int(next.Add(1)) - 1 {
			if !RefersBack(&rules[i]) {
				results[i] = e.cached(&rules[i])
			}
		}
		return nil
	}
	var group errgroup.Group
	for range workers {
		group.Go(work)
	}
	group.Wait() //nolint:errcheck // a rule has a verdict, not an error
}

// RefersBack reports whether a rule looks at variables of earlier ones.
func RefersBack(r *nfdv1alpha1.GroupRule) bool {
	for t := range termsOf(r) {
		if strings.EqualFold(t.Feature, catalogue.RuleMatched) {
			return true
		}
	}
	return false
}

// termsOf are all terms of a rule, those of its alternatives last.
func termsOf(r *nfdv1alpha1.GroupRule) iter.Seq[*nfdv1alpha1.FeatureMatcherTerm] {
	return func(yield func(*nfdv1alpha1.FeatureMatcherTerm) bool) {
		for i := range r.MatchFeatures {
			if !yield(&r.MatchFeatures[i]) {
				return
			}
		}
		for i := range r.MatchAny {
			for j := range r.MatchAny[i].MatchFeatures {
				if !yield(&r.MatchAny[i].MatchFeatures[j]) {
					return
				}
			}
		}
	}
}

// A result is a rule's verdict and the variables that it sets.
type result struct {
	rule      Rule
	variables map[string]string
	// complete is false if its template may set others.
	complete bool
}

// An evaluator evaluates one rule at a time.
type evaluator struct {
	stop     <-chan struct{}
	facts    *facts
	features *nfdv1alpha1.Features // what NFD's evaluator sees
	vars     *variables            // nil for a rule that refers to none
	// one is the set of one expression that is passed to NFD again and again.
	one        nfdv1alpha1.MatchExpressionSet
	partitions map[string]*classes // by feature and attributes
	kept       int                 // classes in partitions
	cache      *Cache              // nil for rules that refer to others
	key        []byte              // in the cache, of the rule at hand
	buffer     []byte              // of the key at hand
	sorted     []string            // names of the term at hand
}

// stopped says whether nobody waits for the answer any more. What is evaluated
// from then on is thrown away, so it need not be right.
func (e *evaluator) stopped() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// rule asks NFD's evaluator for the verdict, explains it, and falls back to
// the explanation where NFD has no verdict: when it fails, and when a fact
// that it takes for absent is in truth unknown.
//
// It is called with failFast=false, which changes no verdict but tells which
// expressions held.
func (e *evaluator) rule(r *nfdv1alpha1.GroupRule) result {
	if message := invalid(r); message != "" {
		return result{rule: Rule{
			Name: r.Name, Verdict: verdict.Unknown, Terms: []Term{}, MatchAny: []Alternative{},
			Reason: &verdict.Reason{Code: ReasonInvalidRule, Message: message},
		}}
	}
	authority, err := nodefeaturerule.ExecuteGroupRule(r, e.shown(r), false)
	out := e.explain(r, oracle{status: authority.MatchStatus})
	e.facts.addHints(&out)
	switch {
	case err == nil && !out.lacksFacts():
		out.Verdict = verdict.Incompatible
		if authority.MatchStatus.IsMatch {
			out.Verdict = verdict.Compatible
		}
		return result{rule: out, variables: authority.Vars, complete: true}
	case err != nil && out.Verdict == verdict.Compatible && e.withoutTemplate(r):
		out.Verdict = verdict.Unknown
		out.Reason = &verdict.Reason{Code: ReasonTemplateFailed, Message: "expanding varsTemplate: " + err.Error()}
	}
	return result{rule: out, variables: r.Vars, complete: r.VarsTemplate == ""}
}

// withoutTemplate says whether NFD evaluates the rule if it has no template to
// expand, so that it must have been the template that failed.
func (e *evaluator) withoutTemplate(r *nfdv1alpha1.GroupRule) bool {
	plain := *r
	plain.VarsTemplate = ""
	_, err := nodefeaturerule.ExecuteGroupRule(&plain, e.features, false)
	return err == nil
}

// explain builds the rule's terms, and its verdict from theirs.
func (e *evaluator) explain(r *nfdv1alpha1.GroupRule, o oracle) Rule {
	out := Rule{Name: r.Name, Terms: e.terms(r.MatchFeatures, o.terms()), MatchAny: make([]Alternative, len(r.MatchAny))}
	alternatives := make([]verdict.Verdict, len(r.MatchAny))
	for i := range r.MatchAny {
		terms := e.terms(r.MatchAny[i].MatchFeatures, o.alternative(i))
		alternatives[i] = all(terms)
		out.MatchAny[i] = Alternative{Verdict: alternatives[i], Terms: terms}
	}
	switch {
	case len(alternatives) == 0:
		out.Verdict = all(out.Terms)
	case len(out.Terms) == 0:
		out.Verdict = verdict.Any(alternatives...)
	default:
		out.Verdict = verdict.All(all(out.Terms), verdict.Any(alternatives...))
	}
	return out
}

func (e *evaluator) terms(terms nfdv1alpha1.FeatureMatcher, matches matchedTerms) []Term {
	out := make([]Term, len(terms))
	for i := range terms {
		if e.stopped() {
			break
		}
		out[i] = e.term(&terms[i], matches)
	}
	return out
}

func all(terms []Term) verdict.Verdict {
	verdicts := make([]verdict.Verdict, 0, 8)
	for i := range terms {
		verdicts = append(verdicts, terms[i].Verdict)
	}
	return verdict.All(verdicts...)
}

// lacksFacts says whether a term is unknown because a fact is, so that NFD's
// verdict is on other facts than there may be. What cannot be evaluated is no
// such term: NFD has a verdict only if it did not come to that.
func (r *Rule) lacksFacts() bool {
	for i := range r.MatchAny {
		if slices.ContainsFunc(r.MatchAny[i].Terms, Term.lacksFacts) {
			return true
		}
	}
	return slices.ContainsFunc(r.Terms, Term.lacksFacts)
}

func (t Term) lacksFacts() bool {
	lacks := func(reason *verdict.Reason) bool { return reason != nil && reason.Code != ReasonNotEvaluable }
	return t.Verdict == verdict.Unknown && (lacks(t.Reason) || slices.ContainsFunc(t.Expressions, func(x Expression) bool {
		return x.Verdict == verdict.Unknown && lacks(x.Reason)
	}))
}
