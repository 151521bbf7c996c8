package spec

import (
	"strings"

	"sigs.k8s.io/yaml"
)

// maxQuestions is the number of different unquoted texts of one document about
// which sigs.k8s.io/yaml is asked; each costs about 10 µs. Real specs have less
// than ten; beyond the bound they must be quoted.
const maxQuestions = 10_000

// A reading remembers as which text NFD sees an unquoted scalar. NFD reads with
// sigs.k8s.io/yaml, which turns 5.10 into the number 5.1 and that into the text
// "5.1". Rather than imitate its rules, ask it.
type reading struct {
	values, keys map[string]string
}

// of returns what NFD sees where text stands unquoted as a value or as a key.
func (r *reading) of(text string, key bool) (seen string, ok bool) {
	if isText(text) {
		return text, true
	}
	known := &r.values
	if key {
		known = &r.keys
	}
	if seen, ok := (*known)[text]; ok {
		return seen, seen == text
	}
	if len(*known) >= maxQuestions {
		return "", false
	}
	if *known == nil {
		*known = map[string]string{}
	}
	seen = ask(text, key)
	(*known)[text] = seen
	return seen, seen == text
}

func ask(text string, key bool) string {
	if key {
		var answer map[string]int
		if err := yaml.Unmarshal([]byte(text+": 1"), &answer); err != nil || len(answer) != 1 {
			return ""
		}
		for seen := range answer {
			return seen
		}
	}
	var answer []string
	if err := yaml.Unmarshal([]byte("- "+text), &answer); err != nil || len(answer) != 1 {
		return ""
	}
	return answer[0]
}

// isText reports whether an unquoted scalar is text in any YAML: it can be no
// number, date, boolean, null or merge key. Those begin with a sign, digit,
// point, tilde or `<`, or are one of the words below.
func isText(s string) bool {
	if s == "" {
		return false
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9':
		return false
	case strings.IndexByte("+-.~<=", c) >= 0:
		return false
	case strings.IndexByte("yYnNtTfFoO", c) >= 0:
		// y, yes, n, no, on, off, true, false, null
		return len(s) > len("false")
	}
	return true
}
