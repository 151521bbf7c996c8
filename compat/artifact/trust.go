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

// A TrustRule says which artifacts of an image count for a reader: those that enough signers
// signed. It accepts nothing if nothing else is said.
type TrustRule struct {
	// File is the policy that it is from, SHA256 the hash of that, and Images the rule's pattern;
	// all may be empty.
	File, SHA256, Images string
	// Anything lets every artifact count, without asking for signatures.
	Anything bool
	// Nothing says why no artifact counts, whatever its signatures; "" if that depends on them.
	Nothing string
	// Threshold is how many different signers, with different keys, are needed: at least one.
	Threshold int
	// MaxAge is how old an artifact may be; 0 for any age.
	MaxAge time.Duration
	// Verify says by which signers a Sigstore bundle is a signature of the manifest of an artifact,
	// or why it is by none.
	Verify func(bundle []byte, artifact digest.Digest, now time.Time) ([]Signer, error)
}

// A Method says how a signature was verified.
type Method string

// The methods.
const (
	MethodKey Method = "key" // with a public key of the policy
	MethodCA  Method = "ca"  // with a certificate that an authority of the policy issued
)

// A Signer is one whose signature was verified.
type Signer struct {
	// Name is that in the policy.
	Name   string `json:"name"`
	Method Method `json:"method"`
	// Fingerprint is the SHA-256 of the key that verified it, as SubjectPublicKeyInfo.
	Fingerprint string `json:"fingerprint"`
	// Signature is the digest of the signature's manifest.
	Signature digest.Digest `json:"signature"`
}

// A TrustState says what a trust rule makes of an artifact.
type TrustState string

// The states.
const (
	Trusted           TrustState = "trusted"           // enough signers signed it
	Unchecked         TrustState = "unchecked"         // the rule asks for no signature
	Unsigned          TrustState = "unsigned"          // it has no signature that is read
	BadSignature      TrustState = "badSignature"      // too few of its signatures count
	TooOld            TrustState = "tooOld"            // signed, but older than the rule allows
	FromTheFuture     TrustState = "fromTheFuture"     // signed, but dated in the future
	Refused           TrustState = "refused"           // the rule accepts nothing
	TooManySignatures TrustState = "tooManySignatures" // it has more signatures than are read: nobody knows
	NotChecked        TrustState = "notChecked"        // a newer one counts, or it was not come to
)

// TrustStates are all of them.
var TrustStates = []TrustState{Trusted, Unchecked, Unsigned, BadSignature, TooOld, FromTheFuture, Refused, TooManySignatures, NotChecked}

// A Trust is what a trust rule makes of one artifact.
type Trust struct {
	State TrustState `json:"state"`
	// Signers are those that signed it; absent unless it is trusted.
	Signers []Signer `json:"signers,omitempty"`
	// Why says why it does not count.
	Why string `json:"why,omitempty"`
}

// A NoTrustedArtifactError says that there are artifacts, and that a policy accepts none of them.
// It is [ErrNoArtifact]: what is not accepted does not exist.
type NoTrustedArtifactError struct {
	// Count is how many there are, Newest the one that comes first, and Why it is not accepted.
	Count  int
	Newest digest.Digest
	Why    string
}

func (e *NoTrustedArtifactError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("the trust policy does not accept the one compatibility artifact of the image, %s: %s", e.Newest, e.Why)
	}
	return fmt.Sprintf("the trust policy accepts none of the %d compatibility artifacts of the image; the newest, %s: %s", e.Count, e.Newest, e.Why)
}

// Is makes it an [ErrNoArtifact].
func (*NoTrustedArtifactError) Is(target error) bool { return target == ErrNoArtifact } //nolint:errorlint // it is the sentinel

// Code is [CodeNoTrustedArtifact].
func (*NoTrustedArtifactError) Code() string { return CodeNoTrustedArtifact }

// Retryable is false.
func (*NoTrustedArtifactError) Retryable() bool { return false }

// An UntrustedError says that a policy does not accept the artifact that was asked for by its
// digest.
type UntrustedError struct {
	Artifact digest.Digest
	Why      string
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("the trust policy does not accept the artifact %s: %s", e.Artifact, e.Why)
}

// Code is [CodeUntrustedArtifact].
func (*UntrustedError) Code() string { return CodeUntrustedArtifact }

// Retryable is false.
func (*UntrustedError) Retryable() bool { return false }

// A TooManyError says that with a policy nobody knows which artifact counts: there is more than is
// looked at. An older one is never taken in place of one that could not be checked.
type TooManyError struct {
	// Artifact is the one with too many signatures; "" where there are too many artifacts.
	Artifact digest.Digest
	Err      error // which bound; nil for that of signatures or candidates
}

func (e *TooManyError) Error() string {
	what := fmt.Sprintf("which artifact the trust policy accepts is not known: there are more than %d, and none of those that were looked at counts", MaxArtifacts)
	if e.Artifact != "" {
		what = fmt.Sprintf("whether the trust policy accepts the artifact %s is not known: it has more than %d signatures, and those that were read are not enough", e.Artifact, MaxSignatures)
	}
	if e.Err == nil {
		return what
	}
	what, _, _ = strings.Cut(what, ":")
	return what + ": " + e.Err.Error()
}

func (e *TooManyError) Unwrap() error { return e.Err }

// Code is [CodeSignaturesTooMany] or [CodeCandidatesTooMany].
func (e *TooManyError) Code() string {
	if e.Artifact != "" {
		return CodeSignaturesTooMany
	}
	return CodeCandidatesTooMany
}

// Retryable is false.
func (*TooManyError) Retryable() bool { return false }

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
		return nil, &RegistryError{Item: Item{What: whatSignature, Host: r.store.where()}, Message: "no answer in the time given", Err: ctx.Err()}
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
		c.trust = Trust{State: TooOld, Why: fmt.Sprintf("it is of %s, and the policy's maxAge %s", c.printed, r.trust.MaxAge)}
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

// Skippable reports whether readers pass an artifact over for what reading it gave: it is foreign,
// or gone.
func Skippable(err error) bool {
	_, skip := skippable(err)
	return skip
}

// firstTrusted reads the first artifact that the trust rule accepts, is about this image and still
// exists. The order is that of the list, but the date of an artifact that is accepted is the one in
// its manifest where the list has a later one. What the rule makes of each is noted in the list.
func (r *Repository) firstTrusted(ctx context.Context, list *Listing) (*Content, error) {
	s := selection{list: list.Artifacts, known: make([]*checked, len(list.Artifacts))}
	for i := range list.Artifacts {
		list.Artifacts[i].Trust = &Trust{State: NotChecked}
		s.order = append(s.order, i)
	}
	defer func() { list.Warnings = append(list.Warnings, s.warnings()...) }()
	for at := 0; at < len(s.order); at++ {
		i := s.order[at]
		if s.known[i] == nil {
			if at >= MaxArtifacts {
				return nil, &TooManyError{}
			}
			r.checkSome(ctx, &s, at, list.ViaFallbackTag)
		}
		if err := s.errs[i]; err != nil {
			return nil, err
		}
		c := s.known[i]
		switch {
		case c.trust.State != Trusted:
			s.passed = append(s.passed, i)
			continue
		case Skippable(c.contentErr):
			w, _ := skippable(c.contentErr)
			s.skipped = append(s.skipped, w)
			continue
		case c.read && c.created.Before(list.Artifacts[i].CreatedAt):
			list.Artifacts[i].CreatedAt, list.Artifacts[i].Created = c.created, c.printed
			s.sink(at)
			at--
			continue
		case c.contentErr != nil:
			return nil, c.contentErr
		}
		c.content.Artifact = list.Artifacts[i]
		return &c.content, nil
	}
	err := r.noneTrusted(ctx, list, s.passed)
	s.passed = s.passed[min(1, len(s.passed)):] // the error tells of the newest
	return nil, err
}

// A selection is the artifacts of an image on the way to the one that is taken.
type selection struct {
	list  []Artifact
	order []int // by preference
	known []*checked
	errs  map[int]error
	// passed are those that the rule does not accept, in their order; skipped those that it does,
	// and that are foreign or gone.
	passed  []int
	skipped []Warning
}

// sink moves an artifact behind those on the same part of the image that are preferred to it.
func (s *selection) sink(at int) {
	moved := s.order[at]
	for ; at+1 < len(s.order); at++ {
		next := s.order[at+1]
		if s.list[next].On != s.list[moved].On || prefer(s.list[moved], s.list[next]) <= 0 {
			break
		}
		s.order[at] = next
	}
	s.order[at] = moved
}

// checkSome checks the artifact at a place, and some behind it: no more than were passed over until
// now, since they may be checked for nothing.
func (r *Repository) checkSome(ctx context.Context, s *selection, at int, fallback bool) {
	todo := s.order[at:min(len(s.order), at+min(max(1, at), parallelChecks), MaxArtifacts)]
	errs := make([]error, len(todo))
	var group errgroup.Group
	for n, i := range todo {
		if s.known[i] != nil {
			continue
		}
		s.known[i] = &checked{}
		group.Go(func() error {
			*s.known[i], errs[n] = r.check(ctx, s.list[i], fallback)
			return nil
		})
	}
	_ = group.Wait()
	if s.errs == nil {
		s.errs = map[int]error{}
	}
	for n, i := range todo {
		if errs[n] != nil {
			s.errs[i] = errs[n]
			var many *TooManyError
			if errors.As(errs[n], &many) {
				s.list[i].Trust = &Trust{State: TooManySignatures, Why: many.Error()}
			}
			continue
		}
		s.list[i].Trust = &s.known[i].trust
	}
}

// warnings are about the artifacts that were passed over: the first few, and how many more.
func (s *selection) warnings() []Warning {
	list := s.skipped
	for n, i := range s.passed {
		if n == maxUntrusted {
			return append(list, Warning{Code: CodeUntrustedArtifact, Message: fmt.Sprintf("%d more artifacts are passed over, since the trust policy does not accept them", len(s.passed)-n)})
		}
		a := s.list[i]
		list = append(list, Warning{Code: CodeUntrustedArtifact, Message: fmt.Sprintf("artifact %s%s is passed over: %s", a.Descriptor.Digest, dated(a), a.Trust.Why)})
	}
	return list
}

func dated(a Artifact) string {
	if a.Created == "" {
		return ""
	}
	return " of " + a.Created
}

// noneTrusted is why nothing is taken. Of the newest it is looked up whether it has a signature of
// the form that is not read, which is a common reason.
func (r *Repository) noneTrusted(ctx context.Context, list *Listing, passed []int) error {
	if len(passed) == 0 {
		return ErrNoArtifact // what the rule accepts is foreign or gone
	}
	newest := list.Artifacts[passed[0]]
	e := &NoTrustedArtifactError{Count: len(passed), Newest: newest.Descriptor.Digest, Why: newest.Trust.Why}
	if newest.Trust.State == Unsigned {
		if legacy, err := r.store.legacySignature(ctx, newest.Descriptor.Digest); err == nil && legacy {
			e.Why = "it has no signature but one of cosign's older format (.sig), which is not read"
		}
	}
	return e
}

// mustTrust checks an artifact that was asked for by its digest.
func (r *Repository) mustTrust(ctx context.Context, a Artifact, fallback bool) (*Content, error) {
	c, err := r.check(ctx, a, fallback)
	switch {
	case err != nil:
		return nil, err
	case c.trust.State != Trusted:
		return nil, &UntrustedError{Artifact: a.Descriptor.Digest, Why: c.trust.Why}
	case c.contentErr != nil:
		return nil, c.contentErr
	}
	a.Trust = &c.trust
	c.content.Artifact = a
	return &c.content, nil
}

// futureWarning tells of a date that is in the future, where nobody checks it: whatever comes until
// then is older.
func (r *Repository) futureWarning(a Artifact) []Warning {
	now := r.clock.read()
	if now.IsZero() || !a.CreatedAt.After(now.Add(futureTolerance)) {
		return nil
	}
	return []Warning{{Code: CodeFromTheFuture, Message: fmt.Sprintf(
		"artifact %s says that it was made at %s, which is in the future: until then it comes before every newer one", a.Descriptor.Digest, a.Created)}}
}
