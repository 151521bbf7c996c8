package cluster

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/nodefeatures"
)

func toleration(key, operator, value, effect string) corev1.Toleration {
	return corev1.Toleration{Key: key, Operator: corev1.TolerationOperator(operator), Value: value, Effect: corev1.TaintEffect(effect)}
}

// affinity requires one of terms; of a term, key In values.
func affinity(terms ...[]string) *corev1.Affinity {
	var list []corev1.NodeSelectorTerm
	for _, t := range terms {
		term := corev1.NodeSelectorTerm{}
		if len(t) > 0 {
			term.MatchExpressions = []corev1.NodeSelectorRequirement{{Key: t[0], Operator: corev1.NodeSelectorOpIn, Values: t[1:]}}
		}
		list = append(list, term)
	}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: list}}}
}

// What kube-scheduler's filters that look at nothing but the Node say.
func TestExclude(t *testing.T) {
	t.Parallel()
	ready := nodefeatures.Object{Ready: "True"}
	with := func(change func(*nodefeatures.Object)) nodefeatures.Object {
		o := ready
		change(&o)
		return o
	}
	tainted := func(key, value, effect string) nodefeatures.Object {
		return with(func(o *nodefeatures.Object) {
			o.Taints = []nodefeatures.Taint{{Key: key, Value: value, Effect: effect}}
		})
	}
	labelled := func(key, value string) nodefeatures.Object {
		return with(func(o *nodefeatures.Object) { o.Labels = map[string]string{key: value} })
	}
	cordoned := with(func(o *nodefeatures.Object) { o.Unschedulable = true })
	notReady := with(func(o *nodefeatures.Object) { o.Ready = "False" })
	tolerates := func(list ...corev1.Toleration) *corev1.PodSpec { return &corev1.PodSpec{Tolerations: list} }
	none := &corev1.PodSpec{}
	for _, tt := range []struct {
		name   string
		spec   *corev1.PodSpec // nil for bare images
		daemon bool
		object nodefeatures.Object
		want   string
	}{
		{"images, ready", nil, false, ready, ""},
		{"images, not ready", nil, false, notReady, ReasonNotReady},
		{"images, no condition", nil, false, nodefeatures.Object{}, ReasonNotReady},
		{"images, cordoned", nil, false, cordoned, ReasonCordoned},
		{"images, tainted", nil, false, tainted("a", "", "NoSchedule"), ReasonTaint},
		{"images, no execution", nil, false, tainted("a", "", "NoExecute"), ReasonTaint},
		{"images, preferred elsewhere", nil, false, tainted("a", "", "PreferNoSchedule"), ""},
		{"ready", none, false, ready, ""},
		{"not ready is told by a taint", none, false, notReady, ""},
		{"cordoned", none, false, cordoned, ReasonCordoned},
		{"cordoned, told by the taint", none, false, tainted(corev1.TaintNodeUnschedulable, "", "NoSchedule"), ReasonCordoned},
		{"cordoned, tolerated", tolerates(toleration(corev1.TaintNodeUnschedulable, "Exists", "", "")), false, cordoned, ""},
		{"tainted", none, false, tainted("a", "b", "NoSchedule"), ReasonTaint},
		{"no execution", none, false, tainted("a", "b", "NoExecute"), ReasonTaint},
		{"preferred elsewhere", none, false, tainted("a", "b", "PreferNoSchedule"), ""},
		{"tolerated", tolerates(toleration("a", "Equal", "b", "NoSchedule")), false, tainted("a", "b", "NoSchedule"), ""},
		{"tolerated by default operator", tolerates(toleration("a", "", "b", "")), false, tainted("a", "b", "NoSchedule"), ""},
		{"another value", tolerates(toleration("a", "Equal", "c", "")), false, tainted("a", "b", "NoSchedule"), ReasonTaint},
		{"another effect", tolerates(toleration("a", "Exists", "", "NoSchedule")), false, tainted("a", "b", "NoExecute"), ReasonTaint},
		{"everything is tolerated", tolerates(toleration("", "Exists", "", "")), false, tainted("a", "b", "NoExecute"), ""},
		{"a daemon on a cordoned node", none, true, cordoned, ""},
		{"a daemon under pressure", none, true, tainted(corev1.TaintNodeDiskPressure, "", "NoSchedule"), ""},
		{"a daemon on an unreachable node", none, true, tainted(corev1.TaintNodeUnreachable, "", "NoExecute"), ""},
		{"a daemon and a taint", none, true, tainted("a", "", "NoSchedule"), ReasonTaint},
		{"a daemon without network", none, true, tainted(corev1.TaintNodeNetworkUnavailable, "", "NoSchedule"), ReasonTaint},
		{"a daemon with the host's", &corev1.PodSpec{HostNetwork: true}, true, tainted(corev1.TaintNodeNetworkUnavailable, "", "NoSchedule"), ""},
		{"selected", &corev1.PodSpec{NodeSelector: map[string]string{"pool": "x"}}, false, labelled("pool", "x"), ""},
		{"not selected", &corev1.PodSpec{NodeSelector: map[string]string{"pool": "x"}}, false, labelled("pool", "y"), ReasonNodeSelector},
		{"affine", &corev1.PodSpec{Affinity: affinity([]string{"zone", "a"}, []string{"pool", "x"})}, false, labelled("pool", "x"), ""},
		{"not affine", &corev1.PodSpec{Affinity: affinity([]string{"zone", "a"})}, false, labelled("zone", "b"), ReasonNodeAffinity},
		{"an empty term matches nothing", &corev1.PodSpec{Affinity: affinity(nil)}, false, labelled("zone", "b"), ReasonNodeAffinity},
		{"named", &corev1.PodSpec{NodeName: "n"}, false, cordoned, ""},
		{"named, tainted", &corev1.PodSpec{NodeName: "n"}, false, tainted("a", "", "NoSchedule"), ""},
		{"named, no execution", &corev1.PodSpec{NodeName: "n"}, false, tainted("a", "", "NoExecute"), ReasonTaint},
		{"another is named", &corev1.PodSpec{NodeName: "m"}, false, ready, ReasonNodeName},
	} {
		c := Constraints{}
		if tt.spec != nil {
			c = ConstraintsOf(*tt.spec, tt.daemon)
		}
		got := ""
		if why := c.Exclude(nodefeatures.Node{Name: "n"}, &tt.object); why != nil {
			if got = why.Code; why.Message == "" {
				t.Errorf("%s: no message", tt.name)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if c.Exclude(nodefeatures.Node{Name: "n"}, nil) != nil {
			t.Errorf("%s: excluded without a Node object", tt.name)
		}
	}
}

// The labels that a Pod names are those that are kept of a Node.
func TestConstraintLabels(t *testing.T) {
	t.Parallel()
	got := ConstraintsOf(corev1.PodSpec{NodeSelector: map[string]string{"pool": "x"}, Affinity: affinity([]string{"zone", "a"}, nil)}, false).Labels()
	if !slices.Equal(got, []string{"pool", "zone"}) || (Constraints{}).Labels() != nil {
		t.Errorf("got %q", got)
	}
}

// What is known of a node's labels is enough to say that it takes no Pod that asks for others.
func TestContradict(t *testing.T) {
	t.Parallel()
	const arch, system = corev1.LabelArchStable, corev1.LabelOSStable
	selects := func(key, value string) *corev1.PodSpec {
		return &corev1.PodSpec{NodeSelector: map[string]string{key: value, "pool": "x"}}
	}
	affine := func(terms ...[]string) *corev1.PodSpec { return &corev1.PodSpec{Affinity: affinity(terms...)} }
	for _, tt := range []struct {
		name   string
		spec   *corev1.PodSpec
		labels map[string]string
		want   string
	}{
		{"nothing is asked", &corev1.PodSpec{}, map[string]string{arch: "amd64"}, ""},
		{"another label", selects("zone", "a"), map[string]string{arch: "amd64"}, ""},
		{"its own", selects(arch, "amd64"), map[string]string{arch: "amd64", system: "linux"}, ""},
		{"another", selects(arch, "arm64"), map[string]string{arch: "amd64"}, "nodeSelector wants the label kubernetes.io/arch=arm64, and the node has amd64"},
		{"not known", selects(arch, "arm64"), nil, ""},
		{"affine", affine([]string{arch, "amd64"}), map[string]string{arch: "amd64"}, ""},
		{"not affine", affine([]string{arch, "arm64"}), map[string]string{arch: "amd64"}, "no term of the required node affinity matches a node with kubernetes.io/arch=amd64"},
		{"affine to one of two", affine([]string{arch, "arm64"}, []string{"zone", "a"}), map[string]string{arch: "amd64"}, ""},
		{
			"affine to neither", affine([]string{arch, "arm64"}, []string{system, "windows"}),
			map[string]string{arch: "amd64", system: "linux"},
			"no term of the required node affinity matches a node with kubernetes.io/arch=amd64 and kubernetes.io/os=linux",
		},
		{"affine, not known", affine([]string{arch, "arm64"}), nil, ""},
		{"no terms", affine(), map[string]string{arch: "amd64"}, ""},
	} {
		got := ""
		if why := ConstraintsOf(*tt.spec, false).Contradict(tt.labels); why != nil {
			got = why.Message
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
