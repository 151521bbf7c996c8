package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// A key verifies signatures.
type key struct {
	public crypto.PublicKey
	// fingerprint is the SHA-256 of the key as SubjectPublicKeyInfo.
	fingerprint string
}

// newKey checks that a key is of a kind and size that is accepted.
func newKey(public crypto.PublicKey) (*key, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() && p.Curve != elliptic.P384() && p.Curve != elliptic.P521() {
			return nil, fmt.Errorf("an ECDSA key on the curve %s: it must be on P-256, P-384 or P-521", p.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSA || bits > maxRSA {
			return nil, fmt.Errorf("an RSA key of %d bits: it must have %d to %d", bits, minRSA, maxRSA)
		}
	default:
		return nil, errors.New("it is no ECDSA, Ed25519 or RSA key")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &key{public, "sha256:" + hex.EncodeToString(sum[:])}, nil
}

// parseKey reads one public key in PEM.
func parseKey(data []byte) (*key, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("it is no PEM")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("something follows the first PEM block")
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("it is a %.40q and no PUBLIC KEY", block.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it is no public key: %w", err)
	}
	return newKey(public)
}

// verify reports whether a signature of a message is the key's. Of ECDSA the hash is SHA-256, or
// the one that belongs to the curve: cosign has used both.
func (k *key) verify(message, signature []byte) bool {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		if ecdsa.VerifyASN1(public, sum[:], signature) {
			return true
		}
		switch public.Curve {
		case elliptic.P384():
			sum := sha512.Sum384(message)
			return ecdsa.VerifyASN1(public, sum[:], signature)
		case elliptic.P521():
			sum := sha512.Sum512(message)
			return ecdsa.VerifyASN1(public, sum[:], signature)
		}
		return false
	case ed25519.PublicKey:
		if ed25519.Verify(public, message, signature) {
			return true
		}
		sum := sha512.Sum512(message)
		return ed25519.VerifyWithOptions(public, sum[:], signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
	case *rsa.PublicKey:
		sum := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// parseAuthorities reads certificates of authorities in PEM.
func parseAuthorities(data []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for len(bytes.TrimSpace(data)) > 0 {
		block, rest := pem.Decode(data)
		switch {
		case block == nil:
			return nil, errors.New("it is no PEM")
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("it has a %.40q, and only certificates belong here", block.Type)
		case len(list) == MaxAuthorities:
			return nil, fmt.Errorf("it has more than %d certificates", MaxAuthorities)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("it is no certificate: %w", err)
		}
		if !certificate.BasicConstraintsValid || !certificate.IsCA {
			return nil, fmt.Errorf("the certificate of %.100q is none of a certificate authority", certificate.Subject)
		}
		if _, err := newKey(certificate.PublicKey); err != nil {
			return nil, fmt.Errorf("the certificate of %.100q has %w", certificate.Subject, err)
		}
		list, data = append(list, certificate), rest
	}
	if len(list) == 0 {
		return nil, errors.New("it has no certificate")
	}
	return list, nil
}
