package nodefeatures

import (
	"cmp"

	"nodecompat/nodefeatures/kubelet"
)

// An Object is what a Node object says about its node beside what a Snapshot's Node has:
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
type Object struct {
	// Labels are those that were asked for.
	Labels map[string]string
	Taints []Taint
	// Unschedulable says that the node is cordoned.
	Unschedulable bool
	// Ready is the status of the condition of that name: True, False, Unknown, or ""
	// if there is none.
	Ready string
}

// A Taint keeps Pods without a toleration for it away.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

// nodeStatus is the part of a Node's status that is looked at.
type nodeStatus struct {
	NodeInfo *struct {
		OS           string `json:"operatingSystem"`
		Architecture string `json:"architecture"`
		Kernel       string `json:"kernelVersion"`
		Runtime      string `json:"containerRuntimeVersion"`
		Kubelet      string `json:"kubeletVersion"`
	} `json:"nodeInfo"`
	DeclaredFeatures []string `json:"declaredFeatures"`
	Conditions       []struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	} `json:"conditions"`
}

// snapshot is what a Node object tells about its node.
func (o *object) snapshot(options LoadOptions) *Snapshot {
	s := foreign(Node{Name: o.Metadata.Name})
	s.Object = &Object{Labels: map[string]string{}, Taints: o.Spec.Taints, Unschedulable: o.Spec.Unschedulable}
	for name, value := range o.Metadata.Labels {
		if options.AllLabels || options.Labels[name] {
			s.Object.Labels[name] = value
		}
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" {
			s.Object.Ready = c.Status
		}
	}
	if info := o.Status.NodeInfo; info != nil {
		s.Node.OS, s.Node.Architecture, s.Node.Kernel, s.Node.Runtime = info.OS, info.Architecture, info.Kernel, info.Runtime
		s.Kubelet = kubelet.OfNode(o.Metadata.Name, info.Kubelet, o.Status.DeclaredFeatures)
	}
	return s
}

// join adds what a Node object tells to what is known of the node's features. node may be nil.
func (s *Snapshot) join(node *Snapshot) {
	if node == nil {
		return
	}
	s.Object, s.Node = node.Object, s.Node.told(node)
	switch {
	case s.Kubelet == nil:
		s.Kubelet = node.Kubelet
	case node.Kubelet != nil:
		s.Kubelet = s.Kubelet.WithNode(node.Kubelet)
	}
}

// told is the node with what its Node object tells, which is newer than a snapshot; but the kernel is
// that of the features. node may be nil.
func (n Node) told(node *Snapshot) Node {
	if node == nil {
		return n
	}
	n.OS, n.Architecture = cmp.Or(node.Node.OS, n.OS), cmp.Or(node.Node.Architecture, n.Architecture)
	n.Kernel, n.Runtime = cmp.Or(n.Kernel, node.Node.Kernel), cmp.Or(node.Node.Runtime, n.Runtime)
	return n
}
