package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// maxOtherFiles is how many files of a directory are named that were not written.
const maxOtherFiles = 100

// A snapshotDir is a directory with a snapshot of each node. Nothing outside it is written,
// whatever links are there.
type snapshotDir struct {
	path    string
	root    *os.Root
	written map[string]bool
}

// openSnapshotDir opens a directory, which it makes if it is not there.
func openSnapshotDir(path string) (*snapshotDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of --output-dir: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the directory of --output-dir: %w", err)
	}
	return &snapshotDir{path: path, root: root, written: map[string]bool{}}, nil
}

func (d *snapshotDir) close() { d.root.Close() } //nolint:errcheck // its files are closed

// A snapshotFileError says that a snapshot was not written.
type snapshotFileError struct{ err error }

func (e *snapshotFileError) Error() string   { return e.err.Error() }
func (e *snapshotFileError) Unwrap() error   { return e.err }
func (e *snapshotFileError) Code() string    { return report.CodeSnapshotFile }
func (e *snapshotFileError) Retryable() bool { return false }

// write writes the snapshot of a node in one step, and returns the file's path.
func (d *snapshotDir) write(node string, s *nodefeatures.Snapshot) (string, error) {
	name, partial := node+".json", ".compat-snapshot-"+rand.Text()+".tmp"
	path := filepath.Join(d.path, name)
	if err := d.replaceable(name); err != nil {
		return "", &snapshotFileError{fmt.Errorf("writing %s: %w", path, err)}
	}
	file, err := d.root.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err == nil {
		err = errors.Join(output.Write(file, output.FormatJSON, s, output.Style{}), file.Close())
	}
	if err == nil {
		err = d.root.Rename(partial, name)
	}
	if err != nil {
		return "", &snapshotFileError{fmt.Errorf("writing %s: %w", path, errors.Join(err, d.remove(partial)))}
	}
	d.written[name] = true
	return path, nil
}

func (d *snapshotDir) remove(name string) error {
	if err := d.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

var errForeignFile = errors.New("the file there is no snapshot of a node: it is left as it is")

// replaceable reports, by nil, that there is no file of the name, or one with a snapshot.
func (d *snapshotDir) replaceable(name string) error {
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Size() > nodefeatures.MaxDocument:
		return errForeignFile
	}
	file, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var header struct{ Kind string }
	data, err := io.ReadAll(io.LimitReader(file, nodefeatures.MaxDocument))
	if err != nil {
		return err
	}
	if json.Unmarshal(data, &header) != nil || header.Kind != nodefeatures.SnapshotKind {
		return errForeignFile
	}
	return nil
}

// others are the files that --features of the directory reads as well, the first of them, sorted.
func (d *snapshotDir) others() []string {
	var list []string
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil // what was written is there all the same
	}
	for _, e := range entries {
		name := e.Name()
		if slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(name)) && !d.written[name] && len(list) < maxOtherFiles {
			list = append(list, filepath.Join(d.path, name))
		}
	}
	return list
}
