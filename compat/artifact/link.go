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

// cutLink splits the first link off a header: its target, its parameters, and what follows the comma.
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
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return target, s[:i], s[i+1:]
		}
	}
	return target, s, ""
}

func relIsNext(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
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

// nextPage resolves a link against the page it came with. A page elsewhere is refused: nobody but this registry may
// extend its list, and our credentials are for it alone.
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
