package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
)

// An oracle is what NFD's evaluator said about a whole rule. It spares most of
// the single calls; nil status: the call failed and said nothing.
type oracle struct {
	status *nodefeaturerule.MatchStatus
}

// matchedTerms are the terms of one matcher as NFD returns them: only those expressions
// that held. nil and not known: the evaluator failed.
type matchedTerms struct {
	terms nfdv1alpha1.FeatureMatcher
	known bool
}

func (o oracle) terms() matchedTerms {
	if o.status == nil || o.status.MatchFeatureStatus == nil {
		return matchedTerms{}
	}
	return matchedTerms{terms: o.status.MatchedFeaturesTerms, known: true}
}

func (o oracle) alternative(i int) matchedTerms {
	if o.status == nil || i >= len(o.status.MatchAny) || o.status.MatchAny[i] == nil {
		return matchedTerms{}
	}
	return matchedTerms{terms: o.status.MatchAny[i].MatchedFeaturesTerms, known: true}
}

// expression says whether an expression held. NFD returns the expressions that
// it was given, so they are told apart by identity.
func (m matchedTerms) expression(feature, name string, expression *nfdv1alpha1.MatchExpression) bool {
	for i := range m.terms {
		t := &m.terms[i]
		if t.Feature == feature && t.MatchExpressions != nil && (*t.MatchExpressions)[name] == expression {
			return true
		}
	}
	return false
}
