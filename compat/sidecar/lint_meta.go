package sidecar

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
)

// metadata is what an API server refuses of the object's metadata and its template's
// (ValidateObjectMeta in
// https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go).
func (l *linter) metadata() {
	l.objectName()
	if namespace := l.pod.Meta.Namespace; namespace != "" {
		l.syntax(l.document("metadata.namespace"), namespace, validation.IsDNS1123Label(namespace))
	}
	own, template := l.document("metadata"), place{"", strings.TrimSuffix(l.pod.Path, "spec") + "metadata"}
	if own != template {
		l.labels(own.at("labels"), l.pod.Meta.Labels)
		l.annotations(own.at("annotations"), l.pod.Meta.Annotations)
	}
	l.labels(template.at("labels"), l.pod.Labels)
	l.annotations(template.at("annotations"), l.pod.Annotations)
	l.podAnnotations(template.at("annotations"))
	l.owners(own.at("ownerReferences"))
	for i, name := range l.pod.Meta.Finalizers {
		at := own.at("finalizers").item(i)
		l.syntax(at, name, validation.IsQualifiedName(name))
		if !strings.Contains(name, "/") && !slices.Contains([]string{"kubernetes", metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents}, name) {
			l.refuse(at, "prefix it with a domain", "Invalid value: %.100q: name is neither a standard finalizer name nor is it fully qualified", name)
		}
	}
}

// document is a place in the object itself.
func (l *linter) document(field string) place { return place{"", l.pod.ObjectPath(field)} }

// owners are the objects that the object goes with.
func (l *linter) owners(at place) {
	controllers := 0
	for i, owner := range l.pod.Meta.OwnerReferences {
		at := at.item(i)
		l.required(at.at("apiVersion"), owner.APIVersion)
		l.required(at.at("kind"), owner.Kind)
		l.required(at.at("name"), owner.Name)
		l.required(at.at("uid"), string(owner.UID))
		if isOn(owner.Controller) {
			controllers++
		}
		if controllers > 1 {
			l.refuse(at.at("controller"), "keep one of them", "Invalid value: Only one reference can have Controller set to true")
		}
	}
}

// podAnnotations are those that mean something to Kubernetes.
func (l *linter) podAnnotations(at place) {
	if _, mirror := l.pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror && l.pod.Spec.NodeName == "" {
		l.refuse(at.key(corev1.MirrorPodAnnotationKey), "remove it: the kubelet sets it", "Invalid value: must set spec.nodeName if mirror pod annotation is set")
	}
	const cost = "controller.kubernetes.io/pod-deletion-cost"
	if value, ok := l.pod.Annotations[cost]; ok {
		if _, err := strconv.ParseInt(value, 10, 32); err != nil || strings.HasPrefix(value, "+") || len(value) > 1 && strings.HasPrefix(value, "0") {
			l.refuse(at.key(cost), "write a whole number", "Invalid value: %.60q: must be a 32bit integer", value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.pod.Annotations)) {
		name, ok := strings.CutPrefix(key, corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix)
		if !ok {
			continue
		}
		if !l.leftOut(l.spec("containers"), l.spec("initContainers")) && !slices.ContainsFunc(append(l.containers, l.pod.EphemeralContainers()...), func(m manifest.Container) bool { return m.Name == name }) {
			l.refuse(at.key(key), "name a container of the Pod", "Invalid value: %.100q: container not found", name)
		}
		switch profile := l.pod.Annotations[key]; {
		case profile == "", profile == corev1.DeprecatedAppArmorBetaProfileRuntimeDefault, profile == corev1.DeprecatedAppArmorBetaProfileNameUnconfined:
		case !strings.HasPrefix(profile, corev1.DeprecatedAppArmorBetaProfileNamePrefix):
			l.refuse(at.key(key), "write runtime/default, unconfined or localhost/NAME", "Invalid value: invalid AppArmor profile name: %.100q", profile)
		}
	}
}

// objectName is about the name, or the beginning of one.
func (l *linter) objectName() {
	name, beginning := l.pod.Meta.Name, l.pod.Meta.GenerateName
	problems := validation.IsDNS1123Subdomain
	if l.pod.Kind == "StatefulSet" {
		problems = validation.IsDNS1123Label
	}
	if beginning != "" && (name == "" || l.pod.Kind != "ReplicationController") {
		masked := beginning
		if strings.HasSuffix(masked, "-") {
			masked = masked[:len(masked)-1] + "a" // as the server does: it adds to the name
		}
		l.syntax(l.document("metadata.generateName"), beginning, problems(masked))
	}
	at, most := l.document("metadata.name"), validation.DNS1035LabelMaxLength-11
	switch {
	case name != "":
		l.syntax(at, name, problems(name))
	case beginning != "":
		at, most = l.document("metadata.generateName"), most-5
		name = beginning
	case !l.leftOut(l.document("metadata.generateName")):
		l.refuse(at, "give it one", "it has no name, and no generateName")
	}
	if l.pod.Kind == "CronJob" && len(name) > most {
		l.refuse(at, "shorten it", "it must be no more than %d characters for a CronJob: the names of its Jobs are longer", most)
	}
}

func (l *linter) labels(at place, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		l.syntax(at.key(key), key, validation.IsQualifiedName(key))
		l.syntax(at.key(key), labels[key], validation.IsValidLabelValue(labels[key]))
	}
}

// maxAnnotations is the size of all annotations of an object, in bytes.
const maxAnnotations = 256 << 10

func (l *linter) annotations(at place, annotations map[string]string) {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		size += len(key) + len(annotations[key])
		l.syntax(at.key(key), key, validation.IsQualifiedName(strings.ToLower(key)))
	}
	if size > maxAnnotations {
		l.refuse(at, "keep what is long in a ConfigMap", "Too long: the annotations may not be more than %d bytes", maxAnnotations)
	}
}

// selector is about a selector of Pods that has to select those of the template.
func (l *linter) selector(at place, s *metav1.LabelSelector) {
	const remedy = "give the selector labels that the template has"
	if s == nil {
		l.refuse(at, remedy, "Required value: a %s needs a selector", l.pod.Kind)
		return
	}
	if l.leftOut(at) {
		return
	}
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		l.refuse(at, remedy, "Invalid value: empty selector is invalid for %s", l.pod.Kind)
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	switch {
	case err != nil:
		l.refuse(at, "correct the selector", "Invalid value: %.300s", err.Error())
	case l.pod.RefusedIn(l.templateLabels()):
	case !selector.Matches(labelSet(l.pod.Labels)):
		l.refuse(at, remedy, "`selector` does not match template `labels`")
	}
}

func (l *linter) templateLabels() string {
	return manifest.JoinPath(strings.TrimSuffix(l.pod.Path, "spec")+"metadata", "labels")
}
