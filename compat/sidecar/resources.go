package sidecar

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"nodecompat/compat/manifest"
)

// resources returns what the scheduler reserves: the larger of what runs
// together (regular containers and all sidecars) and of what any init container
// needs beside the sidecars before it, plus the overhead. The Pod's own requests
// replace both
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-helpers/resource/helpers.go).
func resources(p *manifest.Pod) []Resource {
	uses := map[corev1.ResourceName]*use{}
	of := func(name corev1.ResourceName) *use {
		if uses[name] == nil {
			uses[name] = &use{}
		}
		return uses[name]
	}
	for _, m := range p.Containers() {
		for name, request := range requests(m.Resources) {
			of(name).add(m, request)
		}
	}
	for name, request := range podRequests(p) {
		of(name).pod = &request
	}
	for name := range p.Spec.Overhead {
		of(name)
	}
	all := make([]Resource, 0, len(uses))
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		r, total := uses[name].effective()
		total.Add(p.Spec.Overhead[name])
		r.Name, r.Request = string(name), total.String()
		all = append(all, r)
	}
	return all
}

// A use is how much of one resource the containers of a Pod request.
type use struct {
	sidecars, running resource.Quantity  // those together
	most              resource.Quantity  // of an init container, with the sidecars before it
	container         string             // the one with most
	pod               *resource.Quantity // the Pod's own, nil without
}

// add takes the containers in their order.
func (u *use) add(m manifest.Container, request resource.Quantity) {
	if m.Role == manifest.RoleRegular {
		u.running.Add(request)
		return
	}
	// While this one starts, the sidecars before it run.
	together := request.DeepCopy()
	together.Add(u.sidecars)
	if m.IsSidecar() {
		u.sidecars.Add(request)
	}
	if together.Cmp(u.most) > 0 {
		u.most, u.container = together, m.ShortName
	}
}

// effective applies the formula.
func (u *use) effective() (Resource, resource.Quantity) {
	running := u.running.DeepCopy()
	running.Add(u.sidecars)
	switch {
	case u.pod != nil:
		return Resource{From: "pod"}, u.pod.DeepCopy()
	case u.most.Cmp(running) > 0:
		return Resource{From: "init", Container: u.container}, u.most.DeepCopy()
	}
	return Resource{From: "running"}, running
}

// requests are a container's; what is only limited is requested as much.
func requests(r corev1.ResourceRequirements) corev1.ResourceList {
	all := corev1.ResourceList{}
	for name, q := range r.Limits {
		all[name] = q
	}
	for name, q := range r.Requests {
		all[name] = q
	}
	return all
}

// podRequests are the Pod's own, for the resources that it can have.
func podRequests(p *manifest.Pod) corev1.ResourceList {
	own := corev1.ResourceList{}
	if p.Spec.Resources == nil {
		return own
	}
	for name, q := range requests(*p.Spec.Resources) {
		if name == corev1.ResourceCPU || name == corev1.ResourceMemory || len(name) > 10 && name[:10] == corev1.ResourceHugePagesPrefix {
			own[name] = q
		}
	}
	return own
}
