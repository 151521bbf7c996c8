package artifact

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// readFile reads a file that the user or the environment names, of at most maxFile bytes. It need not
// be a regular one: a pipe that a shell made (<(…)) is read as well, until ctx ends; one without a
// writer is empty.
func readFile(ctx context.Context, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", path, ctx.Err())
	case err != nil:
		return nil, err
	case int64(len(raw)) > maxFile:
		return nil, fmt.Errorf("%s: more than the limit of %d bytes", path, maxFile)
	}
	return raw, nil
}
