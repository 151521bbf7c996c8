package nodefeatures

import (
	"cmp"
	"fmt"
	"slices"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// An object is as much of a NodeFeature as matters here.
type object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
}

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// node is the name of the node that the object describes. NFD goes by the
// label, not by the object's name.
func (o *object) node() string {
	return o.Metadata.Labels[nfdv1alpha1.NodeFeatureObjNodeNameLabel]
}

// worker is the version of the nfd-worker that made the object; "" if another
// program did.
func (o *object) worker() string {
	return o.Metadata.Annotations[nfdv1alpha1.WorkerVersionAnnotation]
}

// check says what keeps an object from describing a node.
func (o *object) check() error {
	name := o.Metadata.Namespace + "/" + o.Metadata.Name
	if o.APIVersion != nfdv1alpha1.SchemeGroupVersion.String() || o.Kind != "NodeFeature" {
		return fmt.Errorf("%w: the list has %s of kind %q, apiVersion %q; %s", ErrNotSnapshot, name, o.Kind, o.APIVersion, accepted)
	}
	if o.node() == "" {
		return fmt.Errorf("%w: NodeFeature %s has no label %s, so NFD assigns it to no node",
			ErrNotSnapshot, name, nfdv1alpha1.NodeFeatureObjNodeNameLabel)
	}
	return nil
}

// inOrderOfMaster sorts objects by their nodes, and those of a node as
// nfd-master merges them: those in NFD's own namespace first, then by name and
// namespace; what comes later overrides, devices are added. Which namespace is
// NFD's can be seen from the object that its worker made.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go#L619
func inOrderOfMaster[T any](list []T, objectOf func(T) *object) {
	home := ""
	for _, element := range list {
		if o := objectOf(element); home == "" && o.worker() != "" {
			home = o.Metadata.Namespace
		}
	}
	away := func(o *object) int {
		if o.Metadata.Namespace == home {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(one, two T) int {
		a, b := objectOf(one), objectOf(two)
		return cmp.Or(
			cmp.Compare(a.node(), b.node()),
			cmp.Compare(away(a), away(b)),
			cmp.Compare(a.Metadata.Name, b.Metadata.Name),
			cmp.Compare(a.Metadata.Namespace, b.Metadata.Namespace),
		)
	})
}
