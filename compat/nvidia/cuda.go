package nvidia

import (
	"strconv"
	"strings"
)

// branches are the branches of the driver with the newest CUDA that each supports, the oldest
// first: those of which the release notes of CUDA say "toolkit driver version" on Linux.
//
// https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ (table "CUDA Toolkit and Corresponding
// Driver Versions", of 13.3 and of the archive)
var branches = []struct {
	branch int
	cuda   string
}{
	{384, "9.0"},
	{390, "9.1"},
	{396, "9.2"},
	{410, "10.0"},
	{418, "10.1"},
	{440, "10.2"},
	{450, "11.0"},
	{455, "11.1"},
	{460, "11.2"},
	{465, "11.3"},
	{470, "11.4"},
	{495, "11.5"},
	{510, "11.6"},
	{515, "11.7"},
	{520, "11.8"},
	{525, "12.0"},
	{530, "12.1"},
	{535, "12.2"},
	{545, "12.3"},
	{550, "12.4"},
	{555, "12.5"},
	{560, "12.6"},
	{565, "12.7"},
	{570, "12.8"},
	{575, "12.9"},
	{580, "13.0"},
	{590, "13.1"},
	{595, "13.2"},
	{610, "13.3"},
}

// A cudaRange is what is known of the newest CUDA that a driver supports: at least and at most.
// An empty bound is not known.
type cudaRange struct{ least, most string }

// cudaOf looks a driver up. One of a branch that is not in the table supports what the branch
// before it does, and no more than the one after it; of branches after the last one only the
// lower bound is known.
func cudaOf(driver string) cudaRange {
	text, _, _ := strings.Cut(driver, ".")
	branch, err := strconv.Atoi(text)
	if err != nil {
		return cudaRange{}
	}
	var r cudaRange
	for _, b := range branches {
		if b.branch >= branch {
			r.most = b.cuda
			if b.branch == branch {
				r.least = b.cuda
			}
			return r
		}
		r.least = b.cuda
	}
	return r
}

func (r cudaRange) String() string {
	switch {
	case r.least == "" && r.most == "":
		return "unknown"
	case r.least == r.most:
		return r.least
	case r.most == "":
		return r.least + " or newer"
	case r.least == "":
		return r.most + " or older"
	}
	return r.least + " to " + r.most
}

// branchFor is the oldest branch of the driver that supports a version of CUDA; 0 if the table
// has none.
func branchFor(cuda string) int {
	for _, b := range branches {
		if order, ok := compareVersions(b.cuda, cuda); ok && order >= 0 {
			return b.branch
		}
	}
	return 0
}

// compareVersions compares two versions number by number, as the toolkit does; a missing number
// is zero. It is not ok if one of them is no version.
//
// https://github.com/NVIDIA/libnvidia-container src/cli/dsl.c, dsl_compare_version
func compareVersions(a, b string) (order int, ok bool) {
	x, okX := numbers(a)
	y, okY := numbers(b)
	if !okX || !okY {
		return 0, false
	}
	for len(x) < len(y) {
		x = append(x, 0)
	}
	for i, n := range x {
		m := uint64(0)
		if i < len(y) {
			m = y[i]
		}
		switch {
		case n < m:
			return -1, true
		case n > m:
			return 1, true
		}
	}
	return 0, true
}

// maxNumbers is how many numbers a version may have.
const maxNumbers = 8

func numbers(version string) (list []uint64, ok bool) {
	for text := range strings.SplitSeq(version, ".") {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || text[0] == '+' || len(list) == maxNumbers {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}
