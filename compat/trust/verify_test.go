package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // the hashes of the larger curves
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
)

// issuedNow is the clock of these tests, and signedDigest that of the artifact that is signed.
var (
	issuedNow    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	signedDigest = digest.FromString("an artifact's manifest")
)

func newECDSA(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newEd25519(t testing.TB) crypto.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newRSA(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// An issued certificate has its key beside it.
type issued struct {
	*x509.Certificate
	private crypto.Signer
}

// issue makes a certificate for a key: by itself where by is nil, and otherwise by that. Unless
// change says so, it is an authority's, and valid.
func issue(t testing.TB, by *issued, public any, private crypto.Signer, change func(*x509.Certificate)) *issued {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme"},
		NotBefore: issuedNow.Add(-time.Hour), NotAfter: issuedNow.Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	if by == nil {
		by = &issued{template, private}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, public, by.private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{c, private}
}

func newAuthority(t testing.TB, by *issued, name string, change func(*x509.Certificate)) *issued {
	t.Helper()
	private := newECDSA(t, elliptic.P256())
	return issue(t, by, private.Public(), private, func(c *x509.Certificate) {
		c.Subject.CommonName = name
		if change != nil {
			change(c)
		}
	})
}

// newLeaf makes a certificate for signing code.
func newLeaf(t testing.TB, by *issued, private crypto.Signer, change func(*x509.Certificate)) *issued {
	t.Helper()
	return issue(t, by, private.Public(), private, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = false, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		c.EmailAddresses = []string{"builder@acme.example"}
		if change != nil {
			change(c)
		}
	})
}

// signBundle signs signedDigest with a key; certificates are put beside the signature.
func signBundle(t testing.TB, private crypto.Signer, o crypto.SignerOpts, certificates ...*issued) []byte {
	t.Helper()
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q}`, signedDigest.Encoded(), predicateType)
	message := encodePAE(payloadType, payload)
	if hash := o.HashFunc(); hash != 0 {
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	}
	signature, err := private.Sign(rand.Reader, message, o)
	if err != nil {
		t.Fatal(err)
	}
	material := map[string]any{"publicKey": map[string]any{"hint": "AAAA"}}
	if len(certificates) > 0 {
		var chain []any
		for _, c := range certificates {
			chain = append(chain, map[string]any{"rawBytes": c.Raw})
		}
		material = map[string]any{"x509CertificateChain": map[string]any{"certificates": chain}}
	}
	data, err := json.Marshal(map[string]any{
		"mediaType": bundleTypes[0], "verificationMaterial": material,
		"dsseEnvelope": map[string]any{"payload": payload, "payloadType": payloadType, "signatures": []any{map[string]any{"sig": signature}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// signersOf are those of a policy with one rule.
func signersOf(t testing.TB, signer string) []*signer {
	t.Helper()
	p, problems := parseIn(header + "rules: [{images: '**', signers: [" + signer + "]}]")
	if problems != "" {
		t.Fatal(problems)
	}
	return p.Rules[0].signers
}

// quote writes PEM into a policy.
func quote(t testing.TB, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

func signedByKey(t testing.TB, public crypto.PublicKey) []*signer {
	t.Helper()
	return signersOf(t, "{name: a, key: "+quote(t, publicPEM(t, public))+"}")
}

func encodeCertificates(list ...*issued) string {
	var text []byte
	for _, c := range list {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(text)
}

func signedByCA(t testing.TB, ca *issued, subject string) []*signer {
	t.Helper()
	return signersOf(t, "{name: corp, ca: "+quote(t, encodeCertificates(ca))+", subject: '"+subject+"'}")
}

// TestHashes takes the hashes with which cosign signs, and no other, by a key and by a certificate.
func TestHashes(t *testing.T) {
	p256, p384, p521 := newECDSA(t, elliptic.P256()), newECDSA(t, elliptic.P384()), newECDSA(t, elliptic.P521())
	ed, rsa2048 := newEd25519(t), newRSA(t, 2048)
	ca := newAuthority(t, nil, "Acme", nil)
	for _, test := range []struct {
		name    string
		private crypto.Signer
		o       crypto.SignerOpts
		good    bool
	}{
		{"P-256, SHA-256", p256, crypto.SHA256, true},
		{"P-256, SHA-384", p256, crypto.SHA384, false},
		{"P-384, SHA-256", p384, crypto.SHA256, true},
		{"P-384, SHA-384", p384, crypto.SHA384, true},
		{"P-384, SHA-512", p384, crypto.SHA512, false},
		{"P-521, SHA-256", p521, crypto.SHA256, true},
		{"P-521, SHA-512", p521, crypto.SHA512, true},
		{"P-521, SHA-384", p521, crypto.SHA384, false},
		{"Ed25519", ed, crypto.Hash(0), true},
		{"Ed25519ph", ed, crypto.SHA512, true},
		{"RSA, SHA-256", rsa2048, crypto.SHA256, true},
		{"RSA, SHA-512", rsa2048, crypto.SHA512, false},
		{"RSA-PSS", rsa2048, &rsa.PSSOptions{Hash: crypto.SHA256}, false},
	} {
		leaf := newLeaf(t, ca, test.private, nil)
		for _, by := range []struct {
			name    string
			signers []*signer
			bundle  []byte
			method  artifact.Method
		}{
			{"key", signedByKey(t, test.private.Public()), signBundle(t, test.private, test.o), artifact.MethodKey},
			{"certificate", signedByCA(t, ca, "builder@acme.example"), signBundle(t, test.private, test.o, leaf), artifact.MethodCA},
		} {
			accepted, err := verify(by.signers, by.bundle, signedDigest, issuedNow)
			if good := err == nil && len(accepted) == 1 && accepted[0].Method == by.method; good != test.good {
				t.Errorf("%s by %s: got %+v, %v", test.name, by.name, accepted, err)
			}
		}
	}
}

// TestCertificates has what authorities issue, and what looks like it.
func TestCertificates(t *testing.T) {
	const hour = time.Hour
	private, root := newECDSA(t, elliptic.P256()), newAuthority(t, nil, "Acme", nil)
	issuing := newAuthority(t, root, "Acme issuing", nil)
	period := func(from, until time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = issuedNow.Add(from), issuedNow.Add(until) }
	}
	leaf := func(by *issued, change func(*x509.Certificate)) *issued { return newLeaf(t, by, private, change) }
	one := func(change func(*x509.Certificate)) []*issued { return []*issued{leaf(root, change)} }
	under := func(ca *issued) []*issued { return []*issued{leaf(ca, nil), ca} }
	// byHuge is an authority whose key takes seconds to verify with.
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1<<19, 1), E: 1<<31 - 1}
	byHuge := issue(t, root, huge, private, func(c *x509.Certificate) { c.Subject.CommonName = "huge" })
	weak := newRSA(t, 1024)
	byWeak := issue(t, root, weak.Public(), weak, func(c *x509.Certificate) { c.Subject.CommonName = "weak" })
	uri, err := url.Parse("https://ci.acme.example/pipelines/7")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		chain   []*issued
		signers []*signer // those of root and builder@acme.example if nil
		want    string    // "" where it is good
	}{
		{"a leaf", one(nil), nil, ""},
		{"a leaf, and its authority beside it", []*issued{leaf(root, nil), root}, nil, ""},
		{"a chain", under(issuing), nil, ""},
		{"a host's name", one(func(c *x509.Certificate) { c.DNSNames = []string{"ci.acme.example"} }), signedByCA(t, root, "ci.acme.example"), ""},
		{"a URI", one(func(c *x509.Certificate) { c.URIs = []*url.URL{uri} }), signedByCA(t, root, uri.String()), ""},

		{"an authority that the policy does not name", []*issued{leaf(issuing, nil)}, nil, "by no authority"},
		{"another authority of the same name", under(newAuthority(t, nil, "Acme", nil)), nil, "by no authority"},
		{"by itself", []*issued{newLeaf(t, nil, private, nil)}, nil, "by no authority"},
		{"a leaf that issues", []*issued{leaf(leaf(root, nil), nil), leaf(root, nil)}, nil, "by no authority"},
		{"a name that is no alternative name", one(func(c *x509.Certificate) {
			c.EmailAddresses, c.Subject.CommonName = nil, "builder@acme.example"
		}), nil, "not that of"},
		{"another name", one(nil), signedByCA(t, root, "release@acme.example"), "not that of"},
		{"a name in other letters", one(nil), signedByCA(t, root, "Builder@acme.example"), "not that of"},

		{"expired", one(period(-2*hour, -time.Second)), nil, "its certificate is not valid now: it is from 2026-06-01T10:00:00Z until 2026-06-01T11:59:59Z"},
		{"not yet valid", one(period(time.Second, hour)), nil, "its certificate is not valid now"},
		{"an authority that expired", []*issued{leaf(newAuthority(t, root, "old", period(-2*hour, -hour)), nil), newAuthority(t, root, "old", period(-2*hour, -hour))}, nil, "by no authority"},

		{"for servers", one(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), nil, "can't be verified"},
		{"for nothing in particular", one(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), nil, "not for signing code"},
		{"not for signatures", one(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), nil, "not for signing code"},

		{"RSA of 1024 bits", []*issued{newLeaf(t, root, weak, nil)}, nil, "an RSA key of 1024 bits"},
		{"P-224", []*issued{newLeaf(t, root, newECDSA(t, elliptic.P224()), nil)}, nil, "on the curve P-224"},
		{"an authority with RSA of 1024 bits", under(byWeak), nil, "an RSA key of 1024 bits"},
		{"an authority with a huge key", []*issued{leaf(&issued{&x509.Certificate{Subject: byHuge.Subject}, weak}, nil), byHuge}, nil, "an RSA key of 524289 bits"},
		{"a huge key", []*issued{byHuge}, nil, "an RSA key of 524289 bits"},
		{"as many as may be", append(one(nil), repeated(root, MaxCertificates-1)...), nil, ""},
		{"too many", append(one(nil), repeated(root, MaxCertificates)...), nil, "more than 10 certificates"},
	} {
		t.Run(test.name, func(t *testing.T) {
			signers := test.signers
			if signers == nil {
				signers = signedByCA(t, root, "builder@acme.example")
			}
			signing := test.chain[0].private
			if signing == nil {
				signing = private
			}
			accepted, err := verify(signers, signBundle(t, signing, crypto.SHA256, test.chain...), signedDigest, issuedNow)
			switch {
			case test.want == "" && (err != nil || len(accepted) != 1 || accepted[0].Name != "corp"):
				t.Errorf("got %+v, %v", accepted, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %+v, %v, want %q", accepted, err, test.want)
			}
		})
	}
	other := newECDSA(t, elliptic.P256())
	if accepted, err := verify(signedByCA(t, root, "builder@acme.example"), signBundle(t, other, crypto.SHA256, leaf(root, nil)), signedDigest, issuedNow); err == nil || !strings.Contains(err.Error(), "not by the key of its certificate") {
		t.Errorf("somebody else's certificate: got %+v, %v", accepted, err)
	}
}

func repeated(c *issued, n int) []*issued {
	list := make([]*issued, n)
	for i := range list {
		list[i] = c
	}
	return list
}

// TestAuthorityExpired refuses what an authority of the policy issued that is no longer valid.
func TestAuthorityExpired(t *testing.T) {
	root, private := newAuthority(t, nil, "Acme", nil), newECDSA(t, elliptic.P256())
	leaf := newLeaf(t, root, private, func(c *x509.Certificate) { c.NotAfter = issuedNow.Add(100 * time.Hour) })
	signers, bundle := signedByCA(t, root, "builder@acme.example"), signBundle(t, private, crypto.SHA256, leaf)
	if _, err := verify(signers, bundle, signedDigest, issuedNow); err != nil {
		t.Fatal(err)
	}
	if accepted, err := verify(signers, bundle, signedDigest, issuedNow.Add(2*time.Hour)); err == nil {
		t.Errorf("got %+v", accepted)
	} else if want := "the certificate of its authority is not valid now: it is from 2026-06-01T11:00:00Z until 2026-06-01T13:00:00Z"; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestKeySizes takes RSA keys within the bounds.
func TestKeySizes(t *testing.T) {
	for bits, good := range map[uint]bool{minRSA - 1: false, minRSA: true, maxRSA: true, maxRSA + 1: false} {
		n := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
		if _, err := newKey(&rsa.PublicKey{N: n, E: 1<<16 + 1}); (err == nil) != good {
			t.Errorf("%d bits: got %v", bits, err)
		}
	}
}

// TestAuthorities has files of certificate authorities.
func TestAuthorities(t *testing.T) {
	encode := encodeCertificates
	a, weak, odd := newAuthority(t, nil, "a", nil), newRSA(t, 1024), newECDSA(t, elliptic.P224())
	for _, test := range []struct{ name, text, want string }{
		{"one", encode(a), ""},
		{"two, and blank lines", "\n" + encode(a) + "\n" + encode(newAuthority(t, nil, "b", nil)) + "\n", ""},
		{"as many as may be", encode(repeated(a, MaxAuthorities)...), ""},
		{"more", encode(repeated(a, MaxAuthorities+1)...), "more than 20 certificates"},
		{"none", "", "no certificate"},
		{"a rest", encode(a) + "x", "no PEM"},
		{"a key", publicPEM(t, a.private.Public()), "only certificates belong here"},
		{"no certificate", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "it is no certificate"},
		{"a leaf", encode(newLeaf(t, a, a.private, nil)), "none of a certificate authority"},
		{"one that does not say whether it issues", encode(newAuthority(t, nil, "a", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = false, false })), "none of a certificate authority"},
		{"RSA of 1024 bits", encode(issue(t, nil, weak.Public(), weak, nil)), "an RSA key of 1024 bits"},
		{"P-224", encode(issue(t, nil, odd.Public(), odd, nil)), "on the curve P-224"},
		{"a good one, and one that is not", encode(a, newLeaf(t, a, a.private, nil)), "none of a certificate authority"},
	} {
		_, err := parseAuthorities([]byte(test.text))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// TestStatement has what a statement must say.
func TestStatement(t *testing.T) {
	subjects := func(n int) string {
		return strings.Repeat(`{"digest":{"sha256":"x"}},`, n-1) + `{"digest":{"sha256":"` + signedDigest.Encoded() + `"}}`
	}
	const v1 = "https://in-toto.io/Statement/v1"
	for _, test := range []struct{ name, kind, predicate, subjects, want string }{
		{"good", v1, predicateType, subjects(1), ""},
		{"the older version", "https://in-toto.io/Statement/v0.1", predicateType, subjects(1), ""},
		{"no statement", "https://in-toto.io/Statement/v2", predicateType, subjects(1), "no in-toto statement"},
		{"another type", v1, predicateType + "/more", subjects(1), "a statement of the type"},
		{"no type", v1, "", subjects(1), "a statement of the type"},
		{"no subject", v1, predicateType, "", "it signs another digest"},
		{"another algorithm", v1, predicateType, `{"digest":{"sha512":"` + signedDigest.Encoded() + `"}}`, "it signs another digest"},
		{"as many as may be", v1, predicateType, subjects(MaxSubjects), ""},
		{"more", v1, predicateType, subjects(MaxSubjects + 1), "more than 32 subjects"},
	} {
		var s statement
		if err := json.Unmarshal(fmt.Appendf(nil, `{"_type":%q,"predicateType":%q,"subject":[%s]}`, test.kind, test.predicate, test.subjects), &s); err != nil {
			t.Fatal(err)
		}
		if err := s.signs(signedDigest); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// TestWhy says of a bundle with a certificate what is wrong with that, whoever else may sign.
func TestWhy(t *testing.T) {
	private, ca := newECDSA(t, elliptic.P256()), newAuthority(t, nil, "Acme", nil)
	signers := append(signedByKey(t, newECDSA(t, elliptic.P256()).Public()), signedByCA(t, ca, "release@acme.example")...)
	for want, bundle := range map[string][]byte{
		"it is by no key of the policy":                       signBundle(t, private, crypto.SHA256),
		"its certificate is not that of release@acme.example": signBundle(t, private, crypto.SHA256, newLeaf(t, ca, private, nil)),
	} {
		if _, err := verify(signers, bundle, signedDigest, issuedNow); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestSameSigner refuses two signers of a rule of whom one may be both: two certificates of one
// subject must not count as two signers.
func TestSameSigner(t *testing.T) {
	a, b := newAuthority(t, nil, "a", nil), newAuthority(t, nil, "b", nil)
	for _, test := range []struct{ name, first, second, want string }{
		{"an authority, and that among others", "ca: " + quote(t, encodeCertificates(a)) + ", subject: x", "ca: " + quote(t, encodeCertificates(b, a)) + ", subject: x", CodeDuplicateSigner},
		{"of two subjects", "ca: " + quote(t, encodeCertificates(a)) + ", subject: x", "ca: " + quote(t, encodeCertificates(b, a)) + ", subject: z", ""},
		{"by two authorities", "ca: " + quote(t, encodeCertificates(a)) + ", subject: x", "ca: " + quote(t, encodeCertificates(b)) + ", subject: x", ""},
	} {
		_, problems := parseIn(header + "rules: [{images: '**', signers: [{name: a, " + test.first + "}, {name: b, " + test.second + "}]}]")
		if !strings.HasSuffix(problems, test.want) || (problems == "") != (test.want == "") {
			t.Errorf("%s: got %q", test.name, problems)
		}
	}
}
