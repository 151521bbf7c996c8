// Package manifest reads Kubernetes manifests, YAML or JSON, and finds the Pods and
// Pod templates in them, with the lines where everything is written.
//
// It is strict where an API server is: an unknown key, a key that occurs twice and a
// value of a wrong type are problems, each with its line, and none stops the rest
// from being read. What is not there is left as it is: no default is filled in.
//
// It is pure, but for Find, which looks for files: it looks at no host, no registry and
// no API server.
package manifest
