package kubelet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
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
		} `json:"nodeInfo"`
		DeclaredFeatures []string `json:"declaredFeatures"`
	} `json:"status"`
	Items []nodeObject `json:"items"`
}

// parseNode reads what kubectl get node -o json or -o yaml prints: a Node, or
// a list that holds just one.
func parseNode(data []byte) (nodeObject, error) {
	var node nodeObject
	if len(data) > maxNodeObject {
		return node, fmt.Errorf("a Node object of %d bytes: at most %d are read", len(data), maxNodeObject)
	}
	if n := documents(data); n > 1 {
		return node, severalNodes(n)
	}
	if err := decode(data, &node); err != nil {
		return node, err
	}
	if node.Kind == "List" || node.Kind == "NodeList" {
		return only(node)
	}
	if node.Kind != "Node" || node.APIVersion != "v1" {
		return node, fmt.Errorf("apiVersion %.64q, kind %.64q is not a Node", node.APIVersion, node.Kind)
	}
	return node, nil
}

// decode reads JSON or YAML; JSON, which kubectl's users mostly save, without
// the detour.
func decode(data []byte, node *nodeObject) error {
	if json.Valid(data) {
		return json.Unmarshal(data, node)
	}
	return yaml.Unmarshal(data, node)
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

// documents counts the YAML documents that are not empty. Three dashes at the
// start of a line begin one wherever they are, inside a block scalar too
// (https://yaml.org/spec/1.2.2/#rule-c-forbidden).
func documents(data []byte) int {
	count, filled := 0, false
	for line := range bytes.Lines(data) {
		content := string(bytes.TrimRight(line, "\r\n"))
		if marker := strings.HasPrefix(content, "---"); marker && strings.TrimLeft(content[3:], " \t") == "" || strings.HasPrefix(content, "--- ") {
			filled = false
			content = content[3:]
		}
		content = strings.TrimSpace(content)
		if !filled && content != "" && content[0] != '#' && content[0] != '%' {
			filled = true
			count++
		}
	}
	return count
}
