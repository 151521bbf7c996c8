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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
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

// policy writes one by which the author's artifacts count for a time, in whatever repository.
func (s integrationTrust) policy(name, maxAge string) {
	s.t.Helper()
	s.write(name, []byte("apiVersion: compat/v1alpha1\nkind: TrustPolicy\nrules:\n- images: \"**\"\n  signers: [{name: author, key: author.pub}]\n  maxAge: "+maxAge+"\n"))
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

// another is another image in the repository.
func (s integrationTrust) another(tag string) integrationTrust {
	s.t.Helper()
	s.subject = s.repository.image(s.t, tag, "trust "+tag, integrationHost())
	s.image = s.repository.name + ":" + tag
	return s
}

// push attaches manifests as anybody who may push can. Where clients keep the list, it is written once.
func (s integrationTrust) push(referrers bool, to digest.Digest, manifests []ocispec.Manifest, blobs ...[]byte) (entries []ocispec.Descriptor) {
	s.t.Helper()
	for _, blob := range append(blobs, []byte("{}")) {
		s.repository.push(s.t, "application/octet-stream", "", blob)
	}
	for _, m := range manifests {
		d := s.repository.pushJSON(s.t, m.MediaType, "", m)
		d.ArtifactType, d.Annotations = m.ArtifactType, m.Annotations
		entries = append(entries, d)
	}
	if referrers {
		return entries
	}
	tag := registrytest.FallbackTag(to)
	list := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	if _, r, err := s.repository.remote.FetchReference(s.t.Context(), tag); err == nil {
		err = json.NewDecoder(r).Decode(&list)
		if closed := r.Close(); err != nil || closed != nil {
			s.t.Fatal(err, closed)
		}
	}
	list.Manifests = append(list.Manifests, entries...)
	s.repository.pushJSON(s.t, list.MediaType, tag, list)
	return entries
}

// signatures are those that discover lists for an artifact.
func (s integrationTrust) signatures(artifact string) []digest.Digest {
	s.t.Helper()
	r := s.compat.want(s.t, 0, "discover", "--plain-http", "-o", "json", s.image)
	found := integrationDecode[struct {
		Subjects []struct {
			Artifacts []struct {
				Digest     string
				Signatures []struct{ Digest digest.Digest }
			}
		}
	}](s.t, r)
	var list []digest.Digest
	for _, a := range found.Subjects[0].Artifacts {
		for _, signature := range a.Signatures {
			if a.Digest == artifact {
				list = append(list, signature.Digest)
			}
		}
	}
	return list
}

// manifest reads one.
func (s integrationTrust) manifest(d digest.Digest) (m ocispec.Manifest) {
	s.t.Helper()
	_, r, err := s.repository.remote.FetchReference(s.t.Context(), d.String())
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // it was only read
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// wants runs validate-node with the policy.
func (s integrationTrust) wants(what string, code int, inEffect string, args ...string) {
	s.t.Helper()
	r := s.compat.run(s.t, slices.Concat([]string{"validate-node", "--plain-http", "--timeout=2m", "--trust-policy", "policy.yaml", s.image}, args)...)
	report := integrationDecode[integrationNodeReport](s.t, r)
	got := ""
	if a := report.Images[0].Artifact; a != nil {
		got = a.Digest
	}
	if r.code != code || got != inEffect {
		s.t.Errorf("%s: exit code %d, artifact %q, want %d, %q: %+v", what, r.code, got, code, inEffect, report.Reasons)
	}
}

// integrationTrustServers are two registries without the referrers API and one with it.
func integrationTrustServers() []integrationServer {
	return []integrationServer{
		{name: "olareg", command: integrationOlareg("--api-delete"), referrers: true, deletes: true},
		{name: "distribution", command: integrationDistribution(integrationDistributionDeletes), deletes: true},
		{name: "debian", command: integrationDebian, deletes: true},
	}
}

// TestIntegrationTrust signs with cosign's own code on three registries, and goes through what an attacker
// can do who may push.
func TestIntegrationTrust(t *testing.T) {
	integrationCosign(t)
	for _, server := range integrationTrustServers() {
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
			s.policy("short.yaml", "1ms")
			s.compat.want(t, 4, "validate-node", "--plain-http", "--trust-policy", "short.yaml", s.image)

			// Evidence of the verdict, signed by cosign with another key, is none of the artifact's.
			predicate := s.compat.want(t, 0, "validate-node", "--plain-http", "--trust-policy", "policy.yaml", "-o", "predicate", s.image)
			s.write("verdict.json", predicate.stdout)
			about := []string{"--type", report.PredicateType, s.repository.name + "@" + s.subject.Digest.String()}
			s.csign.want(t, 0, slices.Concat([]string{"attest", "--key", "stranger.key", "--predicate", "verdict.json"}, about)...)
			s.wants("a signed verdict", 0, a)
			evidence := integrationDecode[struct{ Predicate report.VerdictPredicate }](t, s.csign.want(t, 0, append([]string{"verify-attestation", "--key", "stranger.pub"}, about...)...))
			if p := evidence.Predicate; p.Verdict != verdict.Compatible || len(p.Images) != 1 || p.Images[0].ArtifactDigest != a || p.PolicySHA256 == "" {
				t.Errorf("the verdict that was signed: %+v", p)
			}
			s.csign.want(t, 1, append([]string{"verify-attestation", "--key", "author.pub"}, about...)...)
		})
	}
}

// TestIntegrationTrustAttacks floods an image whose artifact cosign's own code signed, replays its
// signature and takes it away.
func TestIntegrationTrustAttacks(t *testing.T) {
	integrationCosign(t)
	for _, server := range integrationTrustServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			host := server.start(t)
			proxy := integrationKillerFor(t, host) // which only counts here
			s := newIntegrationTrust(t, host, "app")
			s.policy("policy.yaml", "1h")
			if err := s.repository.remote.SetReferrersCapability(true); err != nil { // the list is written by the test
				t.Fatal(err)
			}
			count := func(args ...string) int {
				before, image := proxy.count.Load(), strings.Replace(s.image, host, proxy.host, 1)
				s.compat.run(t, append([]string{"validate-node", "--plain-http", "--timeout=2m", image}, args...)...)
				return int(proxy.count.Load() - before)
			}
			trusted := "--trust-policy=policy.yaml"
			a := s.attach("good.yaml")
			s.sign("author", a)
			s.wants("signed", 0, a)
			if n := count(trusted) - count(); n != 3 {
				t.Errorf("a trusted artifact costs %d requests more, want 3", n)
			}

			// The signature of one artifact on another.
			replayed := s.manifest(s.signatures(a)[0])
			newer := s.push(server.referrers, s.subject.Digest, []ocispec.Manifest{registrytest.Artifact(s.subject, []byte(integrationFailing), integrationSoon(0))}, []byte(integrationFailing))[0]
			replayed.Subject = &ocispec.Descriptor{MediaType: newer.MediaType, Digest: newer.Digest, Size: newer.Size}
			s.push(server.referrers, newer.Digest, []ocispec.Manifest{replayed})
			s.wants("a replayed signature", 0, a)

			// 1,000 newer artifacts that nobody signed.
			var crowd []ocispec.Manifest
			for i := range 1000 {
				crowd = append(crowd, registrytest.Artifact(s.subject, []byte(integrationFailing), integrationSoon(1+i)))
			}
			before := count(trusted)
			s.push(server.referrers, s.subject.Digest, crowd)
			n := count(trusted)
			s.wants("1,000 newer artifacts that nobody signed", 0, a)
			if t.Logf("1,000 newer unsigned artifacts: %d requests, %d before", n, before); n > before+1000+16 {
				t.Errorf("%d requests, and %d without them", n, before)
			}

			// 2,000 signatures of nobody on a newer artifact.
			s = s.another("v2")
			s.sign("author", s.attach("good.yaml"))
			newer = s.push(server.referrers, s.subject.Digest, []ocispec.Manifest{registrytest.Artifact(s.subject, []byte(integrationFailing), integrationSoon(0))})[0]
			junk := []byte(`{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}`)
			var signatures []ocispec.Manifest
			for i := range 2000 {
				m := registrytest.Signature(newer, junk)
				m.Annotations["junk"] = strconv.Itoa(i)
				signatures = append(signatures, m)
			}
			s.push(server.referrers, newer.Digest, signatures, junk)
			s.wants("2,000 signatures of nobody", 4, "")
			s.wants("2,000 signatures of nobody, whatever a missing one means", 4, "", "--missing=compatible", "--strict")
			n = count(trusted) - count()
			if t.Logf("2,000 signatures of nobody: %d requests more", n); n > 202 {
				t.Errorf("2,000 signatures of nobody cost %d requests, want at most 202", n)
			}

			// Without its signature an artifact is none.
			s = s.another("v3")
			c := s.attach("good.yaml")
			s.sign("author", c)
			s.wants("signed", 0, c)
			for _, d := range s.signatures(c) {
				if err := s.repository.remote.Delete(t.Context(), ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d}); err != nil {
					t.Fatal(err)
				}
			}
			s.wants("stripped", 4, "")
		})
	}
}

// integrationSoon is a date a little ahead, within what clocks may differ.
func integrationSoon(n int) string {
	return time.Now().Add(time.Minute + time.Duration(n)*time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
}
