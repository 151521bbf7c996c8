package compat

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

// findingRefused is the finding of what an API server refuses in a dry run.
const findingRefused = "SC037"

// admitters is how many Pods are sent at the same time.
const admitters = 4

// An admitted is what an API server said about a Pod template.
type admitted struct {
	refusals []sidecar.PodFinding
	err      error // why it could not be asked
}

// admitAll sends every Pod template, and its object, to an API server, in dry run, and puts what comes
// back in its place.
func admitAll(ctx context.Context, server *apiserver.Client, pods []report.Pod, noImages bool) []admitted {
	results := make([]admitted, len(pods))
	var group errgroup.Group
	group.SetLimit(admitters)
	for i := range pods {
		group.Go(func() error {
			results[i] = admit(ctx, server, &pods[i])
			pods[i].Images = podImages(pods[i].Pod, noImages)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is the Pod's
	return results
}

// admit asks what would become of an object, and of a Pod of its template, since most of what admission
// changes it changes in Pods.
func admit(ctx context.Context, server *apiserver.Client, p *report.Pod) (result admitted) {
	a := &report.Admission{
		Object: report.AdmissionNotSent, Template: report.AdmissionNotSent, Namespace: cmp.Or(p.Namespace, server.Namespace()),
		Warnings: []string{}, Changes: []report.AdmissionChange{},
	}
	p.Admission = a
	var stored []byte
	if !p.BestEffort {
		object, err := p.JSON()
		if err == nil {
			stored, a.Object, err = result.send(ctx, server, p, p.APIVersion, strings.ToLower(p.Kind)+"s", object)
		}
		result.err = cmp.Or(result.err, err)
	}
	if p.Kind != "Pod" || p.BestEffort {
		stored = nil
		template, err := p.Template()
		if err == nil {
			stored, a.Template, err = result.send(ctx, server, p, "v1", "pods", template)
		}
		result.err = cmp.Or(result.err, err)
	}
	if stored == nil {
		return result
	}
	before := p.Pod
	after, err := before.Admitted(stored)
	if err != nil {
		result.err = cmp.Or(result.err, fmt.Errorf("reading the Pod that the API server returned: %w", err))
		return result
	}
	p.Pod = after
	a.Changes, a.MoreChanges = admissionChanges(&before, stored)
	return result
}

// send sends one object. Of one that exists already a new one is asked for, with a name that the server
// completes: of an update other rules hold, and nothing of it would be created anew.
func (r *admitted) send(
	ctx context.Context, server *apiserver.Client, p *report.Pod, apiVersion, collection string, object []byte,
) (stored []byte, state report.AdmissionState, err error) {
	answer, err := server.DryRun(ctx, apiVersion, p.Admission.Namespace, collection, object)
	var refused *apiserver.RefusedError
	if errors.As(err, &refused) && refused.Reason == "AlreadyExists" {
		answer, err = server.DryRun(ctx, apiVersion, p.Admission.Namespace, collection, renamed(object))
	}
	switch {
	case errors.As(err, &refused):
		for _, f := range refusals(&p.Pod, apiVersion, collection, refused) {
			same := func(known sidecar.PodFinding) bool { // of the object, and once more of the Pod of its template
				return known.Path == f.Path && lastPart(known.Message) == lastPart(f.Message)
			}
			if !slices.ContainsFunc(r.refusals, same) {
				r.refusals = append(r.refusals, f)
			}
		}
		return nil, report.AdmissionRefused, nil
	case err != nil:
		return nil, report.AdmissionFailed, &dryRunError{&p.Pod, err}
	}
	p.Admission.Warnings = append(p.Admission.Warnings, answer.Warnings...)
	return answer.Object, report.AdmissionAccepted, nil
}

// A dryRunError says that an API server could not be asked about a Pod.
type dryRunError struct {
	pod *manifest.Pod
	err error
}

func (e *dryRunError) Error() string {
	return fmt.Sprintf("sending %s %s in a dry run: %v", e.pod.Kind, e.pod.Name, e.err)
}

func (e *dryRunError) Unwrap() error { return e.err }

// Hint is that of the answer, with the place of the namespace that is not there.
func (e *dryRunError) Hint() string {
	var status *apiserver.StatusError
	if !errors.As(e.err, &status) {
		return ""
	}
	hint := status.Hint()
	if status.Code() == apiserver.CodeNotFound {
		hint += fmt.Sprintf(" (%s:%d)", report.FileTitle(e.pod.File), e.pod.LineAt(e.pod.ObjectPath("metadata.namespace")))
	}
	return hint
}

// lastPart is a message without where it is.
func lastPart(message string) string { return message[strings.LastIndex(message, ": ")+1:] }

// renamed is an object with a name that the API server completes.
func renamed(object []byte) []byte {
	var o map[string]any
	if json.Unmarshal(object, &o) != nil {
		return object
	}
	metadata, ok := o["metadata"].(map[string]any)
	name, named := metadata["name"].(string)
	if !ok || !named {
		return object
	}
	delete(metadata, "name")
	delete(metadata, "uid")
	delete(metadata, "resourceVersion")
	metadata["generateName"] = name + "-"
	data, err := json.Marshal(o)
	if err != nil {
		return object
	}
	return data
}

// refusals are a server's words as findings, at the lines of what they name.
func refusals(p *manifest.Pod, apiVersion, collection string, e *apiserver.RefusedError) []sidecar.PodFinding {
	template := collection == "pods" && (p.Kind != "Pod" || apiVersion != p.APIVersion)
	remedy := "the API server's own words; correct the manifest"
	if e.Status == http.StatusForbidden || len(e.Causes) == 0 { // a policy, or a webhook
		remedy = "the API server's own words; change the manifest, or ask who set the policy up"
	}
	finding := func(field, message string) sidecar.PodFinding {
		path := p.ObjectPath(field)
		if spec, ok := strings.CutPrefix(field, "spec."); template && ok {
			path = manifest.JoinPath(p.Path, spec)
		}
		if field == "" {
			path = cmp.Or(p.ObjectPath("metadata"), "metadata")
		}
		line, column := p.PlaceAt(path)
		return sidecar.PodFinding{
			ID: findingRefused, Severity: verdict.SeverityError, Path: path, Line: line, Column: column, Message: message,
			Remedy: remedy,
		}
	}
	what := "the API server refuses it"
	if template {
		what = "the API server refuses its Pods"
	}
	if len(e.Causes) == 0 {
		return []sidecar.PodFinding{finding("", what+": "+e.Message)}
	}
	list := make([]sidecar.PodFinding, len(e.Causes))
	for i, cause := range e.Causes {
		list[i] = finding(cause.Field, fmt.Sprintf("%s: %s: %s", what, cmp.Or(cause.Field, "the object"), cause.Message))
	}
	return list
}

// maxChanges is how many changes of admission are told.
const maxChanges = 100

// admissionChanges compares a template with the Pod that came back, both as JSON.
func admissionChanges(before *manifest.Pod, stored []byte) (list []report.AdmissionChange, more int) {
	template, err := before.Template()
	if err != nil {
		return []report.AdmissionChange{}, 0
	}
	c := changes{list: []report.AdmissionChange{}}
	var was, is struct {
		Metadata struct {
			Labels      map[string]any `json:"labels"`
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
		Spec map[string]any `json:"spec"`
	}
	if json.Unmarshal(template, &was) != nil || json.Unmarshal(stored, &is) != nil {
		return c.list, 0
	}
	c.object("metadata.labels", was.Metadata.Labels, is.Metadata.Labels)
	c.object("metadata.annotations", was.Metadata.Annotations, is.Metadata.Annotations)
	c.object("spec", was.Spec, is.Spec)
	return c.list, c.more
}

// changes gathers what differs.
type changes struct {
	list []report.AdmissionChange
	more int
}

func (c *changes) add(path string, before, after any) {
	if len(c.list) == maxChanges {
		c.more++
		return
	}
	c.list = append(c.list, report.AdmissionChange{Path: path, Before: shortJSON(before), After: shortJSON(after)})
}

// maxValue is how much of a value is told, in bytes.
const maxValue = 400

func shortJSON(value any) string {
	if value == nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return ""
	}
	text := strings.TrimSpace(out.String())
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue], "") + "…"
	}
	return text
}
