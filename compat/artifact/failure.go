package artifact

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

// failure makes the typed error of a request that brought no answer.
func failure(item Item, err error) error {
	if typed := Error(nil); errors.As(err, &typed) {
		return fmt.Errorf("%s: %w", item, err) // no token for it could be had
	}
	var certificate *tls.CertificateVerificationError
	e := &RegistryError{Item: item, Err: err}
	switch {
	case errors.Is(err, errNoCredentials):
		return &AuthError{Item: item, Status: http.StatusUnauthorized, Message: "the registry wants a user name and password", Err: err}
	case errors.Is(err, errRealm), errors.Is(err, errTokenBody):
		return &AuthError{Item: item, Status: http.StatusUnauthorized, Message: scrub(innermost(err)), Err: err}
	case errors.Is(err, http.ErrSchemeMismatch):
		return &HTTPResponseError{Item: item, Err: err}
	case errors.As(err, &certificate):
		e.code = CodeCertificate
	case errors.Is(err, errTooManyRedirects), errors.Is(err, errDowngrade), errors.Is(err, errMethodChanged):
		e.code = CodeTooManyRedirects
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = "no answer in the time given"
		return e
	case errors.Is(err, errNoAnswer):
		e.code = CodeTimeout
	case errors.Is(err, context.Canceled):
		e.Message = "interrupted"
		return e
	}
	e.Message = scrub(innermost(err))
	return e
}

// innermost drops the layers that only repeat method and URL.
func innermost(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
