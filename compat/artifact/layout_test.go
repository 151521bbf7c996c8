package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/content/oci"
	orasregistry "oras.land/oras-go/v2/registry"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

func openDir(t *testing.T, reference string) *Repository {
	t.Helper()
	repo, err := Open(t.Context(), reference, Options{OCILayout: true})
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// TestLayout walks through everything on a layout that works on a registry.
func TestLayout(t *testing.T) {
	dir := t.TempDir()
	root := registrytest.WriteLayout(t, dir, "1.0", amd64, arm64)
	ctx := testContext(t)
	image := func(p Platform) *Image {
		t.Helper()
		i, err := openDir(t, dir+":1.0").Image(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	if _, _, err := image(amd64).InEffect(ctx, ""); !errors.Is(err, ErrNoArtifact) {
		t.Fatalf("got %v", err)
	}
	attach := func(content string, o AttachOptions) []Attached {
		t.Helper()
		o.Created = day
		list, err := openDir(t, dir+":1.0").Attach(ctx, []byte(content), o)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := attach(specA, AttachOptions{})[0]
	if first.Subject.Digest != root.Digest || first.On != OnIndex || first.Existing {
		t.Errorf("got %+v", first)
	}
	if !attach(specA, AttachOptions{})[0].Existing {
		t.Error("attached twice")
	}
	c, list, err := image(arm64).InEffect(ctx, "")
	if err != nil || string(c.Spec) != specA || c.Artifact.On != OnIndex || len(list.Artifacts) != 1 {
		t.Errorf("got %+v, %+v, %v", c, list, err)
	}
	attach(specB, AttachOptions{Target: TargetPlatform, Platform: arm64})
	if c, _, err := image(arm64).InEffect(ctx, ""); err != nil || string(c.Spec) != specB || c.Artifact.On != OnManifest {
		t.Errorf("got %+v, %v", c, err)
	}
	if a := attach(specB, AttachOptions{Replace: true})[0]; len(a.Replaced) != 1 || !a.Replaced[0].Deleted {
		t.Errorf("got %+v", a)
	}
	d, err := openDir(t, dir+"@"+root.Digest.String()).Discover(ctx, Platform{}, true)
	if err != nil || len(d.Subjects) != 3 || len(d.Subjects[0].Artifacts) != 1 || len(d.Subjects[2].Artifacts) != 1 {
		t.Errorf("got %+v, %v", d, err)
	}
	if gone, err := openDir(t, dir).Detach(ctx, DetachOptions{All: true}); err != nil || len(gone) != 2 {
		t.Errorf("got %+v, %v", gone, err)
	}
	if _, _, err := image(arm64).InEffect(ctx, ""); !errors.Is(err, ErrNoArtifact) {
		t.Errorf("got %v", err)
	}
}

// TestLayoutForOras has oras-go read what was attached, and reads what oras-go attached.
func TestLayoutForOras(t *testing.T) {
	dir := t.TempDir()
	root := registrytest.WriteLayout(t, dir, "1.0", amd64)
	ctx := testContext(t)
	ours, err := openDir(t, dir+":1.0").Attach(ctx, []byte(specA), AttachOptions{Created: day})
	if err != nil {
		t.Fatal(err)
	}
	store, err := oci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := orasregistry.Referrers(ctx, store, root, spec.ArtifactType)
	if err != nil || len(list) != 1 || list[0].Digest != ours[0].Artifact.Digest {
		t.Fatalf("got %+v, %v", list, err)
	}
	p, err := pack(root, []byte(specB), day.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Push(ctx, p.layer, strings.NewReader(specB)); err != nil {
		t.Fatal(err)
	}
	if err := store.Push(ctx, p.entry(), strings.NewReader(string(p.raw))); err != nil {
		t.Fatal(err)
	}
	c := inEffect(t, openDir(t, dir+":1.0"))
	if string(c.Spec) != specB {
		t.Errorf("got %q", c.Spec)
	}
}

func TestLayoutErrors(t *testing.T) {
	ctx := testContext(t)
	empty := t.TempDir()
	_, err := Open(ctx, empty, Options{OCILayout: true})
	wantCode(t, err, CodeLayout)
	_, err = Open(ctx, filepath.Join(empty, "nothing"), Options{OCILayout: true})
	wantCode(t, err, CodeLayout)

	write := func(name, content string) string {
		t.Helper()
		dir := t.TempDir()
		registrytest.WriteLayout(t, dir, "1.0", amd64)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	_, err = Open(ctx, write("oci-layout", `{"imageLayoutVersion":"2.0.0"}`), Options{OCILayout: true})
	wantCode(t, err, CodeLayout)
	_, err = Open(ctx, write("oci-layout", `{`), Options{OCILayout: true})
	wantCode(t, err, CodeLayout)
	for content, code := range map[string]string{
		"":                                     CodeLayout,
		"null":                                 CodeLayout,
		"[]":                                   CodeLayout,
		`{"manifests":{}}`:                     CodeLayout,
		`{"manifests":[]}`:                     CodeImageNotFound,
		strings.Repeat(" ", MaxManifestSize+1): CodeTooLarge,
		`{"manifests":[{"digest":"sha256:../../../../etc/passwd","annotations":{"org.opencontainers.image.ref.name":"1.0"}}]}`: CodeMalformedImage,
	} {
		_, err := openDir(t, write("index.json", content)+":1.0").Image(ctx, amd64)
		var e Error
		if !errors.As(err, &e) || e.Code() != code {
			t.Errorf("%.50q: got %v, want %s", content, err, code)
		}
	}
}

// TestLayoutBlobs refuses blobs that are not what their digest says, and does not hang on what is
// no file.
func TestLayoutBlobs(t *testing.T) {
	ctx := testContext(t)
	for name, spoil := range map[string]func(path string) error{
		CodeMalformedImage: func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
		CodeImageNotFound:  os.Remove,
		CodeTooLarge:       func(path string) error { return os.Truncate(path, MaxManifestSize+1) },
		CodeLayout: func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return syscall.Mkfifo(path, 0o600)
		},
	} {
		dir := t.TempDir()
		root := registrytest.WriteLayout(t, dir, "1.0", amd64)
		if err := spoil(filepath.Join(dir, "blobs", "sha256", root.Digest.Encoded())); err != nil {
			t.Fatal(err)
		}
		_, err := openDir(t, dir+":1.0").Image(ctx, amd64)
		wantCode(t, err, name)
	}
}

// TestLayoutTags finds the image of a reference without a tag only if it is clear which one is
// meant.
func TestLayoutTags(t *testing.T) {
	ctx := testContext(t)
	dir := t.TempDir()
	root := registrytest.WriteLayout(t, dir, "1.0", amd64)
	other := registrytest.WriteLayout(t, t.TempDir(), "2.0", arm64)
	if i, err := openDir(t, dir).Image(ctx, amd64); err != nil || i.Digest != root.Digest {
		t.Fatalf("got %+v, %v", i, err)
	}
	if _, err := openDir(t, dir).Attach(ctx, []byte(specA), AttachOptions{Created: day}); err != nil {
		t.Fatal(err)
	}
	if i, err := openDir(t, dir).Image(ctx, amd64); err != nil || i.Digest != root.Digest {
		t.Fatalf("an artifact is taken for an image: %+v, %v", i, err)
	}
	_, err := openDir(t, dir+":2.0").Image(ctx, amd64)
	if e := coded(t, err, CodeImageNotFound); !strings.Contains(e.Error(), "1.0") {
		t.Errorf("got %v", err)
	}
	second := t.TempDir()
	registrytest.WriteLayout(t, second, "2.0", arm64)
	raw, err := os.ReadFile(filepath.Join(second, "blobs", "sha256", other.Digest.Encoded()))
	if err != nil {
		t.Fatal(err)
	}
	registrytest.WriteBlob(t, dir, ocispec.MediaTypeImageManifest, raw)
	tag := func(name string) {
		t.Helper()
		err := openLayoutIn(t, dir).edit(ctx, func(ix *rawIndex) (bool, error) {
			d := other
			d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
			return ix.add(d)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tag("latest")
	if i, err := openDir(t, dir).Image(ctx, amd64); err != nil || i.Digest != other.Digest {
		t.Fatalf("got %+v, %v", i, err)
	}
	if _, err := openLayoutIn(t, dir).unlist(ctx, "", []digest.Digest{other.Digest}); err != nil {
		t.Fatal(err)
	}
	tag("2.0")
	_, err = openDir(t, dir).Image(ctx, amd64)
	if e := coded(t, err, CodeImageNotFound); !strings.Contains(e.Error(), "1.0, 2.0") {
		t.Errorf("got %v", err)
	}
}

// TestLayoutConcurrent loses nobody's entry.
func TestLayoutConcurrent(t *testing.T) {
	dir := t.TempDir()
	registrytest.WriteLayout(t, dir, "1.0", amd64)
	const n = 16
	group, ctx := errgroup.WithContext(testContext(t))
	for i := range n {
		repo := openDir(t, dir+":1.0")
		group.Go(func() error {
			_, err := repo.Attach(ctx, fmt.Append(nil, i), AttachOptions{Created: day})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	i, err := openDir(t, dir+":1.0").Image(testContext(t), amd64)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := i.Artifacts(testContext(t)); err != nil || len(list.Artifacts) != n {
		t.Errorf("got %d artifacts, %v", len(list.Artifacts), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*", ".compat-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestLayoutLock waits for another writer as long as the context allows.
func TestLayoutLock(t *testing.T) {
	dir := t.TempDir()
	registrytest.WriteLayout(t, dir, "1.0", amd64)
	unlock, err := openLayoutIn(t, dir).lock(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = openDir(t, dir+":1.0").Attach(ctx, []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeTimeout)
	unlock()
	if _, err := openDir(t, dir+":1.0").Attach(testContext(t), []byte(specA), AttachOptions{Created: day}); err != nil {
		t.Error(err)
	}
}

// TestLayoutReadOnly reads where it may not write.
func TestLayoutReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	registrytest.WriteLayout(t, dir, "1.0", amd64)
	if err := os.Chmod(filepath.Join(dir, "oci-layout"), 0o400); err != nil {
		t.Fatal(err)
	}
	repo := openDir(t, dir+":1.0")
	if _, err := repo.Image(testContext(t), amd64); err != nil {
		t.Fatal(err)
	}
	_, err := repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeLayout)
}

func openLayoutIn(t *testing.T, dir string) *layout {
	t.Helper()
	l, err := openLayout(Reference{Layout: dir}, clock{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLayoutLinks: nothing outside the directory is read or written through a symbolic link.
func TestLayoutLinks(t *testing.T) {
	for name, link := range map[string]string{"index": "index.json", "blobs": "blobs", "digests": "blobs/sha256", "version": "oci-layout"} {
		dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
		registrytest.WriteLayout(t, dir, "1.0", amd64)
		if err := os.Rename(filepath.Join(dir, link), outside); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		before := listing(t, outside)
		repo, err := Open(testContext(t), dir+":1.0", Options{OCILayout: true})
		if err == nil {
			if _, err = repo.Image(testContext(t), amd64); err == nil {
				t.Errorf("%s: read through the link", name)
			}
			_, err = repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
		}
		wantCode(t, err, CodeLayout)
		if after := listing(t, outside); after != before {
			t.Errorf("%s: %s became %s", name, before, after)
		}
	}
}

func listing(t *testing.T, path string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, _ := d.Info()
			all = append(all, fmt.Sprint(path, info.Size(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// TestLayoutFiles: new files have the umask's mode, old ones keep theirs, and what a killed writer left
// behind is swept away.
func TestLayoutFiles(t *testing.T) {
	dir := t.TempDir()
	registrytest.WriteLayout(t, dir, "1.0", amd64)
	index := filepath.Join(dir, "index.json")
	if err := os.Chmod(index, 0o640); err != nil {
		t.Fatal(err)
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	old, young := filepath.Join(blobs, ".compat-old.tmp"), filepath.Join(dir, ".compat-young.tmp")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, day, time.Now().Add(-2*temporaryAge)); err != nil {
		t.Fatal(err)
	}
	mask := syscall.Umask(0o077)
	defer syscall.Umask(mask)
	repo, err := Open(t.Context(), dir+":1.0", Options{OCILayout: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	list, err := repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{index: 0o640, filepath.Join(blobs, list[0].Artifact.Digest.Encoded()): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("a temporary file of two hours ago is left")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("another writer's file is gone")
	}
	if files, _ := filepath.Glob(filepath.Join(blobs, ".compat-*")); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
}
