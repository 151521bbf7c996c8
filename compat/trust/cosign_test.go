package trust

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
)

// cosignKeys are the kinds of keys of which there are signatures that cosign's own code made:
// testdata/tools/csign/fixtures.sh.
var cosignKeys = []string{"p256", "p384", "p521", "ed25519", "rsa3072"}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "cosign", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func signerOf(t testing.TB, name string) *signer {
	t.Helper()
	k, err := parseKey(fixture(t, name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return &signer{name: name, key: k}
}

func authorityOf(t testing.TB, subject string) *signer {
	t.Helper()
	p, problems := Parse([]byte(`apiVersion: compat/v1alpha1
kind: TrustPolicy
rules:
- images: "**"
  signers: [{name: corp, ca: ca.pem, subject: `+subject+`}]
`), filepath.Join("testdata", "cosign"))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	return p.Rules[0].signers[0]
}

// signedNow is when the fixtures were made, within the day of the leaf's certificate.
func signedNow(t testing.TB) time.Time {
	t.Helper()
	b, err := parseBundle(fixture(t, "leaf.bundle.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b.certificates[0].NotBefore.Add(time.Hour)
}

func artifactDigest(t testing.TB) digest.Digest { return digest.FromBytes(fixture(t, "artifact.json")) }

// TestCosign verifies every signature of cosign with every key: its own, and no other, is good.
func TestCosign(t *testing.T) {
	now := signedNow(t)
	for _, signed := range cosignKeys {
		for _, key := range cosignKeys {
			accepted, err := verify([]*signer{signerOf(t, key)}, fixture(t, signed+".bundle.json"), artifactDigest(t), now)
			if signed != key {
				if err == nil || len(accepted) > 0 {
					t.Errorf("the signature of %s is good with the key %s", signed, key)
				}
				continue
			}
			if err != nil || len(accepted) != 1 || accepted[0].Name != key || accepted[0].Method != artifact.MethodKey || !strings.HasPrefix(accepted[0].Fingerprint, "sha256:") {
				t.Errorf("%s: got %+v, %v", key, accepted, err)
			}
		}
	}
}

// TestCosignRefused has what must not be taken for a signature of the artifact.
func TestCosignRefused(t *testing.T) {
	now := signedNow(t)
	p256 := signerOf(t, "p256")
	for _, test := range []struct {
		name    string
		bundle  []byte
		signers []*signer
		now     time.Time
		want    string
	}{
		{"another predicate type", fixture(t, "attestation.bundle.json"), []*signer{p256}, now, "a statement of the type \"https://acme.example/scan/v1\""},
		{"a signature of the image", fixture(t, "image.bundle.json"), []*signer{p256}, now, "it signs another digest"},
		{"a certificate, and only a key is trusted", fixture(t, "leaf.bundle.json"), []*signer{p256}, now, "by no key of the policy"},
		{"a key, and only an authority is trusted", fixture(t, "p256.bundle.json"), []*signer{authorityOf(t, "builder@acme.example")}, now, "has no certificate"},
		{"another name", fixture(t, "chain.bundle.json"), []*signer{authorityOf(t, "other@acme.example")}, now, "not that of other@acme.example"},
		{"a part of the name", fixture(t, "chain.bundle.json"), []*signer{authorityOf(t, "builder@acme.exampl")}, now, "not that of"},
		{"expired", fixture(t, "chain.bundle.json"), []*signer{authorityOf(t, "builder@acme.example")}, now.Add(48 * time.Hour), "is not valid now"},
		{"not yet valid", fixture(t, "chain.bundle.json"), []*signer{authorityOf(t, "builder@acme.example")}, now.Add(-48 * time.Hour), "is not valid now"},
	} {
		accepted, err := verify(test.signers, test.bundle, artifactDigest(t), test.now)
		if err == nil || !strings.Contains(err.Error(), test.want) || accepted != nil {
			t.Errorf("%s: got %v, %v, want %q", test.name, accepted, err, test.want)
		}
	}
}

// TestCosignCertificates takes a leaf alone, and the chain that cosign writes.
func TestCosignCertificates(t *testing.T) {
	for _, name := range []string{"leaf", "chain"} {
		accepted, err := verify([]*signer{signerOf(t, "p256"), authorityOf(t, "builder@acme.example")}, fixture(t, name+".bundle.json"), artifactDigest(t), signedNow(t))
		if err != nil || len(accepted) != 1 || accepted[0].Name != "corp" || accepted[0].Method != artifact.MethodCA {
			t.Errorf("%s: got %+v, %v", name, accepted, err)
		}
	}
}

// TestBundleChanged changes every part of a good bundle.
func TestBundleChanged(t *testing.T) {
	good := fixture(t, "p256.bundle.json")
	change := func(path string, value any) []byte {
		var d map[string]any
		if err := json.Unmarshal(good, &d); err != nil {
			t.Fatal(err)
		}
		at := d
		keys := strings.Split(path, ".")
		for _, k := range keys[:len(keys)-1] {
			at = at[k].(map[string]any)
		}
		if last := keys[len(keys)-1]; value == nil {
			delete(at, last)
		} else {
			at[last] = value
		}
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var whole bundleDocument
	if err := json.Unmarshal(good, &whole); err != nil {
		t.Fatal(err)
	}
	sig := map[string]any{"sig": whole.DSSEEnvelope.Signatures[0].Sig}
	payload, err := decodeBase64(whole.DSSEEnvelope.Payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		bundle []byte
		want   string // "" where it is still good
	}{
		{"as it is", good, ""},
		{"a hint of another key", change("verificationMaterial.publicKey.hint", "AAAA"), ""},
		{"no hint", change("verificationMaterial", map[string]any{}), ""},
		{"a field that nobody knows", change("newField", map[string]any{"a": 1}), ""},
		{"log entries", change("verificationMaterial.tlogEntries", []any{}), ""},
		{"another version", change("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.2"), "no bundle of version 0.3"},
		{"the other name of the version", change("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.3"), ""},
		{"no envelope", change("dsseEnvelope", nil), "no DSSE envelope"},
		{"two signatures", change("dsseEnvelope.signatures", []any{sig, sig}), "2 signatures, want 1"},
		{"no signature", change("dsseEnvelope.signatures", []any{}), "0 signatures, want 1"},
		{"an empty signature", change("dsseEnvelope.signatures", []any{map[string]any{"sig": ""}}), "signature is empty"},
		{"another payload", change("dsseEnvelope.payload", bytes.Replace(payload, []byte(`"predicate":{}`), []byte(`"predicate":{ }`), 1)), "by no key"},
		{"another payload type", change("dsseEnvelope.payloadType", "text/plain"), "no in-toto statement"},
		{"a payload that is no base64", change("dsseEnvelope.payload", "%"), "not base64"},
		{"a payload that is no JSON", change("dsseEnvelope.payload", []byte("x")), "not the JSON"},
		{"nothing", nil, "no bundle"},
		{"null", []byte("null"), "no bundle"},
	} {
		accepted, err := verify([]*signer{signerOf(t, "p256")}, test.bundle, artifactDigest(t), signedNow(t))
		switch {
		case test.want == "" && (err != nil || len(accepted) != 1):
			t.Errorf("%s: got %v, %v", test.name, accepted, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, %v, want %q", test.name, accepted, err, test.want)
		}
	}
}

// FuzzBundle reads bundles of anybody. None is good but those that cosign signed.
func FuzzBundle(f *testing.F) {
	for _, name := range []string{"p256", "ed25519", "rsa3072", "attestation", "image", "chain", "leaf"} {
		f.Add(fixture(f, name+".bundle.json"))
	}
	signers := []*signer{signerOf(f, "p521"), authorityOf(f, "nobody@acme.example")}
	d, now := artifactDigest(f), signedNow(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if accepted, err := verify(signers, data, d, now); err == nil {
			t.Fatalf("a signature by nobody is good: %+v", accepted)
		}
	})
}
