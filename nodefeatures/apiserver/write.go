package apiserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// MaxLog bounds the log of a container, in bytes: a snapshot has some 100 KB.
const MaxLog = 4 << 20

// Create creates an object, JSON, in a namespace, and returns it as it is stored. The errors are
// those of DryRun. Where it is an *UnreachableError, the object may have been created all the same.
func (c *Client) Create(ctx context.Context, apiVersion, namespace, collection string, object []byte) ([]byte, error) {
	stored, err := c.post(ctx, apiVersion, namespace, collection, url.Values{"fieldManager": {"compat"}}, object)
	return stored.Object, err
}

// post sends an object to the collection of a group's version in a namespace.
func (c *Client) post(ctx context.Context, apiVersion, namespace, collection string, query url.Values, object []byte) (Admitted, error) {
	u, err := c.collection(apiVersion, namespace, collection)
	if err != nil {
		return Admitted{}, err
	}
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(object))
	if err != nil {
		return Admitted{}, &ConfigurationError{What: u.Redacted(), Err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := c.do(request)
	if err != nil {
		return Admitted{}, &UnreachableError{Method: http.MethodPost, URL: u.Redacted(), Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusCreated {
		return Admitted{}, refusal(response, u)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, MaxObject+1))
	switch {
	case err != nil:
		return Admitted{}, &UnreachableError{Method: http.MethodPost, URL: u.Redacted(), Err: err}
	case len(data) > MaxObject:
		return Admitted{}, &TooLargeError{URL: u.Redacted(), Limit: MaxObject}
	}
	return Admitted{Object: data, Warnings: warnings(response.Header)}, nil
}

// Delete deletes an object of a namespace, and in the background what it owns. Containers get no
// time to end. That it is not there is no error.
func (c *Client) Delete(ctx context.Context, apiVersion, namespace, collection, name string) error {
	u, err := c.collection(apiVersion, namespace, collection, name)
	if err != nil {
		return err
	}
	u.RawQuery = url.Values{"gracePeriodSeconds": {"0"}, "propagationPolicy": {"Background"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, u.String(), http.NoBody)
	if err != nil {
		return &ConfigurationError{What: u.Redacted(), Err: err}
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.do(request)
	if err != nil {
		return &UnreachableError{Method: http.MethodDelete, URL: u.Redacted(), Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode < http.StatusOK: // the body is the connection itself, which no context ends
		return &UnreachableError{Method: http.MethodDelete, URL: u.Redacted(), Err: errSwitches}
	case response.StatusCode == http.StatusOK, response.StatusCode == http.StatusAccepted, response.StatusCode == http.StatusNotFound:
		_, _ = io.CopyN(io.Discard, response.Body, maxErrorBody) // so that the connection can be used again
		return nil
	}
	return &StatusError{Method: http.MethodDelete, URL: u.Redacted(), Status: response.StatusCode, Message: message(response)}
}

// PodLog returns what a container of a Pod wrote, up to MaxLog bytes: now, or before it was last
// restarted. It takes the right to get pods/log.
func (c *Client) PodLog(ctx context.Context, namespace, pod, container string, previous bool) ([]byte, error) {
	u, err := c.collection("v1", namespace, "pods", pod, "log")
	if err != nil {
		return nil, err
	}
	query := url.Values{"container": {container}, "limitBytes": {strconv.Itoa(MaxLog + 1)}}
	if previous {
		query.Set("previous", "true")
	}
	u.RawQuery = query.Encode()
	return c.read(ctx, u, MaxLog)
}

// collection is where the objects of a group's version are in a namespace, or one of them.
func (c *Client) collection(apiVersion, namespace string, more ...string) (*url.URL, error) {
	path, err := InNamespace(apiVersion, namespace, more...)
	if err != nil {
		return nil, err
	}
	return c.base.JoinPath(path), nil
}

// InNamespace is the path of a collection of a group's version in a namespace, or of one of its objects,
// which List takes. The error is a *ConfigurationError when a part of it cannot be one.
func InNamespace(apiVersion, namespace string, more ...string) (string, error) {
	group, version, grouped := strings.Cut(apiVersion, "/")
	path := []string{"apis", group, version}
	if !grouped {
		path = []string{"api", group}
	}
	path = append(append(path, "namespaces", namespace), more...)
	joined := ""
	for _, part := range path {
		if !resource().MatchString(part) {
			return "", &ConfigurationError{What: "what is asked for", Err: fmt.Errorf("%.64q is no part of a path", part)}
		}
		joined += "/" + part
	}
	return joined, nil
}

// IsForbidden reports whether a server refused a request since its user may not make it.
func IsForbidden(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusForbidden
}
