package artifact

import (
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

const someDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

func TestParseReference(t *testing.T) {
	for in, want := range map[string]string{
		"registry.example.com/app:1.2":                                "registry.example.com/app:1.2",
		"registry.example.com/app":                                    "registry.example.com/app",
		"registry.example.com:5000/team/app/web:1.2":                  "registry.example.com:5000/team/app/web:1.2",
		"localhost/app":                                               "localhost/app",
		"localhost:5000/app@" + someDigest:                            "localhost:5000/app@" + someDigest,
		"registry.example.com/app:1.2@" + someDigest:                  "registry.example.com/app:1.2@" + someDigest,
		"[::1]:5000/app:1":                                            "[::1]:5000/app:1",
		"127.0.0.1:5000/app:1":                                        "127.0.0.1:5000/app:1",
		"docker.io/nginx":                                             "docker.io/library/nginx",
		"index.docker.io/library/nginx:1":                             "docker.io/library/nginx:1",
		"docker.io/grafana/grafana":                                   "docker.io/grafana/grafana",
		"registry.example.com/a__b/c-d.e:v1_x":                        "registry.example.com/a__b/c-d.e:v1_x",
		"registry.example.com/app@sha512:" + strings.Repeat("ab", 64): "registry.example.com/app@sha512:" + strings.Repeat("ab", 64),
	} {
		got, err := ParseReference(in)
		if err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v, want %s", in, got, err, want)
		}
	}
	if host := (Reference{Registry: "docker.io"}).host(); host != "registry-1.docker.io" {
		t.Errorf("docker.io's API is at %s", host)
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for _, in := range []string{
		"", "/", "registry.example.com/", "registry.example.com/App", "registry.example.com/app:", "registry.example.com/app:a/b",
		"registry.example.com/app@", "registry.example.com/app@sha256:1234", "registry.example.com/app@md5:d41d8cd98f00b204e9800998ecf8427e",
		"https://registry.example.com/app", "docker://registry.example.com/app", "registry.example.com//app",
		"registry.example.com/" + strings.Repeat("a", 256), "registry.example.com/app:" + strings.Repeat("a", 129),
		"registry.example.com/../app", "registry.example.com/app:1 2", "registry.example.com:port/app", "registry.example.com/app\n",
	} {
		var refused *ReferenceError
		if got, err := ParseReference(in); !errors.As(err, &refused) {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"127.0.0.1:6611", "127.0.0.1", "registry.example.com:5000", "localhost", "localhost:5000", "127.0.0.1@" + someDigest, "registry.example.com/", "localhost/", "[::1]:5000", "[::1]"} {
		if _, err := ParseReference(in); err == nil || !strings.Contains(err.Error(), "the repository is missing") {
			t.Errorf("%s: got %v", in, err)
		}
	}
	for _, in := range []string{"::1", "::1/app", "fe80::1/app:1", "2001:db8::1:5000/app", "a:b:c/app"} {
		var refused *ReferenceError
		if _, err := ParseReference(in); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "an IPv6 address in brackets") {
			t.Errorf("%s: got %v", in, err)
		}
	}
	_, err := ParseReference("user:secret@registry.example.com/app")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestShortName(t *testing.T) {
	for in, full := range map[string]string{
		"nginx":                 "docker.io/library/nginx:latest",
		"nginx:1.27":            "docker.io/library/nginx:1.27",
		"quay.io":               "docker.io/library/quay.io:latest",
		"nginx:1@" + someDigest: "docker.io/library/nginx:1@" + someDigest,
		"quay.io:v1":            "docker.io/library/quay.io:v1",
		"grafana/grafana":       "docker.io/grafana/grafana:latest",
		"nginx@" + someDigest:   "docker.io/library/nginx@" + someDigest,
	} {
		_, err := ParseReference(in)
		var short *ShortNameError
		if !errors.As(err, &short) || short.Full != full || short.MayBeHost != strings.Contains(in, ".io") {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

func TestParseLayoutReference(t *testing.T) {
	d := digest.Digest(someDigest)
	for in, want := range map[string]Reference{
		"dir":                     {Layout: "dir"},
		"./a:b/dir":               {Layout: "./a:b/dir"},
		"./dir:1.0":               {Layout: "./dir", Tag: "1.0"},
		"/a/b@" + someDigest:      {Layout: "/a/b", Digest: d},
		"/a/b:1@" + someDigest:    {Layout: "/a/b", Tag: "1", Digest: d},
		"/a/me@example.com/b:1":   {Layout: "/a/me@example.com/b", Tag: "1"},
		"/home/x@y:latest":        {},
		"dir:":                    {},
		":1.0":                    {},
		"":                        {},
		"dir:a b":                 {},
		"dir@sha256:12":           {},
		"dir@" + someDigest + "0": {},
		"a\x00b":                  {},
	} {
		got, err := ParseLayoutReference(in)
		if in == "/home/x@y:latest" {
			// y:latest looks like a digest and is none.
			want = Reference{}
		}
		if got != want || (err == nil) == (want == Reference{}) {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"nginx", "registry.example.com:5000/a/b:1@" + someDigest, "[::1]/a", "docker.io/nginx", "a@b/c", "x.y/z@sha256:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseReference(s)
		if err != nil {
			return
		}
		again, err := ParseReference(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%q: %+v is read as %+v, %v", s, ref, again, err)
		}
		if strings.ContainsAny(ref.String(), " \n?#%") {
			t.Fatalf("%q: %s does not fit into a URL", s, ref)
		}
	})
}

func FuzzParseLayoutReference(f *testing.F) {
	for _, s := range []string{"dir", "a:b/c:1", "x@" + someDigest, ":", "@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseLayoutReference(s)
		if err == nil && ref.String() != s {
			t.Fatalf("%q became %q", s, ref)
		}
	})
}
