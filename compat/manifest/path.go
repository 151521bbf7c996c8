package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// A path in a document has a key behind a point for each mapping, and an index in
// brackets for each list: spec.containers[0].image. A key that is no word is quoted
// in brackets.

// JoinPath appends what PathKey or PathIndex returns, or such a path, to a path.
func JoinPath(path, key string) string {
	if path == "" || strings.HasPrefix(key, "[") {
		return path + key
	}
	if key == "" {
		return path
	}
	return path + "." + key
}

// PathIndex returns the index of an item as a part of a path.
func PathIndex(i int) string { return "[" + strconv.Itoa(i) + "]" }

// PathKey returns a key as a part of a path.
func PathKey(key string) string {
	word := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	if key != "" && len(key) <= maxName && strings.TrimFunc(key, word) == "" {
		return key
	}
	return fmt.Sprintf("[%.100q]", key)
}
