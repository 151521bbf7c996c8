package nodefeatures

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// facts are a snapshot's features, arranged for looking up what is known.
type facts struct {
	features  *nfdv1alpha1.Features
	addresses map[string][]string
	unread    map[string]*Unreadable // by feature
	sources   map[string]SourceStatus
	omitted   []string

	mu       sync.Mutex
	spelling map[string]*spelling // by feature
	states   map[string]*state    // by feature
	digests  map[string]string    // by feature
}

// A state is a feature with what of it is known.
type state struct {
	feature
	// text is the same for two features only if the same is known of them, but for their elements.
	text string
}

func (s *Snapshot) facts() *facts {
	f := &facts{
		features: &s.Features, addresses: s.Addresses, unread: map[string]*Unreadable{}, sources: map[string]SourceStatus{},
		omitted: s.Omitted, spelling: map[string]*spelling{}, states: map[string]*state{}, digests: map[string]string{},
	}
	for _, source := range s.Sources {
		f.sources[source.Name] = source.Status
		for i := range source.Unreadable {
			f.unread[source.Unreadable[i].Feature] = &source.Unreadable[i]
		}
	}
	return f
}

// A feature is what is known about one feature.
type feature struct {
	name    string
	keys    map[string]nfdv1alpha1.Nil
	values  map[string]string
	devices []nfdv1alpha1.InstanceFeature
	// lists: it is a feature that lists devices, if only none.
	lists bool
	// reason says why nothing can be said about it or, if absent, why it
	// matches nothing.
	reason *verdict.Reason
	absent bool
	// unread says why there may be more to it than is known; nil: it is whole.
	unread *verdict.Reason
	// except are elements that are known not to be there, whatever was not read.
	except []string
}

// state looks up what is known of a feature, once.
func (f *facts) state(name string) *state {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.states[name]; ok {
		return known
	}
	s := &state{feature: f.feature(name)}
	text := []byte{bit(s.keys != nil) | bit(s.values != nil)<<1}
	for _, reason := range []*verdict.Reason{s.reason, s.unread} {
		if reason != nil {
			text = appendText(appendText(appendText(text, reason.Code), reason.Message), reason.Hint)
		}
		text = append(text, '.')
	}
	for _, name := range s.except {
		text = appendText(text, name)
	}
	s.text = string(text)
	f.states[name] = s
	return s
}

// digest is a hash of all elements of a feature, made once.
func (f *facts) digest(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.digests[name]
	if !ok {
		d := digest{sha256.New()}
		f.addTo(d, name)
		known = string(d.Sum(nil))
		f.digests[name] = known
	}
	return known
}

// feature looks up a feature by its lower-case name.
func (f *facts) feature(name string) feature {
	unread, isUnread := f.unread[name]
	if isUnread && !unread.Partial {
		return feature{name: name, reason: &unread.Reason}
	}
	flags, isFlags := f.features.Flags[name]
	attributes, isAttributes := f.features.Attributes[name]
	instances, isInstances := f.features.Instances[name]
	if !isFlags && !isAttributes && !isInstances {
		return f.missing(name)
	}
	found := feature{name: name, keys: flags.Elements, values: attributes.Elements, devices: instances.Elements, lists: isInstances}
	if isUnread {
		found.unread, found.except = &unread.Reason, unread.Except
	}
	return found
}

// missing says why a snapshot does not have a feature. Only one that records
// its sources can say that the node does not have it.
func (f *facts) missing(name string) feature {
	if unread, ok := f.unread[name]; ok {
		return feature{name: name, reason: &unread.Reason}
	}
	if slices.Contains(f.omitted, name) {
		return feature{name: name, reason: &verdict.Reason{Code: ReasonNotInSnapshot, Message: "nobody asked for " + name + " when the snapshot was loaded", Hint: "let Node objects come before NodeFeature objects: kubectl get nodes,nodefeatures -A -o json"}}
	}
	if _, known := catalogue.Lookup(name); !known || name == catalogue.RuleMatched {
		return feature{name: name, reason: f.unknownFeature(name)}
	}
	source, _, _ := strings.Cut(name, ".")
	switch status, recorded := f.sources[source]; {
	case !recorded:
		return feature{name: name, reason: &verdict.Reason{
			Code:    ReasonNotInSnapshot,
			Message: "the snapshot has no " + name + ", and does not say whether the node has none or nobody looked",
		}}
	case status == SourceNotRun:
		return feature{name: name, reason: &verdict.Reason{
			Code: ReasonSourceNotRun, Message: "the snapshot was made without NFD's source " + source,
		}}
	}
	return feature{name: name, absent: true, reason: &verdict.Reason{
		Code: ReasonFeatureAbsent, Message: "the node has no " + name + "; NFD then matches nothing, not even DoesNotExist",
	}}
}

// feature looks up a feature for the rule at hand, variables included.
func (e *evaluator) feature(name string) feature {
	if name != catalogue.RuleMatched || e.vars == nil {
		return e.facts.feature(name)
	}
	if e.vars.values == nil {
		return feature{name: name, absent: true, reason: &verdict.Reason{
			Code: ReasonFeatureAbsent, Message: "no rule comes before this one; NFD then matches nothing, not even DoesNotExist",
		}}
	}
	return feature{name: name, values: e.vars.values}
}
