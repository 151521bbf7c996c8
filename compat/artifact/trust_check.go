package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// The types of what may be a signature.
const (
	bundleType   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	notationType = "application/vnd.cncf.notary.signature"
)

// maySign reports whether an entry of a list may be that of a signature. The manifest decides: some
// clients put no type on it, or that of the empty configuration.
func maySign(d ocispec.Descriptor) bool {
	return isBundleEntry(d) || d.ArtifactType == notationType
}

func isBundleEntry(d ocispec.Descriptor) bool {
	return d.ArtifactType == bundleType || d.ArtifactType == "" || d.ArtifactType == ocispec.MediaTypeEmptyJSON
}

// Trust is the rule for what was opened; nil without a policy.
func (r *Repository) Trust() *TrustRule { return r.trust }

// asksForSignatures reports whether artifacts count only by their signatures.
func (r *Repository) asksForSignatures() bool { return r.trust != nil && !r.trust.Anything }

// tooMany makes the error of a list that is beyond a bound one that says, with a policy, what that
// means.
func (r *Repository) tooMany(err error, artifact digest.Digest) error {
	var large *TooLargeError
	if r.trust == nil || !errors.As(err, &large) || large.What != whatReferrers && large.What != whatTag {
		return err
	}
	return &TooManyError{Artifact: artifact, Err: large}
}

// acquire waits for one of the requests about signatures that may be under way.
func (r *Repository) acquire(ctx context.Context) (release func(), err error) {
	select {
	case r.slots <- struct{}{}:
		return func() { <-r.slots }, nil
	case <-ctx.Done():
		return nil, &RegistryError{Item: r.store.item(whatSignature, ""), Message: "no answer in the time given", Err: ctx.Err()}
	}
}

// A checked artifact is one of which the trust rule was asked.
type checked struct {
	trust Trust
	// created is the date in the manifest, which is signed; content and contentErr are what reading
	// the artifact gave. All are there only if the signatures are enough, and the date, which may be
	// that there is none, only if read is true.
	read       bool
	created    time.Time
	printed    string
	content    Content
	contentErr error
}

// check asks the trust rule about an artifact. An error says that there is no answer: of the
// registry, or a [*TooManyError].
func (r *Repository) check(ctx context.Context, a Artifact, fallback bool) (checked, error) {
	if r.trust.Nothing != "" || r.trust.Verify == nil {
		return r.checkListed(ctx, a, nil, nil)
	}
	release, err := r.acquire(ctx)
	if err != nil {
		return checked{}, err
	}
	list, err := r.store.signatures(ctx, a.Descriptor.Digest, fallback)
	release()
	return r.checkListed(ctx, a, list.Descriptors, r.tooMany(err, a.Descriptor.Digest))
}

// checkListed is check of an artifact whose signatures were listed.
func (r *Repository) checkListed(ctx context.Context, a Artifact, list []ocispec.Descriptor, listErr error) (checked, error) {
	refuse := func(state TrustState, why string) checked {
		return checked{trust: Trust{State: state, Why: printable(why, 2*maxServerText)}}
	}
	if r.trust.Nothing != "" || r.trust.Verify == nil {
		return refuse(Refused, cmp.Or(r.trust.Nothing, "the policy names no signers")), nil
	}
	bundles := slices.DeleteFunc(slices.Clone(list), func(d ocispec.Descriptor) bool { return !isBundleEntry(d) })
	switch {
	case listErr != nil:
		return checked{}, fmt.Errorf("listing the signatures of artifact %s: %w", a.Descriptor.Digest, listErr)
	case len(bundles) == 0 && len(list) > 0:
		return refuse(Unsigned, "it has no signature but one of notation, which is not read"), nil
	case len(bundles) == 0:
		return refuse(Unsigned, "it has no signature"), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading errgroup.Group
	defer func() {
		cancel()
		_ = reading.Wait()
	}()
	content := start(func() (checked, error) { return r.readSigned(ctx, a) })
	reading.Go(func() error { <-content.done; return nil })
	signers, why, err := r.signers(ctx, a.Descriptor.Digest, bundles)
	switch {
	case err != nil:
		return checked{}, err
	case len(signers) < max(1, r.trust.Threshold) && len(bundles) > MaxSignatures:
		return checked{}, &TooManyError{Artifact: a.Descriptor.Digest}
	case len(signers) == 0:
		return refuse(BadSignature, "no signature of it counts: "+strings.Join(why, "; ")), nil
	case len(signers) < r.trust.Threshold:
		return refuse(BadSignature, fmt.Sprintf("%d of %d signers signed it", len(signers), r.trust.Threshold)), nil
	}
	c, err := content.wait(ctx)
	if err != nil {
		return checked{}, interrupted(ctx, err)
	}
	if e := c.contentErr; e != nil && !Skippable(e) && (!Broken(e) || errors.Is(e, errOtherDigest)) {
		return checked{}, e
	}
	now := r.clock.read()
	switch {
	case c.created.After(now.Add(futureTolerance)):
		c.trust = Trust{State: FromTheFuture, Why: fmt.Sprintf("its date, %s, is in the future", c.printed)}
	case r.trust.MaxAge > 0 && c.created.IsZero() && !Skippable(c.contentErr):
		c.trust = Trust{State: TooOld, Why: "it has no date, and the policy has a maxAge"}
	case r.trust.MaxAge > 0 && !c.created.IsZero() && now.Sub(c.created) > r.trust.MaxAge:
		c.trust = Trust{State: TooOld, Why: fmt.Sprintf("it is of %s, which is older than the policy's maxAge of %s", c.printed, r.trust.MaxAge)}
	default:
		c.trust = Trust{State: Trusted, Signers: signers}
	}
	return c, nil
}

// readSigned reads an artifact while its signatures are read. What is wrong with it, and with
// reading it, is looked at only if they are good.
func (r *Repository) readSigned(ctx context.Context, a Artifact) (checked, error) {
	var c checked
	doc, layer, err := r.examine(ctx, a)
	if doc != nil {
		date := newArtifact(ocispec.Descriptor{Annotations: doc.body.Annotations}, "", "")
		c.read, c.created, c.printed = true, date.CreatedAt, date.Created
	}
	if err != nil {
		c.contentErr = fmt.Errorf("fetching artifact %s: %w", a.Descriptor.Digest, err)
		return c, nil
	}
	raw, err := r.store.blob(ctx, whatSpec, layer, MaxSpecSize)
	if err != nil {
		c.contentErr = fmt.Errorf("fetching the spec of artifact %s: %w", a.Descriptor.Digest, err)
		return c, nil
	}
	c.content = Content{Artifact: a, Manifest: doc.raw, Layer: layer, Spec: raw}
	return c, nil
}

// signers reads signatures in the order of their list, up to the bound, until there are enough
// signers. The first is read alone: mostly it is the only one. why has the reasons of those that
// don't count, each once.
func (r *Repository) signers(ctx context.Context, artifact digest.Digest, bundles []ocispec.Descriptor) (signers []Signer, why []string, err error) {
	const reasons = 3
	bundles = bundles[:min(len(bundles), MaxSignatures)]
	for size := 1; len(bundles) > 0; size = parallelChecks {
		size = min(size, len(bundles))
		accepted, errs := make([][]Signer, size), make([]error, size)
		var group errgroup.Group
		for i, d := range bundles[:size] {
			group.Go(func() error {
				accepted[i], errs[i] = r.signature(ctx, artifact, d)
				return nil
			})
		}
		_ = group.Wait()
		for i := range size {
			var bad *signatureError
			switch {
			case errors.As(errs[i], &bad):
				if reason := bad.Error(); !slices.Contains(why, reason) && len(why) < reasons {
					why = append(why, reason)
				}
			case errs[i] != nil:
				return nil, nil, fmt.Errorf("reading the signature %s of artifact %s: %w", bundles[i].Digest, artifact, errs[i])
			}
			if signers = appendSigners(signers, accepted[i], bundles[i].Digest); len(signers) >= max(1, r.trust.Threshold) {
				return signers, nil, nil
			}
		}
		bundles = bundles[size:]
	}
	return signers, why, nil
}

// appendSigners adds a signature's signers that are not there yet. One signature, one name and one
// key count once.
func appendSigners(signers, accepted []Signer, signature digest.Digest) []Signer {
	for _, s := range accepted {
		s.Signature = signature
		if !slices.ContainsFunc(signers, func(o Signer) bool { return o.Name == s.Name || o.Fingerprint == s.Fingerprint }) {
			return append(signers, s)
		}
	}
	return signers
}

// A signatureError says why a signature does not count.
type signatureError struct{ reason string }

func (e *signatureError) Error() string { return e.reason }

// signature reads one signature and verifies it. Errors that are no *signatureError say that it
// could not be read.
func (r *Repository) signature(ctx context.Context, artifact digest.Digest, d ocispec.Descriptor) ([]Signer, error) {
	release, err := r.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	bundle, err := r.readBundle(ctx, artifact, d)
	if err != nil {
		return nil, notCounting(err)
	}
	signers, err := r.trust.Verify(bundle, artifact, r.clock.read())
	if err != nil {
		return nil, &signatureError{printable(err.Error(), maxServerText)}
	}
	return signers, nil
}

// readBundle reads a signature's bundle: the one layer of a manifest that refers to the artifact.
func (r *Repository) readBundle(ctx context.Context, artifact digest.Digest, d ocispec.Descriptor) ([]byte, error) {
	doc, err := r.store.manifest(ctx, whatSignature, d.Digest.String())
	if err != nil {
		return nil, err
	}
	switch {
	case doc.body.Subject == nil || doc.body.Subject.Digest != artifact:
		return nil, &signatureError{"it is attached to something else"}
	case len(doc.body.Layers) != 1 || doc.body.Layers[0].MediaType != bundleType:
		return nil, &signatureError{"it is no Sigstore bundle"}
	}
	return r.store.blob(ctx, whatSignature, doc.body.Layers[0], MaxBundleSize)
}

// notCounting makes a *signatureError of what whoever pushed a signature may have done: it is gone,
// too large or malformed. A failure of the registry stays one: it must not make a signed artifact
// an unsigned one.
func notCounting(err error) error {
	var missing *NotFoundError
	var large *TooLargeError
	var malformed *MalformedError
	var status *RegistryError
	switch {
	case errors.As(err, &missing):
		return &signatureError{"it is listed, but gone"}
	case errors.As(err, &large):
		return &signatureError{"it is too large"}
	case errors.Is(err, errOtherDigest):
		return err
	case errors.As(err, &malformed):
		return &signatureError{"it is malformed: " + printable(malformed.Reason, maxServerText)}
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusBadRequest, http.StatusGone, http.StatusUnprocessableEntity:
			return &signatureError{"the registry does not give it out"}
		}
	}
	return err
}
