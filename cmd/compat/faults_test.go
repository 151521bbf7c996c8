package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/golden"

	"nodecompat/nodefeatures/verdict"

	"nodecompat/compat/report"
)

// A faultCase is one command against a registry that does one thing wrong.
type faultCase struct {
	command string
	fault   namedFault
	kind    registrytest.Kind
	// part tells blobs apart: "spec", "configuration" or "new spec".
	part string
}

// A namedFault is a misbehaviour with what a test has to know about it.
type namedFault struct {
	name  string
	do    registrytest.Misbehaviour
	times int
	// ends: nothing but the timeout ends the run.
	ends bool
	// resets: the connection breaks off before an answer.
	resets bool
}

func (c faultCase) String() string {
	return fmt.Sprintf("%s, %s, %s", c.command, strings.TrimSpace(string(c.kind)+" "+c.part), c.fault.name)
}

// timeout is the time that the command is given.
func (c faultCase) timeout() time.Duration {
	switch {
	case c.fault.ends:
		return 1500 * time.Millisecond
	case c.kind == registrytest.KindFallback, c.kind == registrytest.KindTagPut:
		return 8 * time.Second
	default:
		return 6 * time.Second
	}
}

// TestFaults runs the commands against registries that misbehave, and pins what each has to say:
// exit code, error code, message, hint, number of requests of the kind that went wrong. All must end in
// time, with one JSON document. The network is in memory and the clock the bubble's.
func TestFaults(t *testing.T) {
	for _, command := range []string{"validate-node", "discover", "attach", "detach"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for i, c := range faultCases(command) {
				if i > 0 {
					b.WriteString("\n")
				}
				synctest.Test(t, func(t *testing.T) { b.WriteString(c.record(t)) })
			}
			golden.Compare(t, "testdata/faults/"+command+".txt", []byte(b.String()))
		})
	}
}

// TestTimeout: there is one --timeout for the whole command, and a registry that uses it up does not
// take away the time to judge what is known.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &registrytest.Network{}
		hang := namedFault{do: registrytest.Hang, ends: true}
		r := newFaultyRegistry(t, faultCase{"validate-node", hang, registrytest.KindReferrers, ""}, network)
		code, stdout, stderr := r.run(t, network, "--spec", tempFile(t, strings.Replace(anyKernel, `"2"`, `"99"`, 1)))
		for _, want := range []string{`"code": "timeout"`, `"verdict": "incompatible"`} {
			if !bytes.Contains(stdout, []byte(want)) {
				t.Errorf("%s is not in\n%s", want, stdout)
			}
		}
		if code != exitIncompatible || !bytes.Contains(stderr, []byte(r.Host()+"/app:1.0")) {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
	})
}

// record makes one run and describes it for the golden file.
func (c faultCase) record(t *testing.T) string {
	network := &registrytest.Network{}
	elsewhere := &httptest.Server{Listener: network.Listen(elsewherePort), Config: &http.Server{Handler: http.NotFoundHandler()}}
	elsewhere.Start()
	t.Cleanup(elsewhere.Close)
	r := newFaultyRegistry(t, c, network)
	begin := time.Now()
	code, stdout, stderr := r.run(t, network)
	took := time.Since(begin) // by the bubble's clock: no machine is too slow
	if took > c.timeout()+time.Second/4 {
		t.Errorf("%s: took %s", c, took)
	}
	count := strconv.Itoa(r.count())
	if r.random(took) {
		count = "a few"
	}
	return r.describe(t, code, count, stdout, stderr)
}

// A faultyRegistry has an image and one artifact on it.
type faultyRegistry struct {
	*registrytest.Registry
	faultCase
	names map[string]string // digests, by what they are
	args  []string          // of the run
}

const faultPassword = "pa55word-of-ci"

// otherKernel is another spec that every Linux node meets.
const otherKernel = "# another\n" + anyKernel

func newFaultyRegistry(t *testing.T, c faultCase, network *registrytest.Network) faultyRegistry {
	t.Helper()
	r := faultyRegistry{faultCase: c, names: map[string]string{}}
	o := registrytest.Options{
		Network:       network,
		LaxReferences: true,
		NoReferrers:   c.kind == registrytest.KindFallback || c.kind == registrytest.KindTagPut,
		Intercept:     delay,
	}
	if c.kind == registrytest.KindToken {
		o.Auth, o.Username, o.Password = registrytest.AuthBearer, "ci", faultPassword
	}
	r.Registry = registrytest.New(t, o)
	image := r.PushImage(t, "app", "1.0", ocispec.Platform{OS: "linux", Architecture: "amd64"})
	raw, _ := r.Manifest(t, "app", "1.0")
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	attached := r.PushArtifact(t, "app", image, []byte(anyKernel), "1999-01-01T00:00:00Z") // the clock of a bubble starts in 2000
	r.names[image.Digest.String()] = "image"
	r.names[manifest.Config.Digest.String()] = "configuration"
	r.names[attached.Digest.String()] = "artifact"
	r.names[digest.FromString(anyKernel).String()] = "spec"
	r.names[digest.FromString(otherKernel).String()] = "new spec"
	if c.kind == registrytest.KindUpload { // whichever fails first
		r.names[digest.FromString(otherKernel).String()] = "new blob"
		r.names[ocispec.DescriptorEmptyJSON.Digest.String()] = "new blob"
	}
	r.Fail(registrytest.Fault{On: c.kind, Times: c.fault.times, Do: c.fault.do, Only: r.only})
	r.args = []string{c.command, "--plain-http", "--image", r.Host() + "/app:1.0", "-o", "json"}
	switch c.command {
	case "attach":
		r.args = append(r.args, tempFile(t, otherKernel))
	case "detach":
		r.args = append(r.args, "--all")
	case "validate-node":
		r.args = append(r.args, "--features", "../../testdata/nodes/node-a.json")
	}
	if c.kind == registrytest.KindToken {
		r.args = append(r.args, "--registry-config", tempFile(t, fmt.Sprintf(`{"auths":{%q:{"username":"ci","password":%q}}}`, r.Host(), faultPassword)))
	}
	return r
}

// delay makes requests take some time, and a HEAD more than the upload that is made beside it: the
// clock, not the scheduler, says which of them ends first.
func delay(_ http.ResponseWriter, req *http.Request) bool {
	time.Sleep(time.Microsecond)
	if req.Method == http.MethodHead {
		time.Sleep(time.Microsecond)
	}
	return false
}

func tempFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs the command with more arguments in process.
func (r faultyRegistry) run(t *testing.T, network *registrytest.Network, more ...string) (code int, stdout, stderr []byte) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), process{
		args: append(append(r.args, "--timeout", r.timeout().String()), more...),
		in:   strings.NewReader(""), out: &out, err: &err,
		lookupEnv: func(name string) (string, bool) { return "1790000000", name == "SOURCE_DATE_EPOCH" },
		hostname:  func() (string, error) { return "vm", nil },
		now:       time.Now,
		dial:      network.Dial,
	})
	return code, out.Bytes(), err.Bytes()
}

// only picks the requests that the fault is for.
func (r faultyRegistry) only(req *http.Request) bool {
	if r.part == "" {
		return true
	}
	for d, name := range r.names {
		if name == r.part {
			return strings.HasSuffix(req.URL.Path, d) || req.URL.Query().Get("digest") == d
		}
	}
	return false
}

// count is the number of requests that the fault was for.
func (r faultyRegistry) count() int {
	if r.kind == registrytest.KindToken {
		return len(r.TokenRequests())
	}
	n := 0
	for _, request := range r.Requests() {
		req := &http.Request{Method: request.Method, URL: request.URL(r.URL())}
		if registrytest.KindOf(req) == r.kind && r.only(req) {
			n++
		}
	}
	return n
}

// random reports whether the number of requests may differ from run to run.
func (r faultyRegistry) random(took time.Duration) bool {
	switch {
	case r.fault.resets && (r.command == "validate-node" || r.kind == registrytest.KindBlobCheck):
		return true // net/http sends again what was lost on a connection that was open, which one of two requests at a time gets
	default:
		return r.count() > 1+artifact.MaxRetries && took > r.timeout()/2 // random waits, until there is no time for another
	}
}

// describe turns what a run printed into lines that are the same each time.
func (r faultyRegistry) describe(t *testing.T, code int, count string, stdout, stderr []byte) string {
	t.Helper()
	var report struct {
		Error    *report.Error
		Warnings []verdict.Reason
	}
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	if err := decoder.Decode(&report); err != nil || decoder.More() {
		t.Errorf("%s: standard output is not one JSON document: %v\n%s\n%s", r, err, stdout, stderr)
	}
	for _, word := range []string{"panic", "goroutine", faultPassword} {
		if bytes.Contains(stdout, []byte(word)) || bytes.Contains(stderr, []byte(word)) {
			t.Errorf("%s: the output holds %q\n%s", r, word, stderr)
		}
	}
	if (code == exitFailure) != (report.Error != nil) {
		t.Errorf("%s: exit code %d with the error %+v", r, code, report.Error)
	}
	count += " of " + string(r.kind)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r)
	if e := report.Error; e != nil {
		fmt.Fprintf(&b, "  exit %d, %s, retryable %v, %s\n  %s\n", code, e.Code, e.Retryable, count, e.Message)
		fmt.Fprintf(&b, "  hint: %s\n", cmp.Or(e.Hint, "NONE"))
		if !bytes.Contains(stderr, []byte(e.Message)) {
			t.Errorf("%s: standard error lacks the message\n%s", r, stderr)
		}
	} else {
		fmt.Fprintf(&b, "  exit %d, %s\n", code, count)
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(&b, "  warning: %s: %s\n", w.Code, w.Message)
	}
	return r.normalise(b.String())
}

var (
	anyDigest     = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	anyTag        = regexp.MustCompile(`sha256-[0-9a-f]{64}`)
	lost          = regexp.MustCompile(`EOF|http: server closed idle connection|io: read/write on closed pipe`)
	otherLoopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// normalise replaces addresses, digests, and the ways in which the end of a connection is noticed.
func (r faultyRegistry) normalise(text string) string {
	text = strings.ReplaceAll(text, r.Host(), "HOST")
	for d, name := range r.names {
		text = strings.ReplaceAll(text, d, "<"+name+">")
	}
	text = anyTag.ReplaceAllString(anyDigest.ReplaceAllString(text, "<another digest>"), "<referrers tag>")
	return otherLoopback.ReplaceAllString(lost.ReplaceAllString(text, "(connection lost)"), "OTHER")
}
