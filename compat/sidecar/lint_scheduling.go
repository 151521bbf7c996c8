package sidecar

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"nodecompat/compat/manifest"
)

// scheduling is what decides where a Pod runs.
func (l *linter) scheduling() {
	spec := &l.pod.Spec
	l.labels(l.spec("nodeSelector"), spec.NodeSelector)
	l.affinity(spec.Affinity)
	for i := range spec.Tolerations {
		l.toleration(l.spec("tolerations").item(i), &spec.Tolerations[i])
	}
	l.spread(spec.TopologySpreadConstraints)
	gates := map[string]bool{}
	for i, gate := range spec.SchedulingGates {
		at := l.spec("schedulingGates").item(i).at("name")
		l.syntax(at, gate.Name, validation.IsQualifiedName(gate.Name))
		if gates[gate.Name] {
			l.refuse(at, "keep one of the two", "Duplicate value: %q", manifest.Shorten(gate.Name))
		}
		gates[gate.Name] = true
	}
	if !l.created() && spec.NodeName != "" && len(gates) > 0 {
		l.refuse(l.spec("nodeName"), "remove it, or schedulingGates", "Forbidden: cannot be set until all schedulingGates have been cleared")
	}
	for i, gate := range spec.ReadinessGates {
		l.syntax(l.spec("readinessGates").item(i).at("conditionType"), string(gate.ConditionType), validation.IsQualifiedName(string(gate.ConditionType)))
	}
}

// toleration is one of a taint of nodes.
func (l *linter) toleration(at place, t *corev1.Toleration) {
	if l.leftOut(at) {
		return
	}
	if t.Key != "" {
		l.syntax(at.at("key"), t.Key, validation.IsQualifiedName(t.Key))
	} else if t.Operator != corev1.TolerationOpExists {
		l.refuse(at.at("operator"), "name the taint's key, or tolerate all:\noperator: Exists", "Invalid value: %.60q: operator must be Exists when `key` is empty", string(t.Operator))
	}
	if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
		l.refuse(at.at("effect"), "remove tolerationSeconds, or:\neffect: NoExecute", "Invalid value: %.60q: effect must be 'NoExecute' when `tolerationSeconds` is set", string(t.Effect))
	}
	switch t.Operator {
	case "", corev1.TolerationOpEqual:
		l.syntax(at.at("value"), t.Value, validation.IsValidLabelValue(t.Value))
	case corev1.TolerationOpExists:
		if t.Value != "" {
			l.refuse(at.at("value"), "remove it, or:\noperator: Equal", "Invalid value: %.60q: value must be empty when `operator` is 'Exists'", t.Value)
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt:
		l.comparison(at, t)
	default:
		l.mustBeOneOf(at.at("operator"), string(t.Operator), "Equal", "Exists")
	}
	l.oneOf(at.at("effect"), string(t.Effect), "NoSchedule", "PreferNoSchedule", "NoExecute")
}

// comparison is a toleration by number, which takes a gate.
func (l *linter) comparison(at place, t *corev1.Toleration) {
	switch _, err := strconv.ParseInt(t.Value, 10, 64); {
	case !l.target.Gates[gateComparedTaints]:
		l.mustBeOneOf(at.at("operator"), string(t.Operator), "Equal", "Exists")
	case err != nil:
		l.refuse(at.at("value"), "write a whole number", "Invalid value: %.60q: must be a whole number", t.Value)
	}
}

// spread is how the Pods of a workload are spread over nodes.
func (l *linter) spread(constraints []corev1.TopologySpreadConstraint) {
	taken := map[[2]string]bool{}
	for i := range constraints {
		c, at := &constraints[i], l.spec("topologySpreadConstraints").item(i)
		if c.MaxSkew <= 0 {
			l.refuse(at.at("maxSkew"), "say by how much:\nmaxSkew: 1", "Invalid value: %d: must be greater than zero", c.MaxSkew)
		}
		l.required(at.at("topologyKey"), c.TopologyKey)
		l.mustBeOneOf(at.at("whenUnsatisfiable"), string(c.WhenUnsatisfiable), "DoNotSchedule", "ScheduleAnyway")
		kind := [2]string{c.TopologyKey, string(c.WhenUnsatisfiable)}
		if taken[kind] {
			l.refuse(at, "keep one of the two", "Duplicate value: another constraint has the same topologyKey and whenUnsatisfiable")
		}
		taken[kind] = true
		if n := c.MinDomains; n != nil && *n <= 0 {
			l.refuse(at.at("minDomains"), "remove it, or raise it", "Invalid value: %d: must be greater than zero", *n)
		} else if n != nil && c.WhenUnsatisfiable == corev1.ScheduleAnyway {
			l.refuse(at.at("minDomains"), "remove it", "Invalid value: %d: can only use minDomains if whenUnsatisfiable=DoNotSchedule", *n)
		}
		for _, policy := range []struct {
			field string
			value *corev1.NodeInclusionPolicy
		}{{"nodeAffinityPolicy", c.NodeAffinityPolicy}, {"nodeTaintsPolicy", c.NodeTaintsPolicy}} {
			if policy.value != nil {
				l.mustBeOneOf(at.at(policy.field), string(*policy.value), "Honor", "Ignore")
			}
		}
		l.labelSelector(at.at("labelSelector"), c.LabelSelector)
		l.labelKeys(at, c.MatchLabelKeys, nil, c.LabelSelector)
	}
}

// labelSelector is one that need not select anything.
func (l *linter) labelSelector(at place, s *metav1.LabelSelector) {
	l.refuseAll(at.container, "correct the selector", metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, field.NewPath(at.path)))
}

// labelKeys are keys of labels whose values are those of the Pod itself.
func (l *linter) labelKeys(parent place, match, mismatch []string, selector *metav1.LabelSelector) {
	for _, list := range []struct {
		field string
		keys  []string
	}{{"matchLabelKeys", match}, {"mismatchLabelKeys", mismatch}} {
		at := parent.at(list.field)
		if selector == nil {
			if len(list.keys) > 0 && !l.leftOut(parent) {
				l.refuse(at, "add a labelSelector", "Forbidden: must not be specified when labelSelector is not set")
			}
			continue
		}
		for i, key := range list.keys {
			l.syntax(at.item(i), key, validation.IsQualifiedName(key))
			if list.field == "mismatchLabelKeys" {
				continue
			}
			if slices.Contains(mismatch, key) {
				l.refuse(at.item(i), "keep one of the two", "Invalid value: %.100q: exists in both matchLabelKeys and mismatchLabelKeys", key)
			}
			if l.selectedTwice(selector, key) {
				l.refuse(at.item(i), "keep one of the two", "Invalid value: %.100q: exists in both matchLabelKeys and labelSelector", key)
			}
		}
	}
}

// selectedTwice reports whether a selector has two requirements of a label, once that is added
// which the API server makes of the Pod's own label.
func (l *linter) selectedTwice(s *metav1.LabelSelector, key string) bool {
	n := 0
	if _, ok := s.MatchLabels[key]; ok {
		n++
	}
	for _, r := range s.MatchExpressions {
		if r.Key == key {
			n++
		}
	}
	if _, ok := l.pod.Labels[key]; ok && !l.created() {
		n++
	}
	return n > 1
}

// affinity is for nodes, for other Pods, or against them.
func (l *linter) affinity(a *corev1.Affinity) {
	if a == nil {
		return
	}
	const required, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
	if node := a.NodeAffinity; node != nil {
		at := l.spec("affinity.nodeAffinity")
		if s := node.RequiredDuringSchedulingIgnoredDuringExecution; s != nil {
			l.nodeSelector(at.at(required+".nodeSelectorTerms"), s)
		}
		for i := range node.PreferredDuringSchedulingIgnoredDuringExecution {
			term, at := &node.PreferredDuringSchedulingIgnoredDuringExecution[i], at.at(preferred).item(i)
			l.weight(at, term.Weight)
			l.nodeTerm(at.at("preference"), &term.Preference, false)
		}
	}
	pods := func(at place, needed []corev1.PodAffinityTerm, wanted []corev1.WeightedPodAffinityTerm) {
		for i := range needed {
			l.podTerm(at.at(required).item(i), &needed[i])
		}
		for i := range wanted {
			at := at.at(preferred).item(i)
			l.weight(at, wanted[i].Weight)
			l.podTerm(at.at("podAffinityTerm"), &wanted[i].PodAffinityTerm)
		}
	}
	if p := a.PodAffinity; p != nil {
		pods(l.spec("affinity.podAffinity"), p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p := a.PodAntiAffinity; p != nil {
		pods(l.spec("affinity.podAntiAffinity"), p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

func (l *linter) weight(at place, weight int32) {
	if weight < 1 || weight > 100 {
		l.refuse(at.at("weight"), "choose one from 1 to 100", "Invalid value: %d: must be in the range 1-100", weight)
	}
}

// nodeSelector is what nodes have to be like.
func (l *linter) nodeSelector(at place, s *corev1.NodeSelector) {
	if len(s.NodeSelectorTerms) == 0 {
		l.refuse(at, "add a term, or remove the affinity", "Required value: must have at least one node selector term")
	}
	for i := range s.NodeSelectorTerms {
		l.nodeTerm(at.item(i), &s.NodeSelectorTerms[i], true)
	}
}

// nodeTerm is about labels and fields of nodes. strict is for values that have to be those of
// labels, which API servers before 1.32 did not check.
func (l *linter) nodeTerm(at place, term *corev1.NodeSelectorTerm, strict bool) {
	for i, r := range term.MatchExpressions {
		at := at.at("matchExpressions").item(i)
		l.syntax(at.at("key"), r.Key, validation.IsQualifiedName(r.Key))
		l.nodeOperator(at, r)
		for i, value := range r.Values {
			if strict && !before(l.target.API, minor(32)) {
				l.syntax(at.at("values").item(i), value, validation.IsValidLabelValue(value))
			}
		}
	}
	for i, r := range term.MatchFields {
		at := at.at("matchFields").item(i)
		l.mustBeOneOf(at.at("key"), r.Key, "metadata.name")
		l.mustBeOneOf(at.at("operator"), string(r.Operator), "In", "NotIn")
		if len(r.Values) != 1 {
			l.refuse(at.at("values"), "name one node", "Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
		}
		for i, value := range r.Values {
			if r.Key == metav1.ObjectNameField {
				l.syntax(at.at("values").item(i), value, validation.IsDNS1123Subdomain(value))
			}
		}
	}
}

// nodeOperator compares a node's label with values.
func (l *linter) nodeOperator(at place, r corev1.NodeSelectorRequirement) {
	l.mustBeOneOf(at.at("operator"), string(r.Operator), "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
	values, n := at.at("values"), len(r.Values)
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if n == 0 {
			l.refuse(values, "add the values", "Required value: must be specified when `operator` is 'In' or 'NotIn'")
		}
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		if n > 0 {
			l.refuse(values, "remove them, or:\noperator: In", "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
		}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		if n != 1 {
			l.refuse(values, "write one number", "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'")
		}
	}
}

// podTerm is about other Pods.
func (l *linter) podTerm(at place, term *corev1.PodAffinityTerm) {
	if l.required(at.at("topologyKey"), term.TopologyKey) {
		l.syntax(at.at("topologyKey"), term.TopologyKey, validation.IsQualifiedName(term.TopologyKey))
	}
	for i, namespace := range term.Namespaces {
		l.syntax(at.at("namespaces").item(i), namespace, validation.IsDNS1123Label(namespace))
	}
	l.labelSelector(at.at("labelSelector"), term.LabelSelector)
	l.labelSelector(at.at("namespaceSelector"), term.NamespaceSelector)
	if l.target.apiGate(gateAffinityLabelKeys, 31) {
		l.labelKeys(at, term.MatchLabelKeys, term.MismatchLabelKeys, term.LabelSelector)
	}
}
