//go:build integration

package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// envCosign makes the integration target build cosign's signing code, which takes some minutes.
const envCosign = "COMPAT_COSIGN"

// integrationCosign returns csign, which signs with cosign's own code (testdata/tools/csign). It is
// built if COMPAT_COSIGN is 1; otherwise the test is skipped unless it was built before.
func integrationCosign(t testing.TB) string {
	t.Helper()
	root := integrationRoot(t)
	module := filepath.Join(root, "testdata", "tools", "csign")
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	version := ""
	for _, r := range mod.Require {
		if strings.HasPrefix(r.Path, "github.com/sigstore/cosign/") {
			version = r.Version
		}
	}
	if version == "" {
		t.Fatal("testdata/tools/csign requires no cosign")
	}
	path := integrationToolPath(root, "csign", version)
	integrationBuilding.Lock()
	defer integrationBuilding.Unlock()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv(envCosign) != "1" {
		t.Skip("cosign's code was not built; " + envCosign + "=1 builds it")
	}
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := integrationBuild(module, partial, "."); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(partial, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// An integrationTrust is a repository whose artifacts real cosign signs.
type integrationTrust struct {
	t             testing.TB
	compat, csign integrationProgram
	repository    integrationRepository
	image         string // by its tag
	subject       ocispec.Descriptor
}

func newIntegrationTrust(t testing.TB, host, name string) integrationTrust {
	t.Helper()
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "DOCKER_CONFIG=" + filepath.Join(dir, "docker")}
	s := integrationTrust{
		t:          t,
		compat:     integrationProgram{path: integrationBinary(t), dir: dir, env: env},
		csign:      integrationProgram{path: integrationCosign(t), dir: dir, env: env},
		repository: integrationOpen(t, host+"/team/"+name, integrationKinds()[0], auth.EmptyCredential),
	}
	s.subject = s.repository.image(t, "v1", "trust "+name, integrationHost())
	s.image = s.repository.name + ":v1"
	for _, key := range []string{"author", "stranger"} {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		s.write(key+".pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		s.csign.want(t, 0, "import-key-pair", "--key", key+".pem", "--output-key-prefix", key)
	}
	s.write("policy.yaml", []byte("apiVersion: compat/v1alpha1\nkind: TrustPolicy\nrules:\n- images: \""+host+"/team/**\"\n  signers: [{name: author, key: author.pub}]\n  maxAge: 8760h\n"))
	s.write("good.yaml", []byte(integrationMatching))
	s.write("bad.yaml", []byte(integrationFailing))
	return s
}

func (s integrationTrust) write(name string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.compat.dir, name), data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// attach attaches with compat, believing nobody but the author, and returns the artifact's digest.
func (s integrationTrust) attach(file string) string {
	s.t.Helper()
	r := s.compat.want(s.t, 0, "attach", "-q", "--plain-http", "--trust-policy", "policy.yaml", s.image, file)
	return strings.TrimSpace(string(r.stdout))
}

// forge attaches a spec as anybody who may push can, with any date.
func (s integrationTrust) forge(file, created string) string {
	s.t.Helper()
	oras := s.compat
	oras.path = integrationTool(s.t, "oras")
	r := oras.want(s.t, 0, "attach", "--plain-http", "--format=json", "--artifact-type="+integrationArtifactType,
		"--annotation=org.opencontainers.image.created="+created, s.image, file+":"+integrationSpecType)
	return integrationDecode[struct{ Digest string }](s.t, r).Digest
}

func (s integrationTrust) sign(key, digest string) {
	s.t.Helper()
	s.csign.want(s.t, 0, "sign", "--key", key+".key", s.repository.name+"@"+digest)
}

// wants runs validate-node with the policy.
func (s integrationTrust) wants(what string, code int, inEffect string) {
	s.t.Helper()
	r := s.compat.run(s.t, "validate-node", "--plain-http", "--trust-policy", "policy.yaml", s.image)
	report := integrationDecode[integrationNodeReport](s.t, r)
	got := ""
	if a := report.Images[0].Artifact; a != nil {
		got = a.Digest
	}
	if r.code != code || got != inEffect {
		s.t.Errorf("%s: exit code %d, artifact %q, want %d, %q: %+v", what, r.code, got, code, inEffect, report.Reasons)
	}
}

// TestIntegrationTrust signs with cosign's own code on three registries, and goes through what an attacker
// can do who may push.
func TestIntegrationTrust(t *testing.T) {
	integrationCosign(t)
	for _, server := range []integrationServer{
		{name: "olareg", command: integrationOlareg("--api-delete"), referrers: true, deletes: true},
		{name: "distribution", command: integrationDistribution(integrationDistributionDeletes), deletes: true},
		{name: "debian", command: integrationDebian, deletes: true},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			host := server.start(t)
			s := newIntegrationTrust(t, host, "app")
			s.wants("nothing attached", 4, "")
			a := s.attach("good.yaml")
			s.wants("unsigned", 4, "")
			s.sign("stranger", a)
			s.wants("signed by a stranger", 4, "")
			s.csign.want(t, 0, "sign", "--key", "author.key", s.repository.name+"@"+s.subject.Digest.String())
			s.wants("a signature of the image", 4, "")
			s.write("scan.json", []byte(`{"scanner":{"result":"REJECTED"}}`))
			s.csign.want(t, 0, "attest", "--key", "author.key", "--predicate", "scan.json", "--type", "https://acme.example/scan/v1", s.repository.name+"@"+a)
			s.wants("a statement of another type", 4, "")
			s.sign("author", a)
			s.wants("signed", 0, a)
			if got := s.attach("good.yaml"); got != a {
				t.Errorf("attaching what is trusted again gave %s, want %s", got, a)
			}

			newer := s.forge("bad.yaml", "2099-01-01T00:00:00Z")
			s.wants("a newer one that nobody signed", 0, a)
			s.sign("stranger", newer)
			s.wants("a newer one that a stranger signed", 0, a)
			s.sign("author", newer)
			s.wants("one from the future that the author was made to sign", 0, a)
			s.sign("author", s.forge("bad.yaml", "2020-01-01T00:00:00Z"))
			s.wants("one that is too old", 0, a)

			b := s.attach("bad.yaml")
			s.wants("a newer one of the author's, not signed yet", 0, a)
			s.sign("author", b)
			s.wants("a newer one of the author's", 3, b)
			s.compat.want(t, 0, "detach", "--plain-http", "--trust-policy", "policy.yaml", "--artifact", b, s.image)
			s.wants("rolled back by who may delete", 0, a)

			// Evidence of the verdict, signed by cosign with another key, is none of the artifact's.
			predicate := s.compat.want(t, 0, "validate-node", "--plain-http", "--trust-policy", "policy.yaml", "-o", "predicate", s.image)
			s.write("verdict.json", predicate.stdout)
			s.csign.want(t, 0, "attest", "--key", "stranger.key", "--predicate", "verdict.json", "--type", "https://compat.invalid/verdict/v1", s.repository.name+"@"+s.subject.Digest.String())
			s.wants("a signed verdict", 0, a)
		})
	}
}
