package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nodecompat/compat/manifest"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// KindPodReport names the document of `compat validate-pod`.
const KindPodReport = "PodReport"

// A PodReport is the answer of validate-pod: can this node run these Pods, and
// will their containers start in the order that their author expects?
type PodReport struct {
	// APIVersion is "compat/v1alpha1", Kind is "PodReport".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the report was made, RFC 3339 in UTC. The environment
	// variable SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Verdict is the answer: all Pods. The exit code follows from it and from Error.
	Verdict verdict.Verdict `json:"verdict"`
	// Reasons says in a few lines why, most decisive first.
	Reasons []verdict.Reason `json:"reasons"`
	// Node is the node that was judged.
	Node Node `json:"node"`
	// Target is the Kubernetes version that the Pods were judged for.
	Target PodTarget `json:"target"`
	// Policy is as in a NodeReport.
	Policy *Policy `json:"policy,omitempty"`
	// Pods has one entry for each Pod template found, in the order of the files.
	Pods []Pod `json:"pods"`
	// Images has one entry for each distinct image of the Pods, in the order in
	// which they are first used. Empty when images were left out.
	Images []Image `json:"images"`
	// Sidecars says whether the node's kubelet runs native sidecar containers.
	// It decides for Pods that have some.
	Sidecars *sidecar.Support `json:"sidecars" jsonschema:"nullable"`
	// Problems are the parts of the files that could not be used.
	Problems []manifest.Problem `json:"problems"`
	// Warnings are things that did not decide but should be looked at.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why there is no answer about an image; the first, if there are
	// several.
	Error *Error `json:"error,omitempty"`
}

// A PodTarget names versions, such as v1.34.2; empty where they are not known.
type PodTarget struct {
	Kubelet string `json:"kubelet"`
	API     string `json:"api"`
}

// A Pod is the verdict on one Pod template: compatible when its images are, the
// node runs its native sidecars, and no finding is an error.
type Pod struct {
	manifest.Pod
	Verdict verdict.Verdict  `json:"verdict"`
	Reasons []verdict.Reason `json:"reasons"`
	// Images are the images that the Pod uses, once for each container or volume.
	Images []PodImage `json:"images"`
	// Plan is what the kubelet will do.
	Plan sidecar.Plan `json:"plan"`
	// Admission is what an API server makes of it; absent where none was asked.
	Admission *Admission `json:"admission,omitempty"`
	// Findings are what is wrong with it, by line.
	Findings []sidecar.PodFinding `json:"findings"`
}

// A PodImage is one use of an image.
type PodImage struct {
	manifest.ContainerImage
	// Reference is the image's full name, as in PodReport.Images; empty when
	// images were left out.
	Reference string `json:"reference"`
	// Verdict is that of the image.
	Verdict verdict.Verdict `json:"verdict,omitempty"`
}

// Reason is a reason of the image as one of the Pod.
func (i PodImage) Reason(r verdict.Reason) verdict.Reason {
	r.Message = fmt.Sprintf("container %s: image %s: %s", i.Container, i.Image, r.Message)
	return r
}

// FailsOn reports whether --fail-on makes a failure of something that did not decide.
func (r *PodReport) FailsOn() bool {
	return slices.ContainsFunc(r.Reasons, func(reason verdict.Reason) bool { return reason.Code == CodeFailOn })
}

// NewPodReport returns a report on no Pod; err says why, if it is not nil.
func NewPodReport(now time.Time, err error) *PodReport {
	return &PodReport{
		APIVersion: APIVersion, Kind: KindPodReport, Created: now.UTC().Format(time.RFC3339), Verdict: verdict.Unknown,
		Reasons: []verdict.Reason{}, Node: Node{Sources: []nodefeatures.Source{}}, Pods: []Pod{}, Images: []Image{},
		Problems: []manifest.Problem{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// Title names a Pod template for a person: "Deployment web (deploy.yaml:12)".
func (p *Pod) Title() string {
	name := p.Name
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s %s (%s:%d)", p.Kind, name, FileTitle(p.File), p.Line)
}

// maxUnread is how many kinds are named whose Pods were not looked for.
const maxUnread = 5

// NoPodMessage says that files have no Pods, and of which kinds those were not looked for.
func NoPodMessage(problems []manifest.Problem) string {
	var kinds []string
	for _, p := range problems {
		if p.Unread != "" && !slices.Contains(kinds, p.Unread) {
			kinds = append(kinds, p.Unread)
		}
	}
	message := "no Pod and no workload was found in the files"
	switch more := len(kinds) - maxUnread; {
	case more > 0:
		return fmt.Sprintf("%s; those of %s and %d more kinds were not looked for", message, strings.Join(kinds[:maxUnread], ", "), more)
	case len(kinds) > 0:
		return message + "; those of " + strings.Join(kinds, ", ") + " were not looked for"
	}
	return message
}

// NoPod is the reason of a report that has no Pods.
func (r *PodReport) NoPod() verdict.Reason {
	for _, reason := range r.Reasons {
		if reason.Code == CodeNoPod {
			return reason
		}
	}
	return verdict.Reason{Code: CodeNoPod, Message: NoPodMessage(r.Problems)}
}

// ProblemTitle says a problem to a person, with its place.
func ProblemTitle(p manifest.Problem) string {
	return fmt.Sprintf("%s:%d: %s", FileTitle(p.File), p.Line, p.Message)
}

// FileTitle names a file for a person.
func FileTitle(name string) string {
	if name == "-" {
		return "stdin"
	}
	return name
}

// ImagesByReference returns the report's images by their full names.
func (r *PodReport) ImagesByReference() map[string]*Image {
	images := make(map[string]*Image, len(r.Images))
	for i := range r.Images {
		images[r.Images[i].Reference] = &r.Images[i]
	}
	return images
}
