package artifact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// A redirectError says why a redirect is not followed.
type redirectError string

func (e redirectError) Error() string { return string(e) }

const (
	errDowngrade     redirectError = "redirected from HTTPS to HTTP"
	errMethodChanged redirectError = "redirected a request that writes to one that reads"
)

var (
	errTooManyRedirects = redirectError(fmt.Sprintf("stopped after %d redirects", MaxRedirects))
	errNoCertificates   = errors.New("no certificate in it")
)

// newClient makes the one HTTP client of a repository, and what keeps its connections.
func newClient(ctx context.Context, ref Reference, o Options, clock clock) (*authorizer, *connections, error) {
	scheme := "https"
	if o.speaksHTTP(ref.host()) {
		scheme = "http"
	}
	registry := &url.URL{Scheme: scheme, Host: ref.host()}
	config, err := tlsConfig(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	find, err := credentials(ctx, ref, o)
	if err != nil {
		return nil, nil, err
	}
	connections := newConnections(registry, config, o.Dial)
	client := &http.Client{
		Transport:     &login{next: &retrier{base: connections, clock: clock, log: o.Logger}, clock: clock, registry: registry},
		CheckRedirect: checkRedirect,
	}
	authorizer := newAuthorizer(registry, client, o.UserAgent, find)
	authorizer.given = o.Username != "" || o.Password != "" || o.IdentityToken != ""
	return authorizer, connections, nil
}

func tlsConfig(ctx context.Context, o Options) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.Insecure, //nolint:gosec // asked for by the user
	}
	if o.CAFile != "" {
		pem, err := readFile(ctx, o.CAFile)
		if err != nil {
			return nil, &ConfigurationError{What: "the CA file", Err: err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &ConfigurationError{What: "the CA file " + o.CAFile, Err: errNoCertificates}
		}
	}
	if o.CertFile != "" || o.KeyFile != "" {
		certificate, err := readFile(ctx, o.CertFile)
		var key []byte
		if err == nil {
			key, err = readFile(ctx, o.KeyFile)
		}
		var pair tls.Certificate
		if err == nil {
			pair, err = tls.X509KeyPair(certificate, key)
		}
		if err != nil {
			return nil, &ConfigurationError{What: "the client certificate and key", Err: err}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// checkRedirect bounds redirects, keeps them on TLS, and keeps what writes from turning into a GET,
// whose 200 would be taken for success. net/http's own limit is gone once a CheckRedirect is set.
// That credentials are not taken along is oras-go's part: what is sent without it has none.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	req.Header.Del("Referer") // it may have a user's name, or the signature of a URL
	switch {
	case len(via) > MaxRedirects:
		return errTooManyRedirects
	case first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errDowngrade
	case first.Method != req.Method && first.Method != http.MethodHead:
		return errMethodChanged
	default:
		return nil
	}
}
