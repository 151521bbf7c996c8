package apiserver

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sigs.k8s.io/yaml"
)

// maxFile bounds a kubeconfig and each file that it names, in bytes.
const maxFile = 4 << 20

// regular refuses files that client-go, which reads a file whole and whatever the context says,
// would not come back from. Those that are not there are its business.
func regular(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", path)
		case info.Size() > maxFile:
			return fmt.Errorf("%s has %d bytes, more than the limit of %d", path, info.Size(), maxFile)
		}
	}
	return nil
}

// noKubeconfig says what files are in which nothing of a kubeconfig was found, or err.
func noKubeconfig(paths []string, err error) error {
	for _, path := range paths {
		data, readErr := os.ReadFile(path)
		if readErr != nil {
			continue
		}
		if what := looksLike(data); what != "" {
			return fmt.Errorf("a kubeconfig has clusters, users and contexts, as `kubectl config view` prints them; %s looks like %s", path, what)
		}
	}
	return cmp.Or(err, errors.New("it is empty, or not there"))
}

// looksLike is what a file seems to be, in words; "" if it seems to be a kubeconfig, or nothing that is known.
func looksLike(data []byte) string {
	var file struct {
		APIVersion      string `json:"apiVersion"`
		Kind            string `json:"kind"`
		Compatibilities any    `json:"compatibilities"`
	}
	switch err := yaml.Unmarshal(data, &file); {
	case err != nil || file.Kind == "Config":
		return ""
	case file.Compatibilities != nil:
		return "an image compatibility spec"
	case file.Kind != "":
		return fmt.Sprintf("an object %.60q of %.60q", file.Kind, file.APIVersion)
	}
	return ""
}
