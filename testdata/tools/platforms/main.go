// Command platforms chooses from indexes as containerd does, with its own library: each line of standard
// input is a choice, and each line of standard output the position of the entry, -1 for none.
//
// The library has several versions, which one module cannot have: each has a go.mod of its own
// (go build -modfile=…).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// choice is what the test sends.
type choice struct {
	Host    ocispec.Platform   `json:"host"`
	Entries []ocispec.Platform `json:"entries"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		var c choice
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, "platforms:", err)
			os.Exit(1)
		}
		fmt.Fprintln(out, choose(c))
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		os.Exit(1)
	}
}

// choose is the loop over an index in images.Manifest:
// https://github.com/containerd/containerd/blob/v2.1.4/core/images/image.go
func choose(c choice) int {
	only := platforms.Only(c.Host)
	var fit []int
	for i, p := range c.Entries {
		if only.Match(p) {
			fit = append(fit, i)
		}
	}
	sort.SliceStable(fit, func(i, j int) bool { return only.Less(c.Entries[fit[i]], c.Entries[fit[j]]) })
	if len(fit) == 0 {
		return -1
	}
	return fit[0]
}
