package compat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nodecompat/compat/artifact"
	"nodecompat/compat/cluster"
	"nodecompat/compat/manifest"
	"nodecompat/compat/placement"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// A PlaceRequest says which workloads to place, by what.
type PlaceRequest struct {
	// Manifests are the files with the workloads.
	Manifests []File
	// Files are specs that every Pod needs besides those of its images.
	Files []File
	// Registry says how to reach the images; NoImages leaves them out.
	Registry artifact.Options
	NoImages bool
	// Tags choose sets of specs; none are all.
	Tags []string
	// Patch asks for patches in place of the workloads.
	Patch bool
	// Reserve is as in NodeRequest.
	Reserve time.Duration
}

// A Placement is what Place prints.
type Placement struct {
	// Output are the workloads, or patches, and the rules.
	Output []byte
	// Needs are what the Pods' nodes are labelled by.
	Needs []*cluster.Need
	// Pods are the templates that were found.
	Pods []PlacedPod
	// Warnings say what was left out, and what to look at.
	Warnings []verdict.Reason
}

// A PlacedPod is a Pod template, and what its nodes must have.
type PlacedPod struct {
	manifest.Pod
	Constraints placement.Constraints
	// Dropped are labels that an earlier run wrote and nothing asks for now.
	Dropped []string
}

// title names it in messages.
func (p *PlacedPod) title() string { return p.Kind + " " + p.Name }

// ruleOwner tells the objects that an earlier run wrote.
var ruleOwner = placement.Owner{
	APIVersion: manifest.RuleAPIVersion, Kind: manifest.RuleKind, Label: manifest.ManagedBy, Value: manifest.Manager, Prefix: manifest.Manager + "-",
}

// Place makes the objects by which NFD and the scheduler keep workloads on the nodes that have what their
// images need. It prints nothing on which a part is missing: the error says what could not be read,
// translated or written.
func Place(ctx context.Context, req PlaceRequest) (*Placement, error) {
	p := placer{req: req, needs: map[string]*cluster.Need{}, warned: map[verdict.Reason]bool{}}
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	if err := p.gather(ctx); err != nil {
		return nil, err
	}
	for i := range p.files {
		f := &p.files[i]
		for _, pod := range f.pods {
			c, err := p.constraints(pod)
			if err != nil {
				return nil, err
			}
			f.constraints = append(f.constraints, c)
			p.placed = append(p.placed, PlacedPod{Pod: pod, Constraints: c, Dropped: dropped(c.Earlier(&pod.Spec), c.Required())})
		}
	}
	if err := p.warnDropped(); err != nil {
		return nil, err
	}
	output, err := p.write(ctx)
	if err != nil {
		return nil, err
	}
	return &Placement{Output: output, Needs: p.used, Pods: p.placed, Warnings: p.warnings}, nil
}

// CannotPlace reports whether an error says that a workload cannot be placed by rules and labels, rather
// than that something failed.
func CannotPlace(err error) bool {
	var translate *cluster.TranslateError
	var platform *PlatformError
	var edit *placement.EditError
	return errors.As(err, &translate) || errors.As(err, &platform) || errors.As(err, &edit)
}

// A placer gathers what Pods need, and writes it down.
type placer struct {
	req      PlaceRequest
	files    []placedFile
	given    []*cluster.Need          // of the files
	images   map[string]*placedImage  // by reference
	needs    map[string]*cluster.Need // by spec
	used     []*cluster.Need          // each once
	placed   []PlacedPod
	warned   map[verdict.Reason]bool
	warnings []verdict.Reason
}

// A placedFile is a manifest, with the constraints of each of its Pods.
type placedFile struct {
	File
	pods        []manifest.Pod
	constraints []placement.Constraints
}

func (p *placer) warn(code, message, hint string) {
	w := verdict.Reason{Code: code, Message: message, Hint: hint}
	if !p.warned[w] {
		p.warned[w] = true
		p.warnings = append(p.warnings, w)
	}
}

// read reads the manifests. One of which a part cannot be read is an error: what is in it would not be
// placed.
func (p *placer) read(ctx context.Context) error {
	found := 0
	var problems []manifest.Problem
	for _, file := range p.req.Manifests {
		parsed := manifest.Parse(ctx, file.Name, file.Data)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", file.Name, err)
		}
		for _, problem := range parsed.Problems {
			unread := problem.Severity == verdict.SeverityError && (problem.Code.Unread() || problem.Code == manifest.ProblemTooManyContainers)
			if unread || inTheWay(problem, parsed.Pods) || problem.Code == manifest.ProblemNotObject || problem.Code == manifest.ProblemSpec {
				return &ManifestError{problem}
			}
		}
		p.files = append(p.files, placedFile{File: file, pods: parsed.Pods})
		found, problems = found+len(parsed.Pods), append(problems, parsed.Problems...)
	}
	if found == 0 {
		p.warn(report.CodeNoPod, report.NoPodMessage(problems)+": nothing is placed", "")
	}
	return nil
}

// inTheWay reports whether a part that is to be changed is not what it should be.
func inTheWay(problem manifest.Problem, pods []manifest.Pod) bool {
	return problem.Severity == verdict.SeverityError && slices.ContainsFunc(pods, func(p manifest.Pod) bool {
		return p.Holds(problem) && (strings.HasPrefix(problem.Path, p.Path+".nodeSelector") || strings.HasPrefix(problem.Path, p.Path+".affinity"))
	})
}

// dropped are the names of an earlier run that no other takes the place of.
func dropped(earlier, now []string) []string {
	gone := slices.DeleteFunc(slices.Clone(earlier), func(name string) bool { return slices.Contains(now, name) })
	added := slices.DeleteFunc(slices.Clone(now), func(name string) bool { return slices.Contains(earlier, name) })
	if len(gone) <= len(added) {
		return nil
	}
	return gone
}

// warnDropped says what an earlier run wrote and this one does not write again.
func (p *placer) warnDropped() error {
	const hint = "give the spec again with --spec, if it is still needed"
	for _, pod := range p.placed {
		if len(pod.Dropped) > 0 {
			p.warn(report.CodePlacementDropped, fmt.Sprintf("%s: an earlier run wrote the label %s, which neither its images nor --spec ask for now: it is taken out",
				pod.title(), strings.Join(pod.Dropped, ", ")), hint)
		}
	}
	if p.req.Patch {
		return nil
	}
	var earlier, now []string
	for _, f := range p.files {
		names, err := ruleOwner.Earlier(f.Data)
		if err != nil {
			return fmt.Errorf("reading %s: %w", f.Name, err)
		}
		earlier = append(earlier, names...)
	}
	for _, n := range p.used {
		now = append(now, n.Name())
	}
	if gone := dropped(earlier, now); len(gone) > 0 {
		p.warn(report.CodePlacementDropped, "an earlier run wrote the NodeFeatureRule "+strings.Join(gone, ", ")+", for which nothing asks now: it is taken out", hint)
	}
	return nil
}

// A ManifestError says which part of a manifest cannot be read.
type ManifestError struct{ Problem manifest.Problem }

func (e *ManifestError) Error() string { return "reading manifests: " + report.ProblemTitle(e.Problem) }

// Code is the stable code in reports.
func (e *ManifestError) Code() string { return report.CodeMalformedManifest }

// Hint says how a spec is given.
func (e *ManifestError) Hint() string {
	if e.Problem.Code != manifest.ProblemSpec {
		return "correct it, or leave the file out; a template has to be rendered first"
	}
	return report.FileTitle(e.Problem.File) + " is a spec: give it with --spec, and the workloads as FILE"
}

// Retryable is false.
func (e *ManifestError) Retryable() bool { return false }

// write makes the output.
func (p *placer) write(ctx context.Context) ([]byte, error) {
	objects := make([]placement.Object, len(p.used))
	for i, n := range p.used {
		objects[i] = placement.Object{Name: n.Name(), YAML: n.YAML(), JSON: n.JSON()}
	}
	if p.req.Patch {
		return p.patches(objects)
	}
	files := make([][]byte, len(p.files))
	for i, f := range p.files {
		edited, err := placement.Edit(ctx, f.Name, f.Data, f.pods, f.constraints)
		if err != nil {
			return nil, err
		}
		files[i] = edited
	}
	results := make([]placement.Result, len(p.warnings))
	for i, w := range p.warnings {
		results[i] = placement.Result{Message: w.Message, Severity: string(verdict.SeverityWarning)}
	}
	return placement.Join(files, ruleOwner, objects, results)
}

// patches are one for each Pod template, and the rules behind them.
func (p *placer) patches(objects []placement.Object) ([]byte, error) {
	var parts [][]byte
	for _, f := range p.files {
		for i, pod := range f.pods {
			patch, err := f.constraints[i].Patch(pod)
			if err != nil {
				return nil, err
			}
			if patch != nil {
				parts = append(parts, patch)
			}
		}
	}
	for _, o := range objects {
		parts = append(parts, o.YAML)
	}
	return bytes.Join(parts, []byte("---\n")), nil
}

// constraints are those of one Pod: what all its images and the files need.
func (p *placer) constraints(pod manifest.Pod) (placement.Constraints, error) {
	c := placement.Constraints{Domain: cluster.LabelDomain}
	images := p.imagesOf(pod)
	platforms, err := commonPlatforms(pod, images)
	if err != nil {
		return c, err
	}
	all := make([][]*cluster.Need, max(1, len(platforms))) // for each platform
	for i := range all {
		all[i] = slices.Clone(p.given)
		for _, image := range images {
			if len(platforms) == 0 || image.platforms == nil {
				all[i] = append(all[i], image.needs[""]...)
			} else {
				all[i] = append(all[i], image.needs[platforms[i]]...)
			}
		}
		p.use(all[i])
	}
	for _, need := range all[0] {
		everywhere := !slices.ContainsFunc(all, func(needs []*cluster.Need) bool { return !slices.Contains(needs, need) })
		if everywhere && !slices.Contains(c.Labels, need.Label()) {
			c.Labels = append(c.Labels, need.Label())
		}
	}
	slices.Sort(c.Labels)
	var groups []placement.Group
	for i, platform := range platforms {
		os, architecture, _ := strings.Cut(platform, "/")
		groups = append(groups, placement.Group{OS: os, Architectures: []string{architecture}, Labels: labelsBut(all[i], c.Labels)})
	}
	c.Groups = placement.Groups(groups)
	for _, need := range slices.Concat(all...) {
		rank := placement.Rank{Label: need.RankLabel(), Best: len(need.Weights)}
		if rank.Best > 0 && !slices.Contains(c.Ranks, rank) {
			c.Ranks = append(c.Ranks, rank)
		}
	}
	slices.SortFunc(c.Ranks, func(a, b placement.Rank) int { return strings.Compare(a.Label, b.Label) })
	return c, nil
}

// labelsBut are the labels of needs, sorted, without some.
func labelsBut(needs []*cluster.Need, without []string) []string {
	var labels []string
	for _, n := range needs {
		if !slices.Contains(without, n.Label()) && !slices.Contains(labels, n.Label()) {
			labels = append(labels, n.Label())
		}
	}
	slices.Sort(labels)
	return labels
}

// use notes needs whose rules are printed, sorted.
func (p *placer) use(needs []*cluster.Need) {
	for _, n := range needs {
		if !slices.ContainsFunc(p.used, func(u *cluster.Need) bool { return u.ID == n.ID }) {
			p.used = append(p.used, n)
		}
	}
	slices.SortFunc(p.used, func(a, b *cluster.Need) int { return strings.Compare(a.ID, b.ID) })
}
