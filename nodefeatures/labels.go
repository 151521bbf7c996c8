package nodefeatures

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/validate"

	"nodecompat/nodefeatures/verdict"
)

// MaxRuleObjects bounds a list of NodeFeatureRule objects, in bytes.
const MaxRuleObjects = 64 << 20

// LabelRules are a cluster's NodeFeatureRule objects, in the order in which nfd-master takes them.
type LabelRules struct{ objects []nfdv1alpha1.NodeFeatureRule }

// ReadLabelRules reads a list of NodeFeatureRule objects as an API server prints it.
func ReadLabelRules(r io.Reader) (LabelRules, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxRuleObjects+1))
	if err != nil {
		return LabelRules{}, err
	}
	if len(data) > MaxRuleObjects {
		return LabelRules{}, fmt.Errorf("a list of NodeFeatureRule objects of more than the limit of %d bytes", MaxRuleObjects)
	}
	var list nfdv1alpha1.NodeFeatureRuleList
	if err := json.Unmarshal(data, &list); err != nil {
		return LabelRules{}, err
	}
	if list.Items == nil && list.Kind != "NodeFeatureRuleList" {
		return LabelRules{}, fmt.Errorf("a %.64q is no list of NodeFeatureRule objects", list.Kind)
	}
	slices.SortStableFunc(list.Items, func(a, b nfdv1alpha1.NodeFeatureRule) int { return cmp.Compare(a.Name, b.Name) })
	return LabelRules{list.Items}, nil
}

// Len is the number of the rules.
func (r LabelRules) Len() int {
	n := 0
	for _, object := range r.objects {
		n += len(object.Spec.Rules)
	}
	return n
}

// Features are those that the rules name; nil, which is all, where a template may name any.
func (r LabelRules) Features() []string {
	names := []string{}
	for _, object := range r.objects {
		for _, rule := range object.Spec.Rules {
			if rule.LabelsTemplate != "" || rule.VarsTemplate != "" {
				return nil
			}
			terms := slices.Clone(rule.MatchFeatures)
			for _, a := range rule.MatchAny {
				terms = append(terms, a.MatchFeatures...)
			}
			for _, t := range terms {
				names = append(names, t.Feature)
			}
			for _, value := range rule.Labels {
				if feature, _, ok := dynamic(value); ok {
					names = append(names, feature)
				}
			}
		}
	}
	return names
}

// A Label is what nfd-master makes of a rule on a node.
type Label struct {
	Name string
	// Value is what the label should have; without a meaning where Set is false.
	Value string
	// Set is false where nfd-master gives the node no such label.
	Set bool
	// Rule is the rule, as OBJECT/RULE.
	Rule string
	// Refused is why nfd-master does not set it although the rule says so: it refuses the label, or cannot
	// evaluate the rule, which holds.
	Refused error
	// Unsteady is why nfd-master may give up the rule, or not: of an expression that it cannot evaluate
	// and one that fails, it looks at either first.
	Unsteady error
}

// Labels evaluates the rules on the node's features as nfd-master does, and returns every label that one
// of them may set, sorted: https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go#L1090
func (s *Snapshot) Labels(rules LabelRules) []Label {
	features := &nfdv1alpha1.Features{Flags: s.Features.Flags, Attributes: maps.Clone(s.Features.Attributes), Instances: s.Features.Instances}
	labels := map[string]Label{}
	for i := range rules.objects {
		object := &rules.objects[i]
		for j := range object.Spec.Rules {
			s.labelsOf(&object.Spec.Rules[j], object.Name, features, labels)
		}
	}
	return slices.SortedFunc(maps.Values(labels), func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
}

// labelsOf adds what one rule sets to the labels, and to what later rules see of the features.
func (s *Snapshot) labelsOf(rule *nfdv1alpha1.Rule, object string, features *nfdv1alpha1.Features, labels map[string]Label) {
	from := object + "/" + rule.Name
	out, err := nodefeaturerule.Execute(rule, features, true)
	_, unsteady := nodefeaturerule.Execute(rule, features, false)
	var refused error
	if err != nil && s.holds(rule) {
		refused = err
	}
	for name := range rule.Labels {
		if name = prefixed(name); !labels[name].Set {
			labels[name] = Label{Name: name, Rule: from, Refused: cmp.Or(refused, labels[name].Refused), Unsteady: cmp.Or(unsteady, labels[name].Unsteady)}
		}
	}
	if err != nil {
		return
	}
	for name, value := range out.Labels {
		name = prefixed(name)
		value, err := labelValue(name, value, features)
		labels[name] = Label{Name: name, Value: value, Set: err == nil, Rule: from, Refused: err, Unsteady: unsteady}
	}
	features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Labels)
	features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Vars)
}

// holds reports whether a rule holds that NFD cannot evaluate, as far as that is known: of one that
// refers to others it is not.
func (s *Snapshot) holds(rule *nfdv1alpha1.Rule) bool {
	group := nfdv1alpha1.GroupRule{Name: rule.Name, MatchFeatures: rule.MatchFeatures, MatchAny: rule.MatchAny}
	return !RefersBack(&group) && s.Matcher(nil).match(nil, []nfdv1alpha1.GroupRule{group})[0].Verdict == verdict.Compatible
}

// prefixed is a label's name with the prefix that nfd-master adds to those that have none.
func prefixed(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return nfdv1alpha1.FeatureLabelNs + "/" + name
}

// labelValue is the value that a label gets; the error is why nfd-master refuses it in its default
// configuration.
func labelValue(name, value string, features *nfdv1alpha1.Features) (string, error) {
	if feature, element, ok := dynamic(value); ok {
		set, known := features.Attributes[feature]
		found, there := set.Elements[element]
		if !known || !there {
			return "", fmt.Errorf("its value %s is not there", value)
		}
		value = found
	} else if strings.HasPrefix(value, "@") {
		return "", fmt.Errorf("its value %s is not as @domain.feature.element", value)
	}
	err := validate.Label(name, value)
	if errors.Is(err, validate.ErrNSNotAllowed) {
		return "", errors.New("its prefix is not allowed, unless nfd-master is told so (extraLabelNs)")
	}
	return value, err
}

// dynamic takes a value apart that is to be an attribute's: @domain.feature.element.
func dynamic(value string) (feature, element string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(value, "@"), ".", 3)
	if !strings.HasPrefix(value, "@") || len(parts) != 3 {
		return "", "", false
	}
	return parts[0] + "." + parts[1], parts[2], true
}
