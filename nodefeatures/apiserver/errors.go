package apiserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The codes of errors, for programs; those of compat/artifact mean the same.
const (
	CodeConfiguration = "kubernetesConfiguration" // a kubeconfig, a URL or a name cannot be used
	CodeUnauthorized  = "unauthorized"            // 401
	CodeForbidden     = "forbidden"               // 403
	CodeNotFound      = "notFound"                // 404
	CodeServer        = "apiServer"               // another status than 200
	CodeNetwork       = "network"                 // no answer
	CodeCertificate   = "certificate"             // the server's certificate is not accepted
	CodeTooLarge      = "tooLarge"                // the answer exceeds the bound that the message states
)

// A ConfigurationError says that the configuration cannot be used. It is the
// user's to correct.
type ConfigurationError struct {
	What string // the file, or what else it is
	Err  error
}

// Error says what cannot be used, and why.
func (e *ConfigurationError) Error() string { return fmt.Sprintf("using %s: %v", e.What, e.Err) }

// Unwrap returns why.
func (e *ConfigurationError) Unwrap() error { return e.Err }

// Code is CodeConfiguration.
func (e *ConfigurationError) Code() string { return CodeConfiguration }

// Retryable is false.
func (e *ConfigurationError) Retryable() bool { return false }

// Hint says which option names another configuration.
func (e *ConfigurationError) Hint() string {
	if unknown := (*noContextError)(nil); errors.As(e.Err, &unknown) && len(unknown.known) > 0 {
		return "its contexts, of which --context names one: " + strings.Join(unknown.known, ", ")
	}
	return "name a kubeconfig with --kubeconfig"
}

// A noContextError says that a kubeconfig has no context of a name.
type noContextError struct {
	name  string
	known []string // that it has
}

func (e *noContextError) Error() string { return fmt.Sprintf("it has no context %q", e.name) }

// A StatusError is an answer with another status than 200.
type StatusError struct {
	// Method is that of the request; "" is GET.
	Method  string
	URL     string
	Status  int
	Message string // what the server says, one line; may be ""
}

// Error names the URL, the status and what the server says.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s %s: %d %s", doing(e.Method), e.URL, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// doing is what a request of that method does.
func doing(method string) string {
	switch method {
	case http.MethodPost:
		return "creating in"
	case http.MethodDelete:
		return "deleting"
	}
	return "getting"
}

// Code depends on the status.
func (e *StatusError) Code() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return CodeUnauthorized
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusNotFound:
		return CodeNotFound
	}
	return CodeServer
}

func (e *StatusError) path() string {
	path, _, _ := strings.Cut(e.URL, "?")
	return path
}

// lists reports whether a list was asked for.
func (e *StatusError) lists() bool {
	path := e.path()
	return strings.HasSuffix(path, Nodes) || strings.HasSuffix(path, NodeFeatures) || strings.HasSuffix(path, OpenShiftNodeFeatures)
}

// writes reports whether something was to be created or deleted, or read of what was.
func (e *StatusError) writes() bool {
	return e.Method != "" && !e.dryRun() || strings.HasSuffix(e.path(), "/log")
}

// dryRun reports whether nothing was to be created.
func (e *StatusError) dryRun() bool { return strings.Contains(e.URL, "dryRun=All") }

// Retryable is true when the server is busy or broken.
func (e *StatusError) Retryable() bool {
	return e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
}

// Hint says what may help; "" where nothing is known to.
func (e *StatusError) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "the credentials are missing, wrong or expired"
	case e.Status == http.StatusForbidden && strings.Contains(e.URL, "/proxy/"):
		return "this takes the right to get nodes/proxy; without it ask the kubelet itself (https://NODE:10250), which takes nodes/metrics or nodes/configz"
	case e.Status == http.StatusForbidden && e.writes():
		return "`compat cluster snapshot --print` shows the Role and ClusterRole that it takes"
	case e.Status == http.StatusForbidden && e.lists():
		return "it takes a ClusterRole, bound to that user: kubectl create clusterrole compat-reader --verb=list --resource=nodes,nodefeatures.nfd.k8s-sigs.io,leases.coordination.k8s.io"
	case e.Status == http.StatusNotFound && e.dryRun():
		return "a dry run needs the namespace: create it first, or name one that is there in metadata.namespace"
	case e.Status == http.StatusNotFound && e.Method == http.MethodPost:
		return "create the namespace first, or choose one that is there with -n"
	case e.Status == http.StatusForbidden && strings.Contains(e.URL, "/nodefeaturerules/"):
		return "this takes the right to get nodefeaturerules.nfd.k8s-sigs.io"
	case strings.Contains(e.Message, noDryRun):
		return "ask who runs that webhook to declare sideEffects: None or NoneOnDryRun"
	case e.Status == http.StatusForbidden && strings.HasSuffix(e.path(), NodeFeatureRules):
		return "it takes the right to list nodefeaturerules.nfd.k8s-sigs.io: kubectl create clusterrole compat-rules --verb=list --resource=nodefeaturerules.nfd.k8s-sigs.io"
	case e.Status == http.StatusForbidden && strings.HasSuffix(e.path(), "/pods"):
		return "it takes the right to list pods, in that namespace or all: kubectl create clusterrole compat-pods --verb=list --resource=pods"
	case e.Status == http.StatusForbidden && strings.Contains(e.URL, "/api/v1/nodes/"):
		return "this takes the right to get nodes"
	case e.Status == http.StatusNotFound && strings.Contains(e.URL, "/api/v1/nodes/"):
		return "kubectl get nodes lists the names"
	}
	return ""
}

// An UnreachableError says that no whole answer came. It wraps the context's
// error when that was the reason.
type UnreachableError struct {
	// Method is that of the request; "" is GET.
	Method string
	URL    string
	Err    error
}

// Error names the URL and what went wrong.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s %s: %v", doing(e.Method), e.URL, e.Err)
}

// Unwrap returns what went wrong.
func (e *UnreachableError) Unwrap() error { return e.Err }

func (e *UnreachableError) certificate() bool {
	var verification *tls.CertificateVerificationError
	return errors.As(e.Err, &verification)
}

// Code is CodeCertificate or CodeNetwork.
func (e *UnreachableError) Code() string {
	if e.certificate() {
		return CodeCertificate
	}
	return CodeNetwork
}

// Retryable is true unless the certificate is not accepted.
func (e *UnreachableError) Retryable() bool { return !e.certificate() }

// Hint says what may help with a certificate; "" otherwise.
func (e *UnreachableError) Hint() string {
	if !e.certificate() {
		return ""
	}
	return "name the certificates to check it with; a kubelet's own, for its host name, is /var/lib/kubelet/pki/kubelet.crt"
}

// A TooLargeError is an answer that exceeds its bound.
type TooLargeError struct {
	URL   string
	Limit int64 // bytes
}

// Error names the URL and the bound.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("getting %s: the answer has more than %d bytes", e.URL, e.Limit)
}

// Code is CodeTooLarge.
func (e *TooLargeError) Code() string { return CodeTooLarge }

// Retryable is false.
func (e *TooLargeError) Retryable() bool { return false }
