package sidecar

import (
	"slices"

	"nodecompat/compat/manifest"
)

// endings says how the containers end. Regular containers get SIGTERM at once;
// a sidecar's waits for them and for the sidecars listed after it. Hooks do not
// wait, and everything shares one grace period
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/kuberuntime/kuberuntime_termination_order.go).
func (o *orderer) endings() (endings []Ending, ordered bool) {
	ordered = !before(o.target.Kubelet, minor(29)) && o.plan.GracePeriodSeconds > 0 && o.treatment == treatedNative
	endings, before := []Ending{}, []string{}
	members := o.pod.Containers()
	for i, m := range members {
		if m.Role == manifest.RoleRegular && o.plan.Steps[i].Starts {
			e := o.ending(m)
			e.Kind = o.plan.Steps[i].Kind
			endings = append(endings, e)
			before = append(before, m.ShortName)
		}
	}
	for i, m := range slices.Backward(members) {
		if !m.IsSidecar() || !o.plan.Steps[i].Starts {
			continue
		}
		e := o.ending(m)
		e.Kind = StepSidecar
		if ordered {
			e.SigtermAfter = before
		}
		endings = append(endings, e)
		before = []string{m.ShortName}
	}
	return endings, ordered
}

func (o *orderer) ending(m manifest.Container) Ending {
	e := Ending{Container: m.ShortName, Path: m.Path, Line: o.pod.LineAt(m.Path), SigtermAfter: []string{}}
	if h := preStop(m); hookOf(h) != hookNone && hookOf(h) != hookEmpty {
		e.PreStop = string(hookOf(h))
		if h.Sleep != nil {
			e.PreStopSeconds = new(max(h.Sleep.Seconds, 0))
		}
	}
	return e
}
