package sidecar

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// resources returns what the scheduler reserves: the larger of what runs
// together (regular containers and all sidecars) and of what any init container
// needs beside the sidecars before it, plus the overhead. The Pod's own requests
// replace both
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-helpers/resource/helpers.go).
func resources(p *Pod) []Resource {
	names := map[corev1.ResourceName]bool{}
	for _, m := range p.members() {
		for name := range requests(m.Resources) {
			names[name] = true
		}
	}
	own := podRequests(p)
	for name := range own {
		names[name] = true
	}
	for name := range p.Spec.Overhead {
		names[name] = true
	}
	sorted := make([]corev1.ResourceName, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	all := make([]Resource, 0, len(sorted))
	for _, name := range sorted {
		r, total := effective(p, name)
		if q, ok := own[name]; ok {
			r, total = Resource{From: "pod"}, q.DeepCopy()
		}
		if overhead, ok := p.Spec.Overhead[name]; ok {
			total.Add(overhead)
		}
		r.Name, r.Request = string(name), total.String()
		all = append(all, r)
	}
	return all
}

// effective applies the formula to one resource.
func effective(p *Pod, name corev1.ResourceName) (Resource, resource.Quantity) {
	var sidecars, running, most resource.Quantity
	container := ""
	for _, m := range p.members() {
		request := requests(m.Resources)[name]
		if m.role == roleRegular {
			running.Add(request)
			continue
		}
		// While this one starts, the sidecars before it run.
		use := request.DeepCopy()
		use.Add(sidecars)
		if m.sidecar() {
			sidecars.Add(request)
		}
		if use.Cmp(most) > 0 {
			most, container = use, m.name
		}
	}
	running.Add(sidecars)
	if most.Cmp(running) > 0 {
		return Resource{From: "init", Container: container}, most
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
func podRequests(p *Pod) corev1.ResourceList {
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
