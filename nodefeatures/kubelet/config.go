package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"nodecompat/spec/yamltree"
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

// A kindCheck says whether a document is what it must be.
type kindCheck func(apiVersion, kind string) error

// parseConfig reads the feature gates of a configuration file or a drop-in,
// YAML or JSON. The keys are compared as the kubelet does, with their case;
// whatever else the file says is not looked at. A nil value is a null.
func parseConfig(data []byte, check kindCheck) (map[string]*bool, error) {
	js, err := yamltree.JSON(data)
	if err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(js, &doc); err != nil {
		return nil, fmt.Errorf("%w: not an object", errNotConfiguration)
	}
	var apiVersion, kind string
	if err := errors.Join(text(doc["apiVersion"], &apiVersion), text(doc["kind"], &kind)); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotConfiguration, err)
	}
	if err := check(apiVersion, kind); err != nil {
		return nil, err
	}
	gates := map[string]*bool{}
	if raw, ok := doc["featureGates"]; ok {
		var values map[string]json.RawMessage
		if err := yamltree.Unmarshal(raw, &values); err != nil {
			return nil, fmt.Errorf("reading featureGates: %w", err)
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			var value *bool
			if err := yamltree.Unmarshal(values[name], &value); err != nil {
				return nil, fmt.Errorf("reading featureGates: %.64q: %w", name, err)
			}
			gates[name] = value
		}
	}
	return gates, nil
}

// errOtherKind is wrapped for a document of another kind than the one looked for.
var errOtherKind = fmt.Errorf("%w: of another kind", errNotConfiguration)

// isKubelets picks the kubelet's own among kubeadm's documents and kind's patches, of which a
// patch need not say its apiVersion.
func isKubelets(_, kind string) error {
	if kind != configKind {
		return fmt.Errorf("%w: %.64q", errOtherKind, kind)
	}
	return nil
}

// isConfiguration is what a --config file must be.
func isConfiguration(apiVersion, kind string) error {
	if apiVersion != configAPIVersion || kind != configKind {
		return fmt.Errorf("%w: apiVersion %.64q, kind %.64q", errNotConfiguration, apiVersion, kind)
	}
	return nil
}

// hasKind is all that drop-ins of 1.29 to 1.31 must have.
func hasKind(_, kind string) error {
	if kind == "" {
		return fmt.Errorf("%w: it has no kind", errNotConfiguration)
	}
	return nil
}

// text decodes a string, an absent one as "".
func text(raw json.RawMessage, s *string) error {
	if raw == nil {
		return nil
	}
	return yamltree.Unmarshal(raw, s)
}

// loadConfig reads the file that --config names. There a gate without a value
// is false: the kubelet decodes a null into the zero value.
func loadConfig(root, path string, origin Origin, given bool) (layer, error) {
	data, err := loadData(root, path)
	if err != nil {
		return layer{}, err
	}
	return configLayer(path, data, origin, given)
}

// configLayer is loadConfig for a file that was read.
func configLayer(path string, data []byte, origin Origin, given bool) (layer, error) {
	l, err := fileLayer(path, data, origin, given, isConfiguration)
	l.nullsAreFalse()
	return l, err
}

func (l layer) nullsAreFalse() {
	for name, value := range l.set {
		if value == nil {
			l.set[name] = new(bool)
		}
	}
}

func loadData(root, path string) ([]byte, error) {
	at, err := inside(root, path)
	if err != nil {
		return nil, err
	}
	return readFile(at, maxConfigFile)
}

func fileLayer(path string, data []byte, origin Origin, given bool, check kindCheck) (layer, error) {
	gates, err := parseConfig(data, check)
	if err != nil {
		return layer{}, fmt.Errorf("reading %s: %w: %w", path, errMalformed, err)
	}
	return layer{origin: origin, given: given, set: gates, sysctls: parseSysctls(data)}, nil
}

// loadDropIns reads the directory that --config-dir names: every *.conf file
// in lexical order, subdirectories included, each a patch upon the ones before it
// (https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#kubelet-conf-d).
func loadDropIns(root, dir string, origin Origin, given bool, rules dropInRules) ([]layer, error) {
	top, err := inside(root, dir)
	if err != nil {
		return nil, err
	}
	if given { // which may be a link, as the kubelet's own may not
		info, err := os.Stat(top)
		switch {
		case err != nil:
			return nil, err
		case !info.IsDir():
			return nil, fmt.Errorf("reading the drop-ins of %s: it is no directory", dir)
		}
		top += string(filepath.Separator)
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
		l, err := loadDropIn(root, origin, given, rules)
		layers = append(layers, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the drop-ins of %s: %w", dir, err)
	}
	return layers, nil
}

func loadDropIn(root string, origin Origin, given bool, rules dropInRules) (layer, error) {
	check := isConfiguration
	if rules.anyKind {
		check = hasKind
	}
	data, err := loadData(root, origin.Path)
	if err != nil {
		return layer{}, err
	}
	l, err := fileLayer(origin.Path, data, origin, given, check)
	l.dropIn, l.shallow = true, rules.null == nullDeletesDropIns
	if rules.null == nullIsFalse {
		l.nullsAreFalse()
	}
	return l, err
}
