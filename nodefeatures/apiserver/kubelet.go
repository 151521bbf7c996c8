package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"k8s.io/client-go/rest"
)

// A Kubelet is an address of a kubelet that is asked without an API server, such
// as https://NODE:10250/metrics, and the credentials for it.
//
// A kubelet that was given no certificate makes one for its host name and signs
// it itself (/var/lib/kubelet/pki/kubelet.crt): that file is CAFile then, and the
// URL must have that name.
type Kubelet struct {
	// URL is what to get: https, or http for the read-only port, without credentials.
	URL string
	// CAFile holds the certificates, PEM, that the kubelet's is checked with; ""
	// means the system's. There is no way to leave the check out.
	CAFile string
	// TokenFile holds a bearer token.
	TokenFile string
	// CertFile and KeyFile hold a client certificate, PEM.
	CertFile, KeyFile string
	// Accept says which media types are asked for; "" leaves that to the kubelet.
	Accept string
	// UserAgent is sent with the request.
	UserAgent string
}

// Get returns the kubelet's answer, of at most MaxKubelet bytes.
func (k Kubelet) Get(ctx context.Context) ([]byte, error) {
	c, path, err := k.open()
	if err != nil {
		return nil, &ConfigurationError{What: "the kubelet's address", Err: err}
	}
	defer c.Close()
	return c.get(ctx, path, MaxKubelet)
}

func (k Kubelet) open() (*Client, string, error) {
	u, err := url.Parse(k.URL)
	if err != nil {
		return nil, "", err
	}
	credentials := k.TokenFile != "" || k.CertFile != "" || k.KeyFile != ""
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, "", fmt.Errorf("%.256q is not a URL such as https://NODE:10250/metrics", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, "", errors.New("the URL has more than a host and a path")
	case u.Scheme == "http" && credentials:
		return nil, "", errors.New("credentials are not sent over http: write https")
	}
	c, err := newClient(&rest.Config{
		Host:            u.Scheme + "://" + u.Host,
		BearerTokenFile: k.TokenFile,
		TLSClientConfig: rest.TLSClientConfig{CAFile: k.CAFile, CertFile: k.CertFile, KeyFile: k.KeyFile},
		UserAgent:       k.UserAgent,
	})
	if err != nil {
		return nil, "", err
	}
	c.accept = k.Accept
	return c, u.Path, nil
}

// IsURL says whether what was given for a file is a URL.
func IsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}
