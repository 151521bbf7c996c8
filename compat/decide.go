package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// decideNode sums the images up: all of them, and the sidecars if required. That the
// kubelet could not be looked for is no unknown fact, and --strict does not touch
// it.
func decideNode(r *report.NodeReport, detection *report.Error, p policy) {
	verdicts := make([]verdict.Verdict, 0, len(r.Images)+1)
	for _, i := range r.Images {
		verdicts = append(verdicts, i.Verdict)
		if i.Error != nil && r.Error == nil {
			r.Error = i.Error
		}
	}
	var sidecars verdict.Verdict
	var why verdict.Reason
	switch {
	case p.requireSidecars && detection != nil:
		sidecars, why = verdict.Unknown, detection.Reason()
		r.Error = cmp.Or(r.Error, detection)
	case p.requireSidecars:
		sidecars, why = decideSidecars(*r.Sidecars, p.strict)
	case detection != nil:
		r.Warnings = append(r.Warnings, detection.Reason())
	}
	if p.requireSidecars {
		verdicts = append(verdicts, sidecars)
	}
	r.Verdict = verdict.All(verdicts...)
	if sidecars == r.Verdict {
		r.Reasons = append(r.Reasons, why)
	}
	r.Reasons = append(r.Reasons, imageReasons(r)...)
}

// platformUnknown says that the node is one of which nobody knows the platform.
func platformUnknown(consequence string) verdict.Reason {
	return verdict.Reason{
		Code:    report.CodePlatformUnknown,
		Message: "the snapshot does not name the node's architecture: " + consequence,
		Hint:    "name it with --platform",
	}
}

// decideSidecars turns the kubelet's support into a verdict with its reason.
func decideSidecars(support sidecar.Support, strict bool) (verdict.Verdict, verdict.Reason) {
	result := support.Verdict()
	message := "native sidecars: " + support.Message
	if strict && result == verdict.Unknown {
		result = verdict.Incompatible
		message += "; --strict takes that as no"
	}
	return result, verdict.Reason{Code: string(support.Code), Message: message, Hint: report.SidecarHint(support)}
}

// imageReasons repeats the reasons of the images that decided, with their names
// where there are several.
func imageReasons(r *report.NodeReport) []verdict.Reason {
	var reasons []verdict.Reason
	for _, i := range r.Images {
		for _, reason := range i.Reasons {
			if len(r.Images) > 1 {
				reason.Message = i.Name() + ": " + reason.Message
			}
			if i.Verdict == r.Verdict {
				reasons = append(reasons, reason)
			}
		}
	}
	return reasons
}

// policy is what the caller makes of the facts: which sets count, and what a missing
// artifact and an unknown fact mean.
type policy struct {
	tags            []string
	missing         verdict.Verdict
	strict          bool
	requireSidecars bool
	requireGPU      bool
}

// judgeAll judges every subject on the facts of one node.
func judgeAll(ctx context.Context, subjects []subject, node *nodefeatures.Matcher, p policy) []report.Image {
	images := make([]report.Image, len(subjects))
	judgeEach(ctx, subjects, node, p, func(i int, image report.Image) { images[i] = image })
	return images
}

// judgeEach judges every subject on the facts of one node, on all CPUs, on which take runs, too.
func judgeEach(ctx context.Context, subjects []subject, node *nodefeatures.Matcher, p policy, take func(int, report.Image)) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range subjects {
		group.Go(func() error {
			take(i, judge(ctx, s, node, p))
			return nil
		})
	}
	_ = group.Wait() // what went wrong is the image's
}

// judge decides one image on the facts of one node.
func judge(ctx context.Context, s subject, node *nodefeatures.Matcher, p policy) report.Image {
	image := describeImage(s)
	if s.spec != nil {
		image.Sets, s.err = judgeSets(ctx, s.spec, node, p)
	}
	image.Verdict, image.Reasons = decideImage(s, image.Sets, p)
	if unread := manifestUnread(s); unread != nil && (!s.pinned || image.Verdict != verdict.Incompatible) {
		image.Verdict, image.Reasons = verdict.Unknown, []verdict.Reason{*unread}
	}
	if s.err != nil && !errors.Is(s.err, artifact.ErrNoArtifact) && !undecided(s.err) {
		image.Error = report.NewError(s.err)
	}
	if mismatch := platformMismatch(s, node.Snapshot.Node); mismatch != nil {
		reasons := []verdict.Reason{*mismatch}
		if image.Verdict == verdict.Incompatible {
			reasons = append(reasons, image.Reasons...)
		}
		image.Verdict, image.Reasons = verdict.Incompatible, reasons
	}
	judgeGPU(&image, s, node.Snapshot, p)
	image.Pinned = s.content != nil && s.pinned
	if best := report.BestSet(image.Sets); best != nil && image.Verdict == verdict.Compatible {
		image.Score = &best.Weight
	}
	return image
}

// decideImage is Kleene's OR over the selected sets, or what a missing spec means.
func decideImage(s subject, sets []report.Set, p policy) (verdict.Verdict, []verdict.Reason) {
	switch {
	case noTrusted(s.err) != nil && s.platformUnknown():
		return verdict.Unknown, []verdict.Reason{platformUnknown("of what is attached to the index, " + s.err.Error())}
	case errors.Is(s.err, artifact.ErrNoArtifact) && s.platformUnknown():
		return verdict.Unknown, []verdict.Reason{platformUnknown("nothing is attached to the index")}
	case errors.Is(s.err, artifact.ErrNoArtifact):
		return decideMissing(s, p.missing)
	case s.err != nil:
		return verdict.Unknown, []verdict.Reason{report.NewError(s.err).Reason()}
	case len(sets) == 0:
		return verdict.Unknown, []verdict.Reason{{
			Code:    report.CodeNoSetSelected,
			Message: fmt.Sprintf("no set of the spec has the tag %s", strings.Join(p.tags, " or ")),
			Hint:    tagsHint(s.spec),
		}}
	}
	verdicts := make([]verdict.Verdict, len(sets))
	for i, set := range sets {
		verdicts[i] = set.Verdict
	}
	verdict := verdict.Any(verdicts...)
	return verdict, setReasons(verdict, sets)
}

// decideMissing says what an image about which nobody said anything is, or nobody whom the trust
// policy accepts.
func decideMissing(s subject, missing verdict.Verdict) (verdict.Verdict, []verdict.Reason) {
	reason := verdict.Reason{
		Code:    report.CodeNoArtifact,
		Message: "the image has no compatibility artifact",
		Hint:    "attach one with `compat attach`, or say with --missing what that means",
	}
	if none := noTrusted(s.err); none != nil {
		reason = verdict.Reason{Code: none.Code(), Message: none.Error(), Hint: signHint(s, none)}
	}
	switch missing {
	case verdict.Compatible, verdict.Incompatible:
		reason.Message += "; --missing says " + string(missing)
		reason.Hint = ""
		return missing, []verdict.Reason{reason}
	}
	return verdict.Unknown, []verdict.Reason{reason}
}

// signHint says how an artifact comes to count.
func signHint(s subject, none *artifact.NoTrustedArtifactError) string {
	switch none.State {
	case artifact.Refused:
		return "a rule of the policy for the image, with signers, accepts what these sign"
	case artifact.TooOld, artifact.FromTheFuture:
		return "its author attaches the spec again, and signs that"
	}
	ref := s.repository.Reference()
	if ref.Layout != "" {
		return "sign the artifact in a registry, and copy it with `oras cp -r`"
	}
	return fmt.Sprintf("its author signs it with `cosign sign --key cosign.key %s/%s@%s`", ref.Registry, ref.Repository, none.Newest)
}

// setReasons explains the image's verdict by the sets that gave it.
func setReasons(result verdict.Verdict, sets []report.Set) []verdict.Reason {
	if result == verdict.Compatible {
		best := report.BestSet(sets)
		return []verdict.Reason{{
			Code:    report.CodeSetMatches,
			Message: fmt.Sprintf("%s matches, weight %d", best.Title(), best.Weight),
		}}
	}
	code := report.CodeNoSetMatches
	if result == verdict.Unknown {
		code = report.CodeFactsUnknown
	}
	var reasons []verdict.Reason
	for _, why := range report.Causes(result, sets) {
		reasons = append(reasons, verdict.Reason{Code: code, Message: why.Message, Hint: why.Hint})
	}
	return reasons
}

// platformMismatch says that the image is made for another kind of machine than
// the node. Nil when it fits, or when one of the two is not known.
func platformMismatch(s subject, node nodefeatures.Node) *verdict.Reason {
	if s.image == nil || s.platformUnknown() || len(s.image.Unread) > 0 || len(s.image.Either) > 0 {
		return nil
	}
	if s.image.Manifest == nil {
		return noManifest(s)
	}
	p, arch := s.platform, node.Architecture
	if p == nil || arch == "" || takesFallback(s) || p.Architecture == arch && p.OS == node.OS {
		return nil
	}
	return &verdict.Reason{
		Code:    report.CodePlatformMismatch,
		Message: fmt.Sprintf("the image is for %s, the node is %s/%s", artifact.FormatPlatform(*p), node.OS, arch),
	}
}

// manifestUnread says that the image may have a manifest for the platform, with artifacts of its own, in
// a part of its index that was not read, or that it is not known which one is taken. Nil otherwise.
func manifestUnread(s subject) *verdict.Reason {
	if undecided := manifestUndecided(s); undecided != nil {
		return undecided
	}
	if s.image == nil || s.image.Manifest != nil || len(s.image.Unread) == 0 {
		return nil
	}
	return &verdict.Reason{
		Code: report.CodeIndexUnread,
		Message: fmt.Sprintf("whether the image has a manifest for %s is not known: %s",
			cmp.Or(artifact.FormatPlatform(s.wanted.Platform), "the node's platform"), strings.Join(s.image.Unread, "; ")),
		Hint: "name that manifest by its digest: REPOSITORY@sha256:…",
	}
}

// describeImage copies what the report shows of a subject.
func describeImage(s subject) report.Image {
	image := report.Image{
		Reference:  s.reference,
		File:       s.file,
		Candidates: []report.Artifact{},
		Sets:       []report.Set{},
		Selection:  describeSelection(s),
		Policy:     describePolicy(s.repository),
	}
	if i := s.image; i != nil {
		image.Digest = i.Digest.String()
		if i.Manifest != nil {
			image.ManifestDigest = i.Manifest.Digest.String()
		}
		if s.platform != nil {
			image.Platform = artifact.FormatPlatform(*s.platform)
		}
	}
	for _, a := range s.candidates {
		image.Candidates = append(image.Candidates, describeArtifact(a))
	}
	if s.content != nil {
		a := describeArtifact(s.content.Artifact)
		image.Artifact = &a
	}
	return image
}

func describeArtifact(a artifact.Artifact) report.Artifact {
	return report.Artifact{
		Digest:  a.Descriptor.Digest.String(),
		Subject: a.Subject.String(),
		On:      string(a.On),
		Created: a.Created,
		Trust:   a.Trust,
	}
}

func joinPlatforms(platforms []artifact.Platform) string {
	names := make([]string, len(platforms))
	for i, p := range platforms {
		names[i] = artifact.FormatPlatform(p)
	}
	return strings.Join(names, ", ")
}

// tagsHint lists the distinct tags of a spec in its order.
func tagsHint(s *spec.Spec) string {
	var names []string
	for _, set := range s.Sets {
		if set.Tag != "" && !slices.Contains(names, set.Tag) {
			names = append(names, set.Tag)
		}
	}
	if len(names) == 0 {
		return "its sets have no tags"
	}
	return "its tags are: " + strings.Join(names, ", ")
}
