package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Bounds on what a dry run answers.
const (
	// MaxObject is for the object that comes back, in bytes; an API server stores none above 1.5 MiB or so.
	MaxObject = 4 << 20
	// maxCauses and maxWarnings are how many causes of a refusal, and warnings, are kept.
	maxCauses   = 50
	maxWarnings = 20
)

// An Admitted is an object as an API server would store it, and what it warns of.
type Admitted struct {
	Object   []byte // JSON
	Warnings []string
}

// A RefusedError says that an API server would not create an object: it is invalid, or a policy, a quota
// or a webhook is against it.
type RefusedError struct {
	Status  int
	Reason  string // of the Status object, such as Invalid or Forbidden; may be ""
	Message string // what the server says, one line
	Causes  []Cause
}

// A Cause is one thing that is wrong with an object.
type Cause struct {
	Field   string // as spec.containers[0].image; "" if the server names none
	Message string
}

// Error says what the server says.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the API server refuses it: %d %s: %s", e.Status, e.Reason, e.Message)
}

// resource is what may stand in a path.
var resource = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`) })

// DryRun asks what would become of an object, JSON, if it were created: validated strictly, with the
// defaults, and after all admission that supports it. Nothing is created: the server is told so with
// every request. collection is as pods, of the group's version in a namespace. The error is a
// *RefusedError where the server is against the object, one of the others where it could not be asked,
// which includes that the user may not create such objects.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
func (c *Client) DryRun(ctx context.Context, apiVersion, namespace, collection string, object []byte) (Admitted, error) {
	query := url.Values{"dryRun": {"All"}, "fieldValidation": {"Strict"}, "fieldManager": {"compat"}}
	return c.post(ctx, apiVersion, namespace, collection, query, object)
}

// warnings are those of the Warning headers: 299 - "text".
// https://kubernetes.io/docs/reference/using-api/deprecation-policy/#rest-resources-aka-api-objects
func warnings(header http.Header) []string {
	var list []string
	for _, value := range header.Values("Warning") {
		_, text, ok := strings.Cut(value, `"`)
		if text = strings.TrimSuffix(strings.TrimSpace(text), `"`); ok && len(list) < maxWarnings {
			list = append(list, clean(strings.ReplaceAll(text, `\"`, `"`)))
		}
	}
	return list
}

// refusal tells a server that is against the object from one that could not be asked.
func refusal(response *http.Response, u *url.URL) error {
	status := &StatusError{Method: http.MethodPost, URL: u.Redacted(), Status: response.StatusCode}
	if response.StatusCode < http.StatusOK { // the body is the connection itself, which no context ends
		return &UnreachableError{Method: http.MethodPost, URL: u.Redacted(), Err: errSwitches}
	}
	if to := response.Header.Get("Location"); to != "" && response.StatusCode < http.StatusBadRequest {
		status.Message = clean("it redirects to " + to + ", which is not followed")
		return status
	}
	data, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // what came is what there is
	var answer struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Reason  string `json:"reason"`
		Details struct {
			Causes []struct {
				Field   string `json:"field"`
				Message string `json:"message"`
			} `json:"causes"`
		} `json:"details"`
	}
	if json.Unmarshal(data, &answer) != nil || answer.Kind != "Status" {
		status.Message = clean(string(data))
		return status
	}
	status.Message = clean(answer.Message)
	if !refuses(response.StatusCode, answer.Message) {
		return status
	}
	refused := &RefusedError{Status: response.StatusCode, Reason: clean(answer.Reason), Message: status.Message}
	for _, cause := range answer.Details.Causes {
		if len(refused.Causes) < maxCauses {
			refused.Causes = append(refused.Causes, Cause{Field: clean(cause.Field), Message: clean(cause.Message)})
		}
	}
	if len(refused.Causes) == 0 {
		for _, field := range strict().FindAllStringSubmatch(answer.Message, maxCauses) {
			refused.Causes = append(refused.Causes, Cause{Field: clean(field[2]), Message: field[1] + " field"})
		}
	}
	return refused
}

// strict is how a server names fields that it does not know, or that are there twice, which it says in its
// message alone:
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/runtime/error.go
var strict = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(unknown|duplicate) field "([^"]+)"`) })

// notAllowed is how an authorizer refuses a user, with the same status as a policy refuses an object:
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
var notAllowed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`User "[^"]*" cannot create resource "`) })

// noDryRun is how a server says that a webhook could have side effects, so that it was not called: what
// it would have said is not known.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go
const noDryRun = "does not support dry run"

// refuses reports whether an answer is about the object, and not about the one who asks, the server, or a
// namespace that is yet to be created.
func refuses(status int, message string) bool {
	switch status {
	case http.StatusForbidden:
		return !notAllowed().MatchString(message)
	case http.StatusBadRequest:
		return !strings.Contains(message, noDryRun)
	case http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
