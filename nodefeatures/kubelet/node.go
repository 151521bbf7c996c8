package kubelet

import (
	"errors"
	"fmt"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// maxNodeObject bounds a Node object, in bytes; real ones have some ten
// kilobytes, and the API server refuses objects above 1.5 MiB or so.
const maxNodeObject = 4 << 20

// nodeObject is the part of a Node, or of a list of them, that is looked at
// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/).
type nodeObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Status struct {
		NodeInfo struct {
			KubeletVersion string `json:"kubeletVersion"`
			MachineID      string `json:"machineID"`
			OS             string `json:"operatingSystem"`
			Architecture   string `json:"architecture"`
			Kernel         string `json:"kernelVersion"`
			Runtime        string `json:"containerRuntimeVersion"`
		} `json:"nodeInfo"`
		DeclaredFeatures []string `json:"declaredFeatures"`
	} `json:"status"`
	Items []nodeObject `json:"items"`
}

// ReadNodeMachine reads what a Node object, as parseNode takes it, says about its machine.
func ReadNodeMachine(data []byte) (*NodeMachine, error) {
	node, err := parseNode(data)
	if err != nil {
		return nil, err
	}
	return node.machine()
}

// machine is what the Node object says about its machine.
func (n nodeObject) machine() (*NodeMachine, error) {
	info := n.Status.NodeInfo
	if len(info.OS)+len(info.Architecture)+len(info.Kernel) > maxMachine {
		return nil, fmt.Errorf("an operatingSystem, architecture and kernelVersion of more than %d bytes", maxMachine)
	}
	return &NodeMachine{OS: info.OS, Architecture: info.Architecture, Kernel: info.Kernel, Runtime: info.Runtime, id: info.MachineID}, nil
}

// OfNode returns what a Node object says about the kubelet: the facts that [Facts.With] makes of it
// where nothing else is known.
func OfNode(name, version string, declared []string) *Facts {
	f := unknown(&verdict.Reason{Code: ReasonNotTold, Message: "the Node object of " + name + " does not tell the kubelet's version", Hint: hintTell})
	if len(version) > maxVersion {
		version = ""
	}
	t := given{declared: declared}
	if version != "" {
		t.versions = []Claim{{Value: version, Given: true, Origin: Origin{Source: SourceNodeObject, Detail: name}}}
	}
	return f.with(t)
}

// WithNode returns the facts with what a Node object tells in their place, as [Facts.With] does: node is
// what [OfNode] makes of it.
func (f *Facts) WithNode(node *Facts) *Facts {
	var t given
	if len(node.DeclaredFeatures) > 0 {
		t.declared = node.DeclaredFeatures
	}
	if v := node.Version; v.Value != "" {
		t.versions = []Claim{{Value: v.Value, Given: true, Origin: *v.Origin}}
	}
	return f.with(t)
}

// parseNode reads what kubectl get node -o json or -o yaml prints: a Node, or
// a list that holds just one.
func parseNode(data []byte) (nodeObject, error) {
	var node nodeObject
	if len(data) > maxNodeObject {
		return node, fmt.Errorf("a Node object of %d bytes: at most %d are read", len(data), maxNodeObject)
	}
	js, err := nodeJSON(data)
	if err == nil {
		err = yamltree.Unmarshal(js, &node)
	}
	switch {
	case err != nil:
		return node, err
	case node.Kind == "List" || node.Kind == "NodeList":
		return only(node)
	case node.Kind != "Node" || node.APIVersion != "v1":
		return node, fmt.Errorf("apiVersion %.64q, kind %.64q is not a Node", node.APIVersion, node.Kind)
	}
	return node, nil
}

// nodeJSON converts the one document of a text to JSON.
func nodeJSON(data []byte) ([]byte, error) {
	documents, err := yamltree.Split(data)
	if err != nil || len(documents) == 0 {
		return []byte("null"), err
	}
	if len(documents) > 1 {
		return nil, severalNodes(len(documents))
	}
	root, items, err := documents[0].Read()
	if err != nil {
		return nil, err
	}
	if items == nil {
		return root.JSON(false)
	}
	n := 0 // of a list that is far too long for one Node
	for _, err := range items {
		if err != nil {
			return nil, err
		}
		n++
	}
	return nil, severalNodes(n)
}

// only returns the one Node of a list; the items of a NodeList need not say
// what they are.
func only(list nodeObject) (nodeObject, error) {
	if len(list.Items) == 0 {
		return nodeObject{}, errors.New("the list holds no Node")
	}
	if len(list.Items) > 1 {
		return nodeObject{}, severalNodes(len(list.Items))
	}
	node := list.Items[0]
	if node.Kind != "Node" && (node.Kind != "" || list.Kind != "NodeList") {
		return nodeObject{}, fmt.Errorf("the list holds a %.64q, not a Node", node.Kind)
	}
	return node, nil
}

func severalNodes(n int) error {
	return fmt.Errorf("it holds %d Nodes: name the one that is meant, as in kubectl get node NAME -o json", n)
}
