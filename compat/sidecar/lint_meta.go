package sidecar

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// refuse is SC031 at a path of the document.
func (l *linter) refuse(path, remedy, format string, args ...any) {
	l.find("SC031", verdict.SeverityError, place{"", path}, remedy, format, args...)
}

// metadata is what an API server refuses of the object's metadata and its template's
// (ValidateObjectMeta in
// https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go).
func (l *linter) metadata() {
	l.objectName()
	if namespace := l.pod.Meta.Namespace; namespace != "" {
		l.syntax(l.pod.ObjectPath("metadata.namespace"), namespace, validation.IsDNS1123Label(namespace))
	}
	template := manifest.JoinPath(strings.TrimSuffix(strings.TrimSuffix(l.pod.Path, "spec"), "."), "metadata")
	if own := l.pod.ObjectPath("metadata"); own != template {
		l.labels(manifest.JoinPath(own, "labels"), l.pod.Meta.Labels)
		l.annotations(manifest.JoinPath(own, "annotations"), l.pod.Meta.Annotations)
	}
	l.labels(manifest.JoinPath(template, "labels"), l.pod.Labels)
	l.annotations(manifest.JoinPath(template, "annotations"), l.pod.Annotations)
}

// objectName is about the name, or the beginning of one.
func (l *linter) objectName() {
	name, field := l.pod.Meta.Name, "metadata.name"
	if name == "" {
		name, field = l.pod.Meta.GenerateName, "metadata.generateName"
	}
	at := l.pod.ObjectPath(field)
	if name == "" {
		l.refuse(l.pod.ObjectPath("metadata.name"), "give it one", "it has no name, and no generateName")
		return
	}
	if field == "metadata.generateName" && strings.HasSuffix(name, "-") {
		name = name[:len(name)-1] + "a" // as the server does: it adds to the name
	}
	problems := validation.IsDNS1123Subdomain(name)
	if l.pod.Kind == "StatefulSet" {
		problems = validation.IsDNS1123Label(name)
	}
	l.syntax(at, name, problems)
	if most := validation.DNS1035LabelMaxLength - 11; l.pod.Kind == "CronJob" && field == "metadata.name" && len(name) > most {
		l.refuse(at, "shorten it", "the name of a CronJob must be no more than %d characters: the names of its Jobs are longer", most)
	}
}

// syntax refuses a name, or a part of one.
func (l *linter) syntax(path, name string, problems []string) {
	if len(problems) > 0 {
		l.refuse(path, "rename it", "Invalid value: %.100q: %s", name, withoutPattern(problems))
	}
}

func (l *linter) labels(path string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		at := manifest.JoinPath(path, manifest.PathKey(key))
		l.syntax(at, key, validation.IsQualifiedName(key))
		l.syntax(at, labels[key], validation.IsValidLabelValue(labels[key]))
	}
}

// maxAnnotations is the size of all annotations of an object, in bytes.
const maxAnnotations = 256 << 10

func (l *linter) annotations(path string, annotations map[string]string) {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		size += len(key) + len(annotations[key])
		l.syntax(manifest.JoinPath(path, manifest.PathKey(key)), key, validation.IsQualifiedName(strings.ToLower(key)))
	}
	if size > maxAnnotations {
		l.refuse(path, "keep what is long in a ConfigMap", "Too long: the annotations may not be more than %d bytes", maxAnnotations)
	}
}

// selector is about a selector of Pods that has to select those of the template.
func (l *linter) selector(path string, s *metav1.LabelSelector) {
	const remedy = "give the selector labels that the template has"
	if s == nil {
		l.refuse(path, remedy, "Required value: a %s needs a selector", l.pod.Kind)
		return
	}
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		l.refuse(path, remedy, "Invalid value: empty selector is invalid for %s", l.pod.Kind)
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	switch {
	case err != nil:
		l.refuse(path, "correct the selector", "Invalid value: %.300s", err.Error())
	case l.pod.RefusedIn(path), l.pod.RefusedIn(l.templateLabels()), l.pod.Refused(l.templateLabels()):
	case !selector.Matches(labelSet(l.pod.Labels)):
		l.refuse(path, remedy, "`selector` does not match template `labels`")
	}
}

func (l *linter) templateLabels() string {
	return manifest.JoinPath(strings.TrimSuffix(l.pod.Path, "spec")+"metadata", "labels")
}

// withoutPattern are the problems that apimachinery's validation has with a word, without the
// example and the regular expression at their end.
func withoutPattern(problems []string) string {
	reason, _, _ := strings.Cut(strings.Join(problems, "; "), " (e.g. ")
	return reason
}
