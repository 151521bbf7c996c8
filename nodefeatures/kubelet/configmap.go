package kubelet

import (
	"encoding/json"
	"fmt"

	"nodecompat/spec/yamltree"
)

// configMapKey is where kubeadm keeps the configuration that it gives to every
// node that joins, in the ConfigMap kube-system/kubelet-config
// (https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/).
const configMapKey = "kubelet"

// configMap is the part of a ConfigMap that is looked at
// (https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/).
type configMap struct {
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
}

// parseConfigMap reads what kubectl get configmap -o json or -o yaml prints. ok
// says whether data is a ConfigMap at all; what it is instead is not looked at.
func parseConfigMap(data []byte) (m configMap, ok bool, err error) {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	js, err := yamltree.JSON(data)
	ok = err == nil && json.Unmarshal(js, &kind) == nil && kind.APIVersion == "v1" && kind.Kind == "ConfigMap"
	if !ok {
		return m, false, nil
	}
	if err := yamltree.Unmarshal(js, &m); err != nil {
		return m, true, err
	}
	if _, ok := m.Data[configMapKey]; !ok {
		return m, true, fmt.Errorf("%w: a ConfigMap without the key %s, which kube-system/kubelet-config has", errNotConfiguration, configMapKey)
	}
	return m, true, nil
}

// name is NAMESPACE/NAME, as far as it is known.
func (m configMap) name() string {
	if m.Metadata.Namespace == "" {
		return m.Metadata.Name
	}
	return m.Metadata.Namespace + "/" + m.Metadata.Name
}

// layer makes a layer of the configuration in it; path is where it was read from.
func (m configMap) layer(path string) (*layer, error) {
	gates, err := parseConfig([]byte(m.Data[configMapKey]), isConfiguration)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", configMapKey, err)
	}
	l := layer{origin: Origin{Source: SourceConfigMap, Path: path, Detail: m.name()}, given: true, set: gates}
	l.nullsAreFalse()
	return &l, nil
}
