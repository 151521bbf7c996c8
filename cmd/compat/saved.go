package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"nodecompat/nodefeatures"
)

// loadFiles reads the nodes of files, all of them as one whole. An error is a name that cannot be opened, a
// usage error, and the last.
func (a *app) loadFiles(ctx context.Context, names []string, o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
	return func(yield func(nodefeatures.Loaded, error) bool) {
		var unopened error
		inputs := func(yield func(nodefeatures.Input, error) bool) {
			for _, name := range snapshotsLast(names) {
				in, err := a.open(ctx, name)
				if err != nil {
					unopened = err
					yield(nodefeatures.Input{}, err)
					return
				}
				more := yield(nodefeatures.Input{Name: name, Reader: in}, nil)
				in.Close() //nolint:errcheck // it was only read
				if !more {
					return
				}
			}
		}
		for loaded := range nodefeatures.LoadAll(ctx, inputs, o) {
			if path := (*fs.PathError)(nil); errors.As(loaded.Err, &path) && ctx.Err() == nil {
				unopened = &usageError{fmt.Errorf("reading the features of %s: %w", loaded.Input, path)}
			}
			if !yield(loaded, unopened) || unopened != nil {
				return
			}
		}
	}
}

// snapshotsLast puts the files that begin as snapshots of ours behind the others, which may have the
// Node objects of their nodes.
func snapshotsLast(names []string) []string {
	if len(names) < 2 {
		return names
	}
	var others, snapshots []string
	for _, name := range names {
		if beginsAsSnapshot(name) {
			snapshots = append(snapshots, name)
		} else {
			others = append(others, name)
		}
	}
	return append(others, snapshots...)
}

func beginsAsSnapshot(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // which can be read once only, or not at all
	}
	in, err := os.Open(name)
	if err != nil {
		return false
	}
	defer in.Close() //nolint:errcheck // it was only read
	begin := make([]byte, 128)
	n, _ := io.ReadFull(in, begin)
	return bytes.Contains(begin[:n], []byte(nodefeatures.SnapshotKind))
}
