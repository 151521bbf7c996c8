package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// JSON is the object as it was written, with what is no field of its type.
func (p *Pod) JSON() ([]byte, error) {
	if p.node == nil {
		return nil, fmt.Errorf("%s %s was not read from a file", p.Kind, p.Name)
	}
	return p.node.JSON(false)
}

// Template is a Pod, JSON, as the controller of a workload makes one of its template: with a name that
// the API server completes.
func (p *Pod) Template() ([]byte, error) {
	return json.Marshal(corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: p.Name + "-", Labels: p.Labels, Annotations: p.Annotations},
		Spec:       p.Spec,
	})
}

// Admitted is the Pod as an API server would store it, a Pod object as JSON. What was in the manifest
// keeps its place there; what admission added has that of the list that it is in.
func (p *Pod) Admitted(object []byte) (Pod, error) {
	var admitted corev1.Pod
	if err := json.Unmarshal(object, &admitted); err != nil {
		return *p, err
	}
	q := *p
	q.Spec, q.Labels, q.Annotations = admitted.Spec, admitted.Labels, admitted.Annotations
	q.places = maps.Clone(p.places)
	for _, r := range []Role{RoleInit, RoleRegular, RoleEphemeral} {
		moveContainers(p, &q, r)
	}
	q.refused, q.aboveRefused = map[string]bool{}, map[string]bool{} // the API server took all of it
	return q, nil
}

// moveContainers gives the containers of a list the places of those that had their names.
func moveContainers(from, to *Pod, r Role) {
	list := JoinPath(from.Path, r.Field())
	maps.DeleteFunc(to.places, func(path string, _ place) bool { return strings.HasPrefix(path, list+"[") })
	before := map[string]string{} // paths by name
	for _, c := range from.Containers() {
		if c.Role == r {
			before[c.Name] = c.Path
		}
	}
	for _, c := range to.Containers() {
		old, ok := before[c.Name]
		if c.Role != r || !ok {
			continue
		}
		for path, at := range from.places {
			if within(path, old) {
				to.places[c.Path+strings.TrimPrefix(path, old)] = at
			}
		}
	}
}
