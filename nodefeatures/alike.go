package nodefeatures

import (
	"hash/maphash"
	"strconv"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// maxAlike bounds how many rules are remembered.
const maxAlike = 10_000

// A ruleKey is the same for rules that are alike: two keyed hashes of their terms.
// It is zero for a rule of which more than its terms decides.
type ruleKey [2]uint64

// key returns the rule's key; e.judged has what is known of those like it.
func (e *evaluator) key(r *nfdv1alpha1.GroupRule) ruleKey {
	if r.VarsTemplate != "" || e.vars != nil {
		return ruleKey{}
	}
	e.buffer = e.appendTerms(e.buffer[:0], r.MatchFeatures)
	for i := range r.MatchAny {
		e.buffer = e.appendTerms(append(e.buffer, '|'), r.MatchAny[i].MatchFeatures)
	}
	return ruleKey{maphash.Bytes(seeds[0], e.buffer), maphash.Bytes(seeds[1], e.buffer)}
}

// remember keeps a rule for those that are alike. They share its terms.
func (e *evaluator) remember(key ruleKey, rule *Rule) {
	if key == (ruleKey{}) || len(e.judged) >= maxAlike {
		return
	}
	if e.judged == nil {
		e.judged = map[ruleKey]*Rule{}
	}
	e.judged[key] = rule
}

// appendTerms writes all that there is in terms.
func (e *evaluator) appendTerms(buffer []byte, terms nfdv1alpha1.FeatureMatcher) []byte {
	for i := range terms {
		buffer = appendText(buffer, terms[i].Feature)
		if terms[i].MatchExpressions != nil {
			names := e.sortedNames(&terms[i])
			buffer = append(strconv.AppendInt(buffer, int64(len(names)), 10), '=')
			for _, name := range names {
				buffer = appendExpression(appendText(buffer, name), (*terms[i].MatchExpressions)[name])
			}
		}
		if terms[i].MatchName != nil {
			buffer = appendExpression(append(buffer, '~'), terms[i].MatchName)
		}
	}
	return buffer
}

func appendExpression(buffer []byte, m *nfdv1alpha1.MatchExpression) []byte {
	buffer = appendText(appendText(buffer, string(m.Op)), string(m.Type))
	buffer = append(strconv.AppendInt(buffer, int64(len(m.Value)), 10), ':')
	for _, value := range m.Value {
		buffer = appendText(buffer, value)
	}
	return buffer
}
