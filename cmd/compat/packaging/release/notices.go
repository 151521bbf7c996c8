package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// notice finds the files with licences and what they demand to be passed on: Apache's NOTICE, and
// COPYING, which says which part is under which licence.
var notice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// A linked package is one of a program's.
type linked struct {
	Dir, ImportPath string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// notices are the texts of all modules of which a package is linked into any of the programs, and
// of Go. They are looked for in the packages' directories, and in those above up to the module's.
func (r *release) notices() ([]byte, error) {
	texts := map[string]map[string]string{} // by the module's heading, files and their names in it
	for _, b := range r.builds {
		packages, err := r.linked(b)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			if p.Standard || p.Module.Main {
				continue
			}
			heading := p.Module.Path + " " + p.Module.Version
			if texts[heading] == nil {
				texts[heading] = map[string]string{}
			}
			if err := collect(texts[heading], p.Dir, p.Module.Dir); err != nil {
				return nil, err
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("asking where Go is: %w", err)
	}
	goroot, standard := strings.TrimSpace(string(root)), map[string]string{}
	if err := collect(standard, goroot, goroot); err != nil {
		return nil, err
	}
	texts["Go's standard library "+r.builds[0].info.GoVersion] = standard
	return write(texts)
}

// write writes the texts of each module under its heading. Where the sources are is said of all, since
// the Mozilla Public License (3.2) wants it.
func write(texts map[string]map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("compat is linked with the following. The sources of each module are at\nhttps://proxy.golang.org/MODULE/@v/VERSION.zip, those of Go at https://go.dev/dl/.\n")
	for _, heading := range slices.Sorted(maps.Keys(texts)) {
		if len(texts[heading]) == 0 {
			return nil, fmt.Errorf("%s has no text of a licence", heading)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n", strings.Repeat("=", 80), heading)
		for _, name := range slices.Sorted(maps.Keys(texts[heading])) {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "\n%s %s\n\n%s\n", strings.Repeat("-", 20), texts[heading][name], bytes.TrimSpace(text))
		}
	}
	return b.Bytes(), nil
}

// collect adds the files of a directory, and of those above it up to another.
func collect(files map[string]string, dir, top string) error {
	for ; strings.HasPrefix(dir, top); dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && notice.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				name := filepath.Join(dir, e.Name())
				files[name] = strings.TrimPrefix(name, top+string(filepath.Separator))
			}
		}
	}
	return nil
}

// linked lists the packages of a build.
func (r *release) linked(b build) (packages []linked, err error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,ImportPath,Standard,Module", "./cmd/compat")
	cmd.Dir, cmd.Stderr = r.root, os.Stderr
	cmd.Env = append(os.Environ(), "GOOS="+b.os, "GOARCH="+b.arch, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing what is linked: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linked
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("listing what is linked: %w", err)
		}
		packages = append(packages, p)
	}
}
