//go:build integration

package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Specs whose outcome is certain on any Linux machine.
const (
	integrationMatching = `version: v1alpha1
compatibilities:
- description: any Linux machine
  tag: any
  weight: 50
  rules:
  - name: kernel is known
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        full: {op: Exists}
        major: {op: Gt, value: ["2"]}
  - name: no invented CPU flag
    matchFeatures:
    - feature: cpu.cpuid
      matchExpressions:
        NO_SUCH_FLAG: {op: DoesNotExist}
`
	integrationFailing = `version: v1alpha1
compatibilities:
- description: no machine yet
  tag: future
  rules:
  - name: kernel of another age
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        major: {op: Gt, value: ["999"]}
`
	// integrationOther matches too, and is another spec.
	integrationOther = `# another spec
version: v1alpha1
compatibilities:
- description: any Linux machine, said otherwise
  rules:
  - name: kernel is known
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        major: {op: Exists}
`
)

// The media types of NFD's image compatibility artifacts, spelt out here: this
// is what others read and write
// (https://kubernetes-sigs.github.io/node-feature-discovery/v0.19/usage/image-compatibility).
const (
	integrationArtifactType = "application/vnd.nfd.image-compatibility.v1alpha1"
	integrationSpecType     = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"
)

// An integrationSession has the programs, each without the credentials of
// whoever runs the test, and a folder to work in.
type integrationSession struct {
	dir    string
	compat integrationProgram
	oras   integrationProgram
	nfd    integrationProgram
	server integrationServer
}

func newIntegrationSession(t *testing.T, server integrationServer) integrationSession {
	t.Helper()
	dir := t.TempDir()
	program := func(path string) integrationProgram {
		return integrationProgram{path: path, dir: dir, env: []string{"HOME=" + dir, "DOCKER_CONFIG=" + filepath.Join(dir, "docker")}}
	}
	return integrationSession{
		dir:    dir,
		compat: program(integrationBinary(t)),
		oras:   program(integrationTool(t, "oras")),
		nfd:    program(integrationTool(t, "nfd")),
		server: server,
	}
}

// file writes a spec into the session's folder.
func (s integrationSession) file(t testing.TB, spec string) string {
	t.Helper()
	file, err := os.CreateTemp(s.dir, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(spec); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(file.Name())
}

// What scripts read of compat's documents. These are a reader's own types: a
// field that is renamed by mistake is noticed here.
type (
	integrationError struct {
		Code      string
		Message   string
		Hint      string
		Retryable bool
	}
	integrationArtifact struct {
		Digest  string
		Subject string
		On      string
		Created string
	}
	integrationNodeReport struct {
		APIVersion string
		Kind       string
		Verdict    string
		Reasons    []struct{ Code, Message string }
		Images     []struct {
			Reference  string
			Digest     string
			Platform   string
			Verdict    string
			Score      *int
			Artifact   *integrationArtifact
			Candidates []integrationArtifact
			Sets       []struct {
				Verdict string
				Rules   []struct{ Name, Verdict string }
			}
			Error *integrationError
		}
		Error *integrationError
	}
)

// integrationDecode reads the one document that standard output must hold.
func integrationDecode[T any](t testing.TB, r integrationResult) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(bytes.NewReader(r.stdout))
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("standard output is not a JSON document: %v\n%s", err, r)
	}
	if decoder.More() {
		t.Fatalf("standard output holds more than one document\n%s", r)
	}
	return v
}

// validate judges this node for one image and checks that exit code and verdict
// say the same.
func (s integrationSession) validate(t testing.TB, code int, image string, args ...string) integrationNodeReport {
	t.Helper()
	args = append([]string{"validate-node", "--plain-http", "--image", image}, args...)
	r := s.compat.want(t, code, args...)
	report := integrationDecode[integrationNodeReport](t, r)
	verdicts := map[int]string{0: "compatible", 1: "unknown", 3: "incompatible", 4: "unknown"}
	if report.Kind != "NodeReport" || report.Verdict != verdicts[code] || len(report.Images) != 1 {
		t.Fatalf("want a NodeReport on one image that says %s\n%s", verdicts[code], r)
	}
	return report
}

// inEffect is the digest of the artifact that validate-node used.
func (s integrationSession) inEffect(t testing.TB, code int, image string, args ...string) integrationArtifact {
	t.Helper()
	report := s.validate(t, code, image, args...)
	if report.Images[0].Artifact == nil {
		t.Fatalf("no artifact was used for %s: %+v", image, report)
	}
	return *report.Images[0].Artifact
}

// show returns what `compat show` prints.
func (s integrationSession) show(t testing.TB, image string, args ...string) string {
	t.Helper()
	return string(s.compat.want(t, 0, append([]string{"show", "--plain-http", "--image", image}, args...)...).stdout)
}

// orasReferrers lists the compatibility artifacts of an image as the real oras
// sees them, sorted.
func (s integrationSession) orasReferrers(t testing.TB, image string, args ...string) []string {
	t.Helper()
	args = append([]string{"discover", "--plain-http", "--format=json", "--artifact-type", integrationArtifactType, image}, args...)
	listing := integrationDecode[struct {
		Referrers []struct{ Digest, ArtifactType string }
	}](t, s.oras.want(t, 0, args...))
	digests := []string{}
	for _, r := range listing.Referrers {
		if r.ArtifactType == integrationArtifactType {
			digests = append(digests, r.Digest)
		}
	}
	slices.Sort(digests)
	return digests
}

// integrationOrasAttach attaches a spec as an author without compat does, and
// returns the artifact's digest.
func integrationOrasAttach(t testing.TB, image string, spec []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "spec.yaml"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	oras := integrationProgram{path: integrationTool(t, "oras"), dir: dir, env: []string{"HOME=" + dir, "DOCKER_CONFIG=" + dir}}
	r := oras.want(t, 0, "attach", "--plain-http", "--format=json", "--artifact-type="+integrationArtifactType,
		image, "spec.yaml:"+integrationSpecType)
	return integrationDecode[struct{ Digest string }](t, r).Digest
}

// nfdMatches is what `nfd compat validate-node` says of each rule, by name.
func (s integrationSession) nfdMatches(t testing.TB, image string, args ...string) map[string]bool {
	t.Helper()
	args = append([]string{"compat", "validate-node", "--plain-http", "--output-json", "--image", image}, args...)
	sets := integrationDecode[[]struct {
		Rules []struct {
			Name    string
			IsMatch bool
		}
	}](t, s.nfd.want(t, 0, args...))
	matches := map[string]bool{}
	for _, set := range sets {
		for _, rule := range set.Rules {
			matches[rule.Name] = rule.IsMatch
		}
	}
	return matches
}
