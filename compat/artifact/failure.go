package artifact

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// refusal makes the error of an answer with a status that is not the one wanted.
func (g *registry) refusal(item Item, resp *http.Response) error {
	message := redact(serverText(resp.Body), resp.Request)
	switch resp.StatusCode {
	case http.StatusNotFound:
		if item.What != whatUpload {
			return &NotFoundError{Item: item}
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		return &AuthError{Item: item, Status: resp.StatusCode, Message: message}
	}
	return &RegistryError{Item: item, Status: resp.StatusCode, RetryAfter: retryAfter(resp), Message: message}
}

// redact keeps a server from having the credentials that it was sent shown in a message of its own.
func redact(message string, req *http.Request) string {
	_, value, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	if !ok {
		return message
	}
	secrets := []string{value}
	if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
		_, password, _ := strings.Cut(string(plain), ":")
		secrets = append(secrets, string(plain), password)
	}
	for _, secret := range secrets {
		if secret != "" {
			message = strings.ReplaceAll(message, secret, "…")
		}
	}
	return message
}

// failure makes the typed error of a request that brought no answer, or whose token request or upload was refused.
func (g *registry) failure(item Item, err error, seen *exchange) error {
	var refused *errcode.ErrorResponse
	if errors.As(err, &refused) {
		return g.refusedBeneath(item, refused, seen)
	}
	var certificate *tls.CertificateVerificationError
	e := &RegistryError{Item: item, Err: err, RetryAfter: seen.asked()}
	switch {
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return &AuthError{Item: item, Status: http.StatusUnauthorized, Message: "the registry wants a user name and password", Err: err}
	case errors.Is(err, http.ErrSchemeMismatch):
		return &HTTPResponseError{Item: item, Err: err}
	case errors.As(err, &certificate):
		e.code = CodeCertificate
	case errors.Is(err, errTooManyRedirects), errors.Is(err, errDowngrade), errors.Is(err, errMethodChanged):
		e.code = CodeTooManyRedirects
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = "no answer in the time given"
		return e
	case errors.Is(err, context.Canceled):
		e.Message = "interrupted"
		return e
	case !sent(err) && item.What == whatUpload:
		// oras-go did not go on, for instance because the upload was to go to another host.
		e.code = CodeRegistryError
	case !sent(err):
		// It came to grief on the way to a token: no credential helper, a realm that is refused, a token that is none.
		return &AuthError{Item: item, Status: http.StatusUnauthorized, Message: scrub(err), Err: err}
	}
	e.Message = scrub(innermost(err))
	return e
}

// readError is a body that broke off.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

// sent tells whether a failure is of the network: net/http wraps all of those in a [*url.Error] with the URL that was asked
// for. A realm that is no URL comes in one as well, but with no host.
func sent(err error) bool {
	var r readError
	if errors.As(err, &r) {
		return true
	}
	var u *url.Error
	if !errors.As(err, &u) {
		return false
	}
	target, parseErr := url.Parse(u.URL)
	return parseErr == nil && target.Host != ""
}

// refusedBeneath makes the error of a status that oras-go saw: of a token request, or of an upload.
func (g *registry) refusedBeneath(item Item, refused *errcode.ErrorResponse, seen *exchange) error {
	message := ""
	if len(refused.Errors) > 0 {
		message = printable(withMessage(refused.Errors[0].Code, refused.Errors[0].Message), maxServerText)
	}
	// A token service may repeat the credentials; the request is not at hand to take them out.
	if refused.URL == nil || !strings.HasPrefix(refused.URL.String(), g.base+"/") {
		item = Item{What: whatToken, Host: g.ref.host()}
		if refused.URL != nil {
			item.Host = refused.URL.Host
		}
		message = ""
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &AuthError{Item: item, Status: refused.StatusCode, Message: message, Err: refused}
	default:
		return &RegistryError{Item: item, Status: refused.StatusCode, RetryAfter: seen.asked(), Message: message, Err: refused}
	}
}

// innermost drops the layers that only repeat method and URL.
func innermost(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
