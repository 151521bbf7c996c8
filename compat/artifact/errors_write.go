package artifact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// NotListedError says that an artifact was pushed, but not seen among the subject's referrers in
// the time given. It may show up later: it is in the registry.
type NotListedError struct {
	Subject  digest.Digest
	Artifact digest.Digest
	Host     string
	Err      error // what ended the wait
}

func (e *NotListedError) Error() string {
	s := fmt.Sprintf("artifact %s at %s: pushed, but not seen listed as a referrer of %s", e.Artifact, e.Host, e.Subject)
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return s + " in the time given"
	case errors.Is(e.Err, context.Canceled):
		return s + " when it was interrupted"
	default:
		return fmt.Sprintf("%s: %v", s, e.Err)
	}
}

func (e *NotListedError) Unwrap() error { return e.Err }

// Code is [CodeNotListed].
func (*NotListedError) Code() string { return CodeNotListed }

// Retryable is true unless the registry refused to list it.
func (e *NotListedError) Retryable() bool {
	var inner Error
	return !errors.As(e.Err, &inner) || inner.Retryable()
}

// NotReadableError says that an artifact was pushed and is listed, but that what the registry has of
// it can't be read.
type NotReadableError struct {
	Artifact digest.Digest
	Host     string
	Err      error // what came in its place
}

func (e *NotReadableError) Error() string {
	return fmt.Sprintf("artifact %s at %s: pushed and listed, but it can't be read back: %v", e.Artifact, e.Host, e.Err)
}

func (e *NotReadableError) Unwrap() error { return e.Err }

// Code is [CodeNotReadable].
func (*NotReadableError) Code() string { return CodeNotReadable }

// Retryable is that of what came in its place.
func (e *NotReadableError) Retryable() bool {
	var inner Error
	return errors.As(e.Err, &inner) && inner.Retryable()
}

// ImmutableTagError says that a registry does not let the referrers tag change.
type ImmutableTagError struct {
	Tag    string
	Host   string
	Orphan digest.Digest // a manifest that was pushed, is listed nowhere and can't be deleted; "" if there is none
	Err    error         // the registry's answer
}

func (e *ImmutableTagError) Error() string {
	s := fmt.Sprintf("the registry keeps the tag %s from being changed: %v", e.Tag, e.Err)
	if e.Orphan != "" {
		s += fmt.Sprintf(" (the manifest %s was pushed, and can't be deleted)", e.Orphan)
	}
	return s
}

func (e *ImmutableTagError) Unwrap() error { return e.Err }

// Hint names the tags to exclude.
func (e *ImmutableTagError) Hint() string {
	algorithm, _, _ := strings.Cut(e.Tag, "-")
	return fmt.Sprintf("exclude tags that begin with %s- from the rule for immutable tags of %s: they are lists of artifacts", algorithm, e.Host)
}

// Code is [CodeImmutableTag].
func (*ImmutableTagError) Code() string { return CodeImmutableTag }

// Retryable is false.
func (*ImmutableTagError) Retryable() bool { return false }

// DeleteRefusedError says that artifacts could not be deleted. Everything else that was asked for
// is done.
type DeleteRefusedError struct {
	Subject   digest.Digest
	Attached  digest.Digest   // the artifact that stays attached in their place; "" when detaching
	Remaining []digest.Digest // the artifacts that could not be deleted and are still listed
	Err       error           // the registry's answer to the first
}

func (e *DeleteRefusedError) Error() string {
	list := make([]string, len(e.Remaining))
	for i, d := range e.Remaining {
		list[i] = d.String()
	}
	s := fmt.Sprintf("deleting %s: %v", strings.Join(list, ", "), e.Err)
	if e.Attached != "" {
		s += fmt.Sprintf(" (%s is attached)", e.Attached)
	}
	return s
}

func (e *DeleteRefusedError) Unwrap() error { return e.Err }

// Code is [CodeDeleteRefused].
func (*DeleteRefusedError) Code() string { return CodeDeleteRefused }

// Retryable is that of the registry's answer.
func (e *DeleteRefusedError) Retryable() bool {
	var inner Error
	return errors.As(e.Err, &inner) && inner.Retryable()
}

// ClockBehindError says that no creation time can be written that is later than the one of the
// artifact in effect.
type ClockBehindError struct {
	InEffect digest.Digest
	Created  time.Time // of the artifact in effect
}

func (e *ClockBehindError) Error() string {
	return fmt.Sprintf("artifact %s was created at %s: nothing newer can take its place, detach it first",
		e.InEffect, e.Created.Format(time.RFC3339))
}

// Code is [CodeClockBehind].
func (*ClockBehindError) Code() string { return CodeClockBehind }

// Retryable is false.
func (*ClockBehindError) Retryable() bool { return false }
