package artifact

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

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
	e := &NoTrustedArtifactError{Count: len(passed), Newest: newest.Descriptor.Digest, State: newest.Trust.State, Why: newest.Trust.Why}
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
