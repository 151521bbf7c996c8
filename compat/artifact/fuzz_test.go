package artifact

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

func seeds(f *testing.F) []string {
	f.Helper()
	m, err := json.Marshal(registrytest.Artifact(ocispec.Descriptor{Digest: someDigest}, []byte(specA), "2026-01-01T00:00:00Z"))
	if err != nil {
		f.Fatal(err)
	}
	entry := `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + someDigest + `","size":2,` +
		`"artifactType":"` + spec.ArtifactType + `","platform":{"os":"linux","architecture":"amd64"}}`
	return []string{
		string(m), `{}`, `null`, `[]`, `{"schemaVersion":2}`,
		`{"schemaVersion":2,"manifests":[` + entry + `,` + strings.Replace(entry, "amd64", "unknown", 1) + `]}`,
		`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"digest":"sha256:x"}]}`,
		`{"schemaVersion":2,"manifests":null,"config":{}}`,
	}
}

// FuzzDocument reads manifests and indexes, and picks from what it gets.
func FuzzDocument(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s), ocispec.MediaTypeImageIndex)
	}
	f.Fuzz(func(t *testing.T, raw []byte, declared string) {
		doc, err := parseDocument(Item{What: whatImage}, raw, declared, digest.Canonical)
		if err != nil {
			wantCode(t, err, CodeMalformedImage)
			return
		}
		if doc.Digest != digest.FromBytes(raw) || doc.isIndex() == isManifestType(doc.MediaType) {
			t.Fatalf("got %+v", doc.Descriptor)
		}
		images := contentsOf(doc).images
		if len(platformsOf(images)) > len(images) {
			t.Fatal("more platforms than images")
		}
		if d := (Selector{Platform: amd64}).Choose(images).Entry; d != nil && d.Digest.Validate() != nil {
			t.Fatalf("picked %+v", d)
		}
	})
}

// FuzzReferrers reads pages of referrers.
func FuzzReferrers(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s), ocispec.MediaTypeImageIndex)
	}
	f.Fuzz(func(t *testing.T, raw []byte, contentType string) {
		entries, err := parseReferrers(Item{What: whatReferrers}, raw, contentType)
		if err != nil {
			wantCode(t, err, CodeMalformedReferrers)
			return
		}
		c := collector{keep: isArtifact, most: MaxArtifacts}
		if err := c.add(Item{What: whatReferrers}, entries); err != nil {
			return
		}
		var l Listing
		l.add(referrers{Descriptors: c.ours}, someDigest, OnIndex)
		for _, a := range l.Artifacts {
			if a.Descriptor.Digest.Validate() != nil || len(a.Created) > 80 || strings.ContainsAny(a.Created, "\x1b\n") {
				t.Fatalf("got %+v", a)
			}
		}
	})
}

// FuzzRawIndex edits indexes, and finds everything again that was there before.
func FuzzRawIndex(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ix, err := parseRawIndex(Item{What: whatTag}, raw)
		if err != nil {
			return
		}
		before := len(ix.entries)
		added, err := ix.add(ocispec.Descriptor{Digest: digest.FromString("new"), MediaType: ocispec.MediaTypeImageManifest})
		if err != nil {
			t.Fatal(err)
		}
		out, err := ix.encode(Item{What: whatTag})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRawIndex(Item{What: whatTag}, out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if added && len(again.entries) != before+1 || !again.has(digest.FromString("new")) {
			t.Fatalf("%q became %q", raw, out)
		}
		for i, e := range ix.entries[:before] {
			if !sameJSON(e.raw, again.entries[i].raw) {
				t.Fatalf("%q became %q", e.raw, again.entries[i].raw)
			}
		}
		if again.drop(digest.FromString("new")); again.has(digest.FromString("new")) {
			t.Fatal("not dropped")
		}
	})
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// FuzzLink finds the next page in Link headers, and never one on another host.
func FuzzLink(f *testing.F) {
	for _, s := range []string{
		`</v2/a/referrers/x?page=2>; rel="next"`, `<a>; rel=prev, <b>;rel=next`, `<`, `<>;rel=next`, `<a>;title="x, <y>; rel=next"`,
		`<http://other/>; rel=next`, `<//other/>; rel=next`, `<:>;rel=next`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		link := nextLink([]string{header})
		if link == "" {
			return
		}
		next, err := nextPage("https://registry.example.com/v2/app/referrers/x?artifactType=y", link)
		if err != nil {
			return
		}
		u, err := url.Parse(next)
		if err != nil || u.Scheme != "https" || u.Host != "registry.example.com" || u.User != nil {
			t.Fatalf("%q leads to %q, %v", header, next, err)
		}
	})
}

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		`</b>; rel="next"`:                               "/b",
		`</b>;rel=next`:                                  "/b",
		`</b>; REL="prev next"`:                          "/b",
		`</a>; rel=prev, </b>; rel=next`:                 "/b",
		`</a>; title="x, <y>; rel=next", </b>; rel=next`: "/b",
		`</a>; rel=last`:                                 "",
		`</a>`:                                           "",
		`rel=next`:                                       "",
		`</a; rel=next`:                                  "",
	} {
		if got := nextLink([]string{header}); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
	if got := nextLink([]string{"<a>; rel=first", "<b>; rel=next"}); got != "b" {
		t.Errorf("two headers: got %q", got)
	}
}

// FuzzText makes whatever a server says fit for a terminal.
func FuzzText(f *testing.F) {
	f.Add("a\x1b[31mb\nc\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s, maxServerText)
		if len(got) > maxServerText+4 || strings.ContainsAny(got, "\x1b\n\r\x00\u202e") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
