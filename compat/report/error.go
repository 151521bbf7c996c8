package report

import (
	"context"
	"errors"

	"nodecompat/compat/artifact"
	"nodecompat/nodefeatures/verdict"
)

// A coded error knows its place in a report.
type coded interface {
	error
	Code() string
	Retryable() bool
}

// NewError describes err for a report: its stable code, its message, a hint
// where one is known, and whether the same command may succeed later. It is nil
// for nil.
func NewError(err error) *Error {
	if err == nil {
		return nil
	}
	e := &Error{Code: errorCode(err), Message: err.Error()}
	var c coded
	switch {
	case errors.As(err, &c):
		e.Retryable = c.Retryable()
	case e.Code == artifact.CodeTimeout || e.Code == artifact.CodeCanceled:
		e.Retryable = true
	}
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) {
		e.Hint = hinter.Hint()
	}
	return e
}

// errorCode is the stable code of err, "" for nil.
func errorCode(err error) string {
	var c coded
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return artifact.CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return artifact.CodeTimeout
	case errors.As(err, &c):
		return c.Code()
	default:
		return CodeFailure
	}
}

// Reason returns the error as a reason of a verdict.
func (e *Error) Reason() verdict.Reason {
	return verdict.Reason{Code: e.Code, Message: e.Message, Hint: e.Hint}
}
