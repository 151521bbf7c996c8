package artifact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// refusal makes the error of an answer with a status that is not the one wanted.
func (g *registry) refusal(item Item, resp *http.Response) error {
	message := printable(redact(serverText(resp.Body), resp.Request), maxServerText) // cut last: a part of a secret is one
	switch resp.StatusCode {
	case http.StatusNotFound:
		if item.What != whatUpload {
			code, _, _ := strings.Cut(message, ":")
			return &NotFoundError{Item: item, code: code}
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		scheme, _, sent := strings.Cut(resp.Request.Header.Get("Authorization"), " ")
		return &AuthError{
			Item: item, Status: resp.StatusCode, Message: message,
			Sent: sent && g.client.known.Load(), token: strings.EqualFold(scheme, schemeBearer), unasked: !sent && g.client.given,
		}
	}
	e := &RegistryError{Item: item, Status: resp.StatusCode, RetryAfter: retryAfter(resp), Message: message}
	if item.What == whatImage && e.Status == http.StatusBadRequest && message == "" && resp.Request.URL.Scheme == "http" && resp.Header.Get("Docker-Distribution-Api-Version") == "" {
		// What servers for HTTPS answer to HTTP; a registry would have said what is wrong.
		e.code, e.Message = CodeHTTPSExpected, "perhaps it wants HTTPS"
	}
	return e
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
		return fmt.Errorf("%s: %w", item, typed) // no token for it could be had
	}
	var login loginError
	e := &RegistryError{Item: item, Err: err}
	switch {
	case errors.As(err, &login):
		return &AuthError{Item: item, Status: http.StatusUnauthorized, Message: login.Error(), Err: login}
	case errors.Is(err, http.ErrSchemeMismatch):
		return &HTTPResponseError{Item: item, Err: err}
	case certificateCode(err) != "":
		e.code = certificateCode(err)
	case errors.As(err, new(redirectError)):
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

// certificateCode tells what is wrong with a certificate, "" if that is not what went wrong.
func certificateCode(err error) string {
	var (
		unverified *tls.CertificateVerificationError
		invalid    x509.CertificateInvalidError
		name       x509.HostnameError
		remote     *net.OpError
	)
	switch {
	case errors.As(err, &unverified) && errors.As(err, &name):
		return CodeCertificateName
	case errors.As(err, &unverified) && errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CodeCertificateExpired
	case errors.As(err, &unverified):
		return CodeCertificate
	case errors.As(err, &remote) && remote.Op == "remote error":
		// crypto/tls says so of an alert: the other side broke off, mostly for want of a
		// certificate of ours.
		return CodeClientCertificate
	default:
		return ""
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
