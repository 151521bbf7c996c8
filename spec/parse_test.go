package spec

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures/verdict"
)

// one returns the only error of a document that must be refused.
func one(t *testing.T, data string) Problem {
	t.Helper()
	s, problems := ParseFile([]byte(data))
	if s != nil || len(problems) != 1 {
		t.Fatalf("spec %v, %d problems: %v", s != nil, len(problems), problems)
	}
	return problems[0]
}

// TestBytes has what can't stand in a file of the corpus.
func TestBytes(t *testing.T) {
	latin1 := minimal + "# \xe9\n"
	for name, c := range map[string]struct {
		data, code   string
		line, column int
	}{
		"empty":          {"", CodeEmpty, 1, 1},
		"spaces":         {" \n\n", CodeEmpty, 1, 1},
		"byte order":     {"\ufeff", CodeEmpty, 1, 1},
		"null":           {"null\n", CodeNull, 1, 1},
		"dashes":         {"---\n", CodeNull, 2, 1},
		"text":           {"hello\n", CodeWrongType, 1, 1},
		"UTF-16 little":  {"\xff\xfea\x00", CodeNotUTF8, 1, 1},
		"UTF-16 big":     {"\xfe\xff\x00a", CodeNotUTF8, 1, 1},
		"latin 1":        {latin1, CodeNotUTF8, 9, 3},
		"NUL":            {minimal + "#\x00", CodeNotUTF8, 9, 2},
		"NUL in a value": {strings.Replace(minimal, "avx", "a\x00x", 1), CodeNotUTF8, 4, 12},
		"control":        {strings.Replace(minimal, "avx", "a\x01x", 1), CodeSyntax, 1, 1},
		"binary":         {"\x7fELF\x02\x01\x01", CodeSyntax, 1, 1},
		"surrogate":      {strings.Replace(minimal, "avx", `"\ud800"`, 1), CodeSyntax, 4, 1},
		"too large":      {minimal + strings.Repeat("#", MaxSize), CodeTooLarge, 1, 1},
		"second":         {minimal + "---\n" + minimal, CodeMultipleDocuments, 9, 1},
		"second empty":   {minimal + "---\n", CodeMultipleDocuments, 9, 1},
		"rest":           {minimal + "...\nrest", CodeSyntax, 9, 1},
		"depth":          {strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2), CodeTooDeep, 1, MaxDepth + 1},
		"key of a list":  {"? [a]\n: b\n" + minimal, CodeWrongType, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := one(t, c.data)
			if p.Code != c.code || p.Line != c.line || p.Column != c.column {
				t.Errorf("got %s at %d:%d, want %s at %d:%d: %s", p.Code, p.Line, p.Column, c.code, c.line, c.column, p)
			}
		})
	}
}

// TestSame: these mean what minimal means.
func TestSame(t *testing.T) {
	want, problems := Parse([]byte(minimal))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, data := range map[string]string{
		"byte order mark": "\ufeff" + minimal,
		"CRLF":            strings.ReplaceAll(minimal, "\n", "\r\n"),
		"document marker": "---\n" + minimal + "...\n",
		"YAML 1.1":        "%YAML 1.1\n---\n" + minimal,
		"no last newline": strings.TrimSuffix(minimal, "\n"),
		"comments":        "# é\n" + strings.ReplaceAll(minimal, "\n", " # comment\n# another\n\n"),
		"quotes":          strings.NewReplacer("avx", "'avx'", "AVX2", `"AVX2"`, "Exists", `"Exi\x73ts"`).Replace(minimal),
		"JSON":            `{"version":"v1alpha1","compatibilities":[{"rules":[{"name":"avx","matchFeatures":[{"feature":"cpu.cpuid","matchExpressions":{"AVX2":{"op":"Exists"}}}]}]}]}`,
		"one line":        "{version: v1alpha1, compatibilities: [{rules: [{name: avx, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}]}]}",
		"folded":          strings.Replace(minimal, "avx", ">-\n     avx", 1),
		"explicit key":    strings.Replace(minimal, "version: v1alpha1", "? version\n: v1alpha1", 1),
		"explicit nulls":  strings.Replace(minimal, "  - name: avx", "  - name: avx\n    vars: null\n    matchAny: null\n    varsTemplate: \"\"", 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := ParseFile([]byte(data))
			if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
				t.Errorf("%v\n(-want +got):\n%s", problems, diff)
			}
		})
	}
}

// TestHostile ends: no document of the permitted size takes long or much.
func TestHostile(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, (MaxSize-4096)/len(s)) }
	term := func(value string) string { return strings.Replace(minimal, "{op: Exists}", value, 1) }
	distinct := func(format string, count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ data, code string }{
		"brackets":          {strings.Repeat("[", 100_000), CodeTooDeep},
		"braces":            {strings.Repeat("{a: ", 40_000), CodeTooDeep},
		"dashes":            {strings.Repeat("- ", 100_000), CodeTooDeep},
		"question marks":    {strings.Repeat("? ", 90_000), CodeTooDeep},
		"values":            {fill("a,"), CodeTooLarge},
		"comments":          {minimal + fill("#\n\n"), CodeTooLarge},
		"problems":          {"version: v1alpha1\ncompatibilities:\n" + strings.Repeat("- x\n", 190_000), CodeTooManyProblems},
		"unknown keys":      {minimal + distinct("key%d: 1\n", 50_000), CodeTooManyProblems},
		"long unknown key":  {minimal + fill("a"), CodeSyntax},
		"numbers":           {term("{op: In, value: [" + distinct("1%d, ", 90_000) + "]}"), CodeUnquoted},
		"odd numbers":       {term("{op: In, value: [" + distinct("0%d, ", 50_000) + "]}"), CodeTooManyProblems},
		"large pattern":     {term(`{op: InRegexp, value: ["(abcdefghij){1000}"]}`), CodeRegexpTooLarge},
		"long pattern":      {term(`{op: InRegexp, value: ["` + fill(`\\pL`) + `"]}`), CodeRegexpTooLarge},
		"many patterns":     {term("{op: InRegexp, value: [" + distinct(`"%d(a{50}){20}", `, 1000) + "]}"), CodeRegexpTooLarge},
		"aliases":           {"a: &a [" + strings.Repeat("x,", 1000) + "]\nb: [" + strings.Repeat("*a,", 1000) + "]\n", CodeAlias},
		"names":             {strings.Replace(minimal, "    - feature", strings.Repeat("    - {feature: kernel.config, matchName: {op: Exists}}\n", 33)+"    - feature", 1), CodeTooManyTerms},
		"exclamation marks": {minimal + "é: [" + strings.Repeat("! ,", 60_000) + "]", CodeUnknownKey},
		"feature":           {strings.Replace(minimal, "cpu.cpuid", fill("a"), 1), CodeFeatureName},
	} {
		t.Run(name, func(t *testing.T) {
			s, problems := Parse([]byte(c.data))
			if s != nil {
				t.Fatal("accepted")
			}
			found := false
			for _, p := range problems {
				found = found || p.Code == c.code
				if len(p.Message)+len(p.Hint) > 2000 {
					t.Errorf("%d bytes of message", len(p.Message)+len(p.Hint))
				}
			}
			if !found {
				t.Errorf("no %s: %.300s", c.code, problems.Err())
			}
		})
	}
}

// TestManyWarnings: warnings alone refuse no spec, however many they are, and
// what a name was meant to be is not looked for without end.
func TestManyWarnings(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(minimal, "        AVX2: {op: Exists}\n"))
	for i := range 25_000 {
		fmt.Fprintf(&b, "        AVX512VPOPCNT%d: {op: Exists}\n", i)
	}
	s, problems := Parse([]byte(b.String()))
	if s == nil || len(problems) != MaxProblems+1 {
		t.Fatalf("accepted: %v, %d problems", s != nil, len(problems))
	}
	last := problems[MaxProblems]
	if last.Code != CodeTooManyProblems || last.Severity != verdict.SeverityWarning || last.Line != problems[MaxProblems-1].Line {
		t.Errorf("last: %s", last)
	}
	_, problems = Parse([]byte(b.String() + "x: 1\n"))
	if problems.Err() == nil || problems[MaxProblems].Severity != verdict.SeverityError {
		t.Errorf("an error after many warnings: %v", problems.Err())
	}
}

func TestTooLarge(t *testing.T) {
	p := one(t, minimal+strings.Repeat("#", MaxSize))
	if want := "1:1: error: the document has more than 1048576 bytes (1 MiB) [tooLarge]"; p.String() != want {
		t.Errorf("got %s, want %s", p, want)
	}
}

func TestParseFile(t *testing.T) {
	group := "kind: NodeFeatureGroup\napiVersion: nfd.k8s-sigs.io/v1alpha1\nspec:\n  featureGroupRules:\n" +
		minimal[strings.Index(minimal, "  - name"):]
	s, problems := ParseFile([]byte(group))
	if s == nil || !s.Sets[0].AnyRule || s.Version != Version || len(s.Sets[0].Rules) != 1 {
		t.Errorf("group: %+v, %v", s, problems)
	}
	openshift := strings.Replace(group, "nfd.k8s-sigs.io", "nfd.openshift.io", 1)
	if s, problems := ParseFile([]byte(openshift)); s == nil || !s.Sets[0].AnyRule || len(problems) != 0 {
		t.Errorf("a group of OpenShift's NFD: %+v, %v", s, problems)
	}
	if _, problems := Parse([]byte(group)); len(problems) != 1 || problems[0].Code != CodeWrongKind {
		t.Errorf("Parse of a group: %v", problems)
	}
	for kind, word := range map[string]string{
		"NodeFeatureRule": "labels nodes", "Pod": "NodeFeatureGroup", "NodeFeatureGroupList": "NodeFeatureGroup", "[a]": "unreadable", "'a b'": `"a b"`,
	} {
		if p := one(t, "apiVersion: v1\nkind: "+kind+"\n"); p.Code != CodeWrongKind || !strings.Contains(p.String(), word) {
			t.Errorf("%s: %s", kind, p)
		}
	}
}

func TestProblems(t *testing.T) {
	_, problems := Parse([]byte(strings.Replace(minimal, "{op: Exists}", "{op: exist}\n        AVX: {}", 1) + "x: 1\n"))
	var found Problems
	if err := fmt.Errorf("reading: %w", problems.Err()); !errors.As(err, &found) || len(found) != len(problems) {
		t.Errorf("errors.As finds %v", found)
	}
	want := "9:14: warning: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.AVX: "
	if warnings := problems.Warnings(); len(warnings) != 1 || !strings.HasPrefix(warnings[0].String(), want) {
		t.Errorf("warnings: %v", warnings)
	}
	if got := problems.Error(); !strings.HasPrefix(got, "8:20: error: ") || !strings.HasSuffix(got, ", and 1 more") {
		t.Errorf("Error() = %s", got)
	}
	if err := problems.Warnings().Err(); err != nil {
		t.Errorf("warnings alone are an error: %v", err)
	}
	if got := problems.Warnings().Error(); got != "no error" {
		t.Error(got)
	}
}

func TestFeatures(t *testing.T) {
	s, problems := ParseFile(readFile(t, "testdata/valid/full.yaml"))
	if s == nil {
		t.Fatal(problems)
	}
	want := []string{"cpu.cpuid", "kernel.config", "kernel.kvm", "kernel.selinux", "kernel.version", "memory.numa", "pci.device"}
	if diff := cmp.Diff(want, s.Features()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"matchFeature": "matchFeatures", "MATCHANY": "matchAny", "nam": "name", "var": "vars", "zzz": "", "": "", "matchExpressions": "",
	} {
		if got := verdict.Nearest(word, ruleKeys); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
