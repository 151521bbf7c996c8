package sidecar

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// object is SC031: what an API server refuses of a Pod as a whole, whatever its
// version. It is no full validation, only what goes wrong most often. Kinds that
// are not Kubernetes' own may leave names out, for their controller to fill in.
func (l *linter) object() {
	if l.pod.BestEffort {
		return
	}
	const remedy = "correct it: the API server refuses the Pod"
	if len(l.pod.Spec.Containers) == 0 {
		l.find("SC031", Error, l.spec("containers"), remedy, "a Pod needs at least one container")
	}
	first := map[string]string{}
	for _, m := range append(l.members, l.pod.ephemeral()...) {
		switch problems := validation.IsDNS1123Label(m.Name); {
		case len(problems) > 0:
			l.find("SC031", Error, m.at("name"), remedy, "%q is no name for a container: %s", m.name, strings.Join(problems, "; "))
		case first[m.Name] != "":
			l.find("SC031", Error, m.at("name"), remedy, "the name %q is that of %s as well", m.name, first[m.Name])
		default:
			first[m.Name] = m.path
		}
		if m.Image == "" {
			l.find("SC031", Error, m.at("image"), remedy, "the container %q has no image", m.name)
		}
	}
	policy := l.pod.Spec.RestartPolicy
	if l.pod.Workload.Job && policy != corev1.RestartPolicyOnFailure && policy != corev1.RestartPolicyNever {
		l.find("SC031", Error, l.spec("restartPolicy"), "say what a Job does when its Pod fails:\nrestartPolicy: Never",
			"the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused")
	}
}
