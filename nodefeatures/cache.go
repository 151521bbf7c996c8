package nodefeatures

import (
	"slices"
	"strings"
	"sync"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
)

// A Cache remembers what became of rules, so that a rule is evaluated once for all snapshots that
// agree in what it looks at: the nodes of a cluster are of some hundred kinds, but of few by what any
// one rule asks. Rules are told apart by their address, and must not change. Rules with a template, and
// those that refer to others, are not remembered. A Cache may be used by several goroutines.
type Cache struct {
	mu    sync.Mutex
	rules map[*nfdv1alpha1.GroupRule]*cachedRule
	size  int // of the keys of all results, in bytes
}

// maxCached bounds the keys of what a Cache remembers, in bytes.
const maxCached = 64 << 20

// A cachedRule is a rule with its results by the facts that it looks at.
type cachedRule struct {
	never   bool // nothing is remembered of it
	terms   []cachedTerm
	results map[string]result
}

// A cachedTerm is what a term looks at.
type cachedTerm struct {
	feature string
	names   []string // of elements, sorted
	whole   bool     // it looks at the names of all elements
}

// rule returns what is remembered of a rule that refers to no other; nil if nothing ever is.
func (c *Cache) rule(r *nfdv1alpha1.GroupRule) *cachedRule {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.rules[r]
	if !ok {
		known = &cachedRule{results: map[string]result{}, never: r.VarsTemplate != "" || invalid(r) != ""}
		for t := range termsOf(r) {
			one := cachedTerm{feature: strings.ToLower(t.Feature), whole: t.MatchName != nil}
			for name := range expressionsOf(t) {
				one.names = append(one.names, name)
			}
			slices.Sort(one.names)
			known.terms = append(known.terms, one)
		}
		if c.rules == nil {
			c.rules = map[*nfdv1alpha1.GroupRule]*cachedRule{}
		}
		c.rules[r] = known
	}
	if known.never {
		return nil
	}
	return known
}

// get returns the result for a key.
func (c *Cache) get(r *cachedRule, key []byte) (result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := r.results[string(key)]
	return known, ok
}

// put remembers a result.
func (c *Cache) put(r *cachedRule, key []byte, result result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += len(key); c.size <= maxCached {
		r.results[string(key)] = result
	}
}

// cached evaluates a rule unless what became of it is remembered.
func (e *evaluator) cached(r *nfdv1alpha1.GroupRule) result {
	known := e.cache.rule(r)
	if known == nil {
		return e.rule(r)
	}
	e.key = e.facts.appendKey(e.key[:0], known.terms)
	if result, ok := e.cache.get(known, e.key); ok {
		return result
	}
	result := e.rule(r)
	if !e.stopped() {
		e.cache.put(known, e.key, result)
	}
	return result
}

// appendKey appends what the terms look at, their explanations and hints included: two snapshots for
// which it is the same are the same to a rule with these terms.
func (f *facts) appendKey(key []byte, terms []cachedTerm) []byte {
	for i := range terms {
		t := &terms[i]
		state := f.state(t.feature)
		key = appendText(key, state.text)
		if state.lists || t.whole {
			key = appendText(key, f.digest(t.feature))
		}
		for _, name := range t.names {
			key = f.appendElement(key, &state.feature, name)
		}
		if t.feature == catalogue.CPUID {
			key = appendText(key, f.hypervisorHint())
		}
	}
	return key
}

// appendElement appends an element of a feature, and what hints say of it.
func (f *facts) appendElement(key []byte, feature *feature, name string) []byte {
	value, isValue := feature.values[name]
	_, isKey := feature.keys[name]
	key = append(key, bit(isValue)|bit(isKey)<<1)
	if isValue {
		key = appendText(key, value)
	}
	if !isValue && !isKey {
		key = appendText(key, f.spellingHint(feature.name, name))
	}
	if feature.name == catalogue.LoadedModule {
		key = appendText(key, f.builtIn(name))
	}
	return key
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
