package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/licensecheck"
)

// allowedLicences are those of linked modules, by their SPDX identifiers. They ask for their text
// (MPL-2.0: and the source of its files, unchanged) beside the binary, and nothing of our own source.
var allowedLicences = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MPL-2.0"}

// minLicenceText is how much of a file must be the text of licences that are known, in percent: go.yaml.in/yaml
// has the list of files that each of its two is for (85).
const minLicenceText = 80

// A linkedModule is a module with a package in the binary.
type linkedModule struct{ Path, Version, Dir string }

// linkedModules are those of the binaries for Linux, what `go version -m` says of them.
func linkedModules(t *testing.T) map[string]linkedModule {
	t.Helper()
	modules := map[string]linkedModule{}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "list", "-deps", "-json=Module", ".")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
			var pkg struct{ Module *linkedModule }
			err := decoder.Decode(&pkg)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if pkg.Module != nil && pkg.Module.Version != "" { // neither the standard library nor this module
				modules[pkg.Module.Path] = *pkg.Module
			}
		}
	}
	if len(modules) < 40 {
		t.Fatalf("found %d linked modules", len(modules))
	}
	return modules
}

// TestLinkedModules checks that every linked module has a licence that is allowed, and no vulnerability
// that is known here.
func TestLinkedModules(t *testing.T) {
	t.Parallel()
	modules := linkedModules(t)
	for path, module := range modules {
		for _, problem := range licenceProblems(module.Dir) {
			t.Errorf("%s %s: %s", path, module.Version, problem)
		}
	}
	t.Run("vulnerabilities", func(t *testing.T) { vulnerabilities(t, modules) })
	t.Run("other licences", func(t *testing.T) {
		otherLicences(t, filepath.Join(modules["github.com/spf13/cobra"].Dir, "LICENSE.txt"))
	})
}

// otherLicences checks that what is not allowed is found.
func otherLicences(t *testing.T, file string) {
	allowed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const notice = `This program is free software: you can redistribute it and/or modify it under the terms of the
		GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or
		(at your option) any later version.`
	for _, c := range []struct{ file, text, want string }{
		{"LICENSE", string(allowed), ""},
		{"README", string(allowed), "no licence"},
		{"LICENSE.docs", string(allowed), "no licence"}, // of texts, which are not linked
		{"COPYING", notice, "COPYING: GPL-3.0-or-later is not allowed"},
		{"LICENSE", strings.Repeat("You may look at this.\n", 9), "LICENSE: 0% is the text of a known licence"},
		{"LICENSE", string(allowed) + strings.Repeat("And you owe us a beer for each run.\n", 199), "is the text of a known licence"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(licenceProblems(dir), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %.30q: %q, want %q", c.file, c.text, got, c.want)
		}
	}
}

// licenceProblems says what is wrong with the licences in a module's directory.
func licenceProblems(dir string) (problems []string) {
	name := regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying`)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []string{err.Error()}
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !name.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".docs" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return []string{err.Error()}
		}
		found = true
		covered := licensecheck.Scan(text)
		if covered.Percent < minLicenceText {
			problems = append(problems, fmt.Sprintf("%s: %.0f%% is the text of a known licence", e.Name(), covered.Percent))
		}
		for _, match := range covered.Match {
			if !slices.Contains(allowedLicences, match.ID) {
				problems = append(problems, fmt.Sprintf("%s: %s is not allowed", e.Name(), match.ID))
			}
		}
	}
	if !found {
		problems = append(problems, "no licence")
	}
	return problems
}

// vulnerabilities checks the modules, and the toolchain that go.mod names, against the list of those
// that are known here; govulncheck in .ci/run knows more where it reaches its database.
func vulnerabilities(t *testing.T, modules map[string]linkedModule) {
	list, err := os.ReadFile("testdata/vulnerabilities.txt")
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]string{}
	for path, module := range modules {
		linked[path] = module.Version
	}
	file, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindSubmatch(file)
	if toolchain == nil {
		t.Fatal("go.mod names no toolchain")
	}
	linked["stdlib"] = "v" + string(toolchain[1])
	for _, problem := range vulnerable(t, string(list), linked) {
		t.Error(problem)
	}
	const planted = "GO-1 stdlib v1.26.9\nGO-2 example.com/a v1.2.0\nGO-3 example.com/b v1.0.0\n# GO-4 stdlib v9.0.0\n"
	got := vulnerable(t, planted, map[string]string{"stdlib": "v1.26.8", "example.com/a": "v1.2.0-rc.1", "example.com/c": "v0.1.0"})
	want := []string{"stdlib v1.26.8 has GO-1, fixed in v1.26.9", "example.com/a v1.2.0-rc.1 has GO-2, fixed in v1.2.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("planted vulnerabilities (-want +got):\n%s", diff)
	}
}

// vulnerable says which of the linked modules are older than the list asks for.
func vulnerable(t *testing.T, list string, linked map[string]string) (problems []string) {
	t.Helper()
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) != 3 {
			t.Fatalf("%q: want an identifier, a module and the version that fixes it", line)
		}
		id, path := fields[0], fields[1]
		version, ok := linked[path]
		if ok && semver.MustParse(version).LessThan(semver.MustParse(fields[2])) {
			problems = append(problems, fmt.Sprintf("%s %s has %s, fixed in %s", path, version, id, fields[2]))
		}
	}
	return problems
}
