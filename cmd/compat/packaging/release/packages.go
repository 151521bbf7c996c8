package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// packages writes the deb and the rpm of a build for Linux.
func (r *release) packages(b build, all []file) error {
	if b.os != "linux" {
		return nil
	}
	staged, err := os.MkdirTemp("", "compat-packages-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staged) //nolint:errcheck // a temporary directory
	contents, err := r.contents(staged, b, all)
	if err != nil {
		return err
	}
	for _, format := range []string{"deb", "rpm"} {
		if err := r.pack(format, b, contents); err != nil {
			return fmt.Errorf("writing the %s: %w", format, err)
		}
	}
	return nil
}

// contents are the files where a package installs them; those that are no file of ROOT or BUILD are
// staged in a directory.
func (r *release) contents(staged string, b build, all []file) (files.Contents, error) {
	contents := files.Contents{
		r.content(b.binary, "/usr/bin/compat", 0o755),
		{Source: "compat", Destination: "/usr/bin/kubectl-compat", Type: files.TypeSymlink, FileInfo: &files.ContentFileInfo{MTime: r.date}},
	}
	for i, f := range all {
		destination := path.Join("/usr/share/doc/compat", f.name)
		switch {
		case f.name == "LICENSE":
			destination = "/usr/share/doc/compat/copyright"
		case strings.HasPrefix(f.name, "share/"), strings.HasPrefix(f.name, "bin/"):
			destination = "/usr/" + f.name
		}
		name := filepath.Join(staged, fmt.Sprint(i))
		if err := os.WriteFile(name, f.data, 0o644); err != nil {
			return nil, err
		}
		contents = append(contents, r.content(name, destination, f.mode))
	}
	return contents, nil
}

func (r *release) content(source, destination string, mode os.FileMode) *files.Content {
	return &files.Content{
		Source: source, Destination: destination,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: r.date},
	}
}

func (r *release) pack(format string, b build, contents files.Contents) error {
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "compat", Arch: b.arch, Platform: b.os, Version: r.version, Section: "utils", Priority: "optional",
		Maintainer: r.owner.Maintainer, Homepage: r.owner.Home, License: cmp.Or(r.owner.Licence, "none yet"),
		Description: "tells whether a node has what a container image needs", MTime: r.date, DisableGlobbing: true,
		Overridables: nfpm.Overridables{Contents: contents, RPM: nfpm.RPM{BuildHost: "localhost"}},
	})
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(r.output, r.name(b)+"."+format))
	if err != nil {
		return err
	}
	defer out.Close()
	return packager.Package(info, out)
}

// krew writes the manifest of the kubectl plugin, of the archives that are in OUTPUT.
func (r *release) krew() error {
	text, err := os.ReadFile(filepath.Join(r.root, "cmd/compat/packaging/krew/compat.yaml.tmpl"))
	if err != nil {
		return err
	}
	manifest, err := template.New("krew").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return err
	}
	type platform struct{ OS, Arch, URI, SHA256 string }
	var platforms []platform
	for _, b := range r.builds {
		archive := r.name(b) + ".tar.gz"
		sum, err := digest(filepath.Join(r.output, archive))
		if err != nil {
			return err
		}
		platforms = append(platforms, platform{b.os, b.arch, r.owner.Releases + "/" + r.version + "/" + archive, sum})
	}
	var out bytes.Buffer
	if err := manifest.Execute(&out, map[string]any{"Version": r.version, "Home": r.owner.Home, "Platforms": platforms}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.output, "compat.yaml"), out.Bytes(), 0o644)
}
