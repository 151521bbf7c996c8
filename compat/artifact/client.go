package artifact

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

var (
	errTooManyRedirects = fmt.Errorf("stopped after %d redirects", MaxRedirects)
	errDowngrade        = errors.New("redirected from HTTPS to HTTP")
	errMethodChanged    = errors.New("redirected a request that writes to one that reads")
	errNoCertificates   = errors.New("no certificate in it")
)

// newClient makes the one HTTP client of a repository, and the transport beneath it that keeps the connections.
func newClient(ref Reference, o Options) (*authorizer, *http.Transport, error) {
	transport, err := newTransport(o)
	if err != nil {
		return nil, nil, err
	}
	find, err := credentials(ref, o)
	if err != nil {
		return nil, nil, err
	}
	scheme := "https"
	if o.PlainHTTP {
		scheme = "http"
	}
	return &authorizer{
		client: &http.Client{
			Transport:     &retrier{base: transport, log: o.Logger},
			CheckRedirect: checkRedirect,
		},
		registry:   &url.URL{Scheme: scheme, Host: ref.host()},
		repository: ref.Repository,
		agent:      o.UserAgent,
		find:       find,
		tokens:     map[string]*tokenSlot{},
	}, transport, nil
}

func newTransport(o Options) (*http.Transport, error) {
	config, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: parallelRequests,
		IdleConnTimeout:     time.Minute,
		// Digests are of the bytes as they are stored, and nobody sends us a gzip bomb that we asked for.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
	}, nil
}

func tlsConfig(o Options) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: o.Insecure, //nolint:gosec // asked for by the user
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, &ConfigurationError{What: "the CA file", Err: err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &ConfigurationError{What: "the CA file " + o.CAFile, Err: errNoCertificates}
		}
	}
	if o.CertFile != "" || o.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, &ConfigurationError{What: "the client certificate and key", Err: err}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// checkRedirect bounds redirects, keeps them on TLS, and keeps what writes from turning into a GET, whose 200 would be
// taken for success. net/http's own limit is gone once a CheckRedirect is set. Its own care for credentials ends with the
// host name: here they go to no other port either.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if leftOrigin(via, req) {
		req.Header.Del("Authorization")
	}
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
