package manifest

import (
	"bytes"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSource is the length of the name of a template, in bytes.
const maxSource = 1_000

// helmSource returns the template that a document was rendered from, as helm template
// says it in a comment in front of it: `# Source: chart/templates/web.yaml`. It is ""
// when no such comment is there, or another one that begins like it.
func helmSource(document []byte) string {
	for line := range bytes.Lines(document) {
		text := strings.TrimSpace(string(line[:min(len(line), 2*maxSource)]))
		if text != "" && text[0] != '#' && !strings.HasPrefix(text, "---") {
			break
		}
		if source, ok := strings.CutPrefix(text, "# Source: "); ok && isTemplate(source) {
			return source
		}
	}
	return ""
}

// isTemplate reports whether a name is that of a file in a chart: a relative path
// through templates or crds.
func isTemplate(name string) bool {
	below := strings.Contains(name, "/templates/") || strings.Contains(name, "/crds/")
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	plain := utf8.ValidString(name) && !strings.ContainsFunc(name, odd) && !strings.Contains(name, "://")
	return below && plain && len(name) <= maxSource && path.Clean(name) == name && !path.IsAbs(name) && !strings.HasPrefix(name, "../")
}
