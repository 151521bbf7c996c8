package sidecar

import (
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// What the files of SC031 share: how a value is refused, and kinds of values that many
// fields have.

// at is a place in another one.
func (p place) at(field string) place {
	return place{p.container, manifest.JoinPath(p.path, field)}
}

// item is a place in a list.
func (p place) item(i int) place { return p.at(manifest.PathIndex(i)) }

// key is a place in a mapping whose keys can be any text.
func (p place) key(key string) place { return p.at(manifest.PathKey(key)) }

// refuse is SC031.
func (l *linter) refuse(at place, remedy, format string, args ...any) {
	l.find("SC031", verdict.SeverityError, at, remedy, format, args...)
}

// refuseAll is SC031 for what apimachinery's validation says. Its errors have paths.
func (l *linter) refuseAll(container, remedy string, errs field.ErrorList) {
	for _, e := range errs {
		reason, _, _ := strings.Cut(e.ErrorBody(), " (e.g. ")
		l.refuse(place{container, e.Field}, remedy, "%.300s", reason)
	}
}

// required refuses a text that is not there, and reports whether it is.
func (l *linter) required(at place, text string) bool {
	if text == "" {
		field := at.path[strings.LastIndex(at.path, ".")+1:]
		l.refuse(at, "add "+field, "Required value: it has no %s", field)
	}
	return text != ""
}

// oneOf refuses a word that is none of those that there are; "" stands for the default.
func (l *linter) oneOf(at place, word string, words ...string) {
	if word != "" {
		l.mustBeOneOf(at, word, words...)
	}
}

// mustBeOneOf is oneOf for a word that has no default.
func (l *linter) mustBeOneOf(at place, word string, words ...string) {
	if !slices.Contains(words, word) {
		slices.Sort(words)
		l.refuse(at, "choose one (the value is case sensitive)", "Unsupported value: %.60q: supported values: \"%s\"", word, strings.Join(words, `", "`))
	}
}

// syntax refuses a name, or a part of one.
func (l *linter) syntax(at place, name string, problems []string) {
	if len(problems) > 0 {
		l.refuse(at, "rename it", "Invalid value: %.100q: %s", name, withoutPattern(problems))
	}
}

// reference refuses what is no name of another object; "" stands for none.
func (l *linter) reference(at place, name string) {
	if name != "" {
		l.syntax(at, name, validation.IsDNS1123Subdomain(name))
	}
}

// mode refuses permissions that a file can't have.
func (l *linter) mode(at place, mode *int32) {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		l.refuse(at, "write it as 0644, or in decimal as 420", "Invalid value: %d: must be a number between 0 and 0777 (octal), both inclusive", *mode)
	}
}

// relative refuses a path that leads out of where it begins.
func (l *linter) relative(at place, path string) {
	if strings.HasPrefix(path, "/") {
		l.refuse(at, "write it relative to the volume", "Invalid value: %.100q: must be a relative path", path)
	}
	l.noBacksteps(at, path)
}

// file is relative for the name of a file that is made.
func (l *linter) file(at place, path string) {
	if !l.required(at, path) {
		return
	}
	l.relative(at, path)
	if strings.HasPrefix(path, "..") && !strings.HasPrefix(path, "../") && path != ".." {
		l.refuse(at, "rename it", "Invalid value: %.100q: must not start with '..'", path)
	}
}

func (l *linter) noBacksteps(at place, path string) {
	if slices.Contains(strings.Split(path, "/"), "..") {
		l.refuse(at, "write the path without ..", "Invalid value: %.100q: must not contain '..'", path)
	}
}

// id refuses a number that no user or group has.
func (l *linter) id(at place, id *int64) {
	if id != nil {
		for _, problem := range validation.IsValidUserID(*id) {
			l.refuse(at, "correct the number", "Invalid value: %d: %s", *id, problem)
		}
	}
}

// nonNegative refuses a number below 0.
func (l *linter) nonNegative(at place, n int64) {
	if n < 0 {
		l.refuse(at, "remove it, or raise it", "Invalid value: %d: must be greater than or equal to 0", n)
	}
}

// choice names the fields of a struct that are set, of which there may be one, and refuses
// a second one. Fields that are no pointers don't count.
func (l *linter) choice(at place, of any, refusal string) (set []string) {
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			set = append(set, name)
		}
	}
	if len(set) > 1 {
		l.refuse(at.at(set[1]), "keep one of "+strings.Join(set, ", "), "%s", refusal)
	}
	return set
}

// withoutPattern are the problems that apimachinery's validation has with a word, without the
// example and the regular expression at their end.
func withoutPattern(problems []string) string {
	reason, _, _ := strings.Cut(strings.Join(problems, "; "), " (e.g. ")
	return reason
}

// leftOut reports whether a part of what is at one of the places could not be read: what
// stands for it says nothing about other fields.
func (l *linter) leftOut(places ...place) bool {
	return slices.ContainsFunc(places, func(at place) bool { return l.pod.RefusedIn(at.path) })
}

// created reports whether the object is one that an API server gave out, and changed since.
func (l *linter) created() bool {
	return l.pod.Meta.UID != "" || !l.pod.Meta.CreationTimestamp.IsZero()
}

// isOn reports whether a switch is set to true.
func isOn(b *bool) bool { return b != nil && *b }

// isFalse reports whether a switch is set to false.
func isFalse(b *bool) bool { return b != nil && !*b }
