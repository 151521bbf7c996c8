package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Discovery is everything attached to an image.
type Discovery struct {
	// Reference is what was asked for, normalised.
	Reference string
	// Digest is what it resolved to.
	Digest digest.Digest
	// Subjects are the index, if there is one, then every platform's manifest in the index's order.
	Subjects []Subject
	// Warnings is what the user should know about the image and the lists.
	Warnings []Warning
	// ViaFallbackTag reports whether the registry has no referrers API.
	ViaFallbackTag bool
}

// Subject is a manifest or an index, with its artifacts in the order of preference.
type Subject struct {
	Descriptor ocispec.Descriptor
	On         On
	Platform   *Platform // the manifest's, if it came from an index
	// TakenBy are the runtimes that take the manifest from the index on a machine of its architecture,
	// by the names in Node objects.
	TakenBy   []string
	Artifacts []Found
}

// State is what became of an artifact in a list.
type State string

// The states.
const (
	StateInEffect State = "inEffect" // the one that readers of the subject take
	StateOlder    State = "older"    // readable, but another one is preferred
	StateForeign  State = "foreign"  // it speaks about another image; readers skip it
	StateMissing  State = "missing"  // listed, but gone; readers skip it
	StateBroken   State = "broken"   // readers that come to it fail
	// StateUntrusted is that of what the trust policy does not accept; readers pass it over.
	StateUntrusted State = "untrusted"
)

// Found is one listed artifact that was looked at.
type Found struct {
	Artifact
	State State
	// Problem explains the states foreign, missing and broken.
	Problem string
	// Layer is the descriptor of the spec; its digest tells equal specs. Nil if the artifact has
	// none.
	Layer *ocispec.Descriptor
	// Signatures are what is listed as signatures of it, which need not be any; at most
	// MaxSignatures.
	Signatures []ListedSignature
}

// A ListedSignature is an entry in the list of what is attached to an artifact.
type ListedSignature struct {
	// Digest is that of the signature's manifest.
	Digest digest.Digest
	// Format is what the list says that it is.
	Format SignatureFormat
}

// A SignatureFormat is a form of signatures.
type SignatureFormat string

// The formats. Of these, Sigstore bundles are read.
const (
	FormatBundle   SignatureFormat = "bundle"   // a Sigstore bundle, as cosign makes them
	FormatNotation SignatureFormat = "notation" // one of notation
	FormatUnknown  SignatureFormat = "unknown"  // the list does not tell
)

// SignatureFormats are all of them.
var SignatureFormats = []SignatureFormat{FormatBundle, FormatNotation, FormatUnknown}

// Discover lists the artifacts of the index and of each platform's manifest, or of one platform's
// unless that is zero, and looks at the manifest of each, but not at the specs: see
// [Repository.Spec]. With signatures, those of each artifact are listed also where no trust policy
// asks for them. Errors are those of [Repository.Image] and [Image.Artifacts].
func (r *Repository) Discover(ctx context.Context, platform Platform, signatures bool) (Discovery, error) {
	root, warnings, err := r.root(ctx)
	if err != nil {
		return Discovery{}, err
	}
	subjects, found, err := r.subjects(ctx, root)
	if err != nil {
		return Discovery{}, err
	}
	warnings = append(warnings, found.warnings...)
	if platform.OS != "" {
		one, err := r.platformSubject(ctx, root, subjects, found, platform)
		if err != nil {
			return Discovery{}, err
		}
		if subjects = append(subjects[:1:1], one); !root.isIndex() {
			subjects = subjects[:1]
		}
	}
	lists := make([]referrers, len(subjects))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i, s := range subjects {
		group.Go(func() (err error) {
			lists[i], err = r.listed(gctx, s.Digest)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Discovery{}, fmt.Errorf("listing the artifacts of %s: %w", r.ref, err)
	}
	takers := takenBy(found.images)
	d := Discovery{Reference: r.ref.String(), Digest: root.Digest, Subjects: []Subject{}, Warnings: append([]Warning{}, warnings...)}
	for i, s := range subjects {
		var l Listing
		l.add(lists[i], s.Digest, s.on)
		found, warnings, err := r.inspect(ctx, l, signatures)
		if err != nil {
			return Discovery{}, err
		}
		d.Warnings = append(d.Warnings, warnings...)
		d.Subjects = append(d.Subjects, Subject{Descriptor: s.Descriptor, On: s.on, Platform: s.platform, TakenBy: takers[s.Digest], Artifacts: found})
		d.Warnings = append(d.Warnings, l.Warnings...)
		d.ViaFallbackTag = d.ViaFallbackTag || l.ViaFallbackTag
	}
	return d, nil
}

// Spec reads the spec of an artifact that [Repository.Discover] found, by its layer: at most
// MaxSpecSize bytes, verified.
func (r *Repository) Spec(ctx context.Context, layer ocispec.Descriptor) ([]byte, error) {
	return r.store.blob(ctx, whatSpec, layer, MaxSpecSize)
}

// inspect reads the manifests of a subject's artifacts and says what readers make of each.
func (r *Repository) inspect(ctx context.Context, list Listing, signatures bool) (found []Found, warnings []Warning, err error) {
	found = make([]Found, len(list.Artifacts))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i, a := range list.Artifacts {
		group.Go(func() error {
			found[i].Artifact = a
			_, layer, err := r.examine(gctx, a)
			if err == nil {
				found[i].State, found[i].Layer = StateOlder, &layer
				return nil
			}
			if found[i].State = stateOf(err); found[i].State == "" {
				return err
			}
			found[i].Problem = err.Error()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if signatures || r.asksForSignatures() {
		if warnings, err = r.inspectSignatures(ctx, found, list.ViaFallbackTag); err != nil {
			return nil, nil, err
		}
	}
	for i := range found {
		switch {
		case found[i].Trust != nil && found[i].Trust.State == TooManySignatures:
			return found, warnings, nil // nobody knows whether it is this one
		case found[i].State == StateOlder:
			found[i].State = StateInEffect
			return found, append(warnings, r.futureWarning(found[i].Artifact)...), nil
		case found[i].State == StateBroken:
			return found, warnings, nil
		}
	}
	return found, warnings, nil
}

// inspectSignatures lists the signatures of artifacts, and with a trust policy says what it makes
// of them. Without one a list that can't be read is only a warning.
func (r *Repository) inspectSignatures(ctx context.Context, found []Found, fallback bool) ([]Warning, error) {
	unread := make([]error, len(found))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i := range found {
		if found[i].State == StateForeign || found[i].State == StateMissing {
			continue
		}
		group.Go(func() error {
			f := &found[i]
			list, err := r.store.signatures(gctx, f.Descriptor.Digest, fallback)
			if err != nil {
				unread[i] = err
			}
			for _, d := range list.Descriptors[:min(len(list.Descriptors), MaxSignatures)] {
				f.Signatures = append(f.Signatures, ListedSignature{d.Digest, formatOf(d)})
			}
			if !r.asksForSignatures() {
				f.Trust = r.unchecked()
				return nil
			}
			return r.inspectTrust(gctx, f, list.Descriptors, r.tooMany(err, f.Descriptor.Digest))
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if r.asksForSignatures() {
		slices.SortStableFunc(found, func(a, b Found) int { return prefer(a.Artifact, b.Artifact) })
		return nil, nil
	}
	for i, err := range unread {
		if err != nil {
			return []Warning{{Code: CodeSignaturesUnread, Message: fmt.Sprintf("the signatures of artifact %s are not listed: %v", found[i].Descriptor.Digest, err)}}, nil
		}
	}
	return nil, nil
}

// inspectTrust asks the trust rule about an artifact. One that is accepted has the date of its
// manifest.
func (r *Repository) inspectTrust(ctx context.Context, f *Found, list []ocispec.Descriptor, listErr error) error {
	var many *TooManyError
	c, err := r.checkListed(ctx, f.Artifact, list, listErr)
	switch {
	case errors.As(err, &many):
		f.Trust = &Trust{State: TooManySignatures, Why: many.Error()}
		f.State = StateUntrusted
		return nil
	case err != nil:
		return err
	}
	f.Trust = &c.trust
	if c.trust.State != Trusted {
		f.State = StateUntrusted
		return nil
	}
	if c.read && c.created.Before(f.CreatedAt) {
		f.CreatedAt, f.Created = c.created, c.printed
	}
	return nil
}

func formatOf(d ocispec.Descriptor) SignatureFormat {
	switch d.ArtifactType {
	case bundleType:
		return FormatBundle
	case notationType:
		return FormatNotation
	}
	return FormatUnknown
}

// stateOf is the state of an artifact that can't be read, "" if that says nothing about the
// artifact.
func stateOf(err error) State {
	var foreign *ForeignSubjectError
	var missing *NotFoundError
	switch {
	case errors.As(err, &foreign):
		return StateForeign
	case errors.As(err, &missing):
		return StateMissing
	case Broken(err):
		return StateBroken
	default:
		return ""
	}
}
