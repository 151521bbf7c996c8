package artifact

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// urlQuery finds what follows the path of a URL: after a redirect to a store of blobs it is a
// signature.
var urlQuery = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\?[^\s"']*`) })

// urlUser finds the credentials in a URL.
var urlUser = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^/\s"'@]*@`) })

// scrub makes a failure's text fit to be shown: no query and no credentials of any URL in it.
func scrub(err error) string {
	text := urlUser().ReplaceAllString(urlQuery().ReplaceAllString(err.Error(), ""), "://")
	return printable(text, 2*maxServerText)
}

// printable shortens what a server wrote and takes out everything that a terminal would act on.
func printable(s string, limit int) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		default:
			return r
		}
	}, s)
	s = strings.TrimSpace(s)
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func withMessage(s, message string) string {
	if message == "" {
		return s
	}
	return s + ": " + message
}
