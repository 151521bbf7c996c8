package verdict

import (
	"strings"
	"unicode"
)

// maxGuess is the longest name, in bytes, that is worth a guess.
const maxGuess = 100

// Nearest returns the candidate that a name was probably meant to be, or "": the first
// that differs only in case and separators, else the one with the fewest typos. A typo is a
// letter too many, too few or wrong, or two that changed places; a name may have one, two
// from seven letters on, and three from twelve on; so may each part between dots. Of equals the first one is taken.
func Nearest(name string, candidates []string) string {
	if len(name) > maxGuess {
		return ""
	}
	word := Plain(name)
	best, bound := "", allowedTypos(word)
	for _, candidate := range candidates {
		plain := Plain(candidate)
		if plain == word {
			return candidate
		}
		if max(len(plain)-len(word), len(word)-len(plain)) > bound {
			continue
		}
		if d := typos(word, plain); d <= bound && d < len(plain) && partsNear(name, candidate) {
			best, bound = candidate, d-1
		}
	}
	return best
}

// partsNear reports whether no part of a name with dots has more typos than a name of its length may
// have: kernel.lsm is not kernel.kvm.
func partsNear(name, candidate string) bool {
	parts, others := strings.Split(name, "."), strings.Split(candidate, ".")
	if len(parts) != len(others) {
		return true
	}
	for i := range parts {
		if part := Plain(parts[i]); typos(part, Plain(others[i])) > allowedTypos(part) {
			return false
		}
	}
	return true
}

// Plain returns a name without what people get wrong most: case, and the separators `-`, `_` and `.`.
func Plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

func allowedTypos(word string) int {
	switch {
	case len(word) < 7:
		return 1
	case len(word) < 12:
		return 2
	}
	return 3
}

// typos counts the bytes to insert, delete, replace or swap with their neighbour (the
// distance of optimal string alignment).
func typos(a, b string) int {
	var before []int // the row before the last
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			wrong := 1
			if a[i] == b[j] {
				wrong = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+wrong)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
