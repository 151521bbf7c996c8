package sidecar

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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
// https://github.com/kubernetes/kubernetes/tree/v1.37.0/pkg/apis).
func (l *linter) workload() {
	spec := l.pod.ObjectPath("spec")
	switch o := l.pod.Object.(type) {
	case *appsv1.Deployment:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds},
			count{"revisionHistoryLimit", o.Spec.RevisionHistoryLimit}, count{"progressDeadlineSeconds", o.Spec.ProgressDeadlineSeconds})
		l.podSelector(spec, o.Spec.Selector)
		l.oneOf(manifest.JoinPath(spec, "strategy.type"), string(o.Spec.Strategy.Type), "Recreate", "RollingUpdate")
		l.progress(spec, o.Spec.ProgressDeadlineSeconds, o.Spec.MinReadySeconds)
	case *appsv1.ReplicaSet:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds})
		l.podSelector(spec, o.Spec.Selector)
	case *appsv1.DaemonSet:
		l.counts(spec, count{"minReadySeconds", &o.Spec.MinReadySeconds}, count{"revisionHistoryLimit", o.Spec.RevisionHistoryLimit})
		l.podSelector(spec, o.Spec.Selector)
		l.oneOf(manifest.JoinPath(spec, "updateStrategy.type"), string(o.Spec.UpdateStrategy.Type), "RollingUpdate", "OnDelete")
	case *appsv1.StatefulSet:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds}, count{"revisionHistoryLimit", o.Spec.RevisionHistoryLimit})
		l.podSelector(spec, o.Spec.Selector)
		l.oneOf(manifest.JoinPath(spec, "podManagementPolicy"), string(o.Spec.PodManagementPolicy), "OrderedReady", "Parallel")
		l.oneOf(manifest.JoinPath(spec, "updateStrategy.type"), string(o.Spec.UpdateStrategy.Type), "RollingUpdate", "OnDelete")
	case *corev1.ReplicationController:
		l.counts(spec, count{"replicas", o.Spec.Replicas}, count{"minReadySeconds", &o.Spec.MinReadySeconds})
		if len(o.Spec.Selector) > 0 {
			l.podSelector(spec, &metav1.LabelSelector{MatchLabels: o.Spec.Selector})
		}
	case *batchv1.Job:
		l.job(spec, &o.Spec)
	case *batchv1.CronJob:
		l.cronJob(spec, &o.Spec)
		l.job(manifest.JoinPath(spec, "jobTemplate.spec"), &o.Spec.JobTemplate.Spec)
	}
}

// podSelector is the selector of a workload.
func (l *linter) podSelector(spec string, s *metav1.LabelSelector) {
	l.selector(manifest.JoinPath(spec, "selector"), s)
}

// counts refuses negative numbers.
func (l *linter) counts(path string, all ...count) {
	for _, c := range all {
		if c.value != nil && *c.value < 0 {
			l.refuse(manifest.JoinPath(path, c.field), "remove it, or raise it", "Invalid value: %d: must be greater than or equal to 0", *c.value)
		}
	}
}

// oneOf refuses a word that is none of those that there are; "" stands for the default.
func (l *linter) oneOf(path, word string, words ...string) {
	for _, w := range words {
		if word == w || word == "" {
			return
		}
	}
	l.refuse(path, "choose one (the value is case sensitive)", "Unsupported value: %.60q: supported values: \"%s\"", word, strings.Join(words, `", "`))
}

func (l *linter) progress(spec string, deadline *int32, ready int32) {
	limit := int32(600)
	if deadline != nil {
		limit = *deadline
	}
	at := manifest.JoinPath(spec, "progressDeadlineSeconds")
	if limit >= 0 && limit <= ready && !l.pod.Refused(manifest.JoinPath(spec, "minReadySeconds")) {
		l.refuse(at, fmt.Sprintf("raise it:\nprogressDeadlineSeconds: %d", add(int64(ready), 600)), "Invalid value: %d: must be greater than minReadySeconds", limit)
	}
}

// job is about a Job's spec. A live Job has the selector that the server made.
func (l *linter) job(path string, s *batchv1.JobSpec) {
	l.counts(path, count{"parallelism", s.Parallelism}, count{"completions", s.Completions}, count{"backoffLimit", s.BackoffLimit},
		count{"ttlSecondsAfterFinished", s.TTLSecondsAfterFinished}, count{"backoffLimitPerIndex", s.BackoffLimitPerIndex}, count{"maxFailedIndexes", s.MaxFailedIndexes})
	l.seconds(path, "activeDeadlineSeconds", s.ActiveDeadlineSeconds)
	manual := s.ManualSelector != nil && *s.ManualSelector
	switch {
	case manual:
		l.selector(manifest.JoinPath(path, "selector"), s.Selector)
	case s.Selector != nil && l.pod.Meta.UID == "":
		l.refuse(manifest.JoinPath(path, "selector"), "remove it: the server makes one", "`selector` not auto-generated: a Job may have one only with manualSelector: true")
	}
	if s.CompletionMode != nil {
		l.oneOf(manifest.JoinPath(path, "completionMode"), string(*s.CompletionMode), "NonIndexed", "Indexed")
	}
	indexed := s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion
	switch {
	case indexed && s.Completions == nil:
		l.refuse(manifest.JoinPath(path, "completions"), "say how many:\ncompletions: 1", "Required value: when completion mode is Indexed")
	case !indexed && s.BackoffLimitPerIndex != nil:
		l.refuse(manifest.JoinPath(path, "backoffLimitPerIndex"), "remove it, or:\ncompletionMode: Indexed", "Invalid value: %d: requires indexed completion mode", *s.BackoffLimitPerIndex)
	}
	policy := l.pod.Spec.RestartPolicy
	if s.PodFailurePolicy != nil && policy == corev1.RestartPolicyOnFailure {
		l.refuse(l.spec("restartPolicy").path, "let the Job make new Pods:\nrestartPolicy: Never", `Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified`)
	}
}

func (l *linter) seconds(path, field string, value *int64) {
	if value != nil && *value < 0 {
		l.refuse(manifest.JoinPath(path, field), "remove it, or raise it", "Invalid value: %d: must be greater than or equal to 0", *value)
	}
}

func (l *linter) cronJob(spec string, s *batchv1.CronJobSpec) {
	l.counts(spec, count{"successfulJobsHistoryLimit", s.SuccessfulJobsHistoryLimit}, count{"failedJobsHistoryLimit", s.FailedJobsHistoryLimit})
	l.seconds(spec, "startingDeadlineSeconds", s.StartingDeadlineSeconds)
	l.oneOf(manifest.JoinPath(spec, "concurrencyPolicy"), string(s.ConcurrencyPolicy), "Allow", "Forbid", "Replace")
	at := manifest.JoinPath(spec, "schedule")
	switch reason := unscheduled(s.Schedule); {
	case s.Schedule == "":
		l.refuse(at, "say when it runs:\nschedule: \"0 3 * * *\"", "Required value: a CronJob needs a schedule")
	case reason != "":
		l.refuse(at, "write minute, hour, day of the month, month and day of the week:\nschedule: \"0 3 * * *\"", "Invalid value: %.100q: %s", s.Schedule, reason)
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
