package sidecar

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
)

type labelSet = labels.Set

// A count is a field that holds a number, nil when it is not set.
type count struct {
	field string
	value *int32
}

// workload is what an API server refuses of the object around the template (the
// validation of apps and batch in
// https://github.com/kubernetes/kubernetes/tree/v1.37.0/pkg/apis). Jobs are in lint_job.go.
func (l *linter) workload() {
	spec := l.document("spec")
	switch o := l.pod.Object.(type) {
	case *appsv1.Deployment:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds},
			count{"revisionHistoryLimit", o.Spec.RevisionHistoryLimit}, count{"progressDeadlineSeconds", o.Spec.ProgressDeadlineSeconds})
		l.selector(spec.at("selector"), o.Spec.Selector)
		l.rollout(spec.at("strategy"), &o.Spec.Strategy)
		l.progress(spec.at("progressDeadlineSeconds"), o)
	case *appsv1.ReplicaSet:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds})
		l.selector(spec.at("selector"), o.Spec.Selector)
	case *appsv1.DaemonSet:
		l.counts(spec, count{"minReadySeconds", &o.Spec.MinReadySeconds}, count{"revisionHistoryLimit", o.Spec.RevisionHistoryLimit})
		l.selector(spec.at("selector"), o.Spec.Selector)
		l.daemonUpdate(spec.at("updateStrategy"), &o.Spec.UpdateStrategy)
	case *appsv1.StatefulSet:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds})
		l.selector(spec.at("selector"), o.Spec.Selector)
		l.statefulSet(spec, &o.Spec)
	case *corev1.ReplicationController:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds})
		switch labels := o.Spec.Selector; {
		case len(labels) > 0:
			l.selector(spec.at("selector"), &metav1.LabelSelector{MatchLabels: labels})
		case len(l.pod.Labels) == 0 && !l.leftOut(spec):
			l.refuse(spec.at("selector"), "give the template labels", "Required value: a ReplicationController needs a selector, or a template with labels")
		}
	case *batchv1.Job:
		l.job(spec, &o.Spec)
	case *batchv1.CronJob:
		l.cronJob(spec, &o.Spec)
	}
}

// counts refuses negative numbers.
func (l *linter) counts(at place, all ...count) {
	for _, c := range all {
		if c.value != nil {
			l.nonNegative(at.at(c.field), int64(*c.value))
		}
	}
}

// progress is how long a Deployment may take.
func (l *linter) progress(at place, d *appsv1.Deployment) {
	limit, ready := int32(600), d.Spec.MinReadySeconds
	if d.Spec.ProgressDeadlineSeconds != nil {
		limit = *d.Spec.ProgressDeadlineSeconds
	}
	if limit >= 0 && limit <= ready && !l.pod.Refused(l.pod.ObjectPath("spec.minReadySeconds")) {
		l.refuse(at, fmt.Sprintf("raise it:\nprogressDeadlineSeconds: %d", add(int64(ready), 600)), "Invalid value: %d: must be greater than minReadySeconds", limit)
	}
}

// rollout is how a Deployment replaces its Pods: by default 25% of them at a time.
func (l *linter) rollout(at place, s *appsv1.DeploymentStrategy) {
	l.oneOf(at.at("type"), string(s.Type), "Recreate", "RollingUpdate")
	switch rolling, at := s.RollingUpdate, at.at("rollingUpdate"); {
	case rolling == nil:
	case s.Type == appsv1.RecreateDeploymentStrategyType:
		l.refuse(at, "remove it, or:\ntype: RollingUpdate", "Forbidden: may not be specified when strategy `type` is 'Recreate'")
	case s.Type == appsv1.RollingUpdateDeploymentStrategyType || s.Type == "":
		surge := l.share(at.at("maxSurge"), rolling.MaxSurge, false)
		unavailable := l.share(at.at("maxUnavailable"), rolling.MaxUnavailable, true)
		if surge == 0 && unavailable == 0 && rolling.MaxSurge != nil && rolling.MaxUnavailable != nil {
			l.refuse(at.at("maxUnavailable"), "raise one of the two", "Invalid value: 0: may not be 0 when `maxSurge` is 0")
		}
	}
}

// daemonUpdate is how a DaemonSet replaces its Pods: by default one at a time, with
// maxUnavailable 1 and maxSurge 0.
func (l *linter) daemonUpdate(at place, s *appsv1.DaemonSetUpdateStrategy) {
	l.oneOf(at.at("type"), string(s.Type), "RollingUpdate", "OnDelete")
	rolling, at := s.RollingUpdate, at.at("rollingUpdate")
	if rolling == nil || s.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return
	}
	surge, unavailable := l.share(at.at("maxSurge"), rolling.MaxSurge, true), l.share(at.at("maxUnavailable"), rolling.MaxUnavailable, true)
	if rolling.MaxUnavailable == nil {
		unavailable = 1
	}
	switch {
	case surge != 0 && unavailable != 0:
		l.refuse(at.at("maxSurge"), "remove it, or:\nmaxUnavailable: 0", "Invalid value: may not be set when maxUnavailable is non-zero")
	case surge == 0 && unavailable == 0:
		l.refuse(at.at("maxUnavailable"), "raise one of the two", "Required value: cannot be 0 when maxSurge is 0")
	}
}

// share is a number of Pods, or a percentage of them; limited ones are 100% at most. It returns
// the number, 0 where there is none.
func (l *linter) share(at place, v *intstr.IntOrString, limited bool) int {
	switch {
	case v == nil:
		return 0
	case v.Type == intstr.Int:
		l.nonNegative(at, int64(v.IntVal))
		return int(v.IntVal)
	}
	if len(validation.IsValidPercent(v.StrVal)) > 0 {
		l.refuse(at, "write a number, or a percentage such as 25%", "Invalid value: %.60q: a valid percent string must be a numeric string followed by an ending '%%'", v.StrVal)
		return 0
	}
	percent, err := strconv.Atoi(strings.TrimSuffix(v.StrVal, "%"))
	if limited && (err != nil || percent > 100) {
		l.refuse(at, "lower it", "Invalid value: %.60q: must not be greater than 100%%", v.StrVal)
	}
	return percent
}

// statefulSet is what only those have.
func (l *linter) statefulSet(at place, s *appsv1.StatefulSetSpec) {
	l.oneOf(at.at("podManagementPolicy"), string(s.PodManagementPolicy), "OrderedReady", "Parallel")
	update := at.at("updateStrategy")
	l.oneOf(update.at("type"), string(s.UpdateStrategy.Type), "RollingUpdate", "OnDelete")
	if rolling := s.UpdateStrategy.RollingUpdate; rolling != nil {
		if s.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			l.refuse(update.at("rollingUpdate"), "remove it, or:\ntype: RollingUpdate", "Invalid value: only allowed for updateStrategy 'RollingUpdate'")
		}
		l.counts(update, count{"rollingUpdate.partition", rolling.Partition})
		if v := rolling.MaxUnavailable; v != nil && (l.target.Gates[gateMaxUnavailable] || since(l.target.API, minor(37))) && l.share(update.at("rollingUpdate.maxUnavailable"), v, true) == 0 {
			l.refuse(update.at("rollingUpdate.maxUnavailable"), "raise it", "Invalid value: cannot be 0")
		}
	}
	if s.Ordinals != nil {
		l.counts(at, count{"ordinals.start", &s.Ordinals.Start})
	}
	if s.ServiceName != "" && !before(l.target.API, minor(34)) {
		l.syntax(at.at("serviceName"), s.ServiceName, validation.IsDNS1123Label(s.ServiceName))
	}
	if policy, at := s.PersistentVolumeClaimRetentionPolicy, at.at("persistentVolumeClaimRetentionPolicy"); policy != nil {
		l.oneOf(at.at("whenDeleted"), string(policy.WhenDeleted), "Retain", "Delete")
		l.oneOf(at.at("whenScaled"), string(policy.WhenScaled), "Retain", "Delete")
	}
	for i := range s.VolumeClaimTemplates {
		claim, at := &s.VolumeClaimTemplates[i], at.at("volumeClaimTemplates").item(i)
		l.syntax(at.at("metadata.name"), claim.Name, validation.IsDNS1123Label(claim.Name))
		l.claim(at.at("spec"), &claim.Spec)
	}
}

// claimTemplates names the volumes that a StatefulSet adds to its Pods.
func claimTemplates(p *manifest.Pod) []string {
	var names []string
	if o, ok := p.Object.(*appsv1.StatefulSet); ok {
		for i := range o.Spec.VolumeClaimTemplates {
			names = append(names, o.Spec.VolumeClaimTemplates[i].Name)
		}
	}
	return names
}
