package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// defaultBackoffLimit is a Job's
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/batch/v1/defaults.go).
const defaultBackoffLimit = 6

// job says how the Pod behaves in its Job; nil for other Pods.
func (o *orderer) job() *JobPlan {
	if !o.pod.Workload.Job {
		return nil
	}
	j := &JobPlan{RestartPolicy: string(o.pod.RestartPolicy()), BackoffLimit: defaultBackoffLimit, BlockedBy: []string{}, Notes: []string{}}
	if limit := o.pod.Workload.BackoffLimit; limit != nil {
		j.BackoffLimit = *limit
	}
	endless := ""
	for _, m := range o.pod.Containers()[len(o.pod.Spec.InitContainers):] {
		always := o.target.alwaysRestarts(m)
		if always {
			endless = m.ShortName
		}
		if always || o.legacy[m.Index] {
			j.BlockedBy = append(j.BlockedBy, m.ShortName)
		}
	}
	switch {
	case o.plan.Outcome == OutcomeRejected:
		j.Notes = append(j.Notes, "the kubelet rejects each of its Pods at once, which counts towards backoffLimit: the Job fails")
	case o.plan.Outcome == OutcomeRefused:
		j.Notes = append(j.Notes, "the Job makes no Pod: the API server refuses each")
	case !o.runs():
		j.Notes = append(j.Notes, "the Job does not complete: its app is never started")
	case o.pod.HasSidecars():
		// pastBackoffLimitOnFailure sums the restarts of init containers, too.
		j.SidecarRestartsCount = o.pod.RestartPolicy() == corev1.RestartPolicyOnFailure
		j.Notes = append(j.Notes,
			"native sidecars do not keep the Job from completing; it is complete when they have ended, after the regular containers",
			"a sidecar's exit code does not matter, and it is restarted whatever the Pod's restartPolicy is")
	}
	switch {
	case !o.runs():
	case endless != "":
		j.Notes = append(j.Notes, fmt.Sprintf("the Job never completes: %s is started again when it has ended with 0, by its own restartPolicy or rules (from 1.35 on)", endless))
	case len(j.BlockedBy) > 0:
		j.Notes = append(j.Notes, "the Job does not complete before its regular containers have all ended, the helpers among them included")
	}
	return j
}
