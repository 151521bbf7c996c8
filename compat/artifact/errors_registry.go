package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// AuthError says that a registry, or the token service it names, wants other credentials (401) or
// refuses them (403).
type AuthError struct {
	Item
	Status  int    // HTTP status
	Message string // what the server said, shortened
	Sent    bool   // credentials were sent, or a token that was given for them
	Err     error  // what the authentication came to grief on, if it got that far

	token   bool // with Sent: it was a token that was given for them
	unasked bool // credentials were given, and nothing asked for them
}

func (e *AuthError) Error() string {
	what := "unauthorized"
	if e.Status == http.StatusForbidden {
		what = "forbidden"
	}
	if e.What == whatReferrers { // which are asked for after the manifest
		what += ", though the image itself can be read"
	}
	return withMessage(fmt.Sprintf("%s: %s (HTTP %d)", e.Item, what, e.Status), e.Message)
}

func (e *AuthError) Unwrap() error { return e.Err }

// Hint says what to do where there are credentials, and where none would help; "" leaves it to the
// code.
func (e *AuthError) Hint() string {
	switch {
	case e.unasked:
		return "the credentials that were given were not asked for: check the host and the name of the repository; a proxy may refuse this"
	case e.Sent && (e.token || e.Status == http.StatusForbidden):
		return "the account may not do this: use one that may, or check the name of the repository"
	case e.Sent:
		return "the credentials were refused: check them, or log in anew with `docker login`"
	case e.Err != nil && !errors.Is(e.Err, errNoCredentials):
		return "the registry's way to log in cannot be used: its operator can tell why"
	}
	return ""
}

// Code is [CodeUnauthorized] or [CodeForbidden].
func (e *AuthError) Code() string {
	if e.Status == http.StatusForbidden {
		return CodeForbidden
	}
	return CodeUnauthorized
}

// Retryable is false.
func (*AuthError) Retryable() bool { return false }

// RegistryError is an HTTP status that can't be gone on from, or a connection that failed.
type RegistryError struct {
	Item
	Status     int           // HTTP status; 0 when there was no answer
	RetryAfter time.Duration // how long the server asked to wait; 0 if it did not say
	Message    string        // what the server said, or what failed; shortened, without URLs' queries
	Err        error         // the failure beneath, if there was one
	code       string
}

func (e *RegistryError) Error() string {
	s := e.String()
	if e.Status != 0 {
		who := "the registry"
		if e.What == whatToken {
			who = "the token service"
		}
		s += fmt.Sprintf(": %s answered HTTP %d %s", who, e.Status, http.StatusText(e.Status))
	}
	s = withMessage(s, e.Message)
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (it asked to wait %s)", e.RetryAfter)
	}
	return s
}

func (e *RegistryError) Unwrap() error { return e.Err }

// Code is [CodeRateLimited], [CodeTimeout], [CodeCanceled], [CodeNetwork], [CodeCertificate],
// [CodeCertificateExpired], [CodeCertificateName], [CodeClientCertificate], [CodeHTTPSExpected],
// [CodeTooManyRedirects] or [CodeRegistryError].
func (e *RegistryError) Code() string {
	switch {
	case e.code != "":
		return e.code
	case e.Status == http.StatusTooManyRequests:
		return CodeRateLimited
	case errors.Is(e.Err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(e.Err, context.Canceled):
		return CodeCanceled
	case e.Status == 0:
		return CodeNetwork
	default:
		return CodeRegistryError
	}
}

// Retryable is true for the statuses that pass (408, 429, 500, 502, 503, 504) and for connections
// that failed other than by an untrusted certificate or an interrupt.
func (e *RegistryError) Retryable() bool {
	switch e.Code() {
	case CodeTimeout, CodeNetwork, CodeRateLimited:
		return true
	case CodeRegistryError:
		return transient(e.Status)
	default:
		return false
	}
}

// transient reports whether an HTTP status is likely to go away by itself.
func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// HTTPResponseError says that a plain HTTP server answered where TLS was expected.
type HTTPResponseError struct {
	Item
	Err error
}

func (e *HTTPResponseError) Error() string {
	return e.String() + ": the registry answered in plain HTTP to HTTPS"
}

func (e *HTTPResponseError) Unwrap() error { return e.Err }

// Code is [CodeHTTPResponse].
func (*HTTPResponseError) Code() string { return CodeHTTPResponse }

// Retryable is false.
func (*HTTPResponseError) Retryable() bool { return false }
