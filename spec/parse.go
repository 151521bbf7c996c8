package spec

import (
	"fmt"
	"strings"

	"nodecompat/spec/yamltree"
)

// Parse reads an image compatibility spec, YAML or JSON, and returns it with its
// warnings, or a nil Spec with all its problems, at least one of which is an
// error. The Problems are never nil. It never panics, and its time and memory are bounded whatever it is
// given: see the Max constants.
//
// What Parse accepts, NFD v0.19.0 reads (through sigs.k8s.io/yaml) as the same
// version, sets and rules. To keep that promise it refuses unquoted text that
// NFD would see as other text (5.10, 0200, yes), explicit tags and merge keys.
func Parse(data []byte) (*Spec, Problems) {
	root, problem := read(data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	d := &decoder{}
	if kind, ok := objectKind(root); ok {
		d.errorf(root, CodeWrongKind, "", "%s is no image compatibility spec, which has the keys version and compatibilities", kind)
		return d.result(nil)
	}
	return d.result(d.spec(root))
}

// ParseFile reads what a user may hand over as a spec: an image compatibility
// spec as Parse does, or, if it has a `kind`, a NodeFeatureGroup object, whose rules
// become a spec of one set in which any rule is enough (Set.AnyRule). It is as
// strict there as Parse, and as the API server where that asks for more (name and
// op must be there); metadata and status are not looked into. Any other kind is an
// error that names the two.
func ParseFile(data []byte) (*Spec, Problems) {
	root, problem := read(data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	d := &decoder{}
	if kind, ok := objectKind(root); ok {
		if kind != groupKind {
			hint := ""
			if strings.HasPrefix(kind, "NodeFeatureRule") {
				hint = "a NodeFeatureRule labels nodes; take its rules' names and matchers into a spec"
			}
			d.errorf(root, CodeWrongKind, hint,
				"%s is not accepted: only an image compatibility spec (version: %s) or a %s object", kind, Version, groupKind)
			return d.result(nil)
		}
		d.group = true
		return d.result(d.nodeFeatureGroup(root))
	}
	return d.result(d.spec(root))
}

// objectKind returns the kind of a Kubernetes object; ok is false if the
// document is none.
func objectKind(root *yamltree.Node) (kind string, ok bool) {
	if k := root.Get("kind"); k != nil && root.Get("compatibilities") == nil {
		if k.Kind == yamltree.Scalar && k.Value != "" {
			return quoteKind(k.Value), true
		}
		return "an object with an unreadable kind", true
	}
	return "", false
}

// quoteKind leaves the names of kinds as they are and quotes anything else.
func quoteKind(kind string) string {
	if isPathWord(kind) && len(kind) <= 60 {
		return kind
	}
	return quoteShort(kind)
}

var specKeys = []string{"version", "compatibilities"}

func (d *decoder) spec(root *yamltree.Node) *Spec {
	s := &Spec{}
	var version bool
	present, ok := d.object(root, specKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "version":
			version = true
			s.Version = d.version(value)
		case "compatibilities":
			d.list(value, "set", func(_ int, item *yamltree.Node) {
				s.Sets = append(s.Sets, d.set(item))
			})
		}
	})
	if !ok {
		return s
	}
	if !version {
		d.errorf(root, CodeMissingKey, "begin with `version: "+Version+"`", "the key version is missing")
	}
	if present&2 == 0 {
		d.errorf(root, CodeMissingKey, "", "the key compatibilities is missing")
	}
	return s
}

func (d *decoder) version(n *yamltree.Node) string {
	v, ok := d.text(n)
	if ok && v != Version {
		d.errorf(n, CodeVersion, fmt.Sprintf("write `version: %s`", Version), "version %s is not known here", quoteShort(v))
	}
	return v
}
