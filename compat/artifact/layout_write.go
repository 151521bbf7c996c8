package artifact

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	f, err := l.root.OpenFile(ocispec.ImageLayoutFile, os.O_RDWR, 0)
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
	l.sweep()
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
	return l.replace(ocispec.ImageIndexFile, raw)
}

// replace puts a file in place whole: whoever opens it sees the old bytes or the new ones, also
// after a crash. It keeps its mode; a new one has that of the umask.
func (l *layout) replace(name string, raw []byte) error {
	if err := l.writeFile(name, raw); err != nil {
		return l.fail("writing "+filepath.Base(name), err)
	}
	return nil
}

func (l *layout) writeFile(name string, raw []byte) (err error) {
	temporary := filepath.Join(filepath.Dir(name), temporaryPrefix+rand.Text()+temporarySuffix)
	f, err := l.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = l.root.Remove(temporary)
		}
	}()
	if _, err = f.Write(raw); err != nil {
		return err
	}
	if info, err := l.root.Stat(name); err == nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return err
		}
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = l.root.Rename(temporary, name); err != nil {
		return err
	}
	return l.syncDir(filepath.Dir(name))
}

// The names of files that are being written.
const (
	temporaryPrefix, temporarySuffix = ".compat-", ".tmp"

	// temporaryAge is how old such a file is that a writer which was killed left behind.
	temporaryAge = time.Hour
)

// sweep removes what killed writers left behind in the layout's own directory and beside its blobs.
func (l *layout) sweep() {
	if l.clock.now == nil {
		return
	}
	for _, dir := range []string{".", filepath.Join(ocispec.ImageBlobsDir, digest.Canonical.String())} {
		entries, err := fs.ReadDir(l.root.FS(), filepath.ToSlash(dir))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), temporaryPrefix) || !strings.HasSuffix(e.Name(), temporarySuffix) {
				continue
			}
			if info, err := e.Info(); err == nil && l.clock.now().Sub(info.ModTime()) > temporaryAge {
				_ = l.root.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// syncDir makes a rename last over a power cut, where the file system can do that.
func (l *layout) syncDir(dir string) error {
	d, err := l.root.Open(dir)
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
	name := blobPath(d)
	if err := l.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return l.fail("writing "+d.String(), err)
	}
	return l.replace(name, raw)
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

// dropList takes signatures out of index.json.
func (l *layout) dropList(ctx context.Context, artifact digest.Digest, signatures []digest.Digest) error {
	_, err := l.unlist(ctx, artifact, signatures)
	return err
}

// remove deletes the manifest. Its blobs stay: others may use them, and a layout's own tools
// collect what nobody does.
func (l *layout) remove(_ context.Context, d digest.Digest) error {
	err := l.root.Remove(blobPath(d))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &NotFoundError{Item: l.item(whatArtifact, d.String())}
	case err != nil:
		return l.fail("deleting "+d.String(), err)
	default:
		return nil
	}
}
