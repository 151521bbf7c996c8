package sidecar

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"nodecompat/nodefeatures/verdict"
)

// A typeMeta is what says what an object is.
type typeMeta struct{ apiVersion, kind string }

// podSpec is where a kind keeps the spec of its Pods: every type of k8s.io/api
// that embeds a PodTemplateSpec, and Pod itself.
func (t typeMeta) podSpec() (path string, removed, ok bool) {
	const workload = "spec.template.spec"
	switch t {
	case typeMeta{"v1", "Pod"}:
		return "spec", false, true
	case typeMeta{"v1", "PodTemplate"}:
		return "template.spec", false, true
	case typeMeta{"v1", "ReplicationController"},
		typeMeta{"apps/v1", "Deployment"}, typeMeta{"apps/v1", "StatefulSet"},
		typeMeta{"apps/v1", "DaemonSet"}, typeMeta{"apps/v1", "ReplicaSet"},
		typeMeta{"batch/v1", "Job"}:
		return workload, false, true
	case typeMeta{"batch/v1", "CronJob"}:
		return "spec.jobTemplate.spec.template.spec", false, true
	case typeMeta{"batch/v1beta1", "CronJob"}, typeMeta{"batch/v2alpha1", "CronJob"}:
		return "spec.jobTemplate.spec.template.spec", true, true
	case typeMeta{"apps/v1beta1", "Deployment"}, typeMeta{"apps/v1beta1", "StatefulSet"},
		typeMeta{"apps/v1beta2", "Deployment"}, typeMeta{"apps/v1beta2", "StatefulSet"},
		typeMeta{"apps/v1beta2", "DaemonSet"}, typeMeta{"apps/v1beta2", "ReplicaSet"},
		typeMeta{"extensions/v1beta1", "Deployment"}, typeMeta{"extensions/v1beta1", "DaemonSet"},
		typeMeta{"extensions/v1beta1", "ReplicaSet"}:
		return workload, true, true
	}
	return "", false, false
}

// unserved returns the apiVersion that a kind of Kubernetes' own has, when this one
// was left out or is not of its group; "" for everything else. Other groups may
// have kinds of the same name.
func (t typeMeta) unserved() string {
	group, _, grouped := strings.Cut(t.apiVersion, "/")
	if grouped && group != "apps" && group != "batch" && group != "extensions" {
		return ""
	}
	for _, apiVersion := range []string{"v1", "apps/v1", "batch/v1"} {
		if _, _, ok := (typeMeta{apiVersion, t.kind}).podSpec(); ok && apiVersion != t.apiVersion {
			return apiVersion
		}
	}
	return ""
}

// object reads an object, and the items of a List. fallback is what the items
// of a typed List are when they do not say it themselves.
func (d *decoder) object(n *yaml.Node, path string, fallback typeMeta, depth int) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		d.problem(n, path, ProblemNotObject, verdict.SeverityWarning, "this is no Kubernetes object")
		return
	}
	t := typeMeta{apiVersion: d.textAt(n, "apiVersion"), kind: d.textAt(n, "kind")}
	if t.kind == "" {
		t = fallback
	}
	where, removed, ok := t.podSpec()
	switch {
	case d.unrendered(n, where):
		d.problem(n, path, ProblemTemplate, verdict.SeverityError, "an unrendered template ({{ … }}): render it first, with helm template for example")
	case t.kind == "":
		d.problem(n, path, ProblemNotObject, verdict.SeverityWarning, "no kind: this is no Kubernetes object")
	case !ok && t.unserved() != "":
		d.problem(n, path, ProblemNoSuchAPI, verdict.SeverityError, fmt.Sprintf("no Kubernetes release serves %.60q of apiVersion %.60q: is it %s?", t.kind, t.apiVersion, t.unserved()))
	case ok:
		if removed {
			d.problem(n, path, ProblemRemovedAPI, verdict.SeverityWarning, fmt.Sprintf("no Kubernetes release that has native sidecars serves %s %s", t.apiVersion, t.kind))
		}
		d.pod(n, path, where, t, false)
	case strings.HasSuffix(t.kind, "List") && d.at(n, "items") != nil:
		d.list(n, path, t, depth)
	case d.at(n, "spec.template.spec.containers") != nil:
		d.problem(n, path, ProblemBestEffort, verdict.SeverityInfo, fmt.Sprintf("%.60q of %.60q is not a kind of Kubernetes' own; its spec.template is taken for a Pod template", t.kind, t.apiVersion))
		d.pod(n, path, "spec.template.spec", t, true)
	default:
		d.problem(n, path, ProblemKindSkipped, verdict.SeverityInfo, fmt.Sprintf("%.60q of %.60q has no Pods: skipped", t.kind, t.apiVersion))
	}
}

// list reads the items of a List.
func (d *decoder) list(n *yaml.Node, path string, t typeMeta, depth int) {
	items := d.at(n, "items")
	switch {
	case depth >= MaxDepth:
		d.problem(n, path, ProblemTooBig, verdict.SeverityError, fmt.Sprintf("Lists are nested deeper than %d", MaxDepth))
		return
	case items.Kind != yaml.SequenceNode:
		d.problem(items, join(path, "items"), ProblemWrongType, verdict.SeverityError, "items is no list")
		return
	}
	item := typeMeta{apiVersion: t.apiVersion, kind: strings.TrimSuffix(t.kind, "List")}
	for i, child := range items.Content {
		if !d.spend(1) {
			return
		}
		d.object(child, join(path, "items"+indexOf(i)), item, depth+1)
	}
}

// unrendered reports whether the object still has template marks where no
// rendered one can have them: in its kind, its name, or its containers' names
// and images. In a command or an annotation they can be meant.
func (d *decoder) unrendered(n *yaml.Node, podSpec string) bool {
	if !d.templated {
		return false
	}
	for _, path := range []string{"kind", "apiVersion", "metadata", "metadata.name", "metadata.namespace", "spec", podSpec} {
		if v := d.at(n, path); v != nil && path != "" && marked(v) {
			return true
		}
	}
	for _, r := range []role{roleInit, roleRegular} {
		list := d.at(n, join(podSpec, r.field()))
		if list == nil {
			continue
		}
		if marked(list) {
			return true
		}
		for _, c := range list.Content {
			for _, field := range []string{"name", "image"} {
				if v := d.at(resolve(c), field); v != nil && marked(v) {
					return true
				}
			}
		}
	}
	return false
}

// marked reports whether a value is a template: text with its marks, or what
// YAML makes of {{ … }} without quotes, a mapping with a mapping as its key.
func marked(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.ScalarNode:
		return strings.Contains(n.Value, "{{")
	case yaml.MappingNode:
		return len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode
	}
	return false
}
