package output

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// podName names a Pod template without its place.
func podName(pod *report.Pod) string {
	name, _, _ := strings.Cut(pod.Title(), " ("+report.FileTitle(pod.File)+":")
	return name
}

// told are the findings that are not suppressed.
func told(pod *report.Pod) []sidecar.PodFinding {
	return slices.DeleteFunc(slices.Clone(pod.Findings), func(f sidecar.PodFinding) bool { return f.Suppressed != nil })
}

// healthy reports whether there is nothing to say about a Pod.
func healthy(pod *report.Pod) bool {
	return pod.Verdict == verdict.Compatible && len(told(pod)) == 0 && len(pod.Reasons) == 0
}

// overview prints a Pod in one line, with the first thing that is to be said about it.
func (p *podPrinter) overview(title string, pod *report.Pod) {
	why, end := shortWhy(pod)
	p.clipped(p.mark(pod.Verdict)+" ", title+prefixed(": ", why), end)
}

// shortWhy is the first thing that is to be said about a Pod, and how many there are, with
// what makes a failure of a Pod that is compatible.
func shortWhy(pod *report.Pod) (why, end string) {
	list := whyPod(pod)
	if len(list) > 0 {
		why = list[0]
	}
	if len(list) > 1 {
		end = fmt.Sprintf(", and %d more", len(list)-1)
	}
	if slices.ContainsFunc(pod.Reasons, func(r verdict.Reason) bool { return r.Code == report.CodeFailOn }) {
		end += " (--fail-on)"
	}
	return why, end
}

// whyPod says in a few words what is to be said about a Pod, each once and the most
// decisive first.
func whyPod(pod *report.Pod) []string {
	var list []string
	add := func(text string) {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	if pod.Verdict != verdict.Compatible {
		add(shortOutcomes[pod.Plan.Outcome])
	}
	for _, reason := range pod.Reasons {
		switch {
		case reason.Code == report.CodeFailOn: // its findings follow
		case reason.Code == report.CodeStartOrder:
			add(areNotWaitedFor(notWaitedFor(pod)))
		case slices.Contains(sidecar.FindingIDs(), reason.Code):
			for _, f := range told(pod) {
				if f.ID == reason.Code && f.Severity == verdict.SeverityError {
					add(shortFinding(f))
				}
			}
			if hides(pod, reason) {
				add(reason.Message)
			}
		case ofImage(pod, reason):
			add(shortImage(pod, reason))
		case pod.Plan.Outcome == sidecar.OutcomeStarts || pod.Plan.Outcome == "":
			add(reason.Message)
		}
	}
	for _, severity := range []verdict.Severity{verdict.SeverityError, verdict.SeverityWarning, verdict.SeverityInfo} {
		for _, f := range told(pod) {
			if f.Severity == severity && (f.ID != findingNotWaitedFor || !slices.ContainsFunc(pod.Reasons, isStartOrder)) {
				add(shortFinding(f))
			}
		}
	}
	return list
}

// shortOutcomes say how far a Pod gets.
var shortOutcomes = map[sidecar.Outcome]string{
	sidecar.OutcomeStuck:    "stays in Init",
	sidecar.OutcomeRefused:  "refused by the API server",
	sidecar.OutcomeRejected: "rejected by the kubelet",
	sidecar.OutcomeNotRun:   "no container is started",
	sidecar.OutcomeUnknown:  "native sidecar support is not known",
}

// notWaitedFor are the containers that help the app, and that what comes after them does
// not surely wait for.
func notWaitedFor(pod *report.Pod) []string {
	var names []string
	for _, step := range pod.Plan.Steps {
		if (step.Kind == sidecar.StepSidecar || step.Kind == sidecar.StepLegacy) && step.Ready != sidecar.ReadyYes {
			names = append(names, step.Container)
		}
	}
	return names
}

func areNotWaitedFor(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0] + " is not waited for"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " are not waited for"
	}
}

// Findings with a short form of their own: that a container is not waited for; that the
// node does not run native sidecars, which the outcome says; and what the API server
// refuses, of which the message says what it is.
const (
	findingNotWaitedFor = "SC001"
	findingNoSupport    = "SC026"
	findingRefused      = "SC031"
)

// shortFinding is a finding in a few words; "" where the Pod's outcome says it.
func shortFinding(f sidecar.PodFinding) string {
	_, title, ok := strings.Cut(sidecar.FindingTitle(f.ID), ": ")
	switch {
	case f.ID == findingNoSupport:
		return ""
	case f.ID == findingNotWaitedFor && f.Container != "":
		return areNotWaitedFor([]string{f.Container})
	case !ok, f.ID == findingRefused: // !ok: of another version
		title = f.Message
	}
	if field := fieldOf(f); f.ID == findingRefused && field != "" {
		title = field + ": " + title
	}
	if f.Container != "" {
		return f.Container + ": " + title
	}
	return title
}

// fieldOf is where a finding is: in its container, or in the document.
func fieldOf(f sidecar.PodFinding) string {
	if f.Container == "" {
		return f.Path
	}
	_, field, _ := strings.Cut(f.Path, "ontainers[")
	_, field, _ = strings.Cut(field, "].")
	return field
}

// ofImage reports whether a reason of a Pod is about one of its images.
func ofImage(pod *report.Pod, reason verdict.Reason) bool {
	return slices.ContainsFunc(pod.Images, func(i report.PodImage) bool { return strings.HasPrefix(reason.Message, imageReason(i)) })
}

// imageReason begins the reasons of a Pod that are about the image of a container.
func imageReason(i report.PodImage) string {
	return i.Reason(verdict.Reason{}).Message
}

// shortImage says that an image is not compatible.
func shortImage(pod *report.Pod, reason verdict.Reason) string {
	for _, i := range pod.Images {
		switch {
		case !strings.HasPrefix(reason.Message, imageReason(i)):
		case reason.Code == artifact.CodeNoTrustedArtifact:
			return fmt.Sprintf("image %s has no compatibility artifact that the trust policy accepts", i.Image)
		case reason.Code == report.CodeNoArtifact:
			return fmt.Sprintf("image %s has no compatibility artifact", i.Image)
		default:
			return fmt.Sprintf("image %s is %s", i.Image, i.Verdict)
		}
	}
	return ""
}
