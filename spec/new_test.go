package spec

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"nodecompat/nodefeatures/catalogue"
)

// clean returns a spec about which lint has nothing to say, and which its schema accepts.
func clean(t *testing.T, what string, data []byte) *Spec {
	t.Helper()
	s, problems := Parse(data)
	if s == nil || len(problems) > 0 {
		t.Fatalf("%s: %v\n%s", what, problems, data)
	}
	if err := validate(compiledSchema(t), data); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return s
}

// example is a block of a commented-out part of the template: lines with a # at the left,
// and blanks behind it.
var example = regexp.MustCompile(`(?m)(?:^#  +[^ ].*\n)+`)

// TestNew takes the # from each block of the template, from each entry of a block, and from
// all of them.
func TestNew(t *testing.T) {
	template, err := New()
	if err != nil {
		t.Fatal(err)
	}
	plain := clean(t, "the template", template)
	if !bytes.HasPrefix(template, []byte(modeline)) || len(plain.Sets) != 2 {
		t.Errorf("%d sets in\n%s", len(plain.Sets), template)
	}
	_, body, _ := bytes.Cut(template, []byte("\nversion:"))
	head := template[:len(template)-len(body)]
	blocks := example.FindAllIndex(body, -1)
	if len(blocks) != 2 {
		t.Errorf("%d blocks", len(blocks))
	}
	uncomment := func(text []byte) []byte { return regexp.MustCompile(`(?m)^#  `).ReplaceAll(text, []byte("  ")) }
	entries := 0
	for _, at := range blocks {
		dash := body[at[0] : at[0]+bytes.Index(body[at[0]:], []byte("- "))+2]
		for from := at[0]; from < at[1]; entries++ {
			to := at[1]
			if next := bytes.Index(body[from+1:at[1]], append([]byte("\n"), dash...)); next >= 0 {
				to = from + 1 + next + 1
			}
			one := bytes.Join([][]byte{head, body[:from], uncomment(body[from:to]), body[to:]}, nil)
			if more := clean(t, "an entry", one); rules(more) != rules(plain)+1 {
				t.Errorf("%d rules, then %d:\n%s", rules(plain), rules(more), one)
			}
			from = to
		}
	}
	all := clean(t, "everything", append(bytes.Clone(head), uncomment(body)...))
	if entries != 5 || len(all.Sets) != 3 || bytes.Contains(uncomment(body), []byte("\n#")) {
		t.Errorf("%d entries, %d sets", entries, len(all.Sets))
	}
}

// rules counts those of all sets.
func rules(s *Spec) (n int) {
	for _, set := range s.Sets {
		n += len(set.Rules)
	}
	return n
}

// TestNewFeatures has every feature, alone and with all others.
func TestNewFeatures(t *testing.T) {
	for _, name := range featureNames() {
		data, err := New(strings.ToUpper(name), name)
		if err != nil {
			t.Fatal(err)
		}
		if s := clean(t, name, data); !strings.Contains(string(data), "feature: "+name+"\n") || len(s.Sets[0].Rules) > 2 {
			t.Errorf("%s:\n%s", name, data)
		}
	}
	data, err := New(featureNames()...)
	if err != nil {
		t.Fatal(err)
	}
	clean(t, "all", data)
	for name, want := range map[string]string{
		"pci.devices": `there is no feature "pci.devices"; did you mean pci.device?`,
		"nonsense":    "there is no feature \"nonsense\"; `compat explain` lists all",
	} {
		if data, err := New("pci.device", name); err == nil || err.Error() != want || data != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExamples lints the examples of operators and of elements.
func TestExamples(t *testing.T) {
	examples := map[string]string{}
	for i := range catalogue.Operators() {
		o := &catalogue.Operators()[i]
		if examples[o.Title()] = o.Rule(); o.Name != "" && !strings.Contains(o.Example, "{op: "+o.Name) {
			t.Errorf("%s: %s", o.Name, o.Example)
		}
	}
	elements := map[string][]string{
		catalogue.CPUID: catalogue.CPUFlags(), catalogue.KernelConfig: {"XFS_FS", "NO"}, catalogue.EnabledModule: {"xfs", "vfio-pci"},
		catalogue.LoadedModule: {"xfs", "8021q"}, "memory.hugepages": {"hugepages-2Mi"},
		"local.feature": {"a: {b}", "yes", "1"}, catalogue.RuleMatched: {"gpu"},
	}
	for _, name := range featureNames() {
		f, _ := catalogue.Lookup(name)
		for _, element := range append(elements[name], f.ElementNames()...) {
			element = strings.ReplaceAll(element, "*", "1Gi") // of hugepages-*
			examples[name+"."+element] = f.ElementTopic(element).Example
		}
	}
	for name, rule := range examples {
		_, problems := Parse([]byte("version: v1alpha1\ncompatibilities:\n- rules:\n" + indented(rule, "  ")))
		if len(problems) > 0 {
			t.Errorf("%s: %v\n%s", name, problems, rule)
		}
	}
}
