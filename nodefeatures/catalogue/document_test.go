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
		if f.Kind == 0 || f.Meaning == "" || f.Read == "" || f.Source() == f.Name || f.Example == "" || len(f.Traps) == 0 {
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

Every example is a rule; what is below it is what people get wrong. The [operators](#operators) are at the end. ` + "`compat explain pci.device`, `compat\nexplain pci.device.vendor` and `compat explain Ge`" + ` say the same.

| feature | kind | what it tells |
|---|---|---|
`)
	all := append(slices.Clone(All()), ruleMatched)
	for _, f := range all {
		fmt.Fprintf(&buf, "| [`%s`](#%s) | %s | %s |\n", f.Name, strings.ReplaceAll(f.Name, ".", ""), f.Forms(), f.Meaning)
	}
	for _, f := range all {
		fmt.Fprintf(&buf, "\n## %s\n\n%s", f.Name, sentence(f.Forms()))
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
		for i, e := range f.Elements {
			if i == 0 {
				buf.WriteString("\n| element | value | example | always |\n|---|---|---|---|\n")
			}
			always := map[bool]string{true: "yes"}[e.Always]
			fmt.Fprintf(&buf, "| `%s` | %s | `%s` | %s |\n", e.Name, e.Value, e.Example, always)
		}
		writeUse(&buf, f.Rule(), f.Traps)
	}
	buf.WriteString("\n## Operators\n\n| op | true if | value |\n|---|---|---|\n")
	for i := range Operators() {
		o := &Operators()[i]
		fmt.Fprintf(&buf, "| [%s](#%s) | %s | %s |\n", o.Title(), strings.ToLower(o.Title()), o.Meaning, o.Values())
	}
	for i := range Operators() {
		topic := Operators()[i].Topic()
		fmt.Fprintf(&buf, "\n### %s\n\n%s\n", topic.Title, strings.Join(topic.Text, "\n\n"))
		writeUse(&buf, topic.Example, topic.Traps)
	}
	golden.Compare(t, "../../cmd/compat/docs/features.md", buf.Bytes())
}

func writeUse(buf *bytes.Buffer, example string, traps []string) {
	fmt.Fprintf(buf, "\n```yaml\n%s\n```\n\n- %s\n", example, strings.Join(traps, "\n- "))
}

// path is a file or a variable in a text.
var path = regexp.MustCompile(`[/$][A-Za-z_/.*-]+`)
