package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/derive"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

// A DeriveRequest says which images to draft specs for.
type DeriveRequest struct {
	// Platform is the one wanted. The zero value takes this host's from an index, and any plain
	// manifest. AllPlatforms takes all of an index.
	Platform     artifact.Platform
	AllPlatforms bool
	// Registry says how to reach the base image's registry. One other than the image's own is asked
	// only with AnyBase, and without the credentials given for the image's.
	Registry artifact.Options
	AnyBase  bool
	// Merge is a spec whose derived rules are renewed; nil drafts a new one.
	Merge *File
	// CertainOnly leaves out the rules that are lower bounds.
	CertainOnly bool
	// Now is the report's time stamp.
	Now time.Time
	// Progress is called with the bytes of layers that were read, and all there are; nil is not.
	Progress func(platform string, read, all int64)
}

// Derive reads an image's layers and drafts a spec of what it asks of a node. The report is never
// nil, and has what was found out when something failed.
func Derive(ctx context.Context, repository *artifact.Repository, req DeriveRequest) (*report.DeriveReport, error) {
	result := report.NewDeriveReport(repository.Reference().String(), req.Now, nil)
	if req.Merge != nil {
		if _, problems := spec.Parse(req.Merge.Data); problems.Err() != nil {
			err := fmt.Errorf("reading %s: %w", req.Merge.Name, &MalformedSpecError{Problems: problems})
			result.Error = report.NewError(err)
			return result, err
		}
	}
	err := deriveAll(ctx, repository, req, result)
	result.Error = report.NewError(err)
	return result, err
}

func deriveAll(ctx context.Context, repository *artifact.Repository, req DeriveRequest, result *report.DeriveReport) error {
	platform := req.Platform
	if platform.OS == "" {
		platform = artifact.HostPlatform()
	}
	image, err := repository.Image(ctx, platform)
	if err != nil {
		return err
	}
	defer image.Close()
	result.Warnings = reasons(image.Warnings)
	if !req.AllPlatforms || image.Index == nil {
		return deriveOne(ctx, image, req, result)
	}
	result.Unread = unreadIndexes(image)
	if len(image.Available) == 0 && len(result.Unread) == 0 {
		_, err := image.Platform(ctx)
		return err
	}
	for _, platform := range image.Available {
		one, err := repository.Image(ctx, platform)
		if err == nil {
			err = deriveOne(ctx, one, req, result)
			one.Close()
		}
		if err != nil {
			return fmt.Errorf("platform %s: %w", artifact.FormatPlatform(platform), err)
		}
	}
	return nil
}

// unreadIndexes says what of an index may have more platforms.
func unreadIndexes(image *artifact.Image) []string {
	list := slices.Clone(image.Unread)
	for _, w := range image.Warnings {
		if w.Code == artifact.CodeNestedIndex && !slices.Contains(list, w.Message) {
			list = append(list, w.Message)
		}
	}
	return list
}

// deriveOne adds what the manifest of one platform asks for.
func deriveOne(ctx context.Context, image *artifact.Image, req DeriveRequest, result *report.DeriveReport) error {
	contents, err := image.Contents(ctx, req.Platform)
	if err != nil {
		return err
	}
	if platform, err := image.Platform(ctx); err == nil && platform.Variant != "" {
		contents.Platform.Variant = platform.Variant // an index says more than most configurations
	}
	platform := artifact.FormatPlatform(contents.Platform)
	all := int64(0)
	for _, layer := range contents.Layers {
		all += layer.Size
	}
	found, err := derive.Derive(ctx, image, contents, func(read int64) {
		if req.Progress != nil {
			req.Progress(platform, read, all)
		}
	})
	if err != nil {
		return err
	}
	addBase(ctx, image, contents, req, found)
	derived := report.DerivedImage{
		Digest: image.Manifest.Digest.String(), Platform: platform, Result: *found,
		Complete: len(found.Unread) == 0,
	}
	title := fmt.Sprintf("Drafted by `compat spec derive` from %s (%s, %s)", image.Reference, platform, derived.Digest)
	draft := found.Draft(title, req.CertainOnly)
	if req.Merge != nil {
		if draft, err = found.Merge(req.Merge.Data, title, req.CertainOnly); err != nil {
			return fmt.Errorf("merging into %s: %w", req.Merge.Name, err)
		}
	}
	derived.Spec, derived.Rules = string(draft), rules(draft)
	result.Images = append(result.Images, derived)
	return nil
}

// rules counts the rules of a draft; 0 for one that is no spec.
func rules(draft []byte) (count int) {
	s, problems := spec.Parse(draft)
	if problems.Err() != nil {
		return 0
	}
	for _, set := range s.Sets {
		count += len(set.Rules)
	}
	return count
}

// addBase adds the rules of the base image's own spec, if the image says which that is.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
func addBase(ctx context.Context, image *artifact.Image, contents *artifact.Contents, req DeriveRequest, found *derive.Result) {
	name, digest := contents.Annotations[ocispec.AnnotationBaseImageName], contents.Annotations[ocispec.AnnotationBaseImageDigest]
	if name == "" || digest == "" {
		return
	}
	base, err := artifact.ParseReference(name + "@" + digest)
	own, ownErr := artifact.ParseReference(image.Reference)
	switch {
	case err != nil:
		found.Notes = append(found.Notes, fmt.Sprintf("the base image is not named in a way that it can be found: %v", err))
		return
	case ownErr == nil && own.Registry == base.Registry && !req.Registry.OCILayout:
	case !req.AnyBase:
		found.Notes = append(found.Notes, fmt.Sprintf("the base image %s is in another registry: with --any-base its own spec is looked for there", base))
		return
	default:
		o := req.Registry
		req.Registry = artifact.Options{LookupEnv: o.LookupEnv, UserAgent: o.UserAgent, Dial: o.Dial, Now: o.Now, Sleep: o.Sleep, Logger: o.Logger}
	}
	req.Registry.OCILayout = false
	needs, err := baseNeeds(ctx, base.String(), contents.Platform, req.Registry)
	if err != nil {
		found.Unread = append(found.Unread, derive.Unread{Reason: fmt.Sprintf("the base image's own spec: %v", err)})
		return
	}
	found.Needs = append(needs, found.Needs...)
}

func baseNeeds(ctx context.Context, reference string, platform artifact.Platform, o artifact.Options) ([]derive.Need, error) {
	repository, err := artifact.Open(ctx, reference, o)
	if err != nil {
		return nil, err
	}
	defer repository.Close()
	content, err := Show(ctx, repository, platform, "")
	switch {
	case errors.Is(err, artifact.ErrNoArtifact):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return derive.Base(fmt.Sprintf("%s (artifact %s)", reference, content.Artifact.Descriptor.Digest), content.Spec)
}

// AttachDerived attaches the draft to the manifest that it was derived from. A draft that is none, or
// may lack something, is not attached.
func AttachDerived(ctx context.Context, repository *artifact.Repository, image *report.DerivedImage, now time.Time) error {
	platform, err := artifact.ParsePlatform(image.Platform)
	if err != nil || image.Rules == 0 || !image.Complete {
		return err
	}
	result, err := Attach(ctx, repository, []byte(image.Spec), artifact.AttachOptions{Target: artifact.TargetPlatform, Platform: platform, Created: now})
	image.Attached = result.Attached
	return err
}
