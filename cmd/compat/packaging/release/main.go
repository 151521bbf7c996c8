// Command release makes of built programs what is published for a version:
//
//	release ROOT BUILD OUTPUT
//
// BUILD has the programs as OS/ARCH/compat, and below share what is installed beside them. ROOT is
// the working tree that they were built from. OUTPUT gets an archive for each platform, a deb and an
// rpm for each of Linux, a bill of materials for each, the krew manifest and SHA256SUMS; BUILD a
// directory image-files, which is what an image has beside the program. The same commit gives the same bytes:
// every time is the commit's, every list is sorted.
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// An owner is what only the project's owner can say: owner.json.
type owner struct {
	Licence    string `json:"licence"`    // an SPDX identifier; "" while none is chosen
	Home       string `json:"home"`       // the project's page
	Releases   string `json:"releases"`   // below it, VERSION/FILE is a released file
	Security   string `json:"security"`   // where vulnerabilities are reported; "" while there is no place
	Maintainer string `json:"maintainer"` // NAME <MAIL>, for packages
}

// A build is a program for one platform.
type build struct {
	os, arch string
	binary   string // its file
	info     *buildinfo.BuildInfo
}

// A release is what all its parts share.
type release struct {
	root, build, output string
	owner               owner
	version             string // with its v
	date                time.Time
	builds              []build
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: release ROOT BUILD OUTPUT")
	}
	r := &release{root: args[0], build: args[1], output: args[2]}
	if err := r.readOwner(); err != nil {
		return err
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		if err := r.add(platform, filepath.Join(args[1], platform, "compat")); err != nil {
			return err
		}
	}
	files, err := r.files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.output, 0o755); err != nil {
		return err
	}
	for _, b := range r.builds {
		if err := errors.Join(r.archive(b, files), r.bill(b), r.packages(b, files)); err != nil {
			return fmt.Errorf("%s/%s: %w", b.os, b.arch, err)
		}
	}
	return errors.Join(r.krew(), r.sums(), r.imageFiles(files))
}

func (r *release) readOwner() error {
	data, err := os.ReadFile(filepath.Join(r.root, "cmd/compat/packaging/owner.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &r.owner); err != nil {
		return fmt.Errorf("reading owner.json: %w", err)
	}
	return nil
}

// add takes a program, and what it says of its version, which must be that of the others.
func (r *release) add(platform, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("reading what %s was built from: %w", binary, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if got := settings["GOOS"] + "/" + settings["GOARCH"]; got != platform {
		return fmt.Errorf("%s is for %s, not %s", binary, got, platform)
	}
	if modified := settings["vcs.modified"]; modified != "false" {
		return fmt.Errorf("%s has vcs.modified=%s: a release is built from a commit, and nothing else", binary, cmp.Or(modified, "unknown"))
	}
	date, err := time.Parse(time.RFC3339, settings["vcs.time"])
	if err != nil {
		return fmt.Errorf("reading when %s was committed: %w", binary, err)
	}
	if r.version = cmp.Or(r.version, info.Main.Version); r.version != info.Main.Version {
		return fmt.Errorf("%s is version %s, the others are %s", binary, info.Main.Version, r.version)
	}
	r.date = date
	system, arch, _ := strings.Cut(platform, "/")
	r.builds = append(r.builds, build{system, arch, binary, info})
	return nil
}

// name is what the files of a build are called, without what they end with.
func (r *release) name(b build) string {
	return "compat_" + strings.TrimPrefix(r.version, "v") + "_" + b.os + "_" + b.arch
}

// sums writes SHA256SUMS, as sha256sum does.
func (r *release) sums() error {
	var lines strings.Builder
	names, err := filepath.Glob(filepath.Join(r.output, "*"))
	slices.Sort(names)
	for _, name := range names {
		sum, sumErr := digest(name)
		err = errors.Join(err, sumErr)
		fmt.Fprintf(&lines, "%s  %s\n", sum, filepath.Base(name))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(r.output, "SHA256SUMS"), []byte(lines.String()), 0o644))
}

func digest(name string) (string, error) {
	data, err := os.ReadFile(name)
	return fmt.Sprintf("%x", sha256.Sum256(data)), err
}
