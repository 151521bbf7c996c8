package artifact

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// lockPoll is how often a writer asks whether another one is done.
const lockPoll = 20 * time.Millisecond

func (l *layout) writer(ctx context.Context, _ bool) context.Context { return ctx }

// lock keeps other writers out until the function it returns is called. The lock is on the file
// oci-layout, which every layout has and nobody replaces; it goes with the process if that dies.
func (l *layout) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(l.dir, ocispec.ImageLayoutFile), os.O_RDWR, 0)
	if err != nil {
		return nil, l.fail("locking", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			err = l.clock.sleep(ctx, lockPoll, "another writer of the layout")
		}
		if err != nil {
			_ = f.Close()
			return nil, l.fail("waiting for another writer", err)
		}
	}
}

// edit changes index.json under the lock.
func (l *layout) edit(ctx context.Context, change editor) error {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	ix, err := l.index()
	if err != nil {
		return err
	}
	changed, err := change(ix)
	if err != nil || !changed {
		return err
	}
	raw, err := ix.encode(l.item("index.json", ""))
	if err != nil {
		return err
	}
	return l.replace(filepath.Join(l.dir, ocispec.ImageIndexFile), raw)
}

// replace puts a file in place whole: whoever opens it sees the old bytes or the new ones, also
// after a crash.
func (l *layout) replace(path string, raw []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := writeFile(path, raw, mode); err != nil {
		return l.fail("writing "+filepath.Base(path), err)
	}
	return nil
}

func writeFile(path string, raw []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".compat-*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(raw); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename last over a power cut, where the file system can do that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// push writes blobs and manifest. Nothing refers to them until list adds the entry to index.json,
// so that a crash leaves no more than blobs that nobody asks for.
func (l *layout) push(ctx context.Context, p *packed, _ *blobs) error {
	files := []struct {
		digest digest.Digest
		raw    []byte
	}{{emptyConfig().Digest, emptyJSON}, {p.layer.Digest, p.spec}, {p.desc.Digest, p.raw}}
	for _, b := range files {
		if err := ctx.Err(); err != nil {
			return l.fail("writing "+b.digest.String(), err)
		}
		if err := l.writeBlob(b.digest, b.raw); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) writeBlob(d digest.Digest, raw []byte) error {
	if _, err := l.read(l.item(whatUpload, d.String()), d, int64(len(raw))); err == nil {
		return nil
	}
	path := l.blobPath(d)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return l.fail("writing "+d.String(), err)
	}
	return l.replace(path, raw)
}

func (l *layout) list(ctx context.Context, p *packed, _ bool) error {
	return l.edit(ctx, func(ix *rawIndex) (bool, error) { return ix.add(p.entry()) })
}

func (l *layout) unlist(ctx context.Context, _ digest.Digest, artifacts []digest.Digest) (bool, error) {
	return true, l.edit(ctx, func(ix *rawIndex) (bool, error) {
		changed := false
		for _, d := range artifacts {
			changed = ix.drop(d) || changed
		}
		return changed, nil
	})
}

// remove deletes the manifest. Its blobs stay: others may use them, and a layout's own tools
// collect what nobody does.
func (l *layout) remove(_ context.Context, d digest.Digest) error {
	err := os.Remove(l.blobPath(d))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &NotFoundError{Item: l.item(whatArtifact, d.String())}
	case err != nil:
		return l.fail("deleting "+d.String(), err)
	default:
		return nil
	}
}
