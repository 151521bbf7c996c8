package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// Bounds on the search for Pod templates in an object of another program.
const (
	maxTemplateDepth = 12
	maxTemplates     = 100
)

// A nest is where a Pod template of an object of another program is.
type nest struct {
	holder *yamltree.Node // the mapping that has the template
	path   string         // of the holder, in the object
	key    string         // of the template, in the holder
}

// nests finds the Pod templates in an object: operators keep theirs in all places, but
// always a PodSpec below a key that ends in template (JobSet, ScaledJob, LeaderWorkerSet,
// RayCluster, Rollout, …).
func (d *decoder) nests(n *yamltree.Node, at string, depth int, found *[]nest) {
	n = n.Deref()
	if depth > maxTemplateDepth || len(*found) >= maxTemplates || !d.look(len(n.Content)+1) {
		return
	}
	switch n.Kind {
	case yamltree.Sequence:
		for i := range n.Content {
			d.nests(&n.Content[i], at+PathIndex(i), depth+1, found)
		}
	case yamltree.Mapping:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Deref(), n.Content[i+1].Deref()
			if key.Kind != yamltree.Scalar || strings.Contains(key.Value, ".") {
				continue
			}
			if strings.HasSuffix(strings.ToLower(key.Value), "template") {
				if list := d.at(value, "spec.containers"); list != nil && list.Kind == yamltree.Sequence {
					*found = append(*found, nest{n, at, key.Value})
					continue
				}
			}
			d.nests(value, JoinPath(at, PathKey(key.Value)), depth+1, found)
		}
	}
}

// foreign reads an object of a kind that Kubernetes does not have itself, as far as it
// can be told where its Pod templates are.
func (d *decoder) foreign(n *yamltree.Node, at string, t typeMeta) {
	var found []nest
	if !t.own() {
		d.nests(n, "", 0, &found)
	}
	switch {
	case d.placed(n, t):
	case isKustomization(t, d.file):
		d.skipped(n, at, verdict.SeverityWarning, "Kustomization", "a kustomization was not read: give what kustomize build (or kubectl kustomize) prints")
	case len(found) > 0:
		where := JoinPath(found[0].path, found[0].key)
		d.problem(n, at, ProblemBestEffort, verdict.SeverityInfo, fmt.Sprintf("%.60q of %.60q is not a kind of Kubernetes' own; its %.100s is taken for a Pod template", t.kind, t.apiVersion, where))
		for _, f := range found {
			d.owner, d.ownerPath = n, at
			d.pod(f.holder, JoinPath(at, f.path), f.key+".spec", t, true)
			d.owner = nil
		}
	case t.kind == "" && n.Get("compatibilities") != nil:
		d.problem(n, at, ProblemSpec, verdict.SeverityWarning, "no kind: this is a compatibility spec; validate-node, validate-cluster and place take it with --spec")
	case t.kind == "":
		d.problem(n, at, ProblemNotObject, verdict.SeverityWarning, "no kind: this is no Kubernetes object")
	case t.own():
		d.skipped(n, at, verdict.SeverityInfo, "", fmt.Sprintf("%.60q of %.60q has no Pods: skipped", t.kind, t.apiVersion))
	default:
		d.skipped(n, at, verdict.SeverityInfo, Shorten(t.kind), fmt.Sprintf(
			"%.60q of %.60q was not read: compat does not know the kind; if it makes Pods, give those", t.kind, t.apiVersion))
	}
}

// skipped tells of an object without Pods, or of one of a kind whose Pods were not looked for.
func (d *decoder) skipped(n *yamltree.Node, at string, severity verdict.Severity, unread, message string) {
	d.report(Problem{Code: ProblemKindSkipped, Severity: severity, Path: at, Line: int(n.Line), Column: int(n.Column), Message: message, Unread: unread})
}

// ownGroups are the API groups of Kubernetes itself, and others of which no kind has Pods. A name that
// ends in k8s.io alone says nothing: operators have such groups, too.
// https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/
var ownGroups = []string{
	"apps", "autoscaling", "batch", "extensions", "policy",
	"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
	"autoscaling.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
	"gateway.networking.k8s.io", "internal.apiserver.k8s.io", "kubeadm.k8s.io", "kubelet.config.k8s.io", "kustomize.config.k8s.io", "metrics.k8s.io",
	"networking.k8s.io", "nfd.k8s-sigs.io", "node.k8s.io", "policy.networking.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io",
	"scheduling.k8s.io", "snapshot.storage.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
}

// own reports a kind of Kubernetes' own, or of a group that has none with Pods.
func (t typeMeta) own() bool {
	group, _, grouped := strings.Cut(t.apiVersion, "/")
	return !grouped || slices.Contains(ownGroups, group)
}

// placed reports whether `compat place` wrote an object.
func (d *decoder) placed(n *yamltree.Node, t typeMeta) bool {
	labels := d.at(n, "metadata.labels")
	if t != (typeMeta{RuleAPIVersion, RuleKind}) || labels == nil {
		return false
	}
	manager := labels.Get(ManagedBy)
	return manager != nil && manager.Value == Manager && strings.HasPrefix(d.textAt(n, "metadata.name"), Manager+"-")
}

func isKustomization(t typeMeta, file string) bool {
	group, _, _ := strings.Cut(t.apiVersion, "/")
	named := slices.Contains([]string{"kustomization.yaml", "kustomization.yml"}, path.Base(file))
	return group == "kustomize.config.k8s.io" || t.kind == "" && named
}
