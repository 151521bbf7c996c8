package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/verdict"
)

// Bounds on the names that an expression on names reports.
const (
	// MaxNames is how many matching ones.
	MaxNames = 16
	// MaxCandidates is how many of all, where none matches.
	MaxCandidates = 256
)

// opAny is how the operator of an expression without one is shown; in NFD it
// is the empty string and matches always.
const opAny = "Any"

// A Rule is what became of one rule of a spec on a node.
type Rule struct {
	// Name is the rule's name, as written.
	Name string `json:"name"`
	// Verdict is NFD's own where every fact it needs is known, else Kleene's
	// over the terms: all of Terms and one of MatchAny.
	Verdict verdict.Verdict `json:"verdict"`
	// Terms are the rule's matchFeatures, in order. All of them must hold.
	Terms []Term `json:"terms"`
	// MatchAny are its alternatives, in order, of which one must hold.
	MatchAny []Alternative `json:"matchAny"`
	// Reason says why the rule as such has no answer (invalidRule,
	// templateFailed); the terms have their own reasons.
	Reason *verdict.Reason `json:"reason,omitempty"`
}

// An Alternative is one element of a rule's matchAny.
type Alternative struct {
	Verdict verdict.Verdict `json:"verdict"`
	Terms   []Term          `json:"terms"`
}

// A Term is one feature and the expressions on it, all of which must hold; if
// the feature lists devices, on one and the same device.
type Term struct {
	// Feature is the feature's name in lower case, as NFD looks it up.
	Feature string          `json:"feature"`
	Verdict verdict.Verdict `json:"verdict"`
	// Reason says why the term is unknown, or why the feature as a whole
	// matches nothing (featureAbsent, noDevice); nil if the expressions tell.
	Reason *verdict.Reason `json:"reason,omitempty"`
	// Expressions are sorted by name, the one on names (matchName) last. If the
	// feature lists devices, what was found is that of Device.
	Expressions []Expression `json:"expressions"`
	// Device is the first device that satisfies the term, else the nearest: of
	// those whose class holds, or else of all, the one that fails the fewest
	// expressions, the first of equals.
	Device *Device `json:"device,omitempty"`
	// Devices is how many devices the feature lists; nil if it lists none by nature.
	Devices *int `json:"devices,omitempty"`
}

// A Device is one instance of a feature such as pci.device.
type Device struct {
	// Address is its address on the bus, 0000:00:02.0, if the snapshot has it.
	Address string `json:"address,omitempty"`
	// Attributes are all that NFD publishes about it.
	Attributes map[string]string `json:"attributes"`
	// Match says whether it satisfies the term's matchExpressions.
	Match bool `json:"match"`
}

// An Expression is one expected thing, and what was found in its place.
type Expression struct {
	// Name is the element it is about; empty for one on names.
	Name string `json:"name"`
	// MatchName says that it is about the names of the feature's elements.
	MatchName bool `json:"matchName,omitempty"`
	// Op is NFD's operator; Any for the empty one.
	Op string `json:"op"`
	// Value are the operator's values, as written.
	Value []string `json:"value"`
	// Type is the type of the values: empty, or version.
	Type string `json:"type,omitempty"`
	// Found is what the node has; nil if that is not known.
	Found   *Found          `json:"found,omitempty"`
	Verdict verdict.Verdict `json:"verdict"`
	// Reason says why it is unknown.
	Reason *verdict.Reason `json:"reason,omitempty"`
	// Note says how the verdict was reached where that is not as in NFD: a version
	// of which only the numeric part could be compared.
	Note string `json:"note,omitempty"`
	// Hint points out a fact that is known to mislead.
	Hint string `json:"hint,omitempty"`
	// Miswritten says that the hint is about how the expression is written: no change of a node
	// would make it hold.
	Miswritten bool `json:"-"`
}

// Found is what a node has where an expression looks.
type Found struct {
	// Present says whether the element exists or, on names, whether one matches.
	Present bool `json:"present"`
	// Value is the element's value; nil for a flag, which has none.
	Value *string `json:"value,omitempty"`
	// Names are the matching names, sorted, at most MaxNames of them.
	Names []string `json:"names,omitempty"`
	// NamesTotal is how many match.
	NamesTotal int `json:"namesTotal,omitempty"`
	// Candidates are, where no name matches, the names that there are, sorted, at
	// most MaxCandidates of them.
	Candidates []string `json:"candidates,omitempty"`
	// CandidatesTotal is how many there are.
	CandidatesTotal int `json:"candidatesTotal,omitempty"`
}

// invalid says what is empty in a rule: NFD's evaluator crashes on a missing
// expression and lets whatever else is empty match on every machine. Specs
// that were parsed by package spec have no such rule.
func invalid(r *nfdv1alpha1.GroupRule) string {
	if len(r.MatchFeatures) == 0 && len(r.MatchAny) == 0 {
		return "the rule has no matcher and would match any node"
	}
	if message := invalidTerms(r.MatchFeatures); message != "" {
		return message
	}
	for _, element := range r.MatchAny {
		if len(element.MatchFeatures) == 0 {
			return "an element of matchAny is empty and would match any node"
		}
		if message := invalidTerms(element.MatchFeatures); message != "" {
			return message
		}
	}
	return ""
}

func invalidTerms(terms nfdv1alpha1.FeatureMatcher) string {
	for i := range terms {
		expressions := expressionsOf(&terms[i])
		if len(expressions) == 0 && terms[i].MatchName == nil {
			return "a term on " + terms[i].Feature + " has no expression and would match any node that has the feature"
		}
		for name, expression := range expressions {
			if expression == nil {
				return "the expression " + name + " on " + terms[i].Feature + " is null"
			}
		}
	}
	return ""
}

func expressionsOf(t *nfdv1alpha1.FeatureMatcherTerm) nfdv1alpha1.MatchExpressionSet {
	if t.MatchExpressions == nil {
		return nil
	}
	return *t.MatchExpressions
}
