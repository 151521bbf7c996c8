package manifest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Find expands what names manifests: a file, a pattern, or a directory, which stands
// for the .yaml, .yml and .json files in it and below, in lexical order; but not below directories that
// begin with two dots, from which the kubelet links the files of a mounted ConfigMap. A name that
// is none of these stays as it is: reading it says what is wrong. It is an error if a
// directory cannot be read, or has no such file.
func Find(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		matches, err := filepath.Glob(name)
		if err != nil || len(matches) == 0 {
			matches = []string{name}
		}
		for _, match := range matches {
			found, err := below(match)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
	}
	return files, nil
}

// below returns the file itself, or the manifests in a directory.
func below(root string) ([]string, error) {
	if info, err := os.Stat(root); err == nil && info.IsDir() {
		root = filepath.Clean(root) + string(filepath.Separator) // also where it is a link
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == root && (err != nil || !d.IsDir()):
			files = append(files, path)
			return nil //nolint:nilerr // reading it says what is wrong
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".."):
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))):
			files = append(files, path)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = errors.New(filepath.Clean(root) + " holds no .yaml, .yml or .json file")
	}
	return files, err
}
