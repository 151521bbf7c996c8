package kubelet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"nodecompat/nodefeatures/verdict"
)

// Bounds on what is read from the machine, in bytes unless said otherwise. A
// kubelet's real files are a few kilobytes; these keep a broken or hostile one
// from costing memory.
const (
	maxProcFile   = 1 << 20  // /proc/PID/cmdline, cgroup, status
	maxMountinfo  = 16 << 20 // /proc/self/mountinfo: a node has some thousand mounts
	maxConfigFile = 1 << 20  // a KubeletConfiguration or a drop-in
	maxDropIns    = 1000     // files in a --config-dir
	maxLinks      = 40       // symbolic links in one path, as the kernel allows
)

var (
	errTooLarge     = errors.New("the file is too large")
	errMalformed    = errors.New("malformed")
	errNotRegular   = errors.New("not a regular file")
	errTooManyLinks = errors.New("too many symbolic links")
)

// readFile reads a regular file of at most limit bytes. It neither waits for a
// FIFO's writer nor reads devices.
func readFile(path string, limit int64) (data []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: %w", path, errNotRegular)
	}
	data, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %s: %w: more than %d bytes", path, errTooLarge, limit)
	}
	return data, nil
}

// inside returns where path lies when dir is the root directory, as chroot
// would have it: symbolic links on the way, absolute ones too, stay inside dir.
// dir "/" is this process's own root, which the kernel resolves by itself.
func inside(dir, path string) (string, error) {
	if dir == "/" {
		return path, nil
	}
	rest := strings.Split(filepath.Clean("/"+path), "/")
	at := "/" // relative to dir, free of links
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		if next == "/" { // dir may itself be a link, such as /proc/PID/root
			at = next
			continue
		}
		target, err := os.Readlink(filepath.Join(dir, next))
		if err != nil { // not a link, or not there: opening it will tell
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("resolving %s: %w", path, errTooManyLinks)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return filepath.Join(dir, at), nil
}

// isDir tells whether there is a directory at path.
func isDir(root, path string) bool {
	at, err := inside(root, path)
	if err != nil {
		return false
	}
	info, err := os.Stat(at)
	return err == nil && info.IsDir()
}

// fileReason turns an error about a file into a reason; hint says how else the
// fact can be had.
func fileReason(path string, err error, hint string) *verdict.Reason {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &verdict.Reason{
			Code: ReasonPermissionDenied, Message: fmt.Sprintf("%s may not be read by this user", path),
			Hint: "run compat as root, or " + hint,
		}
	case errors.Is(err, fs.ErrNotExist):
		return &verdict.Reason{Code: ReasonNotFound, Message: fmt.Sprintf("%s does not exist", path), Hint: hint}
	case errors.Is(err, errTooLarge):
		return &verdict.Reason{Code: ReasonTooLarge, Message: err.Error(), Hint: hint}
	case errors.Is(err, errMalformed):
		return &verdict.Reason{Code: ReasonMalformed, Message: err.Error(), Hint: hint}
	}
	return &verdict.Reason{Code: ReasonUnreadable, Message: fmt.Sprintf("%s can't be read: %v", path, err), Hint: hint}
}
