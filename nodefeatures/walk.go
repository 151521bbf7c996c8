package nodefeatures

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// The functions of this file read JSON that is known to be well formed: a decoder
// checked it when it cut the stream. They are several times as fast as a decoder,
// which checks it again and fills in every value by reflection. Whatever is not as
// it usually is they leave to that one, and say so with false.

// eachMember calls f for the members of an object; the value is as written. It
// ends with false if it is no object, a key is written with an escape, or f
// returns false.
func eachMember(object string, f func(key, value string) bool) bool {
	at := spaceEnd(object, 0)
	if at == len(object) || object[at] != '{' {
		return false
	}
	at = spaceEnd(object, at+1)
	for object[at] != '}' {
		end := stringEnd(object, at)
		key, plain := unquoted(object[at:end])
		if !plain {
			return false
		}
		at = spaceEnd(object, spaceEnd(object, end)+1) // the colon
		end = valueEnd(object, at)
		if !f(key, object[at:end]) {
			return false
		}
		if at = spaceEnd(object, end); object[at] == ',' {
			at = spaceEnd(object, at+1)
		}
	}
	return true
}

func spaceEnd(text string, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r') {
		at++
	}
	return at
}

// stringEnd is the place behind the string that begins at a place.
func stringEnd(text string, at int) int {
	for at++; ; at++ {
		at += strings.IndexByte(text[at:], '"')
		escapes := 0
		for text[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at + 1
		}
	}
}

// valueEnd is the place behind the value that begins at a place.
func valueEnd(text string, at int) int {
	for depth := 0; ; {
		switch text[at] {
		case '"':
			at = stringEnd(text, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		default: // a number, a word, or what is between values
			at++
			if depth == 0 {
				for at < len(text) && !strings.ContainsRune(" \t\r\n,]}", rune(text[at])) {
					at++
				}
			}
		}
		if depth == 0 {
			return at
		}
	}
}

// unquoted is what a string without escapes stands for.
func unquoted(value string) (text string, ok bool) {
	if value[0] != '"' {
		return "", false
	}
	text = value[1 : len(value)-1]
	return text, strings.IndexByte(text, '\\') < 0 && utf8.ValidString(text)
}

// walkElements calls f for the elements of a set of flags or attributes.
func walkElements(set string, f func(name, value string) bool) bool {
	seen := false
	return eachMember(set, func(key, value string) bool {
		if key != "elements" {
			return true
		}
		again := seen
		seen = true
		return !again && eachMember(value, f)
	}) && seen
}

// flagsOf are the elements of a set of flags.
func flagsOf(set string) (map[string]nfdv1alpha1.Nil, bool) {
	elements := make(map[string]nfdv1alpha1.Nil, strings.Count(set, ":"))
	ok := walkElements(set, func(name, value string) bool {
		elements[name] = nfdv1alpha1.Nil{}
		return value == "{}"
	})
	return elements, ok
}

// attributesOf are the elements of a set of attributes. The strings are parts of
// the set.
func attributesOf(set string) (map[string]string, bool) {
	elements := make(map[string]string, strings.Count(set, ":"))
	ok := walkElements(set, func(name, value string) bool {
		text, ok := unquoted(value)
		if !ok && value[0] == '"' {
			ok = kjson.UnmarshalCaseSensitivePreserveInts([]byte(value), &text) == nil
		}
		elements[name] = text
		return ok
	})
	return elements, ok
}

// walkObject fills in an object, with those sets of features that are kept. No part
// of the data stays in use.
func walkObject(o *rawObject, data string, kept map[string]bool) bool {
	seen := map[string]bool{}
	features := func(_, value string) bool { return walkFeatures(o, value, kept) }
	decoded := func(value string, into any) bool {
		return kjson.UnmarshalCaseSensitivePreserveInts([]byte(value), into) == nil
	}
	return eachMember(data, func(key, value string) (ok bool) {
		if seen[key] {
			return false
		}
		seen[key] = true
		switch key {
		case "apiVersion":
			ok = decoded(value, &o.APIVersion)
		case "kind":
			ok = decoded(value, &o.Kind)
		case "metadata":
			ok = decoded(value, &o.Metadata)
		case "spec":
			ok = onlyMember(value, "features", features)
		default:
			ok = true
		}
		return ok
	})
}

// onlyMember calls f for the one member that has the key.
func onlyMember(object, key string, f func(key, value string) bool) bool {
	n := 0
	return eachMember(object, func(k, value string) bool {
		if k != key {
			return true
		}
		n++
		return n == 1 && f(k, value)
	})
}

// walkFeatures takes the sets of the three types.
func walkFeatures(o *rawObject, features string, kept map[string]bool) bool {
	f := &o.Spec.Features
	return eachMember(features, func(kind, sets string) bool {
		into := map[string]*map[string]json.RawMessage{"flags": &f.Flags, "attributes": &f.Attributes, "instances": &f.Instances}[kind]
		if into == nil {
			return true
		}
		if *into != nil {
			return false
		}
		*into = map[string]json.RawMessage{}
		return eachMember(sets, func(name, set string) bool {
			_, twice := (*into)[name]
			if kept == nil || kept[name] {
				(*into)[strings.Clone(name)] = compact(set)
			}
			return !twice
		})
	})
}
