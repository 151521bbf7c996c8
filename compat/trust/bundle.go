package trust

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/opencontainers/go-digest"
)

const (
	// predicateType is that of statements which are signatures. Another one says something else
	// about the artifact, a scan that failed for example.
	predicateType = "https://sigstore.dev/cosign/sign/v1"

	payloadType = "application/vnd.in-toto+json"
)

// bundleTypes are the names of the one version of bundles that is read.
var bundleTypes = []string{"application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.3"}

// statementTypes are the versions of in-toto statements.
var statementTypes = []string{"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}

// A bundle is what counts of a Sigstore bundle.
// https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto
type bundle struct {
	// message is what was signed: the envelope's payload with its type, as DSSE encodes them.
	message   []byte
	signature []byte
	// certificates begin with the signer's, which is for leaf; there are none where a key signed.
	certificates []*x509.Certificate
	leaf         *key
	statement    statement
}

// A statement is what counts of an in-toto statement.
// https://github.com/in-toto/attestation/blob/v1.1.2/spec/v1/statement.md
type statement struct {
	Type          string `json:"_type"`
	PredicateType string `json:"predicateType"`
	Subject       []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
}

// bundleDocument has the fields of a bundle that are read; others are ignored, the hint of a public
// key above all: who signed is found out with the keys of the policy alone.
type bundleDocument struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		Certificate          *rawCertificate `json:"certificate"`
		X509CertificateChain *struct {
			Certificates []rawCertificate `json:"certificates"`
		} `json:"x509CertificateChain"`
	} `json:"verificationMaterial"`
	DSSEEnvelope *struct {
		Payload     string `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []struct {
			Sig string `json:"sig"`
		} `json:"signatures"`
	} `json:"dsseEnvelope"`
}

type rawCertificate struct {
	RawBytes string `json:"rawBytes"`
}

// parseBundle reads a bundle. Nothing of it is verified.
func parseBundle(data []byte) (*bundle, error) {
	var d bundleDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, errors.New("it is no bundle: not the JSON of one")
	}
	if !slices.Contains(bundleTypes, d.MediaType) {
		return nil, fmt.Errorf("it is no bundle of version 0.3: its media type is %.80q", d.MediaType)
	}
	e := d.DSSEEnvelope
	switch {
	case e == nil:
		return nil, errors.New("it has no DSSE envelope")
	case e.PayloadType != payloadType:
		return nil, fmt.Errorf("its payload is no in-toto statement but %.80q", e.PayloadType)
	case len(e.Signatures) != 1:
		return nil, fmt.Errorf("it has %d signatures, want 1", len(e.Signatures))
	}
	payload, err := decodeBase64(e.Payload)
	if err != nil {
		return nil, errors.New("its payload is not base64")
	}
	b := &bundle{message: encodePAE(e.PayloadType, payload)}
	if b.signature, err = decodeBase64(e.Signatures[0].Sig); err != nil || len(b.signature) == 0 {
		return nil, errors.New("its signature is empty, or not base64")
	}
	if err := json.Unmarshal(payload, &b.statement); err != nil {
		return nil, errors.New("its payload is no in-toto statement: not the JSON of one")
	}
	return b, b.readCertificates(d)
}

// readCertificates reads a leaf, or the chain that cosign writes beside what the format allows. The
// keys of all are checked before any is tried: verifying with one of half a million bits takes
// seconds, which nothing interrupts.
func (b *bundle) readCertificates(d bundleDocument) error {
	var raw []rawCertificate
	if chain := d.VerificationMaterial.X509CertificateChain; chain != nil {
		raw = chain.Certificates
	} else if leaf := d.VerificationMaterial.Certificate; leaf != nil {
		raw = []rawCertificate{*leaf}
	}
	if len(raw) > MaxCertificates {
		return fmt.Errorf("it has more than %d certificates", MaxCertificates)
	}
	for _, r := range raw {
		der, err := decodeBase64(r.RawBytes)
		if err != nil {
			return errors.New("one of its certificates is not base64")
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return errors.New("one of its certificates can't be read")
		}
		public, err := newKey(certificate.PublicKey)
		if err != nil {
			return fmt.Errorf("one of its certificates has %w", err)
		}
		if b.leaf == nil {
			b.leaf = public
		}
		b.certificates = append(b.certificates, certificate)
	}
	return nil
}

// decodeBase64 reads either alphabet, as protobuf's JSON does.
func decodeBase64(text string) ([]byte, error) {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
		if data, err := encoding.DecodeString(text); err == nil {
			return data, nil
		}
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// encodePAE is the pre-authentication encoding of DSSE, which is what is signed.
// https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md#signature-definition
func encodePAE(payloadType string, payload []byte) []byte {
	return append([]byte("DSSEv1 "+strconv.Itoa(len(payloadType))+" "+payloadType+" "+strconv.Itoa(len(payload))+" "), payload...)
}

// signs says why a statement is no signature of an artifact; nil if it is one.
func (s statement) signs(artifact digest.Digest) error {
	switch {
	case !slices.Contains(statementTypes, s.Type):
		return fmt.Errorf("its payload is no in-toto statement but %.80q", s.Type)
	case s.PredicateType != predicateType:
		return fmt.Errorf("it is no signature but a statement of the type %.100q", s.PredicateType)
	case len(s.Subject) > MaxSubjects:
		return fmt.Errorf("it is about more than %d subjects", MaxSubjects)
	}
	for _, subject := range s.Subject {
		if subject.Digest[artifact.Algorithm().String()] == artifact.Encoded() {
			return nil
		}
	}
	return errors.New("it signs another digest")
}
