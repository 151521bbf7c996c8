package derive

import (
	"fmt"

	"nodecompat/compat/artifact"
)

// Bounds on what is read of an image. Each is stated by the [BoundError] that enforces it.
const (
	// MaxEntries is the number of files, directories and links of all layers together.
	MaxEntries = 2_000_000
	// MaxKept is the number of them that are kept: programs, libraries, scripts, kernel modules,
	// links, and the directories that they are in.
	MaxKept = 200_000
	// MaxUnpacked is how many bytes all layers may have together when they are unpacked.
	MaxUnpacked = 64 << 30
	// MaxRatio is how many times larger than it is stored a layer may be, beyond FreeUnpacked bytes:
	// gzip reaches 1,032 on zeros.
	MaxRatio     = 2_000
	FreeUnpacked = 256 << 20
	// MaxWindow is the largest window of a zstd layer, in bytes: what `zstd --ultra` makes.
	MaxWindow = 128 << 20
	// MaxPathLength is the length of a path, in bytes, as in Linux.
	MaxPathLength = 4_096
	// MaxLinks is how many symbolic links a path may lead through, as in Linux.
	MaxLinks = 40
	// MaxText is how much of a configuration file is kept, in bytes.
	MaxText = 16 << 10
)

// A BoundError says that an image is beyond one of the bounds.
type BoundError struct {
	What  string // what there is too much of
	Limit int64
}

func (e *BoundError) Error() string {
	return fmt.Sprintf("%s: more than the limit of %d", e.What, e.Limit)
}

// Code is that of what is too large.
func (*BoundError) Code() string { return artifact.CodeTooLarge }

// Retryable is false.
func (*BoundError) Retryable() bool { return false }
