package sidecar

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
)

// environment is about env and envFrom of a container.
func (l *linter) environment(m manifest.Container, volumes volumeSet) {
	for i := range m.Env {
		v, at := &m.Env[i], placeIn(m, "env"+manifest.PathIndex(i))
		if l.required(at.at("name"), v.Name) {
			l.syntax(at.at("name"), v.Name, l.variableProblems(v.Name))
		}
		if v.ValueFrom != nil {
			l.valueFrom(at.at("valueFrom"), v, volumes)
		}
	}
	for i := range m.EnvFrom {
		from, at := &m.EnvFrom[i], placeIn(m, "envFrom"+manifest.PathIndex(i))
		if from.Prefix != "" {
			l.syntax(at.at("prefix"), from.Prefix, l.variableProblems(from.Prefix))
		}
		if set := l.choice(at, *from, "Invalid value: may not have more than one field specified at a time"); len(set) == 0 && !l.leftOut(at) {
			l.refuse(at, "name the ConfigMap or Secret", "Invalid value: must specify one of: `configMapRef` or `secretRef`")
		}
		if ref := from.ConfigMapRef; ref != nil && l.required(at.at("configMapRef.name"), ref.Name) {
			l.source(at.at("configMapRef.name"), ref.Name)
		}
		if ref := from.SecretRef; ref != nil && l.required(at.at("secretRef.name"), ref.Name) {
			l.source(at.at("secretRef.name"), ref.Name)
		}
	}
}

// variableProblems says why a name is none for a variable. Before 1.32 (gate
// RelaxedEnvironmentVariableValidation) it had to be one that a shell could use.
func (l *linter) variableProblems(name string) []string {
	if before(l.target.API, minor(32)) && !l.target.apiGate(gateRelaxedEnv, 32) {
		return validation.IsEnvVarName(name)
	}
	return validation.IsRelaxedEnvVarName(name)
}

// source is the name of a ConfigMap or Secret for envFrom, which may end in a dash.
func (l *linter) source(at place, name string) {
	if strings.HasSuffix(name, "-") {
		name = name[:len(name)-1] + "a"
	}
	l.reference(at, name)
}

// valueFrom is where a variable has its value from.
func (l *linter) valueFrom(at place, v *corev1.EnvVar, volumes volumeSet) {
	from := v.ValueFrom
	set := l.choice(at, *from, "Invalid value: may not have more than one field specified at a time")
	switch {
	case len(set) == 0 && !l.leftOut(at):
		l.refuse(at, "remove it, or say where the value is", "Invalid value: must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
	case len(set) > 0 && v.Value != "":
		l.refuse(at, "keep one of value, valueFrom", "Invalid value: may not be specified when `value` is not empty")
	}
	if from.FieldRef != nil {
		l.fieldRef(at.at("fieldRef"), from.FieldRef, "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.host",
			"spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs")
	}
	if from.ResourceFieldRef != nil {
		l.resourceFieldRef(at.at("resourceFieldRef"), from.ResourceFieldRef)
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		l.keyRef(at.at("configMapKeyRef"), ref.Name, ref.Key)
	}
	if ref := from.SecretKeyRef; ref != nil {
		l.keyRef(at.at("secretKeyRef"), ref.Name, ref.Key)
	}
	if from.FileKeyRef != nil {
		l.fileKeyRef(at.at("fileKeyRef"), from.FileKeyRef, volumes)
	}
}

// keyRef is a key of a ConfigMap or Secret.
func (l *linter) keyRef(at place, name, key string) {
	if l.required(at.at("name"), name) {
		l.reference(at.at("name"), name)
	}
	if l.required(at.at("key"), key) {
		l.syntax(at.at("key"), key, validation.IsConfigMapKey(key))
	}
}

// fileKeyRef is a key of a file in a volume.
func (l *linter) fileKeyRef(at place, ref *corev1.FileKeySelector, volumes volumeSet) {
	if l.required(at.at("key"), ref.Key) {
		l.syntax(at.at("key"), ref.Key, validation.IsRelaxedEnvVarName(ref.Key))
	}
	l.required(at.at("path"), ref.Path)
	l.noBacksteps(at.at("path"), ref.Path)
	l.volumeNamed(at.at("volumeName"), ref.VolumeName, volumes)
	if source, ok := volumes[ref.VolumeName]; ok && source.EmptyDir == nil && source != (corev1.VolumeSource{}) {
		l.refuse(at.at("volumeName"), "use an emptyDir", "Invalid value: %q: referenced volume must be of type emptyDir", manifest.Shorten(ref.VolumeName))
	}
}

// downwardFile is a file that tells about the Pod.
func (l *linter) downwardFile(at place, file *corev1.DownwardAPIVolumeFile) {
	l.file(at.at("path"), file.Path)
	l.mode(at.at("mode"), file.Mode)
	switch {
	case file.FieldRef != nil && file.ResourceFieldRef != nil:
		l.refuse(at.at("resourceFieldRef"), "keep one of the two", "Invalid value: fieldRef and resourceFieldRef can not be specified simultaneously")
	case file.FieldRef == nil && file.ResourceFieldRef == nil && !l.leftOut(at):
		l.refuse(at, "say what it tells", "Required value: one of fieldRef and resourceFieldRef is required")
	}
	if file.FieldRef != nil {
		l.fieldRef(at.at("fieldRef"), file.FieldRef, "metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid")
	} else if file.ResourceFieldRef != nil && l.required(at.at("resourceFieldRef.containerName"), file.ResourceFieldRef.ContainerName) {
		l.resourceFieldRef(at.at("resourceFieldRef"), file.ResourceFieldRef)
	}
}

// fieldRef is a field of the Pod, or a label or annotation: metadata.labels['app'].
func (l *linter) fieldRef(at place, ref *corev1.ObjectFieldSelector, fields ...string) {
	if ref.APIVersion != "" && ref.APIVersion != "v1" {
		l.refuse(at.at("apiVersion"), "remove it", "Invalid value: %.60q: the fields are those of v1", ref.APIVersion)
		return
	}
	at = at.at("fieldPath")
	if !l.required(at, ref.FieldPath) {
		return
	}
	path, rest, _ := strings.Cut(ref.FieldPath, "['")
	key, subscripted := strings.CutSuffix(rest, "']")
	if !subscripted || path == "" {
		l.mustBeOneOf(at, ref.FieldPath, fields...)
		return
	}
	switch path {
	case "metadata.labels":
		l.syntax(at, key, validation.IsQualifiedName(key))
	case "metadata.annotations":
		l.syntax(at, key, validation.IsQualifiedName(strings.ToLower(key)))
	default:
		l.refuse(at, "name a label or an annotation", "Invalid value: %.60q: does not support subscript", path)
	}
}

// resourceFieldRef is a request or limit of a container, divided by something.
func (l *linter) resourceFieldRef(at place, ref *corev1.ResourceFieldSelector) {
	name := ref.Resource
	huge := strings.HasPrefix(name, "requests.hugepages-") || strings.HasPrefix(name, "limits.hugepages-")
	if l.required(at.at("resource"), name) && !huge {
		l.mustBeOneOf(at.at("resource"), name, "limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage")
	}
	divisors := []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
	switch {
	case name == "limits.cpu" || name == "requests.cpu":
		divisors = []string{"1m", "1"}
	case !huge && !strings.HasSuffix(name, ".memory") && !strings.HasSuffix(name, ".ephemeral-storage"):
		return
	}
	if divisor := ref.Divisor; divisor.Cmp(resource.Quantity{}) != 0 && !slices.Contains(divisors, divisor.String()) {
		l.refuse(at.at("divisor"), "choose one", "Invalid value: %q: only divisor's values %s are supported with the resource", divisor.String(), strings.Join(divisors, ", "))
	}
}
