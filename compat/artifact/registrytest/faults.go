package registrytest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Kind says what a request to a registry or its token service is about.
type Kind string

// The kinds.
const (
	KindResolve   Kind = "resolve"      // GET of a tag's manifest
	KindManifest  Kind = "manifest"     // GET of a manifest by digest
	KindReferrers Kind = "referrers"    // GET of the referrers API
	KindFallback  Kind = "fallback tag" // GET of the tag that stands for the API
	KindBlob      Kind = "blob"         // GET of a blob
	KindBlobCheck Kind = "blob check"   // HEAD of a blob
	KindUpload    Kind = "upload"       // POST that opens an upload
	KindContent   Kind = "content"      // PUT or PATCH of an upload's content
	KindPut       Kind = "manifest put" // PUT of a manifest by digest
	KindTagPut    Kind = "tag put"      // PUT of a manifest under a tag
	KindDelete    Kind = "delete"       // DELETE of a manifest
	KindToken     Kind = "token"        // anything at the token service
	KindOther     Kind = "other"
)

// KindOf tells what a request to a registry is about.
func KindOf(req *http.Request) Kind {
	path := req.URL.Path
	name := path[strings.LastIndexByte(path, '/')+1:]
	reads := req.Method == http.MethodGet
	switch {
	case strings.Contains(path, "/referrers/"):
		return KindReferrers
	case strings.Contains(path, "/blobs/uploads/") && req.Method == http.MethodPost:
		return KindUpload
	case strings.Contains(path, "/blobs/uploads/"):
		return KindContent
	case strings.Contains(path, "/blobs/") && req.Method == http.MethodHead:
		return KindBlobCheck
	case strings.Contains(path, "/blobs/"):
		return KindBlob
	case !strings.Contains(path, "/manifests/"):
		return KindOther
	case req.Method == http.MethodDelete:
		return KindDelete
	case strings.Contains(name, ":") && reads:
		return KindManifest
	case strings.HasPrefix(name, "sha256-") && reads:
		return KindFallback
	case reads:
		return KindResolve
	case strings.Contains(name, ":"):
		return KindPut
	default:
		return KindTagPut
	}
}

// Fault is something that goes wrong with requests of one kind.
type Fault struct {
	On Kind
	// Times is how many requests it happens to, 0 for all. The first ones.
	Times int
	// Only, if set, picks the requests that count.
	Only func(*http.Request) bool
	// Do answers in the place of next, the registry as it is.
	Do func(w http.ResponseWriter, req *http.Request, next http.Handler)
}

// faults has what still goes wrong.
type faults struct {
	mu   sync.Mutex
	list []Fault
	done []int
}

// Fail makes one more thing go wrong from now on. Of several that a request has part in, the one
// that came first happens.
func (r *Registry) Fail(f Fault) { r.faults.add(f) }

func (f *faults) add(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.done = append(f.list, fault), append(f.done, 0)
}

// apply answers a request if a fault is for it.
func (f *faults) apply(kind Kind, w http.ResponseWriter, req *http.Request, next http.Handler) bool {
	f.mu.Lock()
	for i, fault := range f.list {
		if fault.On == kind && (fault.Times == 0 || f.done[i] < fault.Times) && (fault.Only == nil || fault.Only(req)) {
			f.done[i]++
			f.mu.Unlock()
			fault.Do(w, req, next)
			return true
		}
	}
	f.mu.Unlock()
	return false
}

// record runs next and keeps its answer.
func record(req *http.Request, next http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	next.ServeHTTP(w, req)
	return w
}

// replay sends a recorded answer, with another body if change is not nil.
func replay(w http.ResponseWriter, answer *httptest.ResponseRecorder, change func([]byte) []byte) {
	body := answer.Body.Bytes()
	if change != nil {
		body = change(append([]byte{}, body...))
	}
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}
