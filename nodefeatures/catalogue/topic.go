package catalogue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Topic is what there is to say to people about a feature, an element or an operator.
type Topic struct {
	// Title is its name.
	Title string
	// Text is a paragraph each.
	Text []string
	// Elements are the known elements of a feature, a line each; an element's own line.
	Elements []string
	// Example is a rule, or several, in YAML.
	Example string
	// Traps are what people get wrong, a sentence or more each.
	Traps []string
}

// Topic explains a feature.
func (f *Feature) Topic() Topic {
	t := Topic{Title: f.Name, Text: []string{f.about(), f.whereRead()}, Example: f.Rule(), Traps: f.Traps}
	if f.Name == CPUID {
		t.Text = append(t.Text, "On amd64: "+code(amd64Flags)+".", "On arm64: "+code(arm64Flags)+".", "On arm, ppc64le or s390x: "+code(otherFlags)+".")
	}
	for _, e := range f.Elements {
		t.Elements = append(t.Elements, e.line(e.Name))
	}
	return t
}

// ElementTopic explains an element of a feature, which may be any that an open one can have.
func (f *Feature) ElementTopic(name string) Topic {
	e := f.elementOrFlag(name)
	return Topic{
		Title: f.Name + "." + name, Text: []string{f.about(), f.whereRead()},
		Elements: []string{e.line(name) + f.flagNote(e, name)}, Example: f.elementRule(e, name), Traps: f.Traps,
	}
}

// Topic explains an operator.
func (o *Operator) Topic() Topic {
	about := fmt.Sprintf("An operator that is true if %s. It %s.", o.Meaning, o.Values())
	if len(o.Signs) > 0 {
		about += " In other languages: " + code(o.Signs) + "."
	}
	return Topic{Title: o.Title(), Text: []string{about, o.Suits + "."}, Example: o.Rule(), Traps: o.Traps}
}

// Rule is an example of a rule with the operator.
func (o *Operator) Rule() string { return termRule(o.Feature, "matchExpressions:\n  "+o.Example) }

// Rule is an example of a rule on the feature.
func (f *Feature) Rule() string {
	if f.Name == RuleMatched {
		return f.Example
	}
	return termRule(f.Name, f.Example)
}

// termRule is a rule with one term.
func termRule(feature, matchers string) string {
	return "- name: " + feature + "\n  matchFeatures:\n    - feature: " + feature + "\n      " + strings.ReplaceAll(matchers, "\n", "\n      ")
}

// Forms names the forms in which the feature is published.
func (f *Feature) Forms() string {
	var forms []string
	for i, form := range []string{"flags", "attributes", "devices"} {
		if f.Kind.Has(1 << i) {
			forms = append(forms, form)
		}
	}
	return strings.Join(forms, " and ")
}

func (f *Feature) about() string {
	about := "A feature of " + f.Forms()
	if f.Open {
		about += ", open to any besides those that are known"
	}
	return about + ". " + sentence(f.Meaning) + "."
}

// whereRead says where NFD reads the feature, and on which nodes.
func (f *Feature) whereRead() string {
	where := "on every architecture"
	if len(f.Architectures) > 0 {
		where = "on " + strings.Join(f.Architectures, " and ") + " only"
	}
	read := fmt.Sprintf("Read %s from %s.", where, f.Read)
	if f.Running {
		read += " It is of the running machine: with the --host-root of another it is unknown."
	}
	return read
}

// elementOrFlag is a known element, or what is known of others: a flag, a kernel option.
func (f *Feature) elementOrFlag(name string) Element {
	e, known := f.Element(name)
	switch {
	case known:
	case f.Name == KernelConfig:
		e = Element{Name: name, Value: ConfigValue, Example: "y"}
	case f.Kind.Has(Flag):
		e = Element{Name: name, Value: noValue}
	}
	return e
}

// noValue is the Value of flags here.
const noValue = Value(1<<8 - 1)

func (e Element) line(name string) string {
	line := "`" + name + "`: "
	switch {
	case e.Value == noValue:
		return line + "a flag, which is there or not"
	case e.Name == "":
		return line + "text"
	}
	line += e.Value.String() + ", such as `" + e.Example + "`"
	if e.Always {
		line += "; always there where the feature is"
	}
	return line
}

// flagNote says on which architectures there is a flag of the CPU.
func (f *Feature) flagNote(e Element, name string) string {
	if f.Name != CPUID || e.Value != noValue {
		return ""
	}
	var on []string
	for _, a := range []struct {
		flags []string
		name  string
	}{{amd64Flags, "amd64"}, {arm64Flags, "arm64"}, {otherFlags, "arm, ppc64le or s390x"}} {
		if _, ok := slices.BinarySearch(a.flags, name); ok {
			on = append(on, a.name)
		}
	}
	return ", on " + strings.Join(on, " and on ")
}

// elementRule is an example of a rule on an element.
func (f *Feature) elementRule(e Element, name string) string {
	if f.Name == EnabledModule {
		loaded, file := strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "_", "-")
		names := scalar(loaded)
		if file != loaded {
			names += ", " + scalar(file)
		}
		return termRule(f.Name, "matchName: {op: In, value: ["+names+"]}")
	}
	expression := "{op: In, value: [" + strconv.Quote(e.Example) + "]}"
	switch {
	case e.Value == noValue:
		expression = "{op: Exists}"
	case f.Name == RuleMatched, e.Name == "":
		expression = "{op: Exists}"
	case f.Name == KernelVersion && name == "full":
		expression = `{op: Ge, type: version, value: ["5.10"]}`
	case e.Value == Boolean, e.Value == True:
		expression = "{op: IsTrue}"
	case e.Value == ConfigValue:
		expression = `{op: In, value: ["y", "m"]}`
	case e.Value == Integer:
		expression = "{op: Ge, value: [" + strconv.Quote(e.Example) + "]}"
	}
	rule := termRule(f.Name, "matchExpressions:\n  "+scalar(name)+": "+expression)
	if f.Name == RuleMatched {
		rule = "- name: sets it\n  vars: {" + scalar(name) + ": \"1\"}\n  matchFeatures:\n    - feature: kernel.version\n      matchExpressions:\n        major: {op: Ge, value: [\"4\"]}\n" + rule
	}
	return rule
}

// scalar spells a name in YAML so that it stays text.
func scalar(name string) string {
	letter := func(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
	plain := strings.IndexFunc(name, letter) == 0 && !strings.ContainsFunc(name, func(r rune) bool {
		return !letter(r) && (r < '0' || r > '9') && !strings.ContainsRune("-./", r)
	})
	if plain && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func code(names []string) string { return "`" + strings.Join(names, "` `") + "`" }
