package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nodecompat/spec/yamltree"
)

// A kindCluster is what kind create cluster --config takes, as far as it says something about
// kubelets (https://kind.sigs.k8s.io/docs/user/configuration/).
type kindCluster struct {
	APIVersion           string          `json:"apiVersion"`
	Kind                 string          `json:"kind"`
	FeatureGates         map[string]bool `json:"featureGates"`
	KubeadmConfigPatches []string        `json:"kubeadmConfigPatches"`
	Nodes                []kindNode      `json:"nodes"`
}

type kindNode struct {
	Role                 string   `json:"role"`
	Image                string   `json:"image"`
	KubeadmConfigPatches []string `json:"kubeadmConfigPatches"`
}

const (
	kindAPIVersion   = "kind.x-k8s.io/v1alpha4"
	roleControlPlane = "control-plane"
)

// parseKind reads a kind cluster. ok says whether data is one at all.
func parseKind(data []byte) (c kindCluster, ok bool, err error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
	}
	js, err := yamltree.JSON(data) // of what is no YAML, whoever takes it for something else says what is wrong
	if ok = err == nil && json.Unmarshal(js, &head) == nil && head.APIVersion == kindAPIVersion; !ok {
		return c, false, nil
	}
	if err := json.Unmarshal(js, &c); err != nil || c.Kind != "Cluster" {
		return c, true, errors.New("not a Cluster of " + kindAPIVersion)
	}
	return c, true, nil
}

// node returns the first node with a role, the first control plane without one. A cluster
// without nodes has one control plane.
func (c kindCluster) node(role string) (kindNode, error) {
	if role == "" {
		role = roleControlPlane
	}
	for _, n := range c.Nodes {
		if n.Role == role || n.Role == "" && role == roleControlPlane {
			return n, nil
		}
	}
	if len(c.Nodes) == 0 && role == roleControlPlane {
		return kindNode{}, nil
	}
	return kindNode{}, fmt.Errorf("the cluster has no node with the role %.64q", role)
}

// gates are those that the node's kubelet is configured with: the cluster's, and those of
// patches of its KubeletConfiguration, the node's own last.
func (c kindCluster) gates(n kindNode) (map[string]*bool, error) {
	gates := map[string]*bool{}
	for name, value := range c.FeatureGates {
		gates[name] = &value
	}
	for _, patch := range slices.Concat(c.KubeadmConfigPatches, n.KubeadmConfigPatches) {
		set, err := parseConfig([]byte(patch), isKubelets)
		if err != nil && !errors.Is(err, errOtherKind) {
			return nil, fmt.Errorf("reading kubeadmConfigPatches: %w", err)
		}
		maps.Copy(gates, set)
	}
	return gates, nil
}

// version is the Kubernetes version in the name of the node's image, kindest/node:v1.34.0@sha256:…;
// "" if it does not tell.
func (n kindNode) version() string {
	name, _, _ := strings.Cut(n.Image, "@")
	_, tag, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if _, err := ParseRelease(tag); err != nil {
		return ""
	}
	return tag
}

// readKind takes the facts about a node of a kind cluster.
func (t *given) readKind(c kindCluster, role, file string) error {
	n, err := c.node(role)
	if err != nil {
		return err
	}
	gates, err := c.gates(n)
	if err != nil {
		return err
	}
	origin := Origin{Source: SourceConfigFile, Path: file, Detail: optionConfigFile}
	l := newLayer(origin, true, nil)
	l.set = gates
	l.nullsAreFalse()
	for _, patch := range slices.Concat(c.KubeadmConfigPatches, n.KubeadmConfigPatches) {
		if names := parseSysctls([]byte(patch)); names != nil {
			l.sysctls = names
		}
	}
	t.config = &l
	if version := n.version(); version != "" && len(t.versions) == 0 {
		t.versions = append(t.versions, Claim{Value: version, Given: true, Origin: origin})
	}
	return nil
}

// onlyConfiguration returns the KubeletConfiguration among the documents of a file, which for
// kubeadm can hold more; the file as it is if it has one document, or none of that kind.
func onlyConfiguration(data []byte) []byte {
	documents, err := yamltree.Split(data)
	if err != nil || len(documents) < 2 {
		return data
	}
	for _, d := range documents {
		if _, err := parseConfig(d.Data, isKubelets); !errors.Is(err, errOtherKind) {
			return d.Data
		}
	}
	return data
}
