package sidecar

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A PodFinding is a remark on a Pod template. What each means is said by
// FindingDoc.
type PodFinding struct {
	ID string `json:"id"` // SC001 to SC037
	// Severity is error where the Pod would be refused or its app never starts.
	Severity verdict.Severity `json:"severity"`
	// Container is the one that the finding is about, "" for the Pod.
	Container string `json:"container"`
	Path      string `json:"path"` // in the document
	Line      int    `json:"line"` // of Path in the file, or of what is next above it; 0 when not known
	// Column counts characters from 1; left out where it is not known.
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	// Remedy says what to do; where that is something to write, its later lines
	// are the YAML.
	Remedy string `json:"remedy"`
	// Suppressed is the comment or annotation that says not to tell the finding; left
	// out where there is none. An error that is suppressed decides all the same.
	Suppressed *manifest.Suppression `json:"suppressed,omitempty"`
}

// MaxFindings is the number of findings of a Pod that are reported.
const MaxFindings = 1_000

// Lint looks for what in a Pod template is refused, does not do what it seems
// to, or goes wrong later. The plan is Order's for the same Pod and target. What
// depends on a version that is not known is reported with a lower severity, and
// what native sidecars do is left out where they do not run.
func Lint(p manifest.Pod, plan Plan, t Target) []PodFinding {
	l := &linter{pod: &p, target: t, native: t.treatment() == treatedNative, containers: p.Containers(), findings: []PodFinding{}}
	if len(plan.Steps) != len(l.containers) {
		plan = Order(p, t)
	}
	l.plan = &plan
	for i, m := range l.containers {
		l.refused(m)
		switch {
		case m.IsSidecar():
			if l.native {
				l.sidecar(m, &plan.Steps[i])
			}
		case m.Role == manifest.RoleInit:
			if l.native {
				l.initContainer(i, m)
			}
		default:
			l.regular(m, &plan.Steps[i])
		}
	}
	for _, m := range l.pod.EphemeralContainers() {
		l.ephemeralContainer(m)
	}
	l.wholePod()
	slices.SortStableFunc(l.findings, func(a, b PodFinding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path))
	})
	return l.findings
}

// A linter collects the findings of a Pod.
type linter struct {
	pod        *manifest.Pod
	plan       *Plan
	target     Target
	native     bool // whether native sidecars run
	containers []manifest.Container
	helpers    map[int]helper  // by index of the members; see helper
	claimNames map[string]bool // of the Pod's resourceClaims
	findings   []PodFinding
}

// helper is helperOf, asked once for each container.
func (l *linter) helper(i int) (h helper, known bool) {
	h, asked := l.helpers[i]
	if !asked {
		h, _ = helperOf(l.containers[i])
		if l.helpers == nil {
			l.helpers = map[int]helper{}
		}
		l.helpers[i] = h
	}
	return h, h.title != ""
}

// A place is what a finding is about.
type place struct{ container, path string }

func placeIn(m manifest.Container, field string) place {
	if field == "" {
		return place{m.ShortName, m.Path}
	}
	return place{m.ShortName, manifest.JoinPath(m.Path, field)}
}

func (l *linter) find(id string, severity verdict.Severity, at place, remedy, format string, args ...any) {
	if len(l.findings) < MaxFindings && !l.unread(at.path) {
		line, column := l.pod.PlaceAt(at.path)
		l.findings = append(l.findings, PodFinding{
			ID: id, Severity: severity, Container: at.container, Path: at.path, Line: line, Column: column,
			Message: fmt.Sprintf(format, args...), Remedy: remedy,
		})
	}
}

// unread reports whether a finding would be about something that could not be read,
// and was refused for that: what stands for it says nothing.
func (l *linter) unread(path string) bool {
	if l.pod.Refused(path) {
		return true
	}
	for _, m := range l.containers {
		if path == m.Path {
			return unreadIn(l.pod, m, "name", "image", "restartPolicy", "ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle")
		}
		if field, ok := strings.CutPrefix(path, m.Path+"."); ok {
			field, _, _ = strings.Cut(field, ".")
			return unreadIn(l.pod, m, field)
		}
	}
	return false
}

// unreadIn reports whether a part of a container's fields could not be read.
func unreadIn(p *manifest.Pod, m manifest.Container, fields ...string) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return p.RefusedIn(manifest.JoinPath(m.Path, field)) })
}

// spec is a place in the PodSpec.
func (l *linter) spec(field string) place { return place{"", manifest.JoinPath(l.pod.Path, field)} }

// wholePod holds the findings that are about no single container.
func (l *linter) wholePod() {
	l.object()
	l.injection()
	if l.native {
		l.ports()
		l.deadlines()
		l.sharedGrace()
	}
	if !l.pod.HasSidecars() {
		return
	}
	l.unsupported()
	if !l.native {
		return
	}
	limit := strings.TrimSuffix(l.pod.Path, ".template.spec") + ".backoffLimit"
	if l.plan.Job != nil && l.plan.Job.SidecarRestartsCount && !l.pod.Refused(limit) {
		l.find("SC020", verdict.SeverityWarning, l.spec("restartPolicy"),
			"let the Job make new Pods instead, whose failures are counted one by one:\nrestartPolicy: Never",
			"each restart of a native sidecar counts towards the Job's backoffLimit (%d), also after an exit with 0 or a failed startup probe, as those of its other containers do: %s fails the Job",
			l.plan.Job.BackoffLimit, ordinal(max(l.plan.Job.BackoffLimit, 1)))
	}
	if k := l.target.Kubelet; before(k, minor(29)) {
		l.find("SC030", verdict.SeverityWarning, l.spec("initContainers"), "use nodes with Kubernetes 1.29 or newer",
			"kubelet %s ends native sidecars together with the app, not after it, and does not start them in order again when the sandbox is made anew", k)
	}
}

// ordinal names the nth restart.
func ordinal(n int32) string {
	if n == 1 {
		return "the first"
	}
	return fmt.Sprintf("restart %d", n)
}

// unsupported is SC026.
func (l *linter) unsupported() {
	remedy := "pin the Pod to nodes that run native sidecars (nodeSelector or affinity), or upgrade: they are on by default from Kubernetes 1.29 on"
	at := l.spec("initContainers")
	switch s := l.target.Support; {
	case s != nil && s.apiDrops():
		l.find("SC026", verdict.SeverityError, at, "upgrade the control plane, or switch the feature gate "+gateSidecars+" on there: native sidecars are on by default from Kubernetes 1.29 on",
			"the cluster does not run this Pod's native sidecars: %s", s.Message)
	case s != nil && s.Support == Broken:
		l.find("SC026", verdict.SeverityError, at, remedyFor(s.Code), "the node does not run this Pod: %s", s.Message)
	case s != nil && s.Verdict() == verdict.Incompatible:
		l.find("SC026", verdict.SeverityError, at, remedy, "the node does not run this Pod's native sidecars: %s", s.Message)
	case before(l.target.Kubelet, sidecarsKnown()):
		l.find("SC026", verdict.SeverityError, at, remedy, "kubelet %s does not know native sidecars: the Pod stays in Init", l.target.Kubelet)
	}
	if s := l.target.Support; before(l.target.API, sidecarsKnown()) && (s == nil || s.Code != CodeAPITooOld) {
		l.find("SC026", verdict.SeverityError, at, "upgrade the control plane: native sidecars are on by default from Kubernetes 1.29 on",
			"API server %s does not know restartPolicy on containers: it refuses the request, or drops the field and the app never starts", l.target.API)
	}
}

// oneOf reports whether a known release is in [from, to).
func oneOf(r *kubelet.Release, from, to kubelet.Release) bool { return since(r, from) && before(r, to) }
