package manifest

import (
	"fmt"
	"regexp"
	"sync"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// unfilledMark is what another program should have replaced: envsubst's ${NAME},
// Tekton's and OpenShift's $(params.NAME), a template's {{ .Values.name }}.
var unfilledMark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{[^{}\n]{1,100}\}|\$\([^()\n]{1,100}\)|\{\{[^{}\n]{0,100}\}\}`)
})

// placeholder returns the first mark in a value, "" if it has none.
func placeholder(n *yamltree.Node) string {
	switch {
	case n.Kind == yamltree.Scalar:
		return unfilledMark().FindString(n.Value)
	case marked(n):
		return "{{ … }}"
	}
	return ""
}

func (d *decoder) unfilled(n *yamltree.Node, path, mark string) {
	d.refused[path] = true
	d.problem(n, path, ProblemTemplate, verdict.SeverityError, fmt.Sprintf(
		"the placeholder %.110q was not filled in: give what is applied (as envsubst, helm template or kustomize build print it)", mark))
}

// placeholders reports those in names and images, where nothing can be meant by them.
func (d *decoder) placeholders(n, spec *yamltree.Node, p *Pod) {
	check := func(n *yamltree.Node, path string) {
		if n == nil || n.Kind != yamltree.Scalar {
			return
		}
		if mark := placeholder(n); mark != "" && !d.refused[path] {
			d.unfilled(n, path, mark)
		}
	}
	for _, field := range []string{"metadata.name", "metadata.generateName", "metadata.namespace"} {
		check(d.at(n, field), p.ObjectPath(field))
	}
	for _, r := range []Role{RoleInit, RoleRegular, RoleEphemeral} {
		list := d.at(spec, r.Field())
		if list == nil || list.Kind != yamltree.Sequence {
			continue
		}
		for i := range list.Content {
			if c := list.Content[i].Deref(); c.Kind == yamltree.Mapping {
				for _, field := range []string{"name", "image"} {
					check(d.at(c, field), JoinPath(p.Path, r.Field()+PathIndex(i)+"."+field))
				}
				if image := d.at(c, "image"); image != nil && injected(d.textAt(c, "name"), image.Value) {
					d.problem(image, JoinPath(p.Path, r.Field()+PathIndex(i)+".image"), ProblemInjected, verdict.SeverityInfo,
						"the image auto is a placeholder that Istio fills in when the Pod is created: it was not looked at")
				}
			}
		}
	}
}
