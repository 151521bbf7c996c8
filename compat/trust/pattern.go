package trust

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"nodecompat/compat/artifact"
)

// everything is the pattern that matches all images, and the only one that matches those in OCI
// layouts, which have no name that means the same to everybody.
const everything = "**"

// name is what patterns are compared with: host[:port]/repository. It is "" for an OCI layout.
func name(ref artifact.Reference) string {
	if ref.Layout != "" {
		return ""
	}
	return canonical(strings.ToLower(ref.Registry)) + "/" + ref.Repository
}

// canonical is a registry's host[:port] without the port of HTTPS and the dot behind a name, with which
// it would be the same registry under another rule.
func canonical(registry string) string {
	host, port := registry, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], strings.TrimSuffix(host[i:], ":443")
	}
	return strings.TrimSuffix(host, ".") + port
}

// ipv6 is a host that is an IPv6 address, or a pattern of them.
var ipv6 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[[0-9a-f:.*]+\](:[0-9*]+)?$`) })

// checkPattern says why no image can match a pattern; "" if one can.
func checkPattern(p string) (reason, hint string) {
	host, repository, slash := strings.Cut(p, "/")
	wrong := strings.IndexFunc(p, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-/*:[]", c)
	})
	switch {
	case p == everything:
		return "", ""
	case len(p) > MaxPattern:
		return fmt.Sprintf("it is longer than %d bytes", MaxPattern), ""
	case strings.Contains(p, "@"), slash && strings.ContainsAny(repository, ":"):
		return "it names a tag or digest, and a rule is about repositories", "leave out what follows the repository: the signature is of one digest anyway"
	case wrong >= 0:
		return fmt.Sprintf("it has the character %q", []rune(p[wrong:])[0]), "write host[:port]/repository in lower case; * stands for anything within a part, ** for anything"
	case strings.ContainsAny(repository, "[]"), strings.ContainsAny(host, "[]") && !ipv6().MatchString(host):
		return "brackets stand for nothing but themselves, around an IPv6 address", "write a rule for each; * stands for anything within a part, ** for anything"
	case strings.HasPrefix(p, "/"), strings.HasSuffix(p, "/"), strings.Contains(p, "//"):
		return "it has an empty part", "write host[:port]/repository"
	case strings.Contains(host, everything):
		return "", ""
	case !slash:
		return "it names no repository", "write host[:port]/repository, or " + p + "/** for all on a registry"
	case host == "index.docker.io", host == "docker.io" && !strings.ContainsAny(repository, "/*"):
		return "no reference is spelled like that", "write docker.io/library/NAME for an official image, docker.io/USER/NAME for another"
	case canonical(host) != host:
		return "references are compared without port 443 and without a dot behind the host", "write " + canonical(host) + "/" + repository
	case !strings.ContainsAny(host, ".:*") && host != "localhost":
		return fmt.Sprintf("%s is no registry", host), "begin with the registry: docker.io/" + p
	}
	return "", ""
}

// A specificity orders patterns: more literal characters, then fewer **, then fewer *.
type specificity struct{ literal, doubles, singles int }

func specificityOf(p string) specificity {
	doubles := strings.Count(p, everything)
	singles := strings.Count(p, "*") - 2*doubles
	return specificity{len(p) - strings.Count(p, "*"), doubles, singles}
}

func (s specificity) compare(o specificity) int {
	return cmp.Or(cmp.Compare(s.literal, o.literal), cmp.Compare(o.doubles, s.doubles), cmp.Compare(o.singles, s.singles))
}

// A token of a pattern is a character, or a wildcard.
type token struct {
	char byte
	wild int // 1 for *, 2 for **, 0 for a character
}

func tokens(p string) []token {
	var list []token
	for p != "" {
		switch {
		case strings.HasPrefix(p, everything):
			list, p = append(list, token{wild: 2}), p[2:]
		case p[0] == '*':
			list, p = append(list, token{wild: 1}), p[1:]
		default:
			list, p = append(list, token{char: p[0]}), p[1:]
		}
	}
	return list
}

// accepts reports whether a token takes a character.
func (t token) accepts(c byte) bool {
	return t.wild == 2 || t.wild == 1 && c != '/' || t.wild == 0 && t.char == c
}

// matches reports whether a pattern matches a repository's name. Its time is that of the product of
// both lengths at most.
func matches(pattern, name string) bool {
	if name == "" {
		return pattern == everything
	}
	list := tokens(pattern)
	// at[i] reports whether the first i tokens match what was read.
	at := make([]bool, len(list)+1)
	at[0] = true
	skip(list, at)
	for i := range len(name) {
		next := make([]bool, len(list)+1)
		for j, t := range list {
			if !at[j] || !t.accepts(name[i]) {
				continue
			}
			if t.wild > 0 {
				next[j] = true
			} else {
				next[j+1] = true
			}
		}
		skip(list, next)
		at = next
	}
	return at[len(list)]
}

// skip lets wildcards stand for nothing.
func skip(list []token, at []bool) {
	for j, t := range list {
		if at[j] && t.wild > 0 {
			at[j+1] = true
		}
	}
}

// overlap reports whether some name matches both patterns.
func overlap(a, b string) bool {
	x, y := tokens(a), tokens(b)
	seen := make([]bool, (len(x)+1)*(len(y)+1))
	todo := [][2]int{{0, 0}}
	visit := func(i, j int) {
		if at := i*(len(y)+1) + j; !seen[at] {
			seen[at] = true
			todo = append(todo, [2]int{i, j})
		}
	}
	for len(todo) > 0 {
		i, j := todo[len(todo)-1][0], todo[len(todo)-1][1]
		todo = todo[:len(todo)-1]
		if i == len(x) && j == len(y) {
			return true
		}
		if i < len(x) && x[i].wild > 0 {
			visit(i+1, j)
		}
		if j < len(y) && y[j].wild > 0 {
			visit(i, j+1)
		}
		if i == len(x) || j == len(y) {
			continue
		}
		for _, c := range [...]byte{x[i].char, y[j].char, '/', 'a'} {
			if c == 0 || !x[i].accepts(c) || !y[j].accepts(c) {
				continue
			}
			nextI, nextJ := i, j
			if x[i].wild == 0 {
				nextI++
			}
			if y[j].wild == 0 {
				nextJ++
			}
			visit(nextI, nextJ)
		}
	}
	return false
}
