package placement

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Keys of the labels that every node has.
const (
	osLabel           = corev1.LabelOSStable
	architectureLabel = corev1.LabelArchStable
)

// Constraints are what the nodes of a Pod must have, and what is better.
type Constraints struct {
	// Domain is that of the labels that are ours: what asks for others of it comes from an
	// earlier run, and is replaced.
	Domain string
	// Labels are keys of labels that must be "true".
	Labels []string
	// Groups are alternatives, one of which must hold; none are no constraint.
	Groups []Group
	// Ranks are better nodes.
	Ranks []Rank
}

// A Group is nodes of a platform, which must have labels of their own.
type Group struct {
	OS            string
	Architectures []string
	Labels        []string
}

// A Rank is a label by which nodes are ranked: from 1 to Best, the highest.
type Rank struct {
	Label string
	Best  int
}

// requirements are the group's. Those that a second run takes out and writes again come first.
func (g Group) requirements() []corev1.NodeSelectorRequirement {
	in := func(key string, values ...string) corev1.NodeSelectorRequirement {
		return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
	}
	var list []corev1.NodeSelectorRequirement
	for _, label := range g.Labels {
		list = append(list, in(label, "true"))
	}
	return append(list, in(architectureLabel, g.Architectures...), in(osLabel, g.OS))
}

// Required are the labels that nodes of some group must have, each once.
func (c Constraints) Required() []string {
	labels := slices.Clone(c.Labels)
	for _, g := range c.Groups {
		labels = append(labels, g.Labels...)
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// Earlier are the labels of the domain that a PodSpec requires: an earlier run wrote them.
func (c Constraints) Earlier(spec *corev1.PodSpec) []string {
	labels := slices.DeleteFunc(slices.Collect(maps.Keys(spec.NodeSelector)), func(key string) bool { return !c.owns(key) })
	if affinity := nodeAffinity(spec); affinity != nil && affinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, r := range term.MatchExpressions {
				if c.owns(r.Key) {
					labels = append(labels, r.Key)
				}
			}
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// Applied reports whether a PodSpec has the constraints, and none of another run.
func (c Constraints) Applied(spec *corev1.PodSpec) bool {
	applied := spec.DeepCopy()
	c.Apply(applied)
	return equal(*applied, *spec.DeepCopy())
}

// preferences are one for each rank but the lowest, which all nodes have.
func (c Constraints) preferences() []corev1.PreferredSchedulingTerm {
	var list []corev1.PreferredSchedulingTerm
	for _, r := range c.Ranks {
		for n := r.Best; n > 1; n-- {
			list = append(list, corev1.PreferredSchedulingTerm{
				Weight: int32(max(1, 100*(n-1)/(r.Best-1))),
				Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: r.Label, Operator: corev1.NodeSelectorOpIn, Values: []string{strconv.Itoa(n)}},
				}},
			})
		}
	}
	return list
}

// owns reports whether a label is ours.
func (c Constraints) owns(key string) bool { return strings.HasPrefix(key, c.Domain+"/") }

func (c Constraints) ownsRequirement(r corev1.NodeSelectorRequirement) bool { return c.owns(r.Key) }

// ownsPreference reports whether a preferred term asks for a label of ours.
func (c Constraints) ownsPreference(t corev1.PreferredSchedulingTerm) bool {
	return slices.ContainsFunc(t.Preference.MatchExpressions, c.ownsRequirement)
}

// strip takes out what an earlier run wrote. A term keeps its last requirement, since an empty one
// matches nothing.
func (c Constraints) strip(spec *corev1.PodSpec) {
	for key := range spec.NodeSelector {
		if c.owns(key) {
			delete(spec.NodeSelector, key)
		}
	}
	affinity := nodeAffinity(spec)
	if affinity == nil {
		return
	}
	affinity.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(affinity.PreferredDuringSchedulingIgnoredDuringExecution, c.ownsPreference)
	if affinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return
	}
	terms := affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		if !slices.ContainsFunc(terms[i].MatchExpressions, func(r corev1.NodeSelectorRequirement) bool { return !c.owns(r.Key) }) {
			continue
		}
		terms[i].MatchExpressions = slices.DeleteFunc(terms[i].MatchExpressions, c.ownsRequirement)
	}
}

func nodeAffinity(spec *corev1.PodSpec) *corev1.NodeAffinity {
	if spec.Affinity == nil {
		return nil
	}
	return spec.Affinity.NodeAffinity
}

// Apply adds the constraints to a PodSpec that has them not, or replaces those of an earlier run.
func (c Constraints) Apply(spec *corev1.PodSpec) {
	c.strip(spec)
	if len(c.Labels) > 0 && spec.NodeSelector == nil {
		spec.NodeSelector = map[string]string{}
	}
	for _, key := range c.Labels {
		spec.NodeSelector[key] = "true"
	}
	terms, changed := c.terms(spec)
	preferences := c.preferences()
	if !changed && len(preferences) == 0 {
		return
	}
	if spec.Affinity == nil {
		spec.Affinity = &corev1.Affinity{}
	}
	if spec.Affinity.NodeAffinity == nil {
		spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	affinity := spec.Affinity.NodeAffinity
	affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(preferences, affinity.PreferredDuringSchedulingIgnoredDuringExecution...)
	if changed {
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{NodeSelectorTerms: terms}
	}
}

// terms are those that the Pod's nodes must satisfy one of, and whether they are others than now.
func (c Constraints) terms(spec *corev1.PodSpec) (terms []corev1.NodeSelectorTerm, changed bool) {
	selected := selectorRequirements(spec.NodeSelector)
	if affinity := nodeAffinity(spec); affinity != nil && affinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range affinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			parts := c.distribute(term, selected)
			for _, added := range parts {
				copied := *term.DeepCopy()
				copied.MatchExpressions = append(slices.Clone(added), copied.MatchExpressions...)
				terms = append(terms, copied)
				changed = changed || len(added) > 0
			}
			changed = changed || len(parts) > 1
		}
		return terms, changed
	}
	for _, added := range c.distribute(anything, selected) {
		if len(added) == 0 {
			return nil, false
		}
		terms = append(terms, corev1.NodeSelectorTerm{MatchExpressions: added})
	}
	return terms, len(terms) > 0
}

// anything stands for the term of a Pod without any. Terms that are empty match nothing.
var anything = corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{}}}

// distribute returns, for each copy of a term, what must be added to it: one copy for each group that
// does not contradict the term. A term that is empty matches nothing, and stays so.
func (c Constraints) distribute(term corev1.NodeSelectorTerm, selected []corev1.NodeSelectorRequirement) [][]corev1.NodeSelectorRequirement {
	if len(c.Groups) == 0 || len(term.MatchExpressions)+len(term.MatchFields) == 0 {
		return [][]corev1.NodeSelectorRequirement{nil}
	}
	known := slices.Concat(selected, term.MatchExpressions)
	var parts [][]corev1.NodeSelectorRequirement
	for _, g := range c.Groups {
		switch {
		case contradicts(known, g.requirements()):
		case len(g.Labels) > 0: // a term has more than what strip takes out
			parts = append(parts, missingOf(term.MatchExpressions, g.requirements()))
		default:
			parts = append(parts, missingOf(known, g.requirements()))
		}
	}
	if len(parts) == 0 { // it is for other platforms: no node may be left
		parts = append(parts, missingOf(known, c.Groups[0].requirements()))
	}
	return parts
}

func selectorRequirements(selector map[string]string) []corev1.NodeSelectorRequirement {
	var list []corev1.NodeSelectorRequirement
	for _, key := range []string{architectureLabel, osLabel} {
		if value, ok := selector[key]; ok {
			list = append(list, corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}})
		}
	}
	return list
}

// contradicts reports whether no node can satisfy both.
func contradicts(known, wanted []corev1.NodeSelectorRequirement) bool {
	return slices.ContainsFunc(wanted, func(w corev1.NodeSelectorRequirement) bool {
		return slices.ContainsFunc(known, func(k corev1.NodeSelectorRequirement) bool {
			return k.Key == w.Key && k.Operator == corev1.NodeSelectorOpIn &&
				!slices.ContainsFunc(k.Values, func(v string) bool { return slices.Contains(w.Values, v) })
		})
	})
}

// missingOf are the requirements that do not follow from those that are there.
func missingOf(known, wanted []corev1.NodeSelectorRequirement) []corev1.NodeSelectorRequirement {
	var list []corev1.NodeSelectorRequirement
	for _, w := range wanted {
		follows := slices.ContainsFunc(known, func(k corev1.NodeSelectorRequirement) bool {
			return k.Key == w.Key && k.Operator == corev1.NodeSelectorOpIn && len(k.Values) > 0 &&
				!slices.ContainsFunc(k.Values, func(v string) bool { return !slices.Contains(w.Values, v) })
		})
		if !follows {
			list = append(list, w)
		}
	}
	return list
}

// Groups joins platforms of which the labels are the same.
func Groups(platforms []Group) []Group {
	var groups []Group
	for _, p := range platforms {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.OS == p.OS && slices.Equal(g.Labels, p.Labels) })
		if i < 0 {
			groups = append(groups, Group{OS: p.OS, Labels: p.Labels})
			i = len(groups) - 1
		}
		groups[i].Architectures = append(groups[i].Architectures, p.Architectures...)
	}
	for i := range groups {
		slices.Sort(groups[i].Architectures)
		groups[i].Architectures = slices.Compact(groups[i].Architectures)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.OS, b.OS), slices.Compare(a.Architectures, b.Architectures))
	})
	return groups
}
