package spec

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// yamlTokens are what documents are put together from, or mutated with.
var yamlTokens = []string{
	"a", "b c", ": ", ":", "\n", "\n", "\n  ", "\n    ", "\n ", " ", "  ", "- ", "-", "\n- ", "\n  - ", "{", "}", "[", "]", ", ", ",",
	"'", "\"", "|", "|-", "|\n", ">", "#", " # c\n", "?", "? ", "&x ", "*x", "! ", "!!str ", "<<", "~", "null", "1", "5.10", "010",
	"---\n", "...\n", "%", "@", "`", "\t", "\r\n", "\\", "\\n", "é", "\u0085", "\u2028", "\x7f", "=", "a:b", "''", "\"\"", "x: y", "\n\n",
	"op", "In", "value", "true", "yes", "name: ", "a: [b, c]", "{a: b}", "\"q\": ", "'s': ",
}

// rounds is the number of random documents of one test, multiplied by
// COMPAT_RANDOM where that is set.
func rounds(t *testing.T, count int) int {
	t.Helper()
	if factor, err := strconv.Atoi(os.Getenv("COMPAT_RANDOM")); err == nil {
		return count * factor
	}
	return count
}

// TestRandomMutations changes valid specs a little, and compares Parse with NFD, and
// the schema with Parse.
func TestRandomMutations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	seeds := []string{minimal, string(benchmarkSpec(1))}
	for _, file := range corpus(t, "valid") {
		seeds = append(seeds, string(readFile(t, file)))
	}
	schema := compiledSchema(t)
	accepted := 0
	for range rounds(t, 1_000) {
		s := seeds[r.IntN(len(seeds))]
		for range 1 + r.IntN(3) {
			at := r.IntN(len(s))
			end := min(len(s), at+r.IntN(4))
			s = s[:at] + yamlTokens[r.IntN(len(yamlTokens))] + s[end:]
		}
		if !checkParse(t, []byte(s)) {
			continue
		}
		accepted++
		if err := validate(schema, []byte(s)); err != nil {
			t.Fatalf("the schema refuses what Parse accepts: %v\n%s", err, s)
		}
	}
	t.Logf("Parse accepted %d", accepted)
}
