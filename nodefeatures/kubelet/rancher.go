package kubelet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"nodecompat/spec/yamltree"
)

// A rancherConfig is what the config.yaml of k3s or RKE2 and the files of
// config.yaml.d say about the kubelet.
type rancherConfig struct {
	args    []string // kubelet-arg
	dataDir string   // data-dir, "" when not set
	files   []string // that were read
}

// loadRancher reads path and the *.yaml and *.yml of path.d in lexical order: a
// key in a later file replaces the former, one written with a + is appended
// (https://docs.k3s.io/installation/configuration#configuration-file).
func loadRancher(root, path string) (rancherConfig, error) {
	var c rancherConfig
	paths := []string{path}
	names, err := rancherDropIns(root, path+".d")
	if err != nil {
		return c, err
	}
	for _, path := range append(paths, names...) {
		at, err := inside(root, path)
		if err != nil {
			return c, err
		}
		data, err := readFile(at, maxConfigFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return c, err
		}
		if err := c.parse(data); err != nil {
			return c, fmt.Errorf("reading %s: %w: %w", path, errMalformed, err)
		}
		c.files = append(c.files, path)
	}
	return c, nil
}

func rancherDropIns(root, dir string) ([]string, error) {
	at, err := inside(root, dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		extension := strings.ToLower(filepath.Ext(e.Name()))
		if e.IsDir() || extension != ".yaml" && extension != ".yml" {
			continue
		}
		if len(paths) == maxDropIns {
			return nil, fmt.Errorf("reading %s: %w: more than %d files", dir, errTooLarge, maxDropIns)
		}
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths, nil
}

// parse lays one file over those before it.
func (c *rancherConfig) parse(data []byte) error {
	js, err := yamltree.JSON(data)
	if err != nil {
		return err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(js, &doc); err != nil {
		return errors.New("not an object")
	}
	if err := text(doc["data-dir"], &c.dataDir); err != nil {
		return fmt.Errorf("reading data-dir: %w", err)
	}
	for _, key := range []string{"kubelet-arg", "kubelet-arg+"} {
		raw, ok := doc[key]
		if !ok {
			continue
		}
		args, err := oneOrMore(raw)
		if err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		if !strings.HasSuffix(key, "+") {
			c.args = nil
		}
		c.args = append(c.args, args...)
	}
	return nil
}

// oneOrMore decodes a string, a list of them, or null.
func oneOrMore(raw json.RawMessage) ([]string, error) {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return nil, errors.New("neither a string nor a list of strings")
	}
	return []string{one}, nil
}

// flags reads the arguments as k3s does: NAME=VALUE with or without dashes, the
// last one of a name replacing those before it, feature gates too
// (https://github.com/k3s-io/k3s/blob/v1.32.3+k3s1/pkg/daemons/config/types.go).
func (c rancherConfig) flags() (flags, error) {
	f := flags{gates: map[string]bool{}}
	for _, arg := range c.args {
		name, value, _ := flagName("--" + strings.TrimPrefix(arg, "--"))
		switch name {
		case "feature-gates":
			f.gates = map[string]bool{}
		case "config", "config-dir":
		default:
			continue
		}
		if err := f.set(name, value); err != nil {
			return f, err
		}
	}
	return f, nil
}
