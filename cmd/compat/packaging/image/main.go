// Command image writes an OCI image layout with one image for several platforms:
//
//	image [-files DIR] [-owner FILE] OUTPUT linux/amd64=BINARY linux/arm64=BINARY
//
// Each has the binary as /compat, its entry point, certificate authorities where Go looks for them,
// and a user without rights; and what is in DIR, if it is given. FILE is owner.json, for the labels that only an owner can give. The same binaries give the same bytes: every time is
// SOURCE_DATE_EPOCH, or that of the commit that the binaries were built from. No container engine
// and no registry is asked.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// What is in every image.
const (
	user      = "65532:65532"
	tag       = "latest"
	authority = "etc/ssl/certs/ca-certificates.crt"
)

// origin says whose the certificate authorities are, which their licence wants (MPL 2.0, 3.2).
const origin = `The certificate authorities in certs are those of Mozilla's list, which is under the Mozilla Public
License 2.0 (https://www.mozilla.org/MPL/2.0/): certdata.txt in https://hg.mozilla.org/projects/nss.
They come from the module golang.org/x/crypto/x509roots/fallback.
`

// Media types: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *platform         `json:"platform,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        *descriptor       `json:"config,omitempty"`
	Layers        []descriptor      `json:"layers,omitempty"`
	Manifests     []descriptor      `json:"manifests,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type config struct {
	Created string `json:"created"`
	platform
	Config struct {
		User       string
		Entrypoint []string
		WorkingDir string
		Labels     map[string]string
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// A layout is a directory of blobs that is being written.
type layout struct {
	dir     string
	created time.Time
	labels  map[string]string
	files   []file // beside the program
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	dir := flags.String("files", "", "directory with what else is in the image")
	ownerFile := flags.String("owner", "", "owner.json")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if args = flags.Args(); len(args) < 2 {
		return errors.New("usage: image [-files DIR] OUTPUT OS/ARCH=BINARY...")
	}
	files, err := tree(*dir)
	if err != nil {
		return err
	}
	_, first, _ := strings.Cut(args[1], "=")
	created, labels, err := describe(first)
	if err == nil {
		err = owned(labels, *ownerFile)
	}
	if err != nil {
		return err
	}
	l := &layout{dir: args[0] + ".partial", created: created, labels: labels, files: append(certificateFiles(), files...)}
	if err := os.RemoveAll(l.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	if err := l.write(args[1:]); err != nil {
		return err
	}
	return replace(args[0], l.dir)
}

// owned adds to labels what the owner says in a file; nothing for "".
func owned(labels map[string]string, name string) error {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var owner struct{ Licence, Home string }
	if err := json.Unmarshal(data, &owner); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	labels["org.opencontainers.image.url"] = owner.Home
	if owner.Licence != "" {
		labels["org.opencontainers.image.licenses"] = owner.Licence
	}
	return nil
}

// tree are the files of a directory, and its directories; none of "".
func tree(dir string) (files []file, err error) {
	if dir == "" {
		return nil, nil
	}
	err = filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || at == dir {
			return err
		}
		f := file{name: strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(at, dir)), "/"), mode: 0o644}
		if d.IsDir() {
			f.name, f.mode = f.name+"/", 0o755
		} else if f.data, err = os.ReadFile(at); err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// replace puts a layout in the place of another, and of nothing else.
func replace(output, with string) error {
	if _, err := os.Stat(output); err == nil {
		if _, err := os.Stat(filepath.Join(output, "oci-layout")); err != nil {
			return fmt.Errorf("%s is there, and no OCI image layout", output)
		}
		if err := os.RemoveAll(output); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(with, output)
}

// describe tells from a binary's build information when and from what it was built.
func describe(binary string) (time.Time, map[string]string, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("reading what %q was built from: %w", binary, err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	created := time.Unix(0, 0).UTC()
	if text := settings["vcs.time"]; text != "" {
		if created, err = time.Parse(time.RFC3339, text); err != nil {
			return time.Time{}, nil, fmt.Errorf("reading when %q was built: %w", binary, err)
		}
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		created = time.Unix(seconds, 0)
	}
	labels := map[string]string{
		"org.opencontainers.image.title":       "compat",
		"org.opencontainers.image.description": "tells whether a node has what a container image needs",
		"org.opencontainers.image.version":     strings.Trim(info.Main.Version, "()"), // (devel) without a version
		"org.opencontainers.image.created":     created.UTC().Format(time.RFC3339),
	}
	if revision := settings["vcs.revision"]; revision != "" {
		labels["org.opencontainers.image.revision"] = revision
	}
	return created.UTC(), labels, nil
}

// write writes an image of each binary, the index of them, and the layout's own files.
func (l *layout) write(binaries []string) error {
	certificates, diffID, err := l.layer(l.files)
	if err != nil {
		return err
	}
	index := manifest{SchemaVersion: 2, MediaType: typeIndex, Annotations: l.labels}
	for _, argument := range binaries {
		name, binary, ok := strings.Cut(argument, "=")
		system, architecture, ok2 := strings.Cut(name, "/")
		if !ok || !ok2 {
			return fmt.Errorf("%q is not OS/ARCH=BINARY", argument)
		}
		d, err := l.image(platform{architecture, system}, binary, certificates, diffID)
		if err != nil {
			return err
		}
		index.Manifests = append(index.Manifests, d)
	}
	d, err := l.json(typeIndex, index)
	if err != nil {
		return err
	}
	d.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag}
	for name, value := range map[string]any{
		"index.json": manifest{SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{d}},
		"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(l.dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// image writes the image of one platform.
func (l *layout) image(p platform, binary string, certificates descriptor, diffID string) (descriptor, error) {
	data, err := os.ReadFile(binary)
	if err != nil {
		return descriptor{}, err
	}
	program, programID, err := l.layer([]file{{"compat", 0o755, data}})
	if err != nil {
		return descriptor{}, err
	}
	var c config
	c.platform, c.Created = p, l.created.Format(time.RFC3339)
	c.Config.User, c.Config.Entrypoint, c.Config.WorkingDir, c.Config.Labels = user, []string{"/compat"}, "/", l.labels
	c.RootFS.Type, c.RootFS.DiffIDs = "layers", []string{diffID, programID}
	configured, err := l.json(typeConfig, c)
	if err != nil {
		return descriptor{}, err
	}
	d, err := l.json(typeManifest, manifest{
		SchemaVersion: 2, MediaType: typeManifest, Config: &configured, Layers: []descriptor{certificates, program}, Annotations: l.labels,
	})
	d.Platform = &p
	return d, err
}

// A file of a layer; a directory ends with a slash.
type file struct {
	name string
	mode int64
	data []byte
}

// certificateFiles are the certificate authorities that Mozilla trusts, as golang.org/x/crypto has
// them: go.sum pins their bytes, where a package of the building machine would differ from one
// machine to the next. Those that Mozilla trusts only up to a day are left out, since a PEM file
// cannot say so.
func certificateFiles() []file {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer does not fail
		}
	}
	return []file{{"etc/", 0o755, nil}, {"etc/ssl/", 0o755, nil}, {"etc/ssl/README", 0o644, []byte(origin)}, {"etc/ssl/certs/", 0o755, nil}, {authority, 0o644, b.Bytes()}}
}

// layer writes a layer, and returns the digest of what it is when unpacked.
func (l *layout) layer(files []file) (d descriptor, diffID string, err error) {
	var archive, compressed bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: l.created, Format: tar.FormatUSTAR, Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return d, "", err
		}
		if _, err := w.Write(f.data); err != nil {
			return d, "", err
		}
	}
	z, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return d, "", err
	}
	if err := w.Close(); err != nil {
		return d, "", err
	}
	_, err = z.Write(archive.Bytes())
	if err = errors.Join(err, z.Close()); err != nil {
		return d, "", err
	}
	d, err = l.blob(typeLayer, compressed.Bytes())
	return d, digest(archive.Bytes()), err
}

func (l *layout) json(mediaType string, value any) (descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, data)
}

func (l *layout) blob(mediaType string, data []byte) (descriptor, error) {
	d := descriptor{MediaType: mediaType, Digest: digest(data), Size: len(data)}
	return d, os.WriteFile(filepath.Join(l.dir, "blobs", "sha256", strings.TrimPrefix(d.Digest, "sha256:")), data, 0o644)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
