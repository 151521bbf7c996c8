package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
)

// A signer verifies as one of a rule's signers.
type signer struct {
	name string
	// key is that of a signer with a key; nil of one with certificates.
	key *key
	// authorities are those that issue the certificates of a signer, and subject the name in them.
	authorities *x509.CertPool
	subject     string
	// ids tell signers of a rule that may be the same under two names: the fingerprint of the key, or
	// the subject with each authority.
	ids []string
}

// same reports whether two signers may be one.
func (s *signer) same(o *signer) bool {
	return slices.ContainsFunc(s.ids, func(id string) bool { return slices.Contains(o.ids, id) })
}

// verify says by which of the signers a bundle is a signature of an artifact's manifest, or why it
// is by none.
func verify(signers []*signer, raw []byte, d digest.Digest, now time.Time) ([]artifact.Signer, error) {
	b, err := parseBundle(raw)
	if err != nil {
		return nil, err
	}
	if err := b.statement.signs(d); err != nil {
		return nil, err
	}
	var accepted []artifact.Signer
	var why error
	for _, s := range signers {
		by, err := s.verify(b, now)
		if err == nil {
			accepted = append(accepted, by)
		} else if why == nil || s.key == nil && len(b.certificates) > 0 {
			why = err
		}
	}
	if len(accepted) == 0 {
		return nil, why
	}
	return accepted, nil
}

func (s *signer) verify(b *bundle, now time.Time) (artifact.Signer, error) {
	if s.key != nil {
		if !s.key.verify(b.message, b.signature) {
			return artifact.Signer{}, errors.New("it is by no key of the policy")
		}
		return artifact.Signer{Name: s.name, Method: artifact.MethodKey, Fingerprint: s.key.fingerprint}, nil
	}
	if err := s.checkLeaf(b, now); err != nil {
		return artifact.Signer{}, err
	}
	if !b.leaf.verify(b.message, b.signature) {
		return artifact.Signer{}, errors.New("it is not by the key of its certificate")
	}
	return artifact.Signer{Name: s.name, Method: artifact.MethodCA, Fingerprint: b.leaf.fingerprint}, nil
}

// checkLeaf says why the certificate in a bundle does not count; nil if one of the authorities
// issued it to the subject for signing, and it is valid now.
func (s *signer) checkLeaf(b *bundle, now time.Time) error {
	if len(b.certificates) == 0 {
		return errors.New("it is by no key of the policy, and has no certificate")
	}
	leaf, intermediates := b.certificates[0], x509.NewCertPool()
	for _, c := range b.certificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: s.authorities, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	})
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		which := "its certificate"
		if !invalid.Cert.Equal(leaf) {
			which = "the certificate of its authority"
		}
		return fmt.Errorf("%s is not valid now: it is from %s until %s",
			which, invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &unknown):
		return errors.New("its certificate is by no authority of the policy")
	case err != nil:
		return fmt.Errorf("its certificate can't be verified: %w", err)
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageCodeSigning), leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("its certificate is not for signing code")
	case !slices.Contains(names(leaf), s.subject):
		return fmt.Errorf("its certificate is not that of %s", s.subject)
	}
	return nil
}

// names are the subject alternative names of a certificate.
func names(c *x509.Certificate) []string {
	list := slices.Concat(c.EmailAddresses, c.DNSNames)
	for _, u := range c.URIs {
		list = append(list, u.String())
	}
	return list
}
