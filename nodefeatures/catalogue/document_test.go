package catalogue

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/golden"
)

// TestTable checks what every entry must be, and what looks an entry up.
func TestTable(t *testing.T) {
	names := Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or one twice: %v", names)
	}
	for _, f := range append(All(), ruleMatched) {
		if f.Kind == 0 || f.Meaning == "" || f.Read == "" || f.Source() == f.Name {
			t.Errorf("%+v lacks something", f)
		}
		if !f.Open && len(f.Elements) == 0 {
			t.Errorf("%s is closed and has no element", f.Name)
		}
		for _, e := range f.Elements {
			if e.Example == "" || !e.Value.Can(e.Example) {
				t.Errorf("%s: %s is never %q, but %s", f.Name, e.Name, e.Example, e.Value)
			}
		}
		for _, name := range []string{f.Name, strings.ToUpper(f.Name)} {
			if found, ok := Lookup(name); !ok || found.Name != f.Name {
				t.Errorf("looking up %s: %v", name, found)
			}
		}
	}
	for _, name := range []string{"", "cpu", "cpu.cpuids", "usb.devices"} {
		if f, ok := Lookup(name); ok {
			t.Errorf("%q is %s", name, f.Name)
		}
	}
	hugepages, _ := Lookup("memory.hugepages")
	for name, want := range map[string]string{"enabled": "enabled", "hugepages-2Mi": "hugepages-*", "hugepages": "", "Enabled": "", "enabledx": ""} {
		if e, ok := hugepages.Element(name); e.Name != want || ok != (want != "") {
			t.Errorf("%s is %q", name, e.Name)
		}
	}
}

// TestFeaturesDocument keeps the documentation of features equal to the table.
func TestFeaturesDocument(t *testing.T) {
	var buf bytes.Buffer
	buf.WriteString("# Features\n\n" + `Made from the table in nodefeatures/catalogue by ` + "`make generate`" + `: what Node Feature Discovery v0.19.0 publishes.

Upper and lower case count everywhere but in the name of a feature. A flag is there or not; an attribute has a value; of a
feature that lists devices, each device has attributes. The elements listed are all that there are, unless the feature is
*open*. On another architecture than those named a feature is empty, and what you ask of it unknown. An element that is not
*always* there where the feature is may be missing on a node. Quote what looks like a number or a truth value in a spec.

| feature | kind | what it tells |
|---|---|---|
`)
	all := append(slices.Clone(All()), ruleMatched)
	for _, f := range all {
		fmt.Fprintf(&buf, "| [`%s`](#%s) | %s | %s |\n", f.Name, strings.ReplaceAll(f.Name, ".", ""), forms(f.Kind), f.Meaning)
	}
	for _, f := range all {
		fmt.Fprintf(&buf, "\n## %s\n\n%s", f.Name, sentence(forms(f.Kind)))
		if f.Open {
			buf.WriteString(", open")
		}
		if len(f.Architectures) > 0 {
			buf.WriteString(", on " + strings.Join(f.Architectures, " and ") + " only")
		}
		fmt.Fprintf(&buf, ". %s. Read from %s.\n", sentence(f.Meaning), path.ReplaceAllString(f.Read, "`$0`"))
		if f.Name == CPUID {
			fmt.Fprintf(&buf, "\nOn amd64: %s.\n\nOn arm64: %s.\n\nOn arm, ppc64le or s390x: %s.\n", code(amd64Flags), code(arm64Flags), code(otherFlags))
		}
		if len(f.Elements) == 0 {
			continue
		}
		buf.WriteString("\n| element | value | example | always |\n|---|---|---|---|\n")
		for _, e := range f.Elements {
			always := map[bool]string{true: "yes"}[e.Always]
			fmt.Fprintf(&buf, "| `%s` | %s | `%s` | %s |\n", e.Name, e.Value, e.Example, always)
		}
	}
	golden.Compare(t, "../../cmd/compat/docs/features.md", buf.Bytes())
}

// path is a file or a variable in a text.
var path = regexp.MustCompile(`[/$][A-Za-z_/.*-]+`)

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func code(names []string) string { return "`" + strings.Join(names, "` `") + "`" }

// forms lists the forms of a feature as a reader knows them.
func forms(k Kind) string {
	var forms []string
	for i, form := range []string{"flags", "attributes", "devices"} {
		if k.Has(1 << i) {
			forms = append(forms, form)
		}
	}
	return strings.Join(forms, " and ")
}
