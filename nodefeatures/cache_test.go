package nodefeatures

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// TestCache compares what a Cache says of nodes that differ in little with what is said without one,
// explanations and hints included.
func TestCache(t *testing.T) {
	nodes, remembered, results := 0, 0, 0
	for seed := range 150 {
		g := generator{rand.New(rand.NewPCG(7, uint64(seed)))}
		rules := append(g.rules(), cacheRules()...)
		var cache Cache
		var list []*Snapshot
		for range 2 {
			base := g.cacheNode()
			list = append(list, base)
			for range 12 {
				list = append(list, g.neighbour(base))
			}
		}
		for i, s := range list {
			compareCached(t, &cache, s, rules, fmt.Sprintf("seed %d, node %d", seed, i))
			nodes++
		}
		for r, known := range cache.rules {
			if known == nil {
				t.Fatalf("seed %d: nothing is remembered of %s", seed, r.Name)
			}
			remembered += len(list)
			results += len(known.results)
		}
	}
	t.Logf("%d nodes, %d verdicts on rules that are remembered, %d evaluated", nodes, remembered, results)
	if results > remembered*2/3 || results < remembered/20 {
		t.Error("the nodes have too little or too much in common")
	}
}

// TestCacheElement goes through what an element of a feature can be.
func TestCacheElement(t *testing.T) {
	const name = "vendor.mixed"
	var list []*Snapshot
	for _, value := range []*string{nil, new(""), new("1")} {
		for _, flag := range []bool{false, true} {
			for _, unread := range []*Unreadable{
				nil, {Feature: name, Partial: true, Reason: verdict.Reason{Code: "c"}}, {Feature: name, Partial: true, Except: []string{"a"}, Reason: verdict.Reason{Code: "c"}},
			} {
				s := &Snapshot{Features: *nfdv1alpha1.NewFeatures(), Sources: []Source{{Name: "vendor", Status: SourceOK}}}
				s.Features.Flags[name], s.Features.Attributes[name] = nfdv1alpha1.NewFlagFeatures(), nfdv1alpha1.NewAttributeFeatures(nil)
				if value != nil {
					s.Features.Attributes[name].Elements["a"] = *value
				}
				if flag {
					s.Features.Flags[name].Elements["a"] = nfdv1alpha1.Nil{}
				}
				if unread != nil {
					s.Sources[0].Unreadable = []Unreadable{*unread}
				}
				list = append(list, s)
			}
		}
	}
	var rules []nfdv1alpha1.GroupRule
	for _, op := range []nfdv1alpha1.MatchOp{nfdv1alpha1.MatchExists, nfdv1alpha1.MatchDoesNotExist, nfdv1alpha1.MatchIn, nfdv1alpha1.MatchIsTrue} {
		m := &nfdv1alpha1.MatchExpression{Op: op}
		if op == nfdv1alpha1.MatchIn {
			m.Value = nfdv1alpha1.MatchValue{""}
		}
		rules = append(rules, nfdv1alpha1.GroupRule{
			Name: string(op), MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: name, MatchExpressions: &nfdv1alpha1.MatchExpressionSet{"a": m}}},
		})
	}
	var cache Cache
	for i, s := range list {
		compareCached(t, &cache, s, rules, fmt.Sprint("node ", i))
	}
}

// compareCached compares what is said with a cache and without.
func compareCached(t *testing.T, cache *Cache, s *Snapshot, rules []nfdv1alpha1.GroupRule, name string) {
	t.Helper()
	got, err := s.Matcher(cache).Match(t.Context(), rules)
	want, errWithout := s.Match(t.Context(), rules)
	if err != nil || errWithout != nil {
		t.Fatal(err, errWithout)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-without a cache, +with one):\n%s%s", name, diff, describe(t, s, rules))
	}
}

// TestCacheBound: a cache that is full goes on answering.
func TestCacheBound(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(8, 8))}
	rules := []nfdv1alpha1.GroupRule{{Name: "r", MatchFeatures: nfdv1alpha1.FeatureMatcher{g.term(0)}}}
	cache := Cache{size: maxCached}
	for range 50 {
		compareCached(t, &cache, g.snapshot(), rules, "a full cache")
	}
	if n := len(cache.rules[&rules[0]].results); n > 0 {
		t.Errorf("%d results are remembered", n)
	}
}

// cacheRules are such as the generator does not make.
func cacheRules() []nfdv1alpha1.GroupRule {
	exists := &nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchExists}
	set := &nfdv1alpha1.MatchExpressionSet{"AVX2": exists}
	return []nfdv1alpha1.GroupRule{{Name: "hidden", MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: catalogue.CPUID, MatchExpressions: set}}}}
}

// cacheNode is a node of which not all is known.
func (g generator) cacheNode() *Snapshot {
	s := g.snapshot()
	for range g.IntN(3) {
		source := &s.Sources[g.IntN(len(s.Sources))]
		source.Unreadable = append(source.Unreadable, Unreadable{
			Feature: g.feature(), Partial: g.chance(50), Except: []string{g.name()}, Reason: verdict.Reason{Code: "c", Message: g.name()},
		})
	}
	if g.chance(20) {
		s.Sources = s.Sources[:g.IntN(len(s.Sources))]
	}
	if list := s.Features.Instances[catalogue.PCIDevice].Elements; g.chance(50) {
		s.Addresses = map[string][]string{catalogue.PCIDevice: {}}
		for i := range list {
			s.Addresses[catalogue.PCIDevice] = append(s.Addresses[catalogue.PCIDevice], fmt.Sprint("0000:00:0", i))
		}
	}
	return s
}

// neighbour differs from a node in one thing.
func (g generator) neighbour(of *Snapshot) *Snapshot {
	s := *of
	s.Features = *of.Features.DeepCopy()
	switch g.IntN(13) {
	case 0:
		s.Features.Flags[catalogue.EnabledModule] = nfdv1alpha1.NewFlagFeatures(g.name())
	case 1:
		s.Features.Attributes[catalogue.CPUModel] = nfdv1alpha1.NewAttributeFeatures(map[string]string{"hypervisor": g.one("kvm", "none")})
	case 2:
		if f, ok := s.Features.Flags[catalogue.CPUID]; ok && f.Elements != nil {
			f.Elements["HYPERVISOR"] = nfdv1alpha1.Nil{}
		}
	case 3:
		s.Addresses = map[string][]string{}
		for i := range s.Features.Instances[catalogue.PCIDevice].Elements {
			s.Addresses[catalogue.PCIDevice] = append(s.Addresses[catalogue.PCIDevice], fmt.Sprint("0000:01:0", i))
		}
	case 4:
		s.Sources = append([]Source{}, of.Sources...)
		if len(s.Sources) > 0 {
			source := &s.Sources[g.IntN(len(s.Sources))]
			source.Unreadable = append([]Unreadable{{Feature: g.feature(), Partial: g.chance(80), Reason: verdict.Reason{Code: "n", Message: g.name()}}}, source.Unreadable...)
		}
	case 5:
		delete(s.Features.Flags, g.feature())
	case 7:
		s.Sources = append([]Source{}, of.Sources...)
		if len(s.Sources) > 0 && len(s.Sources[0].Unreadable) > 0 {
			s.Sources[0].Unreadable = append([]Unreadable{}, s.Sources[0].Unreadable...)
			s.Sources[0].Unreadable[0].Except = []string{g.name()}
		}
	case 8, 9:
		name := g.feature()
		if f, ok := s.Features.Flags[name]; !ok {
			s.Features.Flags[name] = nfdv1alpha1.FlagFeatureSet{}
		} else if f.Elements != nil {
			f.Elements[g.name()] = nfdv1alpha1.Nil{}
		} else {
			s.Features.Flags[name] = nfdv1alpha1.NewFlagFeatures()
		}
	case 10:
		name := g.feature()
		if f, ok := s.Features.Attributes[name]; !ok {
			s.Features.Attributes[name] = nfdv1alpha1.AttributeFeatureSet{}
		} else if f.Elements == nil {
			s.Features.Attributes[name] = nfdv1alpha1.NewAttributeFeatures(nil)
		}
	case 6:
		delete(s.Features.Instances, g.feature())
	default:
		g.addSet(&s.Features, g.feature())
	}
	return &s
}
