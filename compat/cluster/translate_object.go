package cluster

import (
	"bytes"

	"go.yaml.in/yaml/v3"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat/manifest"
)

// A ruleObject is a NodeFeatureRule as it is written: NFD's own type writes empty fields as null, which
// its CRD refuses.
type ruleObject struct {
	APIVersion string     `json:"apiVersion" yaml:"apiVersion"`
	Kind       string     `json:"kind" yaml:"kind"`
	Metadata   objectMeta `json:"metadata" yaml:"metadata"`
	Spec       objectSpec `json:"spec" yaml:"spec"`
}

type objectMeta struct {
	Name   string            `json:"name" yaml:"name"`
	Labels map[string]string `json:"labels" yaml:"labels"`
}

type objectSpec struct {
	Rules []objectRule `json:"rules" yaml:"rules"`
}

type objectRule struct {
	Name          string            `json:"name" yaml:"name"`
	Labels        map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
	Vars          map[string]string `json:"vars,omitempty" yaml:"vars,omitempty"`
	MatchFeatures []objectTerm      `json:"matchFeatures" yaml:"matchFeatures"`
}

type objectTerm struct {
	Feature          string                       `json:"feature" yaml:"feature"`
	MatchExpressions *map[string]objectExpression `json:"matchExpressions,omitempty" yaml:"matchExpressions,omitempty"`
	MatchName        *objectExpression            `json:"matchName,omitempty" yaml:"matchName,omitempty"`
}

type objectExpression struct {
	Op    string   `json:"op" yaml:"op"`
	Value []string `json:"value,omitempty" yaml:"value,flow,omitempty"`
	Type  string   `json:"type,omitempty" yaml:"type,omitempty"`
}

// object is the need's NodeFeatureRule.
func (n *Need) object() ruleObject {
	o := ruleObject{
		APIVersion: manifest.RuleAPIVersion, Kind: manifest.RuleKind,
		Metadata: objectMeta{Name: n.Name(), Labels: map[string]string{manifest.ManagedBy: manifest.Manager}},
	}
	for _, r := range n.Rules {
		o.Spec.Rules = append(o.Spec.Rules, objectRule{r.Name, r.Labels, r.Vars, objectTerms(r.MatchFeatures)})
	}
	return o
}

func objectTerms(matcher nfdv1alpha1.FeatureMatcher) []objectTerm {
	terms := make([]objectTerm, len(matcher))
	for i, t := range matcher {
		terms[i] = objectTerm{Feature: t.Feature, MatchName: objectExpressionOf(t.MatchName)}
		if t.MatchExpressions == nil {
			continue
		}
		expressions := make(map[string]objectExpression, len(*t.MatchExpressions))
		for name, e := range *t.MatchExpressions {
			expressions[name] = *objectExpressionOf(e)
		}
		terms[i].MatchExpressions = &expressions
	}
	return terms
}

func objectExpressionOf(e *nfdv1alpha1.MatchExpression) *objectExpression {
	if e == nil {
		return nil
	}
	return &objectExpression{string(e.Op), e.Value, string(e.Type)}
}

// YAML is the NodeFeatureRule object, with a line feed at its end.
func (n *Need) YAML() []byte {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(n.object()); err != nil {
		panic(err) // of texts
	}
	return b.Bytes()
}

// JSON is the NodeFeatureRule object, on one line.
func (n *Need) JSON() []byte { return encode(n.object()) }
