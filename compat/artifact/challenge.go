package artifact

import (
	"fmt"
	"strings"
)

// challenge is how a registry wants a request to be authorised:
// https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate
//
// oras-go (v2.7.0, registry/remote/auth/challenge.go) reads the first challenge of the first header
// only, and would send a password, or give up, where a token is offered too. With a client that
// chooses among all of them this file can go.
type challenge struct {
	scheme string            // in lower case
	params map[string]string // names in lower case
}

// String is the challenge as oras-go reads it: on one line, nothing in it that it has no use for.
func (c challenge) String() string {
	if c.scheme == schemeBasic {
		return c.scheme
	}
	return fmt.Sprintf("%s realm=%q,service=%q,scope=%q", c.scheme, c.params["realm"], c.params["service"],
		strings.Join(strings.Fields(c.params["scope"]), " "))
}

// The schemes that registries use.
const (
	schemeBasic  = "basic"
	schemeBearer = "bearer"
)

// pickChallenge takes the first bearer challenge, or else the first basic one: a token says less
// about us than a password.
func pickChallenge(headers []string) (challenge, bool) {
	all := parseChallenges(headers)
	for _, scheme := range []string{schemeBearer, schemeBasic} {
		for _, c := range all {
			if c.scheme == scheme {
				return c, true
			}
		}
	}
	return challenge{}, false
}

// parseChallenges reads WWW-Authenticate headers, each of which may hold several challenges. What
// follows a mistake is left out up to the next comma.
func parseChallenges(headers []string) []challenge {
	var list []challenge
	for _, s := range headers {
		inHeader := false
		for {
			s = strings.TrimLeft(s, " \t,")
			word, rest := cutToken(s)
			if word == "" {
				if s = afterComma(s); s == "" {
					break
				}
				continue
			}
			after := strings.TrimLeft(rest, " \t")
			if value, tail, ok := cutValue(after); ok && inHeader {
				list[len(list)-1].params[strings.ToLower(word)] = value
				s = tail
				continue
			}
			if strings.HasPrefix(after, "=") {
				s = afterComma(after)
				continue
			}
			list = append(list, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
			inHeader, s = true, rest
		}
	}
	return list
}

// afterComma is what follows the next comma outside quotes, "" if there is none.
func afterComma(s string) string {
	if i := indexUnquoted(s, ','); i >= 0 {
		return s[i+1:]
	}
	return ""
}

// cutToken splits a token off: https://www.rfc-editor.org/rfc/rfc9110#name-tokens
func cutToken(s string) (token, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// cutValue reads =token or ="quoted string".
func cutValue(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "=")
	if !ok {
		return "", "", false
	}
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutToken(s)
		return value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}
