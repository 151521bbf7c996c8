package artifact

import (
	"time"

	"nodecompat/spec"
)

// Bounds on what is taken from a registry or a layout. Each is stated by the [TooLargeError] that
// enforces it.
const (
	// MaxManifestSize is the largest manifest or index that is read, in bytes. Registries need not
	// accept larger ones:
	// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
	MaxManifestSize = 4 << 20

	// MaxConfigSize is the largest image configuration that is read, in bytes.
	MaxConfigSize = 4 << 20

	// MaxLayers is the number of layers of an image whose contents are read.
	MaxLayers = 1_000

	// MaxSpecSize is the largest compatibility spec that is read or attached, in bytes.
	MaxSpecSize = spec.MaxSize

	// MaxReferrerPages is the number of pages of one referrers list that are read.
	MaxReferrerPages = 100

	// MaxReferrerEntries is the number of entries of one referrers list, of whatever type, that are
	// looked at.
	MaxReferrerEntries = 10_000

	// MaxArtifacts is the number of compatibility artifacts on one subject, and the number of those
	// of an image of which a trust rule is asked.
	MaxArtifacts = 2_000

	// MaxSignatures is the number of signatures of one artifact that are read.
	MaxSignatures = 100

	// MaxBundleSize is the largest Sigstore bundle that is read, in bytes. Those of cosign have 0.7
	// to 6 KB.
	MaxBundleSize = 256 << 10

	// MaxIndexDepth is how deep indexes within an index are looked into, and MaxIndexes how many of
	// them.
	MaxIndexDepth = 3
	MaxIndexes    = 16

	// MaxImages is the number of images for known platforms in an index and the indexes within it.
	MaxImages = 1_000

	// MaxUnnamed is the number of entries of an index without a platform whose configurations are
	// read.
	MaxUnnamed = 16

	// MaxRedirects is the number of HTTP redirects that one request follows.
	MaxRedirects = 10

	// MaxRetries is how often one request is sent again after an answer or a failure that may pass.
	MaxRetries = 3
)

const (
	// fallbackWindow is W: the referrers tag is never written from a read that began longer ago. It
	// holds for the answer to the write, so that a slow registry needs room for one GET and one PUT
	// in it.
	fallbackWindow = 2 * time.Second

	// maxServerText is how much of a server's own error message is repeated, in bytes.
	maxServerText = 200

	// maxErrorBody is how much of an error answer is read, in bytes.
	maxErrorBody = 8 << 10

	// maxResponseHeader is how many bytes of response headers are read.
	maxResponseHeader = 256 << 10

	// maxToken is how much of a token service's answer is read, in bytes.
	maxToken = 64 << 10

	// parallelRequests is how many independent requests a writer or Discover has under way.
	parallelRequests = 8

	// parallelChecks is how many requests about signatures are under way.
	parallelChecks = 16

	// futureTolerance is how far ahead of our clock that of an author may be.
	futureTolerance = 10 * time.Minute

	// maxUntrusted is the number of artifacts that are passed over whose reasons are told.
	maxUntrusted = 5

	// patienceForExtras is how long is waited for what can be done without: the platform of an
	// image whose spec is there, the tag beside a digest.
	patienceForExtras = 2 * time.Second

	// maxFile is how much of a file with credentials, certificates or a key is read, in bytes.
	maxFile = 4 << 20

	dialTimeout = 10 * time.Second
)
