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
	joined  bool // the Node was known when it was chosen which features are kept
	input   string
	sets    []rawSet
	omitted []string // features that are not kept
	err     error    // why the features could not be read
}

// A rawSet is the elements of one feature as JSON without white space.
type rawSet struct {
	kind    setKind
	feature string
	json    jsontext.Value
}

// An object is a NodeFeature or a Node object, as much of it as matters here.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Features      jsontext.Value `json:"features"`
		Unschedulable bool           `json:"unschedulable"`
		Taints        []Taint        `json:"taints"`
	} `json:"spec"`
	Status nodeStatus `json:"status"`
}

// openshift is the API group of OpenShift's own NFD, with the same schema:
// https://github.com/openshift/cluster-nfd-operator
const openshift = "nfd.openshift.io/v1alpha1"

// isNFD reports whether that is the API of NFD's objects.
func isNFD(apiVersion string) bool {
	return apiVersion == nfdv1alpha1.SchemeGroupVersion.String() || apiVersion == openshift
}

// isNodeFeature reports whether the object is one. The items of a typed list have no kind.
func (o *object) isNodeFeature() bool {
	if o.APIVersion == "" && o.Kind == "" {
		return o.Spec.Features != nil || o.Metadata.Labels[nfdv1alpha1.NodeFeatureObjNodeNameLabel] != ""
	}
	return isNFD(o.APIVersion) && o.Kind == "NodeFeature"
}

// isNode reports whether the object is a Node.
func (o *object) isNode() bool {
	if o.APIVersion == "" && o.Kind == "" {
		return o.Status.NodeInfo != nil
	}
	return o.APIVersion == "v1" && o.Kind == "Node"
}

// decodeObject reads an object, with those features that are kept.
func (d *document) decodeObject(l *loader) error {
	var obj object
	if err := json.Unmarshal(d.data, &obj, lenient); err != nil {
		return jsonError(err)
	}
	name := obj.Metadata.Name
	if obj.Metadata.Namespace != "" {
		name = obj.Metadata.Namespace + "/" + name
	}
	switch {
	case obj.isNode():
		d.node = obj.snapshot(l.options)
		return d.node.withinBounds()
	case !obj.isNodeFeature():
		return fmt.Errorf("%w: %q is of kind %q, apiVersion %q; %s", ErrNotSnapshot, name, obj.Kind, obj.APIVersion, accepted)
	case obj.Metadata.Labels[nfdv1alpha1.NodeFeatureObjNodeNameLabel] == "":
		d.passed = fmt.Sprintf("NodeFeature %s has no label %s, so NFD assigns it to no node", name, nfdv1alpha1.NodeFeatureObjNodeNameLabel)
		return nil
	}
	d.object = obj.nodeFeature(d.where, l)
	return nil
}

// nodeFeature is as much of a NodeFeature object as is kept.
func (o *object) nodeFeature(where string, l *loader) *nodeFeature {
	n := &nodeFeature{
		namespace: o.Metadata.Namespace, name: o.Metadata.Name,
		node:   o.Metadata.Labels[nfdv1alpha1.NodeFeatureObjNodeNameLabel],
		worker: o.Metadata.Annotations[nfdv1alpha1.WorkerVersionAnnotation],
	}
	of := Node{Name: n.node}
	if node := l.node(n.node); node != nil {
		n.joined, of = true, node.Node
	}
	n.omitted, n.err = eachSet(o.Spec.Features, l.options.kept(of), false, func(dec *jsontext.Decoder, kind setKind, feature string) error {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		set := rawSet{kind, feature, value.Clone()}
		n.sets = append(n.sets, set)
		return set.json.Compact()
	})
	if n.err == nil && len(n.sets)+len(n.omitted) > MaxFeatures {
		n.err = fmt.Errorf("%d features are more than the limit of %d", len(n.sets)+len(n.omitted), MaxFeatures)
	}
	if n.err != nil {
		n.err, n.sets = fmt.Errorf("%s: %w", where, n.err), nil
	}
	return n
}

// byNode sorts objects by their nodes.
func byNode(objects []*pendingObject) {
	slices.SortStableFunc(objects, func(a, b *pendingObject) int { return cmp.Compare(a.node, b.node) })
}

// inOrderOfMaster sorts the objects of a node as an nfd-master in the namespace home merges them:
// those in its own namespace first, then by name and namespace; what comes later overrides, devices
// are added.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go#L619
func inOrderOfMaster(objects []*pendingObject, home string) []*pendingObject {
	away := func(o *pendingObject) int {
		if o.namespace == home {
			return 0
		}
		return 1
	}
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *pendingObject) int {
		return cmp.Or(
			cmp.Compare(away(a), away(b)),
			cmp.Compare(a.name, b.name),
			cmp.Compare(a.namespace, b.namespace),
		)
	})
	return sorted
}

// workerNamespaces are those in which a worker made an object, sorted.
func workerNamespaces(objects []*pendingObject) []string {
	var list []string
	for _, o := range objects {
		if o.worker != "" {
			list = append(list, o.namespace)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
