package artifact

import (
	"fmt"
	"net/url"
	"strings"
)

// nextLink finds the target of the rel=next link in Link headers, "" if there is none.
// https://www.rfc-editor.org/rfc/rfc8288#section-3
func nextLink(headers []string) string {
	for _, header := range headers {
		for header != "" {
			var target, params string
			target, params, header = cutLink(header)
			if target != "" && relIsNext(params) {
				return target
			}
		}
	}
	return ""
}

// cutLink splits the first link off a header: its target, its parameters, and what follows the
// comma.
func cutLink(s string) (target, params, rest string) {
	open := strings.IndexByte(s, '<')
	if open < 0 {
		return "", "", ""
	}
	end := strings.IndexByte(s[open:], '>')
	if end < 0 {
		return "", "", ""
	}
	target, s = s[open+1:open+end], s[open+end+1:]
	comma := indexUnquoted(s, ',')
	if comma < 0 {
		return target, s, ""
	}
	return target, s[:comma], s[comma+1:]
}

// indexUnquoted is the place of a separator outside quoted strings, or -1.
func indexUnquoted(s string, separator byte) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			return i
		}
	}
	return -1
}

func relIsNext(params string) bool {
	for params != "" {
		param, rest := params, ""
		if i := indexUnquoted(params, ';'); i >= 0 {
			param, rest = params[:i], params[i+1:]
		}
		params = rest
		key, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "rel") {
			continue
		}
		for word := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(word, "next") {
				return true
			}
		}
	}
	return false
}

// nextPage resolves a link against the page it came with. A page elsewhere is refused: nobody but
// this registry may extend its list, and our credentials are for it alone.
func nextPage(page, link string) (string, error) {
	base, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	next, err := base.Parse(link)
	if err != nil {
		return "", fmt.Errorf("its link to the next page is no URL")
	}
	if next.Scheme != base.Scheme || next.Host != base.Host || next.User != nil {
		return "", fmt.Errorf("its next page is on another host, %s", printable(next.Host, maxServerText))
	}
	next.Fragment = ""
	return next.String(), nil
}
