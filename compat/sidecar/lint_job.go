package sidecar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"nodecompat/compat/manifest"
)

// Bounds of Jobs
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/batch/validation/validation.go).
const (
	maxJobRules      = 20
	maxExitCodes     = 255
	maxIndexed       = 100_000 // parallelism and failed indexes of an indexed Job
	maxManyIndexed   = 10_000  // those of one with more completions than that
	maxManagedBy     = 63
	maxIndexesLength = 64 << 10
)

// job is about a Job. A live one has the selector that the server made.
func (l *linter) job(at place, s *batchv1.JobSpec) {
	l.jobSpec(at, s)
	l.jobName(s)
	selector := at.at("selector")
	switch {
	case l.leftOut(at.at("manualSelector")):
	case isOn(s.ManualSelector) && s.Selector != nil && len(s.Selector.MatchLabels)+len(s.Selector.MatchExpressions) == 0: // selects all
	case isOn(s.ManualSelector):
		l.selector(selector, s.Selector)
	case s.Selector != nil && len(s.Selector.MatchLabels)+len(s.Selector.MatchExpressions) > 0 && !l.created():
		l.refuse(selector, "remove it: the server makes one", "`selector` not auto-generated: a Job may have one only with manualSelector: true")
	}
}

// jobName is what the names of a Job's Pods are made of: it becomes a label, and with an index
// the name of a host.
func (l *linter) jobName(s *batchv1.JobSpec) {
	name, at := l.pod.Meta.Name, l.document("metadata.name")
	if beginning := l.pod.Meta.GenerateName; name == "" && beginning != "" {
		name, at = beginning[:min(len(beginning), 58)]+"00000", l.document("metadata.generateName") // as the server does
	}
	if n := completions(s); name != "" && s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion && n != nil && *n > 0 {
		if problems := validation.IsDNS1123Label(fmt.Sprintf("%s-%d", name, *n-1)); len(problems) > 0 {
			l.refuse(at, "rename it", "Invalid value: %.100q: its Pods could not have their names: %s", name, withoutPattern(problems))
			return
		}
	}
	if !isOn(s.ManualSelector) && len(name) > validation.LabelValueMaxLength {
		l.refuse(at, "shorten it", "Invalid value: %.100q: it becomes a label of the Job's Pods: must be no more than %d characters", name, validation.LabelValueMaxLength)
	}
}

// completions is how many Pods have to succeed, nil where one is enough. With neither that nor
// parallelism the API server makes both 1.
func completions(s *batchv1.JobSpec) *int32 {
	if s.Completions == nil && s.Parallelism == nil {
		return new(int32(1))
	}
	return s.Completions
}

// jobSpec is a Job's spec, or that of the Jobs of a CronJob.
func (l *linter) jobSpec(at place, s *batchv1.JobSpec) {
	l.counts(at, count{"parallelism", s.Parallelism}, count{"completions", s.Completions}, count{"backoffLimit", s.BackoffLimit},
		count{"ttlSecondsAfterFinished", s.TTLSecondsAfterFinished}, count{"backoffLimitPerIndex", s.BackoffLimitPerIndex}, count{"maxFailedIndexes", s.MaxFailedIndexes})
	if s.ActiveDeadlineSeconds != nil {
		l.nonNegative(at.at("activeDeadlineSeconds"), *s.ActiveDeadlineSeconds)
	}
	if s.ManagedBy != nil {
		l.managedBy(at.at("managedBy"), *s.ManagedBy)
	}
	if s.CompletionMode != nil {
		l.mustBeOneOf(at.at("completionMode"), string(*s.CompletionMode), "NonIndexed", "Indexed")
	}
	perIndex := s.BackoffLimitPerIndex != nil || l.leftOut(at.at("backoffLimitPerIndex"))
	if s.MaxFailedIndexes != nil && !perIndex {
		l.refuse(at.at("backoffLimitPerIndex"), "say how many:\nbackoffLimitPerIndex: 1", "Required value: when maxFailedIndexes is specified")
	}
	if s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion {
		l.indexed(at, s)
	} else if !l.leftOut(at.at("completionMode")) {
		l.onlyIndexed(at, s)
	}
	if s.PodFailurePolicy != nil {
		l.failurePolicy(at.at("podFailurePolicy.rules"), s.PodFailurePolicy.Rules, perIndex)
	}
	if policy := s.PodReplacementPolicy; policy != nil {
		words := []string{"Failed", "TerminatingOrFailed"}
		if s.PodFailurePolicy != nil {
			words = words[:1]
		}
		l.mustBeOneOf(at.at("podReplacementPolicy"), string(*policy), words...)
	}
}

func (l *linter) managedBy(at place, name string) {
	l.refuseAll("", "name it as DOMAIN/NAME", validation.IsDomainPrefixedPath(field.NewPath(at.path), name))
	if len(name) > maxManagedBy {
		l.refuse(at, "shorten it", "Too long: may not be more than %d bytes", maxManagedBy)
	}
}

// onlyIndexed refuses what only an indexed Job has.
func (l *linter) onlyIndexed(at place, s *batchv1.JobSpec) {
	const remedy = "remove it, or:\ncompletionMode: Indexed"
	for _, c := range []count{{"backoffLimitPerIndex", s.BackoffLimitPerIndex}, {"maxFailedIndexes", s.MaxFailedIndexes}} {
		if c.value != nil {
			l.refuse(at.at(c.field), remedy, "Invalid value: %d: requires indexed completion mode", *c.value)
		}
	}
	if s.SuccessPolicy != nil {
		l.refuse(at.at("successPolicy"), remedy, "Invalid value: requires indexed completion mode")
	}
}

// indexed is about a Job whose Pods have numbers.
func (l *linter) indexed(at place, s *batchv1.JobSpec) {
	n := completions(s)
	if n == nil {
		l.refuse(at.at("completions"), "say how many:\ncompletions: 1", "Required value: when completion mode is Indexed")
		return
	}
	all, most, failed := *n, int32(maxIndexed), int32(maxIndexed)
	if all > maxIndexed && s.BackoffLimitPerIndex != nil {
		most, failed = maxManyIndexed, maxManyIndexed
		if s.MaxFailedIndexes == nil {
			l.refuse(at.at("maxFailedIndexes"), "say how many", "Required value: must be specified when completions is above %d", maxIndexed)
		}
	}
	if n := s.Parallelism; n != nil && *n > most {
		l.refuse(at.at("parallelism"), "lower it", "Invalid value: %d: must be less than or equal to %d when completion mode is Indexed", *n, most)
	}
	if n := s.MaxFailedIndexes; n != nil && *n > min(failed, all) {
		l.refuse(at.at("maxFailedIndexes"), "lower it", "Invalid value: %d: must be less than or equal to %d", *n, min(failed, all))
	}
	if s.SuccessPolicy != nil {
		l.successPolicy(at.at("successPolicy.rules"), s.SuccessPolicy, all)
	}
}

// failurePolicy is what a failed Pod means for its Job.
func (l *linter) failurePolicy(at place, rules []batchv1.PodFailurePolicyRule, perIndex bool) {
	if policy := l.pod.Spec.RestartPolicy; policy == corev1.RestartPolicyOnFailure {
		l.refuse(l.spec("restartPolicy"), "let the Job make new Pods:\nrestartPolicy: Never", `Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified`)
	}
	if len(rules) > maxJobRules {
		l.refuse(at, "merge some of them", "Too many: %d: must have at most %d items", len(rules), maxJobRules)
	}
	for i := range rules {
		r, at := &rules[i], at.item(i)
		l.mustBeOneOf(at.at("action"), string(r.Action), "Count", "FailIndex", "FailJob", "Ignore")
		if r.Action == batchv1.PodFailurePolicyActionFailIndex && !perIndex {
			l.refuse(at.at("action"), "choose another one, or set backoffLimitPerIndex", "Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set")
		}
		if (r.OnExitCodes == nil) == (len(r.OnPodConditions) == 0) && !l.leftOut(at) {
			l.refuse(at, "say when it applies, in one of the two", "Invalid value: specifying one of OnExitCodes and OnPodConditions is required")
		}
		if r.OnExitCodes != nil {
			l.exitCodes(at.at("onExitCodes"), r.OnExitCodes)
		}
		conditions := at.at("onPodConditions")
		if n := len(r.OnPodConditions); n > maxJobRules {
			l.refuse(conditions, "keep those that matter", "Too many: %d: must have at most %d items", n, maxJobRules)
		}
		for i, c := range r.OnPodConditions {
			l.syntax(conditions.item(i).at("type"), string(c.Type), validation.IsQualifiedName(string(c.Type)))
			l.oneOf(conditions.item(i).at("status"), string(c.Status), "False", "True", "Unknown")
		}
	}
}

// exitCodes are those that a rule applies to.
func (l *linter) exitCodes(at place, r *batchv1.PodFailurePolicyOnExitCodesRequirement) {
	l.mustBeOneOf(at.at("operator"), string(r.Operator), "In", "NotIn")
	if name := r.ContainerName; name != nil && !l.leftOut(l.spec("containers"), l.spec("initContainers")) && !slices.ContainsFunc(l.containers, func(m manifest.Container) bool { return m.Name == *name }) {
		l.refuse(at.at("containerName"), "name a container of the Pod", "Invalid value: %.100q: must be one of the container or initContainer names in the pod template", *name)
	}
	at = at.at("values")
	switch values := r.Values; {
	case l.leftOut(at):
	case len(values) == 0:
		l.refuse(at, "add them", "Invalid value: at least one value is required")
	case len(values) > maxExitCodes:
		l.refuse(at, "use NotIn", "Too many: %d: must have at most %d items", len(values), maxExitCodes)
	case r.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn && slices.Contains(values, 0):
		l.refuse(at, "remove the 0", "Invalid value: 0: must not be 0 for the In operator")
	case !slices.IsSorted(values):
		l.refuse(at, "sort them", "Invalid value: must be ordered")
	case len(slices.Compact(slices.Clone(values))) < len(values):
		l.refuse(at, "keep each once", "Duplicate value: an exit code is there twice")
	}
}

// successPolicy is when a Job has succeeded before all its Pods have.
func (l *linter) successPolicy(at place, p *batchv1.SuccessPolicy, completions int32) {
	if n := len(p.Rules); n == 0 || n > maxJobRules {
		l.refuse(at, "write from 1 to 20 rules", "Invalid value: %d rules: must have 1 to %d", n, maxJobRules)
	}
	for i, r := range p.Rules {
		at := at.item(i)
		if r.SucceededCount == nil && r.SucceededIndexes == nil && !l.leftOut(at) {
			l.refuse(at, "add one of the two", "Required value: at least one of succeededCount or succeededIndexes must be specified")
		}
		most := completions
		if r.SucceededIndexes != nil {
			n, err := indexes(*r.SucceededIndexes, completions)
			if err != nil || len(*r.SucceededIndexes) > maxIndexesLength {
				l.refuse(at.at("succeededIndexes"), "write them in order, as 0,2-4", "Invalid value: %.100q: error parsing succeededIndexes: %v", *r.SucceededIndexes, err)
			}
			most = min(most, n)
		}
		if n := r.SucceededCount; n != nil && (*n < 0 || *n > most) {
			l.refuse(at.at("succeededCount"), "correct it", "Invalid value: %d: must be from 0 to %d, which is how many indexes there are", *n, most)
		}
	}
}

// indexes counts those of a list such as 0,2-4, which are less than completions.
func indexes(list string, completions int32) (n int32, err error) {
	if list == "" {
		return 0, nil
	}
	last := -1
	for i, part := range strings.Split(list, ",") {
		first, end, isRange := strings.Cut(part, "-")
		low, err := strconv.Atoi(first)
		high := low
		if err == nil && isRange {
			high, err = strconv.Atoi(end)
		}
		switch {
		case err != nil:
			return 0, fmt.Errorf("%.60q is no index", part)
		case low >= int(completions) || high >= int(completions):
			return 0, fmt.Errorf("too large index: %.60q", part)
		case i > 0 && low <= last, isRange && high <= low:
			return 0, errors.New("non-increasing order")
		}
		n, last = n+int32(high-low)+1, high
	}
	return n, nil
}

func (l *linter) cronJob(at place, s *batchv1.CronJobSpec) {
	l.counts(at, count{"successfulJobsHistoryLimit", s.SuccessfulJobsHistoryLimit}, count{"failedJobsHistoryLimit", s.FailedJobsHistoryLimit})
	if s.StartingDeadlineSeconds != nil {
		l.nonNegative(at.at("startingDeadlineSeconds"), *s.StartingDeadlineSeconds)
	}
	l.oneOf(at.at("concurrencyPolicy"), string(s.ConcurrencyPolicy), "Allow", "Forbid", "Replace")
	l.schedule(at.at("schedule"), s.Schedule)
	if s.TimeZone != nil && !isTimeZone(*s.TimeZone) {
		l.refuse(at.at("timeZone"), "name one as in Europe/Berlin, or Etc/UTC", "Invalid value: unknown time zone %.100q", *s.TimeZone)
	}
	at = at.at("jobTemplate.spec")
	l.jobSpec(at, &s.JobTemplate.Spec)
	if s.JobTemplate.Spec.Selector != nil {
		l.refuse(at.at("selector"), "remove it: the server makes one", "Invalid value: `selector` will be auto-generated")
	}
	if isOn(s.JobTemplate.Spec.ManualSelector) {
		l.refuse(at.at("manualSelector"), "remove it: the server makes a selector for each Job", "Unsupported value: true: supported values: \"nil\", \"false\"")
	}
}

func (l *linter) schedule(at place, schedule string) {
	switch reason := unscheduled(schedule); {
	case schedule == "":
		l.refuse(at, "say when it runs:\nschedule: \"0 3 * * *\"", "Required value: a CronJob needs a schedule")
	case reason != "":
		l.refuse(at, "write minute, hour, day of the month, month and day of the week:\nschedule: \"0 3 * * *\"", "Invalid value: %.100q: %s", schedule, reason)
	}
}

// isTimeZone reports whether a name could be that of a time zone; which there are the API
// server knows.
func isTimeZone(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		other := strings.IndexFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_+", r)
		})
		if part == "" || len(part) > 14 || part == "." || part == ".." || part[0] == '-' || other >= 0 {
			return false
		}
	}
	return !strings.EqualFold(name, "Local")
}
