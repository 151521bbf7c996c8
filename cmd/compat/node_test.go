package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKubeletURLs asks a kubelet as its read-only port is asked: over plain HTTP,
// without credentials. That port serves /metrics but neither /configz nor
// /flagz.
func TestKubeletURLs(t *testing.T) {
	metrics, err := os.ReadFile("../../nodefeatures/kubelet/testdata/v1.28.15-gate-off/kubelet-metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	kubelet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept := r.Header.Get("Accept")
		switch {
		case r.URL.Path == "/metrics":
			_, _ = w.Write(metrics)
		case r.URL.Path == "/flagz" && strings.Contains(accept, "as=Flagz") && strings.Contains(accept, "text/plain"):
			_, _ = w.Write([]byte(`{"kind":"Flagz","apiVersion":"config.k8s.io/v1beta1","metadata":{"name":"kubelet"},"flags":{"config":"","feature-gates":"SidecarContainers=false"}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(kubelet.Close)
	for _, tt := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"--kubelet-metrics", kubelet.URL + "/metrics"}, 3, []string{`"code": "GATE_OFF"`, `"source": "metrics"`, `"version": "v1.28.15"`}},
		{[]string{"--kubelet-flagz", kubelet.URL + "/flagz", "--kubelet-version", "v1.30.4"}, 3, []string{`"code": "GATE_OFF"`, `"source": "flagz"`, `"assumed": false`}},
		{[]string{"--kubelet-configz", kubelet.URL + "/configz"}, 1, []string{`"code": "notFound"`}},
	} {
		var out, stderr bytes.Buffer
		code := run(t.Context(), process{
			args: append([]string{"validate-node", "--require", "native-sidecars"}, tt.args...),
			in:   strings.NewReader(""), out: &out, err: &stderr,
			lookupEnv: func(string) (string, bool) { return "", false },
			hostname:  func() (string, error) { return "vm", nil },
			now:       func() time.Time { return time.Unix(1790000000, 0) },
		})
		if code != tt.code {
			t.Errorf("%v: exit code %d\n%s", tt.args, code, stderr.String())
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: %s is not in\n%s", tt.args, want, out.String())
			}
		}
	}
}
