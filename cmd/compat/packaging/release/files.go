package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A file is one of a release.
type file struct {
	name string // relative, with slashes
	data []byte
	mode fs.FileMode
}

// documents are the pages and examples of an archive, as git names them: the README's links and
// console blocks lead to them.
var documents = []string{
	"README.md", "LICENSE*", "cmd/compat/README.md", "cmd/compat/docs", "cmd/compat/packaging/helm", "cmd/compat/packaging/owner.json",
	"cmd/compat/testdata/vulnerabilities.txt", "compat/sidecar/*.md", "nodefeatures/VERDICTS.md", "nodefeatures/testdata", "spec/README.md", "spec/schema.json", "testdata/ci", "testdata/demo", "testdata/layout", "testdata/nodes", "testdata/place", "testdata/scripts", "testdata/trust",
}

// imageDocuments are those that an image has: what the README's first blocks need.
var imageDocuments = []string{"testdata/demo/", "testdata/nodes/", "testdata/layout/"}

// pluginCompletion is the one of BUILD/share that belongs beside the program:
// https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
const pluginCompletion = "kubectl_complete-compat"

// files are those of every archive, without the program.
func (r *release) files() ([]file, error) {
	cmd := exec.Command("git", append([]string{"-C", r.root, "ls-files", "-z", "--"}, documents...)...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the pages and examples: %w", err)
	}
	var files []file
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		f, err := read(filepath.Join(r.root, name), name)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if !slices.ContainsFunc(files, func(f file) bool { return strings.HasPrefix(f.name, "LICENSE") }) {
		files = append(files, file{name: "LICENSE", data: []byte("No licence is chosen yet: all rights are reserved.\n"), mode: 0o644})
	}
	notices, err := r.notices()
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "THIRD_PARTY_NOTICES", data: notices, mode: 0o644})
	share := filepath.Join(r.build, "share")
	err = filepath.WalkDir(share, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := path.Join("share", filepath.ToSlash(strings.TrimPrefix(at, share)))
		if d.Name() == pluginCompletion {
			name = "bin/" + pluginCompletion
		}
		f, err := read(at, name)
		files = append(files, f)
		return err
	})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// read reads a file; only whether it may be executed is taken of its mode, as git does.
func read(at, name string) (file, error) {
	f := file{name: name, mode: 0o644}
	info, err := os.Stat(at)
	if err != nil {
		return f, err
	}
	if info.Mode()&0o100 != 0 {
		f.mode = 0o755
	}
	f.data, err = os.ReadFile(at)
	return f, err
}

// archive writes the archive of a build: one directory, with the program in it.
func (r *release) archive(b build, files []file) error {
	program, err := read(b.binary, "bin/compat")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	for _, f := range slices.Concat([]file{program}, files) {
		h := &tar.Header{
			Name: r.name(b) + "/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)),
			ModTime: r.date, Format: tar.FormatUSTAR, Typeflag: tar.TypeReg,
		}
		err := w.WriteHeader(h)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return fmt.Errorf("adding %s: %w", f.name, err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.output, r.name(b)+".tar.gz"), out.Bytes(), 0o644)
}

// imageFiles writes what an image has beside the program and its certificate authorities.
func (r *release) imageFiles(files []file) error {
	for _, f := range files {
		name := f.name
		switch {
		case strings.HasPrefix(name, "LICENSE"), name == "THIRD_PARTY_NOTICES":
			name = "licenses/" + name
		case !slices.ContainsFunc(imageDocuments, func(dir string) bool { return strings.HasPrefix(name, dir) }):
			continue
		}
		name = filepath.Join(r.build, "image-files", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.data, f.mode)); err != nil {
			return err
		}
	}
	return nil
}
