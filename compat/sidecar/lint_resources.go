package sidecar

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
)

// resources is about those that a container requests, and how they may be changed.
func (l *linter) resources(m manifest.Container) {
	at := placeIn(m, "resources")
	l.quantities(at, m.Resources, containerResourceProblems)
	l.claims(at.at("claims"), m.Resources.Claims)
	l.resizePolicies(m)
}

// quantities are requests and limits.
func (l *linter) quantities(at place, r corev1.ResourceRequirements, problems func(string) []string) {
	for _, list := range []struct {
		field string
		of    corev1.ResourceList
	}{{"limits", r.Limits}, {"requests", r.Requests}} {
		for _, name := range slices.Sorted(maps.Keys(list.of)) {
			l.quantity(at.at(list.field).key(string(name)), name, list.of[name], problems)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request := r.Requests[name]
		limit, limited := r.Limits[name]
		at, shown := at.at("requests").key(string(name)), manifest.Shorten(string(name))
		switch {
		case !limited && !overcommitted(name):
			l.refuse(at, "limit it as well", "Required value: Limit must be set for non overcommitable resources, such as %q", shown)
		case limited && !overcommitted(name) && request.Cmp(limit) != 0:
			l.refuse(at, "make the two equal", "Invalid value: %q: must be equal to %s limit of %s", request.String(), shown, limit.String())
		case limited && request.Cmp(limit) > 0:
			l.refuse(at, fmt.Sprintf("request at most %s, or raise the limit", limit.String()),
				"Invalid value: %q: must be less than or equal to %s limit of %s", request.String(), shown, limit.String())
		}
	}
	l.hugePages(at, requests(r))
}

// hugePages refuses them where there is nothing else.
func (l *linter) hugePages(at place, all corev1.ResourceList) {
	if slices.ContainsFunc(slices.Collect(maps.Keys(all)), isHugePages) && !holds(all, corev1.ResourceCPU) && !holds(all, corev1.ResourceMemory) {
		l.refuse(at, "request cpu or memory as well", "Forbidden: HugePages require cpu or memory")
	}
}

// overhead is what the Pod needs beside its containers.
func (l *linter) overhead(at place, overhead corev1.ResourceList) {
	for _, name := range slices.Sorted(maps.Keys(overhead)) {
		l.quantity(at.key(string(name)), name, overhead[name], containerResourceProblems)
	}
	l.hugePages(at, overhead)
}

func holds(list corev1.ResourceList, name corev1.ResourceName) bool {
	_, ok := list[name]
	return ok
}

// quantity is how much of one resource.
func (l *linter) quantity(at place, name corev1.ResourceName, q resource.Quantity, problems func(string) []string) {
	l.syntax(at, string(name), problems(string(name)))
	switch {
	case q.Sign() < 0:
		l.refuse(at, "remove it, or raise it", "Invalid value: %q: must be greater than or equal to 0", q.String())
	case !overcommitted(name) && !isHugePages(name) && q.MilliValue()%1000 != 0:
		l.refuse(at, "write a whole number", "Invalid value: %q: must be an integer", q.String())
	case isHugePages(name) && !divisible(name, q):
		l.refuse(at, "request whole pages", "Invalid value: %q: %s is not positive integer multiple of %s", q.String(), q.String(), manifest.Shorten(string(name)))
	}
}

func isHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// divisible reports whether a size is one of whole pages.
func divisible(name corev1.ResourceName, q resource.Quantity) bool {
	page, err := resource.ParseQuantity(strings.TrimPrefix(string(name), corev1.ResourceHugePagesPrefix))
	return err == nil && page.Sign() > 0 && page.MilliValue()%1000 == 0 && q.Value()%page.Value() == 0
}

// overcommitted reports whether a node may give away more of a resource than it has: of those
// of Kubernetes itself but huge pages, not of those of devices (nvidia.com/gpu).
func overcommitted(name corev1.ResourceName) bool {
	return isNative(string(name)) && !isHugePages(name)
}

func isNative(name string) bool {
	return !strings.Contains(name, "/") || strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
}

// containerResourceProblems says why a container can't request such a resource.
func containerResourceProblems(name string) []string {
	if problems := validation.IsQualifiedName(name); len(problems) > 0 {
		return problems
	}
	switch {
	case !strings.Contains(name, "/"):
		if !slices.Contains([]string{"cpu", "memory", "ephemeral-storage"}, name) && !isHugePages(corev1.ResourceName(name)) {
			return []string{"must be a standard resource for containers: cpu, memory, ephemeral-storage, hugepages-*, or one with a domain"}
		}
	case !isNative(name) && (strings.HasPrefix(name, corev1.DefaultResourceRequestsPrefix) || len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+name)) > 0):
		return []string{"doesn't follow extended resource name standard"}
	}
	return nil
}

// podResourceProblems says why a Pod can't request such a resource for all its containers.
func podResourceProblems(name string) []string {
	if name == "cpu" || name == "memory" || isHugePages(corev1.ResourceName(name)) && len(validation.IsQualifiedName(name)) == 0 {
		return nil
	}
	return []string{`supported values: "cpu", "hugepages-*", "memory"`}
}

// claims are those of the Pod that a container uses.
func (l *linter) claims(at place, claims []corev1.ResourceClaim) {
	taken := map[string]bool{}
	for i, claim := range claims {
		at := at.item(i)
		if claim.Request != "" {
			l.syntax(at.at("request"), claim.Request, validation.IsDNS1123Label(claim.Request))
		}
		switch whole := claim.Name + "/"; {
		case !l.required(at.at("name"), claim.Name):
		case taken[claim.Name], taken[whole+claim.Request], claim.Request == "" && taken[whole]:
			l.refuse(at, "keep one of the two", "Duplicate value: %q", manifest.Shorten(claim.Name))
		}
		taken[claim.Name+"/"], taken[claim.Name+"/"+claim.Request] = true, true
		if claim.Request == "" {
			taken[claim.Name] = true
		}
		if claim.Name != "" && !l.claimNames[claim.Name] && !l.leftOut(l.spec("resourceClaims")) {
			l.refuse(at.at("name"), "add it to the Pod's resourceClaims", "Not found: %q: must be one of the names in pod.spec.resourceClaims", manifest.Shorten(claim.Name))
		}
	}
}

// podClaims are what the Pod claims of devices.
func (l *linter) podClaims() {
	taken := map[string]bool{}
	l.claimNames = taken
	for i, claim := range l.pod.Spec.ResourceClaims {
		at := l.spec("resourceClaims").item(i)
		switch {
		case !l.required(at.at("name"), claim.Name):
		case taken[claim.Name]:
			l.refuse(at.at("name"), "rename one of the two", "Duplicate value: %q", manifest.Shorten(claim.Name))
		default:
			l.syntax(at.at("name"), claim.Name, validation.IsDNS1123Label(claim.Name))
		}
		taken[claim.Name] = true
		if set := l.choice(at, claim, "Invalid value: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"); len(set) == 0 && !l.leftOut(at) {
			l.refuse(at, "name a claim, or a template of one", "Invalid value: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
		}
		if name := claim.ResourceClaimName; name != nil {
			l.syntax(at.at("resourceClaimName"), *name, validation.IsDNS1123Subdomain(*name))
		}
		if name := claim.ResourceClaimTemplateName; name != nil {
			l.syntax(at.at("resourceClaimTemplateName"), *name, validation.IsDNS1123Subdomain(*name))
		}
	}
}

// podResources are the Pod's own, which come beside those of its containers (from 1.34 on).
func (l *linter) podResources() {
	r, at := l.pod.Spec.Resources, l.spec("resources")
	if r == nil || !l.target.apiGate(gatePodResources, 34) {
		return
	}
	if r.Claims != nil {
		l.refuse(at.at("claims"), "let a container claim it", "Forbidden: claims may not be set for Resources at pod-level")
		l.claims(at.at("claims"), r.Claims)
	}
	l.quantities(at, *r, podResourceProblems)
	l.belowSum(at, r)
	for _, m := range l.containers {
		for _, name := range slices.Sorted(maps.Keys(m.Resources.Limits)) {
			own := m.Resources.Limits[name]
			if limit, ok := r.Limits[name]; ok && m.Role == manifest.RoleRegular && own.Cmp(limit) > 0 {
				l.refuse(placeIn(m, "resources.limits").key(string(name)), "lower it, or raise that of the Pod",
					"Invalid value: %q: must be less than or equal to pod limits of %s", own.String(), limit.String())
			}
		}
	}
}

// belowSum refuses requests of the Pod that are less than what its containers request, and
// limits of huge pages in the same way.
func (l *linter) belowSum(at place, r *corev1.ResourceRequirements) {
	requested := l.sum(requests)
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		own, sum := r.Requests[name], requested[name]
		if own.Cmp(sum) < 0 {
			l.refuse(at.at("requests").key(string(name)), fmt.Sprintf("request at least %s", sum.String()),
				"Invalid value: %q: must be greater than or equal to aggregate container requests of %s", own.String(), sum.String())
		}
	}
	limited := l.sum(func(r corev1.ResourceRequirements) corev1.ResourceList { return r.Limits })
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		limit, requested, sum := r.Limits[name], requested[name], limited[name]
		switch {
		case isHugePages(name) && limit.Cmp(sum) < 0:
			l.refuse(at.at("limits").key(string(name)), fmt.Sprintf("raise it to %s", sum.String()),
				"Invalid value: %q: must be greater than or equal to aggregate container limits of %s", limit.String(), sum.String())
		case !holds(r.Requests, name) && limit.Cmp(requested) < 0:
			l.refuse(at.at("limits").key(string(name)), fmt.Sprintf("raise it to %s", requested.String()),
				"Invalid value: %q: the containers request %s, which must be less than or equal to the limit", limit.String(), requested.String())
		}
	}
}

// sum is what the containers need together: see resources.go.
func (l *linter) sum(of func(corev1.ResourceRequirements) corev1.ResourceList) corev1.ResourceList {
	uses := map[corev1.ResourceName]*use{}
	for _, m := range l.containers {
		for name, q := range of(m.Resources) {
			if uses[name] == nil {
				uses[name] = &use{}
			}
			uses[name].add(m, q)
		}
	}
	all := corev1.ResourceList{}
	for name, u := range uses {
		_, all[name] = u.effective()
	}
	return all
}

// resizePolicies say what is restarted when resources change, where an API server keeps them
// (gate InPlacePodVerticalScaling, on from 1.33 on).
func (l *linter) resizePolicies(m manifest.Container) {
	if !l.target.apiGate(gateResize, 33) {
		return
	}
	taken := map[corev1.ResourceName]bool{}
	for i, p := range m.ResizePolicy {
		at := placeIn(m, "resizePolicy"+manifest.PathIndex(i))
		l.mustBeOneOf(at.at("resourceName"), string(p.ResourceName), "cpu", "memory")
		l.mustBeOneOf(at.at("restartPolicy"), string(p.RestartPolicy), "NotRequired", "RestartContainer")
		if taken[p.ResourceName] {
			l.refuse(at, "keep one of the two", "Duplicate value: %q", string(p.ResourceName))
		}
		taken[p.ResourceName] = true
		if l.pod.Spec.RestartPolicy == corev1.RestartPolicyNever && p.RestartPolicy == corev1.RestartContainer {
			l.refuse(at.at("restartPolicy"), "choose the other one:\nrestartPolicy: NotRequired", "Invalid value: \"RestartContainer\": must be 'NotRequired' when `restartPolicy` is 'Never'")
		}
	}
}
