package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nodecompat/compat/artifact"
)

const header = "apiVersion: compat/v1alpha1\nkind: TrustPolicy\n"

// whole is a policy with everything that one can have.
const whole = header + `rules:
- images: registry.example/team/**
  signers:
  - name: release
    key: p256.pub
  - name: other
    key: ed25519.pub
  - name: corp
    ca: ca.pem
    subject: builder@acme.example
    time: now
  threshold: 2
  maxAge: 8760h
- images: registry.example/open/*
  accept: anything
- images: registry.example/closed/*
  accept: nothing
- images: "**"
  signers: [{name: release, key: p256.pub}]
`

func parseIn(text string) (*Policy, string) {
	p, problems := Parse([]byte(text), filepath.Join("testdata", "cosign"))
	var list []string
	for _, problem := range problems {
		list = append(list, fmt.Sprintf("%d:%d %s %s", problem.Line, problem.Column, problem.Path, problem.Code))
	}
	return p, strings.Join(list, "; ")
}

func mustParseReference(t testing.TB, text string) artifact.Reference {
	t.Helper()
	ref, err := artifact.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPolicy(t *testing.T) {
	p, problems := parseIn(whole)
	if problems != "" {
		t.Fatal(problems)
	}
	for reference, want := range map[string]string{
		"registry.example/team/app:1":       "registry.example/team/** 2 8760h0m0s",
		"REGISTRY.example/team/app:1":       "registry.example/team/** 2 8760h0m0s",
		"registry.example:443/team/app":     "registry.example/team/** 2 8760h0m0s",
		"registry.example./team/app":        "registry.example/team/** 2 8760h0m0s",
		"registry.example.:443/team/app":    "registry.example/team/** 2 8760h0m0s",
		"registry.example:5000/team/app":    "** 1 0s",
		"registry.example/team/a/b/c":       "registry.example/team/** 2 8760h0m0s",
		"registry.example/open/app":         "registry.example/open/* anything",
		"registry.example/closed/app":       "registry.example/closed/* nothing",
		"registry.example/closed/app/below": "** 1 0s",
		"docker.io/library/nginx":           "** 1 0s",
	} {
		rule := p.For(mustParseReference(t, reference))
		got := fmt.Sprintf("%s %d %s", rule.Images, rule.Threshold, rule.MaxAge)
		switch {
		case rule.Anything:
			got = rule.Images + " anything"
		case rule.Nothing != "":
			got = rule.Images + " nothing"
		}
		if got != want || rule.SHA256 == "" {
			t.Errorf("%s: got %s, want %s", reference, got, want)
		}
	}
	if rule := p.For(artifact.Reference{Layout: "registry.example/team/app"}); rule.Images != "**" {
		t.Errorf("a layout: got %+v", rule)
	}
}

// TestNoRule closes what no rule is for.
func TestNoRule(t *testing.T) {
	p, problems := parseIn(header + "rules: [{images: registry.example/**, accept: anything}]\n")
	if problems != "" {
		t.Fatal(problems)
	}
	for _, ref := range []artifact.Reference{mustParseReference(t, "other.example/app"), {Layout: "registry.example/app"}} {
		if rule := p.For(ref); rule.Anything || rule.Nothing == "" {
			t.Errorf("%s: got %+v", ref, rule)
		}
	}
}

func TestPolicyProblems(t *testing.T) {
	rule := func(text string) string { return header + "rules:\n- " + strings.ReplaceAll(text, "\n", "\n  ") + "\n" }
	signers := func(text string) string { return rule("images: r.io/a\nsigners:\n- " + text) }
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "1:1  empty"},
		{"no mapping", "[]", "1:1  wrongType"},
		{"no YAML", "a: [", "1:1  syntax"},
		{"two documents", rule("images: r.io/a\naccept: nothing") + "---\na: 1\n", "6:1  multipleDocuments"},
		{"not UTF-8", "\xff", "1:1  notUTF8"},
		{"keys missing", "kind: TrustPolicy\n", "1:1  missingKey; 1:1  missingKey"},
		{"another version", "apiVersion: compat/v2\nkind: TrustPolicy\nrules: [{images: r.io/a, accept: nothing}]", "1:13 apiVersion version"},
		{"another kind", "apiVersion: compat/v1alpha1\nkind: Policy\nrules: [{images: r.io/a, accept: nothing}]", "2:7 kind wrongType"},
		{"unknown key", rule("images: r.io/a\naccept: nothing\nimage: x"), "6:3 rules[0] unknownKey"},
		{"a key twice", rule("images: r.io/a\naccept: nothing\naccept: nothing"), "6:3 rules[0] duplicateKey"},
		{"merge", rule("<<: {images: r.io/a}\naccept: nothing"), "4:3 rules[0] unknownKey; 4:3 rules[0] missingKey"},
		{"alias", "apiVersion: &v compat/v1alpha1\nkind: *v\nrules: [{images: r.io/a, accept: nothing}]", "1:13 apiVersion alias; 2:7 kind alias"},
		{"tag", rule("images: !!str r.io/a\naccept: nothing"), "4:11 rules[0].images tag"},
		{"no rules", header + "rules: []", "3:8 rules emptyList"},
		{"rules are a mapping", header + "rules: {}", "3:8 rules wrongType"},
		{"no signers and no accept", rule("images: r.io/a"), "4:3 rules[0] missingKey"},
		{"signers and accept", rule("images: r.io/a\naccept: nothing\nsigners: [{name: a, key: p256.pub}]"), "4:3 rules[0] missingKey"},
		{"empty signers", rule("images: r.io/a\nsigners: []"), "5:12 rules[0].signers emptyList"},
		{"null signers", rule("images: r.io/a\nsigners:"), "5:11 rules[0].signers wrongType"},
		{"accept everything", rule("images: r.io/a\naccept: everything"), "5:11 rules[0].accept wrongType"},
		{"a number", rule("images: 5\naccept: nothing"), "4:11 rules[0].images unquoted"},
		{"a tag in the pattern", rule("images: r.io/a:1\naccept: nothing"), "4:11 rules[0].images imagesPattern"},
		{"a short name", rule("images: nginx\naccept: nothing"), "4:11 rules[0].images imagesPattern"},
		{"the same pattern", header + "rules:\n- {images: r.io/a, accept: nothing}\n- {images: r.io/a, accept: anything}", "5:12 rules[1].images ambiguousRules"},
		{"equally specific", header + "rules:\n- {images: r.io/a/*, accept: nothing}\n- {images: r.io/*/a, accept: anything}", "5:12 rules[1].images ambiguousRules"},
		{"equally specific, apart", header + "rules:\n- {images: r.io/a/*, accept: nothing}\n- {images: r.io/b/*, accept: anything}", ""},
		{"threshold of accept", rule("images: r.io/a\naccept: nothing\nthreshold: 1"), "6:14 rules[0].threshold threshold"},
		{"maxAge of accept", rule("images: r.io/a\naccept: anything\nmaxAge: 1h"), "6:11 rules[0].maxAge maxAge"},
		{"threshold 0", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nthreshold: 0"), "6:14 rules[0].threshold threshold"},
		{"threshold 2 of 1", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nthreshold: 2"), "6:14 rules[0].threshold threshold"},
		{"threshold in words", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nthreshold: all"), "6:14 rules[0].threshold threshold"},
		{"a day", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nmaxAge: 1d"), "6:11 rules[0].maxAge maxAge"},
		{"an age without unit", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nmaxAge: 8760"), "6:11 rules[0].maxAge maxAge"},
		{"a class of characters", rule("images: r.io/[ab]\naccept: nothing"), "4:11 rules[0].images imagesPattern"},
		{"a class in a host", rule("images: '[ab].io/a'\naccept: nothing"), "4:11 rules[0].images imagesPattern"},
		{"an IPv6 address", rule("images: '[::1]:5000/a'\naccept: nothing"), ""},
		{"IPv6 addresses", rule("images: '[fd00:*]/**'\naccept: nothing"), ""},
		{"no age", rule("images: r.io/a\nsigners: [{name: a, key: p256.pub}]\nmaxAge: 0h"), "6:11 rules[0].maxAge maxAge"},
		{"no name", signers("{key: p256.pub}"), "6:5 rules[0].signers[0] missingKey"},
		{"neither key nor ca", signers("{name: a}"), "6:5 rules[0].signers[0] missingKey"},
		{"key and ca", signers("{name: a, key: p256.pub, ca: ca.pem, subject: b}"), "6:5 rules[0].signers[0] missingKey"},
		{"ca without subject", signers("{name: a, ca: ca.pem}"), "6:5 rules[0].signers[0] missingKey"},
		{"key with subject", signers("{name: a, key: p256.pub, subject: b}"), "6:5 rules[0].signers[0] unknownKey"},
		{"no such file", signers("{name: a, key: none.pub}"), "6:20 rules[0].signers[0].key keyUnreadable"},
		{"a folder", signers("{name: a, key: .}"), "6:20 rules[0].signers[0].key keyUnreadable"},
		{"a device", signers("{name: a, key: /dev/zero}"), "6:20 rules[0].signers[0].key keyUnreadable"},
		{"no key", signers("{name: a, key: spec.yaml}"), "6:20 rules[0].signers[0].key invalidKey"},
		{"a certificate as key", signers("{name: a, key: ca.pem}"), "6:20 rules[0].signers[0].key invalidKey"},
		{"a key as certificate", signers("{name: a, ca: p256.pub, subject: b}"), "6:19 rules[0].signers[0].ca invalidKey"},
		{"a key twice in a rule", signers("{name: a, key: p256.pub}\n- {name: b, key: ./p256.pub}"), "7:20 rules[0].signers[1] duplicateSigner"},
		{"a name twice in a rule", signers("{name: a, key: p256.pub}\n- {name: a, key: p384.pub}"), "7:5 rules[0].signers[1] duplicateSigner"},
		{"an authority twice", signers("{name: a, ca: ca.pem, subject: x}\n- {name: b, ca: ca.pem, subject: x}"), "7:19 rules[0].signers[1] duplicateSigner"},
		{"an authority for two names", signers("{name: a, ca: ca.pem, subject: x}\n- {name: b, ca: ca.pem, subject: z}"), ""},
		{"an identity", signers("{name: a, issuer: https://i, subjectRegExp: .*, trustedRoot: r.json}"), "6:23 rules[0].signers[0].issuer notSupported; 6:49 rules[0].signers[0].subjectRegExp notSupported; 6:66 rules[0].signers[0].trustedRoot notSupported"},
		{"the key identity", signers("{name: a, identity: x}"), "6:25 rules[0].signers[0].identity notSupported"},
		{"a time stamp", signers("{name: a, ca: ca.pem, subject: b, time: timestamp}"), "6:45 rules[0].signers[0].time notSupported"},
		{"another time", signers("{name: a, ca: ca.pem, subject: b, time: later}"), "6:45 rules[0].signers[0].time wrongType"},
		{"too many signers", rule("images: r.io/a\nsigners: [" + strings.Repeat("{name: a, key: p256.pub},", MaxSigners+1) + "]"), "5:12 rules[0].signers tooManyRules"},
		{"too many rules", header + "rules: [" + strings.Repeat("{images: r.io/a, accept: nothing},", MaxRules+1) + "]", "3:8 rules tooManyRules"},
		{"as large as may be", padded(rule("images: r.io/a\naccept: nothing"), MaxPolicySize), ""},
		{"one byte more", padded(rule("images: r.io/a\naccept: nothing"), MaxPolicySize+1), "1:1  tooLarge"},
		{"as long a pattern as may be", rule("images: r.io/" + strings.Repeat("a", MaxPattern-5) + "\naccept: nothing"), ""},
		{"a longer one", rule("images: r.io/" + strings.Repeat("a", MaxPattern-4) + "\naccept: nothing"), "4:11 rules[0].images imagesPattern"},
		{"as long a name as may be", signers("{name: " + strings.Repeat("a", 128) + ", key: p256.pub}"), ""},
		{"a longer name", signers("{name: " + strings.Repeat("a", 129) + ", key: p256.pub}"), "6:12 rules[0].signers[0].name tooLarge"},
		{"a NUL", rule("images: r.io/a\naccept: nothing # \x00"), "1:1  notUTF8"},
		{"signers are a word", rule("images: r.io/a\nsigners: all"), "5:12 rules[0].signers wrongType"},
		{"a signer is a word", signers("all"), "6:5 rules[0].signers[0] wrongType"},
		{"a name is a list", signers("{name: [a], key: p256.pub}"), "6:12 rules[0].signers[0].name wrongType"},
		{"an empty key", signers("{name: a, key: ''}"), "6:20 rules[0].signers[0].key null"},
		{"a key of another mapping", rule("images: r.io/a\naccept: nothing\n? {a: b}\n: c"), "6:5 rules[0] wrongType"},
		{"problems in their order", rule("maxAge: x\naccept: z\nimages: r.io/a"), "4:11 rules[0].maxAge maxAge; 4:11 rules[0].maxAge maxAge; 5:11 rules[0].accept wrongType"},
		{"too large", header + strings.Repeat("#", MaxPolicySize), "1:1  tooLarge"},
		{"too deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), "1:101  tooDeep"},
	} {
		p, got := parseIn(test.text)
		if got != test.want {
			t.Errorf("%s: got\n  %s\nwant\n  %s", test.name, got, test.want)
		}
		if (p == nil) != (test.want != "") {
			t.Errorf("%s: got %+v", test.name, p)
		}
	}
}

// padded is a policy of so many bytes.
func padded(text string, size int) string { return text + "#" + strings.Repeat("x", size-len(text)-1) }

// TestNotSupported says that a later version may.
func TestNotSupported(t *testing.T) {
	_, problems := Parse([]byte(header+"rules: [{images: r.io/a, signers: [{name: a, issuer: https://i}]}]"), ".")
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "issuer is not supported yet") {
		t.Errorf("got %v", problems)
	}
}

func publicPEM(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestKeys has keys that are taken, and that are not.
func TestKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	if err != nil {
		t.Skip("no RSA key of 1024 bits can be made: ", err)
	}
	odd, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := string(fixture(t, "p256.pub"))
	for _, test := range []struct{ name, text, want string }{
		{"good", good, ""},
		{"blank lines", "\n" + good + "\n\n", ""},
		{"RSA of 1024 bits", publicPEM(t, small.Public()), "1024 bits"},
		{"P-224", publicPEM(t, odd.Public()), "P-224"},
		{"two", good + good, "follows"},
		{"a rest", good + "x", "follows"},
		{"another block", strings.ReplaceAll(good, "PUBLIC KEY", "PRIVATE KEY"), "no PUBLIC KEY"},
		{"empty block", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "no public key"},
	} {
		_, err := parseKey([]byte(test.text))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		quoted, _ := json.Marshal(test.text)
		_, problems := parseIn(header + "rules: [{images: r.io/a, signers: [{name: a, key: " + string(quoted) + "}]}]")
		if (problems == "") != (test.want == "") {
			t.Errorf("%s, inline: got %s", test.name, problems)
		}
	}
}

// TestLoad reads policies from files: a file that can't be read is never no policy.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("release.pub", string(fixture(t, "p256.pub")))
	good := put("good.yaml", header+"rules: [{images: '**', signers: [{name: release, key: release.pub}]}]")
	p, err := Load(good)
	if err != nil {
		t.Fatal(err)
	}
	if rule := p.For(mustParseReference(t, "r.io/a")); rule.File != good || len(rule.SHA256) != 64 {
		t.Errorf("got %+v", rule)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(dir, "none"), dir, pipe, "/dev/zero", put("large", strings.Repeat("#", MaxPolicySize+1)), ""} {
		if p, err := Load(name); err == nil || p != nil {
			t.Errorf("%q: got %v, %v", name, p, err)
		}
	}
	_, err = Load(put("bad.yaml", "kind: TrustPolicy\n"))
	var bad *PolicyError
	if !errors.As(err, &bad) || len(bad.Problems) != 2 || !strings.Contains(err.Error(), "bad.yaml") {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{filepath.Join(dir, "none"), pipe, good, ""} {
		if p, err := LoadKeys([]string{filepath.Join(dir, "release.pub"), name}); err == nil || p != nil {
			t.Errorf("key %q: got %v, %v", name, p, err)
		}
	}
	keys, err := LoadKeys([]string{filepath.Join(dir, "release.pub")})
	if err != nil {
		t.Fatal(err)
	}
	rule := keys.For(artifact.Reference{Layout: "x"})
	if want := fmt.Sprintf("%x", sha256.Sum256(fixture(t, "p256.pub"))); rule.SHA256 != want {
		t.Errorf("got the hash %s, want %s", rule.SHA256, want)
	}
	if signers, err := rule.Verify(fixture(t, "p256.bundle.json"), artifactDigest(t), time.Time{}); err != nil || len(signers) != 1 || signers[0].Name != "release.pub" {
		t.Errorf("got %+v, %v", signers, err)
	}
}

// FuzzPolicy reads policies of anybody: what comes out is none, or one whose rules say something.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(header + "rules: [{images: '**', accept: nothing}]"))
	f.Add([]byte(header + "rules: [{images: '**', signers: [{name: a, issuer: x}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, problems := Parse(data, filepath.Join("testdata", "cosign"))
		if (p == nil) != (problems.Err() != nil) {
			t.Fatalf("got %v, %v", p, problems)
		}
		if p == nil {
			return
		}
		if len(p.Rules) == 0 {
			t.Fatal("a policy without rules")
		}
		for _, r := range p.Rules {
			if (len(r.signers) == 0) == (r.Accept == "") || len(r.signers) != len(r.Signers) || r.Accept == "" && (r.Threshold < 1 || r.Threshold > len(r.signers)) {
				t.Fatalf("got %+v", r)
			}
		}
		for _, ref := range []artifact.Reference{{Registry: "registry.example", Repository: "team/app"}, {Layout: "x"}} {
			if rule := p.For(ref); rule.Anything && rule.Nothing != "" {
				t.Fatalf("got %+v", rule)
			}
		}
	})
}
