package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact"
	"nodecompat/compat/cluster"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

// A placedImage is what an image needs.
type placedImage struct {
	// platforms are those that it has, as OS/ARCHITECTURE: of several variants the first, the one that
	// most machines run. nil: they are not known.
	platforms map[string]artifact.Platform
	// index says that there may be a spec for each of them.
	index bool
	// needs are those by platform; under "" those of an image whose platforms are not known.
	needs map[string][]*cluster.Need
	// missing are the platforms for which nothing is attached.
	missing []string
	// untrusted is why, where the trust policy accepts none of what is attached.
	untrusted error
	// pinned is the reference by the digest that it was resolved to.
	pinned string
}

// A fetchError says that nobody knows what an image needs.
type fetchError struct {
	reference string
	err       error
}

func (e *fetchError) Error() string { return "fetching " + e.reference + ": " + e.err.Error() }

func (e *fetchError) Unwrap() error { return e.err }

// Hint is that of the cause, and how to do without the image.
func (e *fetchError) Hint() string {
	cause := report.NewError(e.err)
	hint := cmp.Or(cause.Hint, report.ErrorRemedy(cause.Code))
	if hint != "" {
		hint += "; "
	}
	return hint + "--no-images leaves images out, --spec says what workloads need"
}

// A PlatformError says that no node can run all images of a Pod.
type PlatformError struct{ Pod, Images string }

func (e *PlatformError) Error() string {
	return fmt.Sprintf("placing %s: its images have no platform in common: %s", e.Pod, e.Images)
}

// Code is the stable code in reports.
func (e *PlatformError) Code() string { return report.CodeNoCommonPlatform }

// Retryable is false.
func (e *PlatformError) Retryable() bool { return false }

// gather fetches what is known of the images, and translates all specs.
func (p *placer) gather(ctx context.Context) error {
	for _, s := range parseFiles(p.req.Files) {
		need, err := p.translate(ctx, &s)
		if err != nil {
			return err
		}
		p.given = append(p.given, need)
	}
	p.images = map[string]*placedImage{}
	if p.req.NoImages {
		return nil
	}
	var pods []report.Pod
	for _, f := range p.files {
		for _, pod := range f.pods {
			pods = append(pods, report.Pod{Pod: pod, Images: p.references(pod)})
		}
	}
	references := distinctImages(pods)
	subjects := open(ctx, references, p.req.Registry)
	fetch(ctx, subjects, artifact.Selector{}, "", p.req.Reserve)
	for i := range subjects {
		if err := p.image(ctx, &subjects[i]); err != nil {
			return err
		}
	}
	jobs := p.perPlatform()
	var group errgroup.Group
	group.SetLimit(fetchers)
	for i := range jobs {
		group.Go(func() error {
			image := p.images[jobs[i].reference]
			jobs[i].subjects = open(ctx, []string{image.pinned}, p.req.Registry)
			fetch(ctx, jobs[i].subjects, artifact.Selector{Platform: image.platforms[jobs[i].platform]}, "", p.req.Reserve)
			jobs[i].subjects[0].reference = jobs[i].reference
			return nil
		})
	}
	_ = group.Wait() // what went wrong is the subject's error
	for _, j := range jobs {
		if err := p.needsOf(ctx, &j.subjects[0], j.platform); err != nil {
			return err
		}
	}
	for _, reference := range references {
		p.warnMissing(reference)
	}
	return nil
}

// warnMissing says for which of an image's platforms there is no rule.
func (p *placer) warnMissing(reference string) {
	image := p.images[reference]
	where := ""
	switch {
	case len(image.missing) == 0:
		return
	case len(image.missing) < len(image.platforms):
		where = " for " + strings.Join(image.missing, ", ")
	}
	if image.untrusted != nil {
		p.warn(artifact.CodeNoTrustedArtifact, reference+where+": "+image.untrusted.Error()+": there is no rule for it", "")
		return
	}
	p.warn(report.CodeNoArtifact, reference+" has no compatibility artifact"+where+": there is no rule for it", "attach one with `compat attach`, or give a spec with --spec")
}

// A fetchJob is an image on a platform.
type fetchJob struct {
	reference, platform string
	subjects            []subject // one
}

// references are the images of a Pod that a manifest names.
func (p *placer) references(pod manifest.Pod) []report.PodImage {
	return slices.DeleteFunc(podImages(pod, p.req.NoImages), func(i report.PodImage) bool {
		if i.Image == "" {
			p.warn(report.CodeNoArtifact, fmt.Sprintf("%s %s: the container %s names no image: nothing is known of what it needs", pod.Kind, pod.Name, i.Container), "")
		}
		return i.Image == ""
	})
}

func (p *placer) imagesOf(pod manifest.Pod) []*placedImage {
	var images []*placedImage
	for _, i := range podImages(pod, p.req.NoImages) {
		if image := p.images[i.Reference]; image != nil && !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	return images
}

// image notes the platforms of an image, and what it needs if that is the same on all of them.
func (p *placer) image(ctx context.Context, s *subject) error {
	if s.err != nil && !errors.Is(s.err, artifact.ErrNoArtifact) && !isMalformedSpec(s.err) {
		return &fetchError{s.reference, s.err}
	}
	pinned := s.repository.Reference()
	pinned.Tag, pinned.Digest = "", s.image.Digest
	image := &placedImage{needs: map[string][]*cluster.Need{}, pinned: pinned.String()}
	p.images[s.reference] = image
	for _, w := range s.warnings {
		p.warn(w.Code, s.reference+": "+w.Message, "")
	}
	switch {
	case s.image.Index != nil && len(s.image.Available) > 0:
		image.index = true
		image.platforms = map[string]artifact.Platform{}
		for _, available := range s.image.Available {
			key := available.OS + "/" + available.Architecture
			if _, known := image.platforms[key]; !known {
				image.platforms[key] = available
			}
		}
		return nil
	case s.platform != nil:
		key := s.platform.OS + "/" + s.platform.Architecture
		image.platforms = map[string]artifact.Platform{key: *s.platform}
		return p.needsOf(ctx, s, key)
	case s.image.Index != nil:
		p.warn(report.CodePlatformUnknown, s.reference+": its index names no platform: it is left out of the architectures", "")
	}
	return p.needsOf(ctx, s, "")
}

func isMalformedSpec(err error) bool {
	var malformed *MalformedSpecError
	return errors.As(err, &malformed)
}

// perPlatform are the images whose specs are still to be fetched, on those platforms that some Pod can
// run on.
func (p *placer) perPlatform() []fetchJob {
	var jobs []fetchJob
	seen := map[[2]string]bool{}
	for _, f := range p.files {
		for _, pod := range f.pods {
			common := intersection(p.imagesOf(pod))
			for _, i := range podImages(pod, p.req.NoImages) {
				if image := p.images[i.Reference]; image == nil || !image.index {
					continue
				}
				for _, platform := range common {
					if key := [2]string{i.Reference, platform}; !seen[key] {
						seen[key] = true
						jobs = append(jobs, fetchJob{reference: i.Reference, platform: platform})
					}
				}
			}
		}
	}
	return jobs
}

// intersection are the platforms that all images have, sorted, as far as they are known.
func intersection(images []*placedImage) []string {
	var common map[string]bool
	for _, image := range images {
		if image.platforms == nil {
			continue
		}
		own := map[string]bool{}
		for platform := range image.platforms {
			own[platform] = common == nil || common[platform]
		}
		maps.DeleteFunc(own, func(_ string, both bool) bool { return !both })
		common = own
	}
	return slices.Sorted(maps.Keys(common))
}

// commonPlatforms are those that all images of a Pod have; none if nothing is known.
func commonPlatforms(pod manifest.Pod, images []*placedImage) ([]string, error) {
	common := intersection(images)
	known := slices.ContainsFunc(images, func(i *placedImage) bool { return i.platforms != nil })
	if len(common) > 0 || !known {
		return common, nil
	}
	var parts []string
	for _, image := range images {
		if image.platforms != nil {
			parts = append(parts, strings.Join(slices.Sorted(maps.Keys(image.platforms)), ", "))
		}
	}
	return nil, &PlatformError{Pod: pod.Kind + " " + pod.Name, Images: strings.Join(parts, " | ")}
}

// needsOf notes what an image needs on a platform.
func (p *placer) needsOf(ctx context.Context, s *subject, platform string) error {
	image := p.images[s.reference]
	if level := cluster.CPULevel(image.platforms[platform].Architecture, image.platforms[platform].Variant); level != nil {
		need, err := p.once(ctx, level, "the platform of "+s.reference)
		if err != nil {
			return err
		}
		image.needs[platform] = append(image.needs[platform], need)
	}
	if errors.Is(s.err, artifact.ErrNoArtifact) {
		image.missing = append(image.missing, platform)
		if none := noTrusted(s.err); none != nil {
			image.untrusted = none
		}
		return nil
	}
	if s.err != nil {
		return &fetchError{s.reference, s.err}
	}
	need, err := p.translate(ctx, s)
	if err == nil {
		image.needs[platform] = append(image.needs[platform], need)
	}
	return err
}

// translate makes rules of a spec, once.
func (p *placer) translate(ctx context.Context, s *subject) (*cluster.Need, error) {
	if s.err != nil {
		return nil, s.err
	}
	name := s.reference
	if name == "" {
		name = s.file
	}
	for _, problem := range s.problems.Warnings() {
		p.warn(problem.Code, fmt.Sprintf("%s: %s: %s", name, problem.Path, problem.Message), problem.Hint)
	}
	chosen := *s.spec
	if len(p.req.Tags) > 0 {
		chosen.Sets = slices.DeleteFunc(slices.Clone(chosen.Sets), func(set spec.Set) bool { return !slices.Contains(p.req.Tags, set.Tag) })
	}
	if len(chosen.Sets) == 0 {
		return nil, fmt.Errorf("translating the spec of %s: %w", name, &cluster.TranslateError{
			Reason: "no set has the tag " + strings.Join(p.req.Tags, " or "), Remedy: tagsHint(s.spec),
		})
	}
	return p.once(ctx, &chosen, "the spec of "+name)
}

// once translates a spec; the same need is one.
func (p *placer) once(ctx context.Context, s *spec.Spec, name string) (*cluster.Need, error) {
	need, err := cluster.Translate(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("translating %s: %w", name, err)
	}
	for _, dropped := range need.Dropped {
		p.warn(report.CodeSetDropped, name+": a set is left out, since no node can match it: "+dropped, "")
	}
	if known := p.needs[need.ID]; known != nil {
		return known, nil
	}
	p.needs[need.ID] = need
	return need, nil
}
