package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"nodecompat/compat/artifact"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A PodRequest says which manifests to validate, and against what.
type PodRequest struct {
	// NodeRequest says how to reach the images and what the node is. Its Images
	// and Files are not used: the images are those of the Pods.
	NodeRequest
	// Manifests are the files.
	Manifests []File
	// NoImages leaves images out.
	NoImages bool
	// RequireStartOrder demands that every native sidecar and legacy helper is
	// ready before what comes after it starts.
	RequireStartOrder bool
	// Disable leaves out findings by their ids, Severity those that are less
	// grave. A finding that is an error decides all the same.
	Disable  []string
	Severity verdict.Severity
	// FailOn are severities and ids of findings: one that is as grave, or has the id,
	// is told as a reason, unless it is suppressed or disabled. Verdicts stay.
	FailOn []string
	// Server is sent every Pod in a dry run, and what it makes of it is judged; nil asks none.
	Server *apiserver.Client
}

// ValidatePod judges every Pod template of the manifests on one node. The report
// is never nil unless an error is returned, which is for input of the caller that
// cannot be used (a usage error), and nothing else.
func ValidatePod(ctx context.Context, req PodRequest) (*report.PodReport, error) {
	result := report.NewPodReport(req.Now, nil)
	read := readManifests(ctx, req.Manifests, req.NoImages)
	result.Pods, result.Problems = append(result.Pods, read.pods...), append(result.Problems, read.problems...)
	var admitted []admitted
	if req.Server != nil {
		admitted = admitAll(ctx, req.Server, result.Pods, req.NoImages)
	}

	cut := ctx.Err()
	req.Files = nil
	subjects := open(ctx, distinctImages(result.Pods), req.Registry)
	node, gathered, err := validateNode(ctx, req.NodeRequest, subjects)
	if err != nil {
		return nil, err
	}
	detection := gathered.detection
	support := node.Sidecars.For(templates(result))
	result.Node, result.Images, result.Sidecars, result.Policy = node.Node, node.Images, &support, node.Policy
	result.Warnings, result.Error = append(result.Warnings, node.Warnings...), node.Error
	if len(subjects) > 0 {
		result.Warnings = append(result.Warnings, gathered.judgedHere()...)
	}

	target := podTarget(&support, req.API)
	result.Target = describeTarget(target)
	for i, problem := range result.Problems {
		result.Problems[i] = target.Regrade(problem)
	}
	images := result.ImagesByReference()
	policy := podPolicy{strict: req.Strict, startOrder: req.RequireStartOrder, disable: req.Disable, severity: req.Severity, failOn: req.FailOn, labels: gathered.labels()}
	for i := range result.Pods {
		if cut = cmp.Or(cut, ctx.Err()); cut != nil {
			result.Pods = result.Pods[:i]
			break
		}
		pod := &result.Pods[i]
		if pod.HasSidecars() {
			result.Error = cmp.Or(result.Error, detection)
		}
		if admitted != nil {
			policy.refusals = admitted[i].refusals
			result.Error = cmp.Or(result.Error, report.NewError(admitted[i].err))
		}
		judgePod(pod, result, images, target, policy, read.of[i], detection)
		if admitted != nil && admitted[i].err != nil {
			pod.Verdict = verdict.All(pod.Verdict, verdict.Unknown)
			pod.Reasons = append(pod.Reasons, report.NewError(admitted[i].err).Reason())
		}
	}
	if cut != nil {
		result.Error = report.NewError(fmt.Errorf("judging the Pods: %w", cut))
	} else {
		for _, file := range read.files {
			result.Problems = append(result.Problems, file.problems()...)
		}
	}
	result.Error = cmp.Or(result.Error, unreadError(result.Problems))
	decidePods(result)
	failProblems(result, policy.failOn)
	return result, nil
}

// unreadError is that of the first document that could not be read; nil if all were.
func unreadError(problems []manifest.Problem) *report.Error {
	i := slices.IndexFunc(problems, func(p manifest.Problem) bool { return p.Severity == verdict.SeverityError && p.Code.Unread() })
	if i < 0 {
		return nil
	}
	return &report.Error{Code: report.CodeMalformedManifest, Message: report.ProblemTitle(problems[i])}
}

// templates are the Pods as they were read.
func templates(r *report.PodReport) []manifest.Pod {
	pods := make([]manifest.Pod, len(r.Pods))
	for i := range r.Pods {
		pods[i] = r.Pods[i].Pod
	}
	return pods
}

// podTarget is what the Pods are meant for, as far as it is known.
func podTarget(support *sidecar.Support, api *kubelet.API) sidecar.Target {
	target := sidecar.Target{Support: support, Gates: map[string]bool{}}
	for _, name := range sidecar.APIGates {
		if gate, ok := api.Effective(name); ok {
			target.Gates[name] = gate.Value
		}
	}
	if release, err := kubelet.ParseRelease(support.Kubelet.Version); err == nil {
		target.Kubelet = &release
	}
	if release, ok := api.Release(); ok {
		target.API = &release
	}
	return target
}

func describeTarget(t sidecar.Target) report.PodTarget {
	var described report.PodTarget
	if t.Kubelet != nil {
		described.Kubelet = t.Kubelet.String()
	}
	if t.API != nil {
		described.API = t.API.String()
	}
	return described
}

// podImages lists the images of a Pod with their full names, as containerd
// expands short ones.
func podImages(pod manifest.Pod, leaveOut bool) []report.PodImage {
	images := []report.PodImage{}
	if leaveOut {
		return images
	}
	for _, used := range manifest.Images(pod) {
		images = append(images, report.PodImage{ContainerImage: used, Reference: fullName(used.Image)})
	}
	return images
}

// fullName is a reference as containerd expands a short one.
func fullName(image string) string {
	var short *artifact.ShortNameError
	if _, err := artifact.ParseReference(image); errors.As(err, &short) {
		return short.Full
	}
	return image
}

func distinctImages(pods []report.Pod) []string {
	var references []string
	seen := map[string]bool{}
	for _, pod := range pods {
		for _, image := range pod.Images {
			if !seen[image.Reference] {
				seen[image.Reference] = true
				references = append(references, image.Reference)
			}
		}
	}
	return references
}
