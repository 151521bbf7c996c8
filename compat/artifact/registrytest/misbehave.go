package registrytest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
)

// Misbehaviour is one way to answer a request wrongly, see [Fault].
type Misbehaviour = func(w http.ResponseWriter, req *http.Request, next http.Handler)

// Status answers with a status and the registry's usual error document; retryAfter, if not "", is
// its Retry-After header.
func Status(status int, retryAfter string) Misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":"FAULT","message":"fault %d"}]}`, status)
	}
}

// Answer does what was asked for, and answers with another status and an empty body.
func Answer(status int) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		record(req, next)
		w.WriteHeader(status)
	}
}

// Switch answers 101 Switching Protocols, and then nothing.
func Switch(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn) // until the other side goes
	_ = conn.Close()
}

// Hang never answers.
func Hang(_ http.ResponseWriter, req *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, req.Body) // without that, the end of the connection goes unnoticed
	<-req.Context().Done()
}

// Reset breaks the connection off without an answer.
func Reset(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// ResetAfter does what was asked for, then breaks the connection off without an answer.
func ResetAfter(_ http.ResponseWriter, req *http.Request, next http.Handler) {
	record(req, next)
	panic(http.ErrAbortHandler)
}

// Drip sends the right answer a byte at a time, ten a second.
func Drip(w http.ResponseWriter, req *http.Request, next http.Handler) {
	answer := record(req, next)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	for _, c := range answer.Body.Bytes() {
		_, _ = w.Write([]byte{c})
		_ = http.NewResponseController(w).Flush()
		select {
		case <-req.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Truncate sends half of the right answer, with the Content-Length of the whole or with none.
func Truncate(withLength bool) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		answer := record(req, next)
		if withLength {
			w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		}
		replay(w, answer, func(b []byte) []byte { return b[:len(b)/2] })
		_ = http.NewResponseController(w).Flush()
		if withLength {
			panic(http.ErrAbortHandler)
		}
	}
}

// Corrupt changes one byte in the middle of the right answer: a letter of some word, so that JSON
// stays JSON.
func Corrupt(w http.ResponseWriter, req *http.Request, next http.Handler) {
	replay(w, record(req, next), func(b []byte) []byte {
		for i := len(b) / 2; i < len(b); i++ {
			if b[i] >= 'a' && b[i] < 'f' {
				b[i]++
				break
			}
		}
		return b
	})
}

// Oversize sends the right answer and spaces behind it, size bytes in all, with a Content-Length or
// without.
func Oversize(size int64, withLength bool) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		answer := record(req, next)
		if withLength {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		replay(w, answer, nil)
		blanks := []byte(strings.Repeat(" ", 64<<10))
		for sent := int64(answer.Body.Len()); sent < size; sent += int64(len(blanks)) {
			if _, err := w.Write(blanks[:min(int64(len(blanks)), size-sent)]); err != nil {
				return
			}
		}
	}
}

// GzipBomb sends little that unpacks to a gigabyte.
func GzipBomb(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
	member := gzipMember()
	for range 1 << 10 {
		if _, err := w.Write(member); err != nil {
			return
		}
	}
}

// gzipMember is 1 MiB of zeros, packed. Members one behind the other are one gzip file.
var gzipMember = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	return b.Bytes()
})

// Header sends the right answer with another value of a header; "" takes it away.
func Header(name, value string) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		answer := record(req, next)
		answer.Header().Del(name)
		if value != "" {
			answer.Header().Set(name, value)
		}
		replay(w, answer, nil)
	}
}

// NoLength sends the right answer in chunks.
func NoLength(w http.ResponseWriter, req *http.Request, next http.Handler) {
	answer := record(req, next)
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
	half := answer.Body.Len() / 2
	_, _ = w.Write(answer.Body.Bytes()[:half])
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write(answer.Body.Bytes()[half:])
}

// Page answers with the status 200 and a body.
func Page(contentType, body string) Misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// RedirectTo sends the request to the same path on another host, or to the target itself if it has
// a path.
func RedirectTo(target string) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
		u, _ := url.Parse(target)
		if u.Path == "" {
			u.Path = req.URL.Path
		}
		http.Redirect(w, req, u.String(), http.StatusTemporaryRedirect)
	}
}

// RedirectLoop sends the request around without end.
func RedirectLoop(w http.ResponseWriter, req *http.Request, _ http.Handler) {
	n, _ := strconv.Atoi(req.URL.Query().Get("n"))
	http.Redirect(w, req, req.URL.Path+"?n="+strconv.Itoa(n+1), http.StatusTemporaryRedirect)
}

// Pages answers with a list of referrers whose next page is what next says for the number of the
// page, from 0.
func Pages(next func(n int) string) Misbehaviour {
	return func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
		n, _ := strconv.Atoi(req.URL.Query().Get("page"))
		w.Header().Set("Link", fmt.Sprintf(`<%s?page=%s>; rel="next"`, req.URL.Path, next(n)))
		writeIndex(w, nil)
	}
}

// Unfiltered sends the right list of referrers, with n entries of other types before it and no word
// about filters.
func Unfiltered(n int) Misbehaviour {
	others, _ := json.Marshal(fillers(n, "application/vnd.example.sbom")) // once: there may be very many
	return func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		var index struct{ Manifests []json.RawMessage }
		_ = json.Unmarshal(record(req, next).Body.Bytes(), &index)
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		_, _ = fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%q,"manifests":%s`, ocispec.MediaTypeImageIndex, bytes.TrimSuffix(others, []byte("]")))
		for _, entry := range index.Manifests {
			_, _ = fmt.Fprintf(w, ",%s", entry)
		}
		_, _ = io.WriteString(w, "]}")
	}
}

// Crowd answers with n entries of our own type that do not exist.
func Crowd(n int) Misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		writeIndex(w, fillers(n, spec.ArtifactType))
	}
}

func fillers(n int, artifactType string) []ocispec.Descriptor {
	list := make([]ocispec.Descriptor, n)
	for i := range list {
		list[i] = ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType, Size: 2,
			Digest:      digest.NewDigestFromBytes(digest.SHA256, sum(i)),
			Annotations: map[string]string{ocispec.AnnotationCreated: "2026-01-01T00:00:00Z"},
		}
	}
	return list
}

func sum(i int) []byte {
	s := sha256.Sum256([]byte(strconv.Itoa(i)))
	return s[:]
}

func writeIndex(w http.ResponseWriter, entries []ocispec.Descriptor) {
	if entries == nil {
		entries = []ocispec.Descriptor{}
	}
	w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
	_ = json.NewEncoder(w).Encode(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: entries,
	})
}
