package placement

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
)

var errPatch = errors.New("a patch cannot name one item of a list of another kind than Kubernetes' own")

// Patch is a strategic merge patch that adds the constraints to an object, and takes out those of an
// earlier run: nodeSelector is merged key by key, and the terms of node affinity, which such a patch
// replaces, are all that there must be then. It is nil where there is nothing to say.
func (c Constraints) Patch(p manifest.Pod) ([]byte, error) {
	spec := p.Spec.DeepCopy()
	c.Apply(spec)
	changed := map[string]any{}
	if selector := c.patchSelector(p); len(selector) > 0 {
		changed[keySelector] = selector
	}
	before, after := nodeAffinity(&p.Spec), nodeAffinity(spec)
	if len(c.Groups)+len(c.Ranks) > 0 || !reflect.DeepEqual(before, after) {
		changed[keyAffinity] = map[string]any{keyNode: patchAffinity(before, after)}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	var value any = changed
	path := steps(strings.TrimPrefix(strings.TrimPrefix(p.Path, p.ObjectPath("")), "."))
	for i := len(path) - 1; i >= 0; i-- {
		if path[i].index >= 0 {
			return nil, failed(p, errPatch)
		}
		value = map[string]any{path[i].key: value}
	}
	metadata := map[string]string{"name": p.Name}
	if p.Namespace != "" {
		metadata["namespace"] = p.Namespace
	}
	object := value.(map[string]any) //nolint:forcetypeassert // a PodSpec has a path
	object["apiVersion"], object["kind"], object["metadata"] = p.APIVersion, p.Kind, metadata
	return blockYAML(object)
}

// patchSelector has our labels, and takes out those of an earlier run.
func (c Constraints) patchSelector(p manifest.Pod) map[string]any {
	selector := map[string]any{}
	for key := range p.Spec.NodeSelector {
		if c.owns(key) {
			selector[key] = nil
		}
	}
	for _, key := range c.Labels {
		selector[key] = "true"
	}
	return selector
}

// patchAffinity has all terms that there must be; null takes out what is there and must not be.
func patchAffinity(before, after *corev1.NodeAffinity) map[string]any {
	patch := map[string]any{}
	if before != nil && len(before.PreferredDuringSchedulingIgnoredDuringExecution) > 0 {
		patch[keyPreferred] = nil
	}
	if after == nil {
		return patch
	}
	if preferred := after.PreferredDuringSchedulingIgnoredDuringExecution; len(preferred) > 0 {
		patch[keyPreferred] = preferred
	}
	if required := after.RequiredDuringSchedulingIgnoredDuringExecution; required != nil {
		patch[keyRequired] = required
	}
	return patch
}

// blockYAML writes a value by the names that it has in JSON.
func blockYAML(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, err
	}
	unstyle(&n)
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	err = encoder.Encode(&n)
	return b.Bytes(), err
}

func unstyle(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		unstyle(child)
	}
}
