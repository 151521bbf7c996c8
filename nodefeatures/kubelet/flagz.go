package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nodecompat/spec/yamltree"
)

// MaxFlagz bounds an answer to /flagz, in bytes; real ones have some ten kilobytes.
const MaxFlagz = 1 << 20

// FlagzAccept is what to ask a kubelet's /flagz for: JSON where there is one,
// from 1.35 on, else the text, which kubelets before that refuse to send unless
// it is asked for.
const FlagzAccept = "application/json;v=v1beta1;g=config.k8s.io;as=Flagz, application/json;v=v1alpha1;g=config.k8s.io;as=Flagz;q=0.9, text/plain;q=0.5"

// The flags of a kubelet that matter.
const (
	flagConfig    = "config"
	flagConfigDir = "config-dir"
	flagGates     = "feature-gates"
)

// A commandLine is what a kubelet itself says about its flags, on /flagz or in
// its log. Both show the values of the flag set that parsed the command line.
// When there is a --config file, that is loaded into another object than the one
// that the flags are bound to, so that feature-gates is what the command line
// says. Without one, the drop-ins of --config-dir are laid into the flags' own
// object: then feature-gates is all that files and flags came to
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/cmd/kubelet/app/server.go,
// from cleanFlagSet.Parse to kubeletDeps.Flagz; the same from 1.28 on).
type commandLine struct {
	flags
	origin Origin
}

// whole says whether the gates are all that are set.
func (c *commandLine) whole() bool { return c.config == "" }

func (c *commandLine) layer() layer { return newLayer(c.origin, true, c.gates) }

// names says whether path is the file, or one of the directory, that the flags name.
func (c *commandLine) names(path string) bool {
	if c.whole() {
		return false // its drop-ins are in its gates
	}
	below, err := filepath.Rel(c.configDir, path)
	return path == c.config || c.configDir != "" && err == nil && filepath.IsLocal(below)
}

// newCommandLine reads the values of a kubelet's flags, of which there must be
// --feature-gates and --config.
func newCommandLine(values map[string]string, origin Origin) (*commandLine, error) {
	c := &commandLine{flags: flags{gates: map[string]bool{}}, origin: origin}
	for _, name := range []string{flagGates, flagConfig, flagConfigDir} {
		value, ok := values[name]
		if !ok && name != flagConfigDir {
			return nil, fmt.Errorf("the flag --%s of a kubelet is not in it", name)
		}
		if err := c.set(name, value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// parseFlagz reads a kubelet's answer to /flagz: a Flagz object or, up to 1.34
// only, a text. Both are made in
// https://github.com/kubernetes/kubernetes/tree/v1.37.0/staging/src/k8s.io/apiserver/pkg/server/flagz
// (https://kubernetes.io/docs/reference/instrumentation/zpages/).
func parseFlagz(data []byte) (map[string]string, error) {
	if len(data) > MaxFlagz {
		return nil, fmt.Errorf("%d bytes: at most %d are read", len(data), MaxFlagz)
	}
	if json.Valid(data) {
		return parseFlagzObject(data)
	}
	return parseFlagzText(string(data))
}

var errNotFlagz = errors.New("it is not a kubelet's answer to /flagz")

func parseFlagzObject(data []byte) (map[string]string, error) {
	var object struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Flags map[string]string `json:"flags"`
	}
	if err := yamltree.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotFlagz, err)
	}
	known := []string{"config.k8s.io/v1alpha1", "config.k8s.io/v1beta1"}
	if object.Kind != "Flagz" || !slices.Contains(known, object.APIVersion) {
		return nil, fmt.Errorf("%w: apiVersion %.64q, kind %.64q", errNotFlagz, object.APIVersion, object.Kind)
	}
	if object.Metadata.Name != programKubelet {
		return nil, fmt.Errorf("%w: it is that of %.64q", errNotFlagz, object.Metadata.Name)
	}
	return object.Flags, nil
}

// parseFlagzText reads the text, whose first line is "kubelet flags" or, from
// 1.35 on, "kubelet flagz". What is between a flag's name and its value is
// drawn at each start from ":", ": ", "=" and " ".
func parseFlagzText(text string) (map[string]string, error) {
	title, text, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	title = strings.TrimRight(title, "\r")
	if title != "kubelet flags" && title != "kubelet flagz" {
		return nil, fmt.Errorf("%w: it begins with %.64q", errNotFlagz, title)
	}
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		name, value := line, ""
		if end := strings.IndexAny(line, ":= "); end >= 0 {
			name, value = line[:end], line[end+1:]
		}
		if name != flagGates && name != flagConfig && name != flagConfigDir {
			continue
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("%w: the flag %s is there twice", errNotFlagz, name)
		}
		values[name] = strings.TrimPrefix(value, " ") // no value of these begins with a blank
	}
	return values, nil
}
