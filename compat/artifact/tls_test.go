package artifact

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nodecompat/compat/artifact/registrytest"
)

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

// issue makes a certificate for an address, and writes it and its key to files.
func (a authority) issue(t *testing.T, ip string, expires time.Time) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "someone"}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: expires,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = writePEM(t, "CERTIFICATE", raw), writePEM(t, "EC PRIVATE KEY", secret)
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func writePEM(t *testing.T, kind string, raw []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCertificates tells apart what can be wrong with a certificate, the registry's and ours.
func TestCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	caFile := writePEM(t, "CERTIFICATE", ca.certificate.Raw)
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	_, certFile, keyFile := ca.issue(t, "127.0.0.1", later)
	_, strangerCert, strangerKey := newAuthority(t).issue(t, "127.0.0.1", later)
	for name, tt := range map[string]struct {
		ip      string
		expires time.Time
		wants   bool // a certificate of ours
		options Options
		code    string
	}{
		"good":                    {"127.0.0.1", later, false, Options{CAFile: caFile}, ""},
		"unknown authority":       {"127.0.0.1", later, false, Options{}, CodeCertificate},
		"expired":                 {"127.0.0.1", before, false, Options{CAFile: caFile}, CodeCertificateExpired},
		"another name":            {"127.0.0.2", later, false, Options{CAFile: caFile}, CodeCertificateName},
		"anything goes":           {"127.0.0.2", before, false, Options{Insecure: true}, ""},
		"client certificate":      {"127.0.0.1", later, true, Options{CAFile: caFile, CertFile: certFile, KeyFile: keyFile}, ""},
		"no client certificate":   {"127.0.0.1", later, true, Options{CAFile: caFile}, CodeClientCertificate},
		"a stranger's":            {"127.0.0.1", later, true, Options{CAFile: caFile, CertFile: strangerCert, KeyFile: strangerKey}, CodeClientCertificate},
		"client certificate only": {"127.0.0.1", later, true, Options{CertFile: certFile, KeyFile: keyFile}, CodeCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := registrytest.New(t, registrytest.Options{})
			inner.PushImage(t, "app", "1.0", amd64)
			pair, _, _ := ca.issue(t, tt.ip, tt.expires)
			server := httptest.NewUnstartedServer(inner)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
			if tt.wants {
				server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
				server.TLS.ClientCAs.AddCert(ca.certificate)
			}
			server.StartTLS()
			t.Cleanup(server.Close)
			repo, err := Open(t.Context(), strings.TrimPrefix(server.URL, "https://")+"/app:1.0", withTLS(tt.options))
			if err != nil {
				t.Fatal(err)
			}
			i, err := repo.Image(testContext(t), amd64)
			if tt.code != "" {
				if e := coded(t, err, tt.code); e.Retryable() {
					t.Errorf("%v passes", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			i.Close()
		})
	}
}

// withTLS are options of somebody who wants TLS, whatever the host is.
func withTLS(o Options) Options {
	o.TLS = true
	return o
}
