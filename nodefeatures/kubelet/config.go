package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// What a kubelet's configuration file says it is, whatever its name: at
// /etc/kubernetes/kubelet.conf some distributions keep one, others a kubeconfig
// (https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/).
const (
	configAPIVersion = "kubelet.config.k8s.io/v1beta1"
	configKind       = "KubeletConfiguration"
	dropInExtension  = ".conf"
)

var errNotConfiguration = errors.New("not a " + configKind)

// parseConfig reads the feature gates of a configuration file or a drop-in,
// YAML or JSON. The keys are compared as the kubelet does, with their case;
// whatever else the file says is not looked at. A nil value is a null.
func parseConfig(data []byte) (map[string]*bool, error) {
	js, err := yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(js, &doc); err != nil {
		return nil, fmt.Errorf("%w: not an object", errNotConfiguration)
	}
	if err := checkKind(doc); err != nil {
		return nil, err
	}
	gates := map[string]*bool{}
	if raw, ok := doc["featureGates"]; ok {
		if err := json.Unmarshal(raw, &gates); err != nil {
			return nil, fmt.Errorf("reading featureGates: %w", err)
		}
	}
	return gates, nil
}

func checkKind(doc map[string]json.RawMessage) error {
	var apiVersion, kind string
	err := errors.Join(text(doc["apiVersion"], &apiVersion), text(doc["kind"], &kind))
	if err != nil || apiVersion != configAPIVersion || kind != configKind {
		return fmt.Errorf("%w: apiVersion %.64q, kind %.64q", errNotConfiguration, apiVersion, kind)
	}
	return nil
}

// text decodes a string, an absent one as "".
func text(raw json.RawMessage, s *string) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, s)
}

// loadConfig reads the file that --config names. There a gate without a value
// is false: the kubelet decodes a null into the zero value.
func loadConfig(root, path string, origin Origin, given bool) (layer, error) {
	l, err := loadFile(root, path, origin, given)
	for name, value := range l.set {
		if value == nil {
			l.set[name] = new(bool)
		}
	}
	return l, err
}

func loadFile(root, path string, origin Origin, given bool) (layer, error) {
	at, err := inside(root, path)
	if err != nil {
		return layer{}, err
	}
	data, err := readFile(at, maxConfigFile)
	if err != nil {
		return layer{}, err
	}
	gates, err := parseConfig(data)
	if err != nil {
		return layer{}, fmt.Errorf("reading %s: %w: %w", path, errMalformed, err)
	}
	return layer{origin: origin, given: given, set: gates}, nil
}

// loadDropIns reads the directory that --config-dir names: every *.conf file
// in lexical order, subdirectories included, each a JSON merge patch upon the
// ones before it, so that a null deletes a gate
// (https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#kubelet-conf-d).
func loadDropIns(root, dir string, origin Origin, given bool) ([]layer, error) {
	top, err := inside(root, dir)
	if err != nil {
		return nil, err
	}
	var layers []layer
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != dropInExtension {
			return err
		}
		if len(layers) == maxDropIns {
			return fmt.Errorf("%w: more than %d files", errTooLarge, maxDropIns)
		}
		below, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		origin.Path = filepath.Join(dir, below)
		l, err := loadFile(root, origin.Path, origin, given)
		layers = append(layers, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the drop-ins of %s: %w", dir, err)
	}
	return layers, nil
}
