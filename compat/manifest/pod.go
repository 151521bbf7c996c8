package manifest

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"nodecompat/spec/yamltree"
)

// A Pod is one Pod template of a manifest: a Pod itself, or what a workload
// makes its Pods from.
type Pod struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Name is metadata.name, or metadata.generateName where there is no name.
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// File is the name that Parse was given.
	File string `json:"file"`
	// Source is the template that the document was rendered from, where Helm says so
	// in a comment.
	Source string `json:"source,omitempty"`
	// Document counts the documents of the file that are not empty, from 1.
	Document int `json:"document"`
	// Line is where the object begins in the file, from 1; 0 when not known.
	Line int `json:"line"`
	// Path is where the PodSpec is in the document: "spec.template.spec", or
	// "items[2].spec" in a List.
	Path string `json:"path"`
	// BestEffort says that the kind is not one of Kubernetes' own, and the
	// PodSpec was found by its usual place.
	BestEffort bool     `json:"bestEffort"`
	Workload   Workload `json:"workload"`
	// Labels and Annotations are the template's (a Pod's own).
	Labels      map[string]string `json:"-"`
	Annotations map[string]string `json:"-"`
	// Meta is the object's own metadata, and Object all of it: a pointer to a type of
	// k8s.io/api, nil where the kind is not one that Kubernetes serves.
	Meta   metav1.ObjectMeta `json:"-"`
	Object any               `json:"-"`
	// Spec is as it was written: defaults are not filled in.
	Spec corev1.PodSpec `json:"-"`
	// Suppressions are those of the annotations of the object and of its template.
	Suppressions []Suppression `json:"-"`

	node *yamltree.Node // of the object
	// places maps a path in the document to where it is written.
	places map[string]place
	// refused are the paths whose values were of a wrong type, aboveRefused all above them.
	refused, aboveRefused map[string]bool
	root                  string // the object's own path in the document
}

// ObjectPath returns the path in the document of a field of the object.
func (p *Pod) ObjectPath(field string) string { return JoinPath(p.root, field) }

// Refused reports whether the value at a path was left out because it could not be
// read, or is part of such a value. What is there instead, nothing, is no reason to judge.
func (p *Pod) Refused(path string) bool {
	for !p.refused[path] {
		if path == "" {
			return false
		}
		path = above(path)
	}
	return true
}

// RefusedIn reports whether a part of the value at a path was left out, or all of it.
func (p *Pod) RefusedIn(path string) bool {
	return p.aboveRefused[path] || p.Refused(path)
}

// allAbove returns all paths above some.
func allAbove(paths map[string]bool) map[string]bool {
	all := map[string]bool{}
	for path := range paths {
		for path != "" && !all[above(path)] {
			path = above(path)
			all[path] = true
		}
	}
	return all
}

// above returns the path of what holds a value.
func above(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// Holds reports whether a problem is about the object that the Pod is from.
func (p *Pod) Holds(problem Problem) bool {
	return problem.File == p.File && problem.Document == p.Document && problem.Path != "" && (p.root == "" || within(problem.Path, p.root))
}

// within reports whether a path is that of a value or of a part of it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// A Workload is what of the object around a template matters for its Pods.
type Workload struct {
	// Job says that the Pods are those of a Job or CronJob.
	Job bool `json:"job"`
	// BackoffLimit is the Job's; nil when it is not set (then 6).
	BackoffLimit *int32 `json:"backoffLimit,omitempty"`
	// ActiveDeadlineSeconds is the Job's own, not the PodSpec's.
	ActiveDeadlineSeconds *int64 `json:"activeDeadlineSeconds,omitempty"`
	// ProgressDeadlineSeconds is the Deployment's; 600 for a Deployment that
	// does not set it, nil for other kinds.
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
}

// A place is where something begins in the file; 0 where that is not known.
type place struct{ line, column int32 }

func placeOf(n *yamltree.Node) place { return place{n.Line, n.Column} }

// LineAt returns the line where a path in the document is written, or the nearest
// place above it that is.
func (p *Pod) LineAt(path string) int {
	line, _ := p.PlaceAt(path)
	return line
}

// PlaceAt is LineAt with the column, which is 0 where it is not known.
func (p *Pod) PlaceAt(path string) (line, column int) {
	for path != "" {
		if at, ok := p.places[path]; ok {
			return int(at.line), int(at.column)
		}
		path = above(path)
	}
	return p.Line, 0
}

// A Role is the list of the PodSpec that a container is in.
type Role int

// The lists of a PodSpec.
const (
	RoleInit Role = iota
	RoleRegular
	RoleEphemeral
)

// Field returns the key of the list in the PodSpec.
func (r Role) Field() string {
	return [...]string{"initContainers", "containers", "ephemeralContainers"}[r]
}

// A Container is a container at its place in the Pod.
type Container struct {
	*corev1.Container

	Role Role
	// Index is its place in the list, from 0.
	Index int
	// ShortName is its name for messages: see Shorten. Without a name it is its place.
	ShortName string
	// Path is where it is in the document.
	Path string
}

// IsSidecar reports whether this is a native sidecar: an init container that is
// restarted always. On a regular container the same policy makes none
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/api/v1/pod/util.go).
func (c Container) IsSidecar() bool {
	return c.Role == RoleInit && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// Containers returns the init containers, then the regular ones, in their order.
func (p *Pod) Containers() []Container {
	all := make([]Container, 0, len(p.Spec.InitContainers)+len(p.Spec.Containers))
	for i := range p.Spec.InitContainers {
		all = append(all, p.container(RoleInit, i, &p.Spec.InitContainers[i]))
	}
	for i := range p.Spec.Containers {
		all = append(all, p.container(RoleRegular, i, &p.Spec.Containers[i]))
	}
	return all
}

// EphemeralContainers returns the ephemeral containers; their type has the fields of
// the others, with the same meaning.
func (p *Pod) EphemeralContainers() []Container {
	all := make([]Container, 0, len(p.Spec.EphemeralContainers))
	for i := range p.Spec.EphemeralContainers {
		c := corev1.Container(p.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		all = append(all, p.container(RoleEphemeral, i, &c))
	}
	return all
}

func (p *Pod) container(r Role, index int, c *corev1.Container) Container {
	name := Shorten(c.Name)
	if name == "" {
		name = r.Field() + PathIndex(index)
	}
	return Container{Container: c, Role: r, Index: index, ShortName: name, Path: JoinPath(p.Path, r.Field()+PathIndex(index))}
}

// HasSidecars reports whether the Pod has native sidecars.
func (p Pod) HasSidecars() bool {
	return slices.ContainsFunc(p.Containers(), Container.IsSidecar)
}

// GracePeriod returns terminationGracePeriodSeconds in seconds, or its default. An API
// server makes 1 of a negative one
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/core/v1/conversion.go).
func (p *Pod) GracePeriod() int64 {
	switch g := p.Spec.TerminationGracePeriodSeconds; {
	case g != nil && *g < 0:
		return 1
	case g != nil:
		return *g
	}
	return corev1.DefaultTerminationGracePeriodSeconds
}

// RestartPolicy returns the Pod's restartPolicy, or its default.
func (p *Pod) RestartPolicy() corev1.RestartPolicy {
	if p.Spec.RestartPolicy == "" {
		return corev1.RestartPolicyAlways
	}
	return p.Spec.RestartPolicy
}

// maxName bounds names in messages, in bytes; those of Kubernetes are shorter.
const maxName = 253

// Shorten cuts a name for a message.
func Shorten(name string) string {
	if len(name) > maxName {
		return strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	return name
}
