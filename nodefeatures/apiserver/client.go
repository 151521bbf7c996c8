package apiserver

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Bounds on answers, in bytes, after decompression.
const (
	// MaxNode is for a Node object; an API server stores none above 1.5 MiB or so.
	MaxNode = 4 << 20
	// MaxVersion is for /version.
	MaxVersion = 64 << 10
	// MaxKubelet is for what a kubelet's URL answers.
	MaxKubelet = 64 << 20
)

// Options say which API server is asked, and as whom.
type Options struct {
	// Kubeconfig is a kubeconfig file, or several, separated as in $KUBECONFIG. ""
	// means the cluster that this process runs in, as its service account.
	Kubeconfig string
	// Context is the context of the kubeconfig; "" means its current one.
	Context string
	// UserAgent is sent with every request.
	UserAgent string
}

// A Client asks one API server. It must be closed.
type Client struct {
	http   *http.Client
	base   *url.URL
	accept string // the Accept header, "" for none
	// namespace is that of the kubeconfig's context, or of the service account.
	namespace string
}

// Namespace is that of objects that name none: the kubeconfig's context's, or the service account's.
func (c *Client) Namespace() string { return c.namespace }

// Open reads the configuration; it sends nothing. The error is a
// *ConfigurationError.
func Open(o Options) (*Client, error) {
	config, namespace, err := load(o)
	if err != nil {
		return nil, &ConfigurationError{What: what(o), Err: err}
	}
	config.UserAgent = o.UserAgent
	// A long list comes faster than over HTTP/2 with its windows, and costs the server half without gzip.
	config.NextProtos, config.DisableCompression = []string{"http/1.1"}, true
	if config.ExecProvider != nil {
		config.ExecProvider.StdinUnavailable = true
		config.ExecProvider.StdinUnavailableMessage = "compat does not share its standard input"
	}
	c, err := newClient(config)
	if err != nil {
		return nil, &ConfigurationError{What: what(o), Err: err}
	}
	c.namespace = namespace
	return c, nil
}

func what(o Options) string {
	if o.Kubeconfig == "" {
		return "the configuration of the cluster that this runs in"
	}
	return o.Kubeconfig
}

// load reads a kubeconfig, or what a Pod is given, and the namespace of who asks.
func load(o Options) (config *rest.Config, namespace string, err error) {
	if o.Kubeconfig == "" {
		config, err = rest.InClusterConfig()
		return config, ownNamespace(), err
	}
	paths := filepath.SplitList(o.Kubeconfig)
	if err := regular(paths...); err != nil {
		return nil, "", err
	}
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: paths}
	if len(rules.Precedence) == 1 { // one that is named must be there
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: o.Kubeconfig}
	}
	files, err := rules.Load()
	if err != nil || clientcmdapi.IsConfigEmpty(files) {
		return nil, "", noKubeconfig(paths, err)
	}
	if _, ok := files.Contexts[o.Context]; o.Context != "" && !ok {
		return nil, "", &noContextError{o.Context, slices.Sorted(maps.Keys(files.Contexts))}
	}
	if err := regular(named(files, cmp.Or(o.Context, files.CurrentContext))...); err != nil {
		return nil, "", err
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	loaded := clientcmd.NewNonInteractiveClientConfig(*files, o.Context, overrides, rules)
	if config, err = loaded.ClientConfig(); err != nil {
		return nil, "", err
	}
	namespace, _, err = loaded.Namespace()
	return config, namespace, err
}

// ownNamespace is that of the service account that a Pod is given; default where it is not told.
func ownNamespace() string {
	data, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if name := strings.TrimSpace(string(data)); err == nil && resource().MatchString(name) {
		return name
	}
	return "default"
}

// named are the files that a context of a kubeconfig names.
func named(config *clientcmdapi.Config, context string) []string {
	var files []string
	chosen := config.Contexts[context]
	if chosen == nil {
		return nil
	}
	if user := config.AuthInfos[chosen.AuthInfo]; user != nil {
		files = append(files, user.TokenFile, user.ClientCertificate, user.ClientKey)
	}
	if cluster := config.Clusters[chosen.Cluster]; cluster != nil {
		files = append(files, cluster.CertificateAuthority)
	}
	return files
}

// newClient takes the transport, with its credentials, from client-go. The rest
// of its REST client, which reads answers of any length and repeats requests, is
// not used.
func newClient(config *rest.Config) (*Client, error) {
	if err := regular(config.CAFile, config.CertFile, config.KeyFile, config.BearerTokenFile); err != nil {
		return nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, http: &http.Client{Transport: client.Transport, CheckRedirect: stay}}, nil
}

// stay keeps a client from following redirects: the transport adds the
// credentials to whatever request, for whatever host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Server is the URL of the API server, for messages.
func (c *Client) Server() string { return c.base.Redacted() }

// Version returns the API server's answer to /version. Every user may ask.
func (c *Client) Version(ctx context.Context) ([]byte, error) {
	return c.get(ctx, "/version", MaxVersion)
}

// Node returns a Node object as JSON, which takes the right to get nodes.
func (c *Client) Node(ctx context.Context, name string) ([]byte, error) {
	path, err := NodePath(name)
	if err != nil {
		return nil, err
	}
	return c.get(ctx, path, MaxNode)
}

// The collections that List reads.
const (
	Nodes = "/api/v1/nodes"
	Pods  = "/api/v1/pods"
	// NodeFeatures are NFD's, and OpenShiftNodeFeatures those of OpenShift's own NFD.
	NodeFeatures          = "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeatures"
	OpenShiftNodeFeatures = "/apis/nfd.openshift.io/v1alpha1/nodefeatures"
	// NodeFeatureRules are NFD's.
	NodeFeatureRules = "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules"
	Leases           = "/apis/coordination.k8s.io/v1/leases"
)

// List returns a list of the objects of a collection in all namespaces, as JSON that is read as it
// comes, of any length; it takes the right to list them.
func (c *Client) List(ctx context.Context, collection string, query url.Values) (io.ReadCloser, error) {
	u := c.base.JoinPath(collection)
	u.RawQuery = query.Encode()
	return c.stream(ctx, u)
}

// maxNodeName bounds a node's name
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names).
const maxNodeName = 253

// NodePath is where an API server has a Node object. The error is a
// *ConfigurationError when the name cannot be a node's.
func NodePath(name string) (string, error) {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' }
	if name == "" || len(name) > maxNodeName || strings.ContainsFunc(name, odd) || strings.Trim(name, "-.") != name || strings.Contains(name, "..") {
		return "", &ConfigurationError{What: "the node's name", Err: fmt.Errorf("%.64q is not one", name)}
	}
	return "/api/v1/nodes/" + name, nil
}
