package nodefeatures

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A nodeFeature is as much of a NodeFeature object as matters here.
type nodeFeature struct {
	namespace, name string
	// node is the name of the node that the object describes. NFD goes by the
	// label, not by the object's name.
	node string
	// worker is the version of the nfd-worker that made the object; "" if another
	// program did.
	worker  string
	sets    []rawSet
	omitted []string // features that are not kept
}

// A rawSet is the elements of one feature as JSON without white space.
type rawSet struct {
	kind    setKind
	feature string
	json    jsontext.Value
}

// decodeObject reads an object, with those features that are kept.
func (d *document) decodeObject(o LoadOptions) error {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name        string            `json:"name"`
			Namespace   string            `json:"namespace"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			Features jsontext.Value `json:"features"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(d.data, &object, lenient); err != nil {
		return jsonError(err)
	}
	n := &nodeFeature{
		namespace: object.Metadata.Namespace, name: object.Metadata.Name,
		node:   object.Metadata.Labels[nfdv1alpha1.NodeFeatureObjNodeNameLabel],
		worker: object.Metadata.Annotations[nfdv1alpha1.WorkerVersionAnnotation],
	}
	name := n.namespace + "/" + n.name
	if object.APIVersion != nfdv1alpha1.SchemeGroupVersion.String() || object.Kind != "NodeFeature" {
		return fmt.Errorf("%w: the list has %s of kind %q, apiVersion %q; %s", ErrNotSnapshot, name, object.Kind, object.APIVersion, accepted)
	}
	if n.node == "" {
		return fmt.Errorf("%w: NodeFeature %s has no label %s, so NFD assigns it to no node",
			ErrNotSnapshot, name, nfdv1alpha1.NodeFeatureObjNodeNameLabel)
	}
	var err error
	n.omitted, err = eachSet(object.Spec.Features, o.kept(Node{Name: n.node}), false, func(dec *jsontext.Decoder, kind setKind, feature string) error {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		set := rawSet{kind, feature, value.Clone()}
		n.sets = append(n.sets, set)
		return set.json.Compact()
	})
	if err == nil && len(n.sets)+len(n.omitted) > MaxFeatures {
		err = fmt.Errorf("%d features are more than the limit of %d", len(n.sets)+len(n.omitted), MaxFeatures)
	}
	d.objects = append(d.objects, n)
	return err
}

// inOrderOfMaster sorts objects by their nodes, and those of a node as
// nfd-master merges them: those in NFD's own namespace first, then by name and
// namespace; what comes later overrides, devices are added. Which namespace is
// NFD's can be seen from the object that its worker made.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go#L619
func inOrderOfMaster(objects []*pendingObject) {
	home := ""
	for _, o := range objects {
		if home == "" && o.worker != "" {
			home = o.namespace
		}
	}
	away := func(o *pendingObject) int {
		if o.namespace == home {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(objects, func(a, b *pendingObject) int {
		return cmp.Or(
			cmp.Compare(a.node, b.node),
			cmp.Compare(away(a), away(b)),
			cmp.Compare(a.name, b.name),
			cmp.Compare(a.namespace, b.namespace),
		)
	})
}
