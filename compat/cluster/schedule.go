package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	scheduling "k8s.io/component-helpers/scheduling/corev1"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// The codes of why a node is no candidate.
const (
	ReasonNotReady     = "nodeNotReady"
	ReasonCordoned     = "nodeCordoned"
	ReasonTaint        = "nodeTaint"
	ReasonNodeSelector = "nodeSelector"
	ReasonNodeAffinity = "nodeAffinity"
	ReasonNodeName     = "nodeName"
)

// Constraints are what a Pod says about the nodes that it may be placed on. The zero value is that of
// bare images, which nobody wants anywhere else than on a node that is ready for everything.
type Constraints struct {
	spec     *corev1.PodSpec // nil for bare images
	selector nodeaffinity.RequiredNodeAffinity
}

// ConstraintsOf are those of a Pod. daemon adds the tolerations that the controller of DaemonSets does.
func ConstraintsOf(spec corev1.PodSpec, daemon bool) Constraints {
	if daemon {
		spec.Tolerations = slices.Concat(spec.Tolerations, daemonTolerations(spec.HostNetwork))
	}
	return Constraints{spec: &spec, selector: nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: spec})}
}

// daemonTolerations are those that every Pod of a DaemonSet has:
// https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
func daemonTolerations(hostNetwork bool) []corev1.Toleration {
	taints := []struct {
		key    string
		effect corev1.TaintEffect
	}{
		{corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute},
		{corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute},
		{corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule},
		{corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule},
		{corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule},
		{corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule},
	}
	list := make([]corev1.Toleration, 0, len(taints)+1)
	for _, t := range taints {
		list = append(list, corev1.Toleration{Key: t.key, Operator: corev1.TolerationOpExists, Effect: t.effect})
	}
	if hostNetwork {
		list = append(list, corev1.Toleration{Key: corev1.TaintNodeNetworkUnavailable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule})
	}
	return list
}

// Labels are the keys of the labels of nodes that the Pod names.
func (c Constraints) Labels() []string {
	if c.spec == nil {
		return nil
	}
	var keys []string
	for key := range c.spec.NodeSelector {
		keys = append(keys, key)
	}
	if a := c.spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, e := range term.MatchExpressions {
				keys = append(keys, e.Key)
			}
		}
	}
	return keys
}

// Exclude says why the scheduler does not consider a node for the Pod; nil if it does, and where
// there is no Node object, which alone could tell.
//
// Of the filters of kube-scheduler these are the ones that look at a Node and nothing else: NodeName,
// NodeUnschedulable, TaintToleration and NodeAffinity. Whether there is room, ports and volumes are
// left out. A Pod that names its node passes by the scheduler; what the kubelet admits is asked then.
// https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
func (c Constraints) Exclude(node nodefeatures.Node, object *nodefeatures.Object) *verdict.Reason {
	switch {
	case object == nil:
		return nil
	case c.spec == nil:
		return excludeFromAll(object)
	}
	named := c.spec.NodeName != ""
	if named && c.spec.NodeName != node.Name {
		return &verdict.Reason{Code: ReasonNodeName, Message: fmt.Sprintf("spec.nodeName is %s", c.spec.NodeName)}
	}
	if !named && object.Unschedulable && !c.tolerates(corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}) {
		return cordoned()
	}
	for _, taint := range object.Taints {
		t := corev1.Taint{Key: taint.Key, Value: taint.Value, Effect: corev1.TaintEffect(taint.Effect)}
		keeps := t.Effect == corev1.TaintEffectNoExecute || t.Effect == corev1.TaintEffectNoSchedule && !named
		if keeps && !c.tolerates(t) {
			if t.Key == corev1.TaintNodeUnschedulable {
				return cordoned()
			}
			return tainted(taint)
		}
	}
	return c.excludeBySelector(node, object)
}

// excludeFromAll keeps bare images on nodes that take every Pod.
func excludeFromAll(object *nodefeatures.Object) *verdict.Reason {
	switch {
	case object.Ready != string(corev1.ConditionTrue):
		return &verdict.Reason{Code: ReasonNotReady, Message: "the node is not ready: the condition Ready is " + cmp.Or(object.Ready, "missing")}
	case object.Unschedulable:
		return cordoned()
	}
	for _, taint := range object.Taints {
		if taint.Effect == string(corev1.TaintEffectNoSchedule) || taint.Effect == string(corev1.TaintEffectNoExecute) {
			return tainted(taint)
		}
	}
	return nil
}

func cordoned() *verdict.Reason {
	return &verdict.Reason{Code: ReasonCordoned, Message: "the node is cordoned"}
}

func tainted(t nodefeatures.Taint) *verdict.Reason {
	name := t.Key
	if t.Value != "" {
		name += "=" + t.Value
	}
	return &verdict.Reason{Code: ReasonTaint, Message: fmt.Sprintf("the taint %s:%s is not tolerated", name, t.Effect)}
}

// tolerates reports whether one of the Pod's tolerations is for the taint.
func (c Constraints) tolerates(taint corev1.Taint) bool {
	return scheduling.TolerationsTolerateTaint(logr.Discard(), c.spec.Tolerations, &taint, false)
}

// excludeBySelector compares the node with nodeSelector and the required node affinity.
func (c Constraints) excludeBySelector(node nodefeatures.Node, object *nodefeatures.Object) *verdict.Reason {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: object.Labels}}
	if matches, err := c.selector.Match(n); err == nil && matches {
		return nil
	}
	keys := make([]string, 0, len(c.spec.NodeSelector))
	for key := range c.spec.NodeSelector {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if want := c.spec.NodeSelector[key]; object.Labels[key] != want {
			return &verdict.Reason{Code: ReasonNodeSelector, Message: fmt.Sprintf("nodeSelector wants the label %s=%s", key, want)}
		}
	}
	return &verdict.Reason{Code: ReasonNodeAffinity, Message: "no term of the required node affinity matches"}
}

// Contradict says why no node with these labels takes the Pod, whatever its other labels are; nil if one may.
func (c Constraints) Contradict(labels map[string]string) *verdict.Reason {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if want, ok := c.spec.NodeSelector[key]; ok && want != labels[key] {
			return &verdict.Reason{Code: ReasonNodeSelector, Message: fmt.Sprintf("nodeSelector wants the label %s=%s, and the node has %s", key, want, labels[key])}
		}
	}
	a := c.spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for _, term := range terms {
		term.MatchFields = nil
		term.MatchExpressions = slices.DeleteFunc(slices.Clone(term.MatchExpressions), func(e corev1.NodeSelectorRequirement) bool {
			_, known := labels[e.Key]
			return !known
		})
		if len(term.MatchExpressions) == 0 {
			return nil
		}
		selector, err := nodeaffinity.NewNodeSelector(&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}})
		if err != nil || selector.Match(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: labels}}) {
			return nil
		}
	}
	if len(terms) == 0 {
		return nil
	}
	node := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		node = append(node, key+"="+labels[key])
	}
	return &verdict.Reason{Code: ReasonNodeAffinity, Message: "no term of the required node affinity matches a node with " + strings.Join(node, " and ")}
}
