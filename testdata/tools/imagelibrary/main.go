// Command imagelibrary chooses from indexes as CRI-O and podman do, with their own library: each line of
// standard input is a choice, and each line of standard output the position of the entry, -1 for none.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"
)

// choice is what the test sends; the entry at a position has the digest of that number.
type choice struct {
	Host    ocispec.Platform `json:"host"`
	Entries []entry          `json:"entries"`
}

type entry struct {
	ocispec.Platform
	None bool `json:"none"` // without a platform
	Zstd bool `json:"zstd"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		var c choice
		err := json.Unmarshal(in.Bytes(), &c)
		if err == nil {
			var position int
			if position, err = choose(c); err == nil {
				fmt.Fprintln(out, position)
				continue
			}
		}
		fmt.Fprintln(os.Stderr, "imagelibrary:", err)
		os.Exit(1)
	}
	if in.Err() != nil || out.Flush() != nil {
		os.Exit(1)
	}
}

func choose(c choice) (int, error) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, e := range c.Entries {
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(strconv.Itoa(i)), Size: 1}
		if !e.None {
			d.Platform = &e.Platform
		}
		if e.Zstd {
			d.Annotations = map[string]string{"io.github.containers.compression.zstd": "true"}
		}
		index.Manifests = append(index.Manifests, d)
	}
	raw, err := json.Marshal(index)
	if err != nil {
		return 0, err
	}
	list, err := manifest.ListFromBlob(raw, ocispec.MediaTypeImageIndex)
	if err != nil {
		return 0, err
	}
	chosen, err := list.ChooseInstance(&types.SystemContext{OSChoice: c.Host.OS, ArchitectureChoice: c.Host.Architecture, VariantChoice: c.Host.Variant})
	if err != nil {
		return -1, nil //nolint:nilerr // there is none
	}
	for i := range c.Entries {
		if chosen == digest.FromString(strconv.Itoa(i)) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s is none of the entries", chosen)
}
