package spec

import (
	"fmt"
	"slices"

	"nodecompat/spec/yamltree"
)

const (
	groupKind       = "NodeFeatureGroup"
	groupAPIVersion = "nfd.k8s-sigs.io/v1alpha1"
	// openshiftAPIVersion is that of OpenShift's own NFD, with the same schema:
	// https://github.com/openshift/cluster-nfd-operator
	openshiftAPIVersion = "nfd.openshift.io/v1alpha1"
)

var (
	groupKeys     = []string{"apiVersion", "kind", "metadata", "spec", "status"}
	groupSpecKeys = []string{"featureGroupRules"}
)

// nodeFeatureGroup reads the object as the API server's schema describes it:
// deployment/base/nfd-crds/nfd-api-crds.yaml in NFD.
func (d *decoder) nodeFeatureGroup(root *yamltree.Node) *Spec {
	set := Set{AnyRule: true}
	present, ok := d.object(root, groupKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "apiVersion":
			d.constant(value, groupAPIVersion, openshiftAPIVersion)
		case "kind":
			d.constant(value, groupKind)
		case "metadata", "status":
			if !isAbsent(value) {
				d.expect(value, yamltree.Mapping)
			}
		case "spec":
			d.groupSpec(value, &set)
		}
	})
	if ok {
		for i, key := range groupKeys {
			if required := key != "metadata" && key != "status"; required && present&(1<<i) == 0 {
				d.errorf(root, CodeMissingKey, "", "the key %s is missing", key)
			}
		}
	}
	return &Spec{Version: Version, Sets: []Set{set}}
}

func (d *decoder) groupSpec(n *yamltree.Node, set *Set) {
	present, ok := d.object(n, groupSpecKeys, func(_ string, value *yamltree.Node) {
		set.Rules = d.rules(value)
	})
	if ok && present == 0 {
		d.errorf(n, CodeMissingKey, "", "the key featureGroupRules is missing")
	}
}

// constant takes one text, or others that mean the same.
func (d *decoder) constant(n *yamltree.Node, want string, same ...string) {
	if got, ok := d.text(n); ok && got != want && !slices.Contains(same, got) {
		d.errorf(n, CodeWrongKind, fmt.Sprintf("write %s", want), "%s is not %s", quoteShort(got), want)
	}
}
