package apiserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxFile bounds a kubeconfig and each file that it names, in bytes.
const maxFile = 4 << 20

// regular refuses files that client-go, which reads a file whole and whatever the context says,
// would not come back from. Those that are not there are its business.
func regular(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", path)
		case info.Size() > maxFile:
			return fmt.Errorf("%s has %d bytes, more than the limit of %d", path, info.Size(), maxFile)
		}
	}
	return nil
}
