package registrytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// BundleType is the media type of a Sigstore bundle, and the artifact type of a manifest with one.
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// SignatureType is the predicate type of statements that are signatures.
const SignatureType = "https://sigstore.dev/cosign/sign/v1"

// A SigningKey signs as `cosign sign --key` does: with ECDSA on P-256.
type SigningKey struct{ private *ecdsa.PrivateKey }

// NewSigningKey makes a key.
func NewSigningKey(t testing.TB) SigningKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return SigningKey{private}
}

// PublicPEM is the public key as cosign writes it.
func (k SigningKey) PublicPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Bundle signs a digest: the same bytes, but for the signature, as cosign's.
func (k SigningKey) Bundle(t testing.TB, subject digest.Digest) []byte {
	t.Helper()
	return k.Statement(t, SignatureType, subject)
}

// Statement signs a statement of any type about digests.
func (k SigningKey) Statement(t testing.TB, predicateType string, subjects ...digest.Digest) []byte {
	t.Helper()
	list := []any{}
	for _, d := range subjects {
		list = append(list, map[string]any{"digest": map[string]string{d.Algorithm().String(): d.Encoded()}, "annotations": map[string]any{}})
	}
	return k.Envelope(t, encode(t, map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": list, "predicateType": predicateType, "predicate": map[string]any{},
	}))
}

// Envelope signs any payload.
func (k SigningKey) Envelope(t testing.TB, payload []byte) []byte {
	t.Helper()
	const payloadType = "application/vnd.in-toto+json"
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	sum := sha256.Sum256(message)
	signature, err := k.private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, map[string]any{
		"mediaType":            BundleType,
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "AAAA"}},
		"dsseEnvelope": map[string]any{
			"payload": payload, "payloadType": payloadType, "signatures": []any{map[string]any{"sig": signature}},
		},
	})
}

// Sign attaches a signature to an artifact, as `cosign sign` does.
func (r *Registry) Sign(t testing.TB, repo string, artifact ocispec.Descriptor, k SigningKey) ocispec.Descriptor {
	t.Helper()
	return r.PushSignature(t, repo, artifact, k.Bundle(t, artifact.Digest))
}

// PushSignature attaches a bundle to an artifact. On a registry without the referrers API the
// fallback tag is updated.
func (r *Registry) PushSignature(t testing.TB, repo string, artifact ocispec.Descriptor, bundle []byte) ocispec.Descriptor {
	t.Helper()
	r.PushBlob(t, repo, ocispec.MediaTypeEmptyJSON, []byte(`{}`))
	r.PushBlob(t, repo, BundleType, bundle)
	d := r.PushManifest(t, repo, "", ocispec.MediaTypeImageManifest, Signature(artifact, bundle))
	d.ArtifactType = BundleType
	if r.options.NoReferrers {
		r.AddFallback(t, repo, artifact.Digest, d)
	}
	return d
}

// Signature is the manifest of a signature, for tests that want to spoil it before they push it.
func Signature(artifact ocispec.Descriptor, bundle []byte) ocispec.Manifest {
	return ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: BundleType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       []ocispec.Descriptor{describe(BundleType, bundle)},
		Subject:      &ocispec.Descriptor{MediaType: artifact.MediaType, Digest: artifact.Digest, Size: artifact.Size},
		Annotations:  map[string]string{"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": SignatureType},
	}
}

// Policy is a trust policy with one rule for all images, which any of the keys satisfies; more is
// added to the rule, as lines of YAML.
func Policy(t testing.TB, more string, keys ...SigningKey) []byte {
	t.Helper()
	text := "apiVersion: compat/v1alpha1\nkind: TrustPolicy\nrules:\n- images: \"**\"\n  signers:\n"
	for i, k := range keys {
		quoted, err := json.Marshal(string(k.PublicPEM(t)))
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("  - name: key%d\n    key: %s\n", i+1, quoted)
	}
	if more != "" {
		text += "  " + more + "\n"
	}
	return []byte(text)
}
