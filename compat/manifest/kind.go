package manifest

import (
	"context"
	"fmt"
	"strings"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// What tells the objects that `compat place` prints behind workloads.
const (
	RuleAPIVersion = "nfd.k8s-sigs.io/v1alpha1"
	RuleKind       = "NodeFeatureRule"
	// ManagedBy is a label of all of them, with the value Manager; their names begin with Manager and -.
	ManagedBy = "app.kubernetes.io/managed-by"
	Manager   = "compat"
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

// workloadKinds are the kinds of Kubernetes' own that have Pods.
var workloadKinds = []string{"Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"}

// unserved returns the apiVersion and kind that a kind of Kubernetes' own has, when the apiVersion
// was left out or is of no group, or not of the kind's, or when the kind is misspelt; "" for everything
// else. Other groups, whose names have a dot, may have kinds of the same name.
func (t typeMeta) unserved() string {
	group, _, grouped := strings.Cut(t.apiVersion, "/")
	if grouped && strings.Contains(group, ".") {
		return ""
	}
	near := verdict.Nearest(t.kind, workloadKinds)
	if near == "" {
		return ""
	}
	for _, apiVersion := range []string{t.apiVersion, "v1", "apps/v1", "batch/v1"} {
		served := typeMeta{apiVersion, near}
		switch _, _, ok := served.podSpec(); {
		case !ok || served == t:
		case served.kind == t.kind:
			return apiVersion
		default:
			return apiVersion + " " + served.kind
		}
	}
	return ""
}

// object reads an object, and the items of a List. fallback is what the items
// of a typed List are when they do not say it themselves.
func (d *decoder) object(ctx context.Context, n *yamltree.Node, path string, fallback typeMeta, depth int) {
	n = n.Deref()
	if depth == 0 && n.Kind == yamltree.Scalar && n.Typed() == nil {
		return // a document that is null: kubectl passes over it
	}
	if n.Kind != yamltree.Mapping {
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
		d.problem(n, path, ProblemTemplate, verdict.SeverityError, unrendered)
	case d.noText(n, path, "apiVersion") || d.noText(n, path, "kind"):
	case !ok && t.unserved() != "":
		d.problem(n, path, ProblemNoSuchAPI, verdict.SeverityError, fmt.Sprintf("no Kubernetes release serves %.60q of apiVersion %.60q: is it %s?", t.kind, t.apiVersion, t.unserved()))
	case ok:
		if removed {
			d.problem(n, path, ProblemRemovedAPI, verdict.SeverityWarning, fmt.Sprintf("no Kubernetes release that has native sidecars serves %s %s", t.apiVersion, t.kind))
		}
		d.pod(n, path, where, t, false)
	case strings.HasSuffix(t.kind, "List") && d.at(n, "items") != nil:
		d.list(ctx, n, path, t, depth)
	default:
		d.foreign(n, path, t)
	}
}

// noText tells that a value is something else than text, if it is there; false if it is not.
func (d *decoder) noText(n *yamltree.Node, path, key string) bool {
	v := d.at(n, key)
	if v == nil || v.Kind == yamltree.Scalar && (v.Typed() == nil || placeholder(v) != "") {
		return false
	}
	if _, ok := v.Typed().(string); ok && v.Kind == yamltree.Scalar {
		return false
	}
	d.mistyped(v, JoinPath(path, key), "text")
	return true
}

// list reads the items of a List.
func (d *decoder) list(ctx context.Context, n *yamltree.Node, path string, t typeMeta, depth int) {
	items := d.at(n, "items")
	switch {
	case depth >= yamltree.MaxDepth:
		d.problem(n, path, ProblemTooBig, verdict.SeverityError, fmt.Sprintf("Lists are nested deeper than %d", yamltree.MaxDepth))
		return
	case items.Kind != yamltree.Sequence:
		d.problem(items, JoinPath(path, "items"), ProblemWrongType, verdict.SeverityError, "items is no list")
		return
	}
	item := typeMeta{apiVersion: t.apiVersion, kind: strings.TrimSuffix(t.kind, "List")}
	if depth == 0 && d.items != nil {
		d.oneByOne(ctx, item)
		return
	}
	for i := range items.Content {
		if !d.spend(1) || ctx.Err() != nil {
			return
		}
		d.object(ctx, &items.Content[i], JoinPath(path, "items"+PathIndex(i)), item, depth+1)
	}
}

// oneByOne reads the items of a long List, each within the bounds of a document.
func (d *decoder) oneByOne(ctx context.Context, meta typeMeta) {
	i := 0
	for n, err := range d.items {
		path := "items" + PathIndex(i)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			problem := treeProblem(err)
			problem.Path = path
			d.report(problem)
		default:
			item := &decoder{parser: d.parser, templated: d.templated}
			item.object(ctx, n, path, meta, 1)
		}
		i++
	}
}

// unrendered reports whether the object still has template marks where no
// rendered one can have them: in its kind, its name, or its containers' names
// and images. In a command or an annotation they can be meant.
func (d *decoder) unrendered(n *yamltree.Node, podSpec string) bool {
	if !d.templated {
		return false
	}
	for _, path := range []string{"kind", "apiVersion", "metadata", "metadata.name", "metadata.namespace", "spec", podSpec} {
		if v := d.at(n, path); v != nil && path != "" && marked(v) {
			return true
		}
	}
	for _, r := range []Role{RoleInit, RoleRegular} {
		list := d.at(n, JoinPath(podSpec, r.Field()))
		if list == nil {
			continue
		}
		if marked(list) {
			return true
		}
		for i := range list.Content {
			for _, field := range []string{"name", "image"} {
				if v := d.at(list.Content[i].Deref(), field); v != nil && marked(v) {
					return true
				}
			}
		}
	}
	return false
}

// marked reports whether a value is a template: text with its marks, or what
// YAML makes of {{ … }} without quotes, a mapping with a mapping as its key.
func marked(n *yamltree.Node) bool {
	switch n.Kind {
	case yamltree.Scalar:
		return strings.Contains(n.Value, "{{")
	case yamltree.Mapping:
		return len(n.Content) > 0 && n.Content[0].Kind == yamltree.Mapping
	}
	return false
}
