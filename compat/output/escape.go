package output

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// invisible reports whether a character does not show as what it is: terminals obey control
// characters (DEL and the C1 set), and characters that turn the direction of text, or have no
// width, make it read as something else (https://trojansource.codes).
func invisible(r rune) bool { return r >= 0x7f && r != utf8.RuneError && !unicode.IsPrint(r) }

// escapeHidden escapes hidden characters in JSON. Those below 0x20 encoding/json escapes.
func escapeHidden(data []byte) []byte {
	return replaceHidden(data, func(out []byte, r rune) []byte {
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
		return fmt.Appendf(out, `\u%04x`, r)
	})
}

// markHidden marks hidden characters in JSON of which YAML is to be made: the control
// characters around the number of each make the emitter quote the text and escape them.
func markHidden(data []byte) []byte {
	return replaceHidden(data, func(out []byte, r rune) []byte { return fmt.Appendf(out, `\u0001%x\u0002`, r) })
}

// hiddenMark is what YAML's emitter makes of a mark.
var hiddenMark = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\x01([0-9a-f]{2,6})\\x02`) })

// escapeMarked makes escapes of YAML of what markHidden marked.
func escapeMarked(data []byte) []byte {
	return hiddenMark().ReplaceAllFunc(data, func(mark []byte) []byte {
		r, err := strconv.ParseUint(string(mark[4:len(mark)-4]), 16, 32)
		if err != nil || r > unicode.MaxRune {
			return mark
		}
		return fmt.Appendf(nil, `\U%08x`, r)
	})
}

// isPlain reports whether text is ASCII without DEL, of which JSON has escaped what is hidden: a look at
// each byte of a large report takes a tenth of the time of one at each character.
func isPlain(data []byte) bool {
	for _, b := range data {
		if b >= 0x7f {
			return false
		}
	}
	return true
}

func replaceHidden(data []byte, write func(out []byte, r rune) []byte) []byte {
	if isPlain(data) || !bytes.ContainsFunc(data, invisible) {
		return data
	}
	out := make([]byte, 0, len(data)+len(data)/8)
	for _, r := range string(data) {
		if invisible(r) {
			out = write(out, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
