package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/template"
)

// templateSpec is a spec with one rule that matches PCI devices and the kernel.
func templateSpec(varsTemplate string) []byte {
	return fmt.Appendf(nil, `{"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "a", "varsTemplate": %s, "matchFeatures": [
		{"feature": "pci.device", "matchName": {"op": "Exists"}}, {"feature": "kernel.version", "matchName": {"op": "Exists"}}]}]}]}`, yamlQuote(varsTemplate))
}

// yamlQuote quotes as YAML does.
func yamlQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// attacks fill the memory, hang, or read what they should not. Each is refused
// when the spec is parsed.
var attacks = map[string]string{
	"tripling from rule to rule":        `a={{ range .rule.matched }}{{ .Value }}{{ .Value }}{{ .Value }}{{ end }}`,
	"the same by another spelling":      `{{ range .Rule.matched }}a={{ .Value }}{{ .Value }}{{ end }}`,
	"the same through $":                `{{ range $.rule.matched }}a={{ .Value }}{{ .Value }}{{ end }}`,
	"the same through index":            `{{ range index . "rule" "matched" }}a={{ .Value }}{{ .Value }}{{ end }}`,
	"the same through a computed index": `{{ $d := lower "RULE" }}{{ range index . $d "matched" }}a={{ .Value }}{{ end }}`,
	"until":                             `{{ range $i := until 200000000 }}a{{ end }}`,
	"untilStep":                         `{{ range untilStep 0 200000000 1 }}a{{ end }}`,
	"seq":                               `{{ seq 1 200000000 }}`,
	"range over number":                 `{{ range 200000000 }}a{{ end }}`,
	"range over len":                    `{{ range len .pci.device }}a{{ end }}`,
	"range over int":                    `{{ range int "200000000" }}a{{ end }}`,
	"range over value":                  `{{ range (index .pci.device 0).vendor }}a{{ end }}`,
	"range piped":                       `{{ range 2000000000 | int64 }}a{{ end }}`,
	"range over mul":                    `{{ range mul 100000 100000 }}a{{ end }}`,
	"range with":                        `{{ with 2000000000 }}{{ range . }}a{{ end }}{{ end }}`,
	"range variable":                    `{{ $n := 2000000000 }}{{ range $n }}a{{ end }}`,
	"range default":                     `{{ range default 2000000000 .pci.device }}a{{ end }}`,
	"range or":                          `{{ range or 2000000000 .pci.device }}a{{ end }}`,
	"range root":                        `{{ range . }}a{{ end }}`,
	"range domain":                      `{{ range .pci }}a{{ end }}`,
	"repeat":                            `{{ repeat 2000000000 "a" }}`,
	"repeat piped":                      `{{ "a" | repeat 2000000000 }}`,
	"nested ranges":                     `{{ range .pci.device }}{{ range $.pci.device }}{{ range $.pci.device }}a{{ end }}{{ end }}{{ end }}`,
	"nested with":                       `{{ range .pci.device }}{{ with $ }}{{ range .pci.device }}a{{ end }}{{ end }}{{ end }}`,
	"nested variable":                   `{{ $l := .pci.device }}{{ range $l }}{{ range $l }}a{{ end }}{{ end }}`,
	"nested index":                      `{{ range .pci.device }}{{ range index $ "pci" "device" }}a{{ end }}{{ end }}`,
	"nested elements":                   `{{ range .pci.device }}{{ $e := . }}{{ range $e }}{{ range $e }}{{ range $e }}a{{ end }}{{ end }}{{ end }}{{ end }}`,
	"nested parens":                     `{{ range .pci.device }}{{ range ($.pci.device) }}a{{ end }}{{ end }}`,
	"range else":                        `{{ range .pci.device }}{{ else }}{{ range 200000000 }}a{{ end }}{{ end }}`,
	"print list":                        `{{ range .pci.device }}{{ $.pci.device }}{{ end }}`,
	"print root":                        `{{ . }}`,
	"print domain":                      `{{ .pci }}`,
	"print element":                     `{{ range .pci.device }}{{ . }}{{ end }}`,
	"print piped":                       `{{ .pci.device | toString }}`,
	"print or":                          `{{ or .pci.device "x" }}`,
	"print if variable":                 `{{ if $x := .pci.device }}{{ else }}{{ $x }}{{ end }}`,
	"print with":                        `{{ with $x := .pci.device }}{{ $x }}{{ end }}`,
	"print range else":                  `{{ range $x := .pci.device }}{{ else }}{{ $x }}{{ end }}`,
	"assign list":                       `{{ $x := "" }}{{ $x = .pci.device }}{{ $x }}`,
	"assign in range":                   `{{ $x := "" }}{{ range $x = .pci.device }}{{ end }}{{ $x }}`,
	"double by print":                   `{{ $x := "a" }}{{ range .pci.device }}{{ $x = print $x $x }}{{ end }}`,
	"double by printf":                  `{{ $x := printf "%s%s" "a" "a" }}x={{ $x }}`,
	"double by cat":                     `{{ $x := cat "a" "a" }}x={{ $x }}`,
	"double by list":                    `{{ $x := list }}{{ range .pci.device }}{{ $x = concat $x $x }}{{ end }}`,
	"double by replace":                 `x={{ "a" | replace "a" "aa" | replace "a" "aa" | replace "a" "aa" }}`,
	"replace nothing":                   `x={{ "aaaa" | replace "" "" }}`,
	"replace variable":                  `{{ $n := "aa" }}x={{ "aaaa" | replace "a" $n }}`,
	"double by quote":                   `x={{ "\"" | quote | quote | quote | quote }}`,
	"double by js":                      `x={{ "\"" | js | js | js }}`,
	"html":                              `x={{ html "&" }}`,
	"urlquery":                          `x={{ urlquery "&" }}`,
	"append":                            `{{ $x := append .pci.device "a" }}`,
	"dict":                              `{{ $x := dict "a" "b" }}`,
	"set":                               `{{ $x := set . "a" "b" }}`,
	"join":                              `x={{ join "," .pci.device }}`,
	"splitList":                         `{{ range splitList "" "aaaa" }}a{{ end }}`,
	"toStrings":                         `{{ toStrings .pci.device }}`,
	"toJson":                            `{{ toJson . }}`,
	"printf width":                      `{{ printf "%1000000000d" 1 }}`,
	"printf":                            `x={{ printf "%s" "a" }}`,
	"println":                           `x={{ println "a" }}`,
	"indent":                            `{{ indent 1000000000 "a" }}`,
	"nindent":                           `{{ nindent 1000000000 "a" }}`,
	"wrap":                              `{{ wrap 1 "aaaa" }}`,
	"wrapWith":                          `{{ wrapWith 1 "aaaa" "bbbb" }}`,
	"substr":                            `{{ substr 0 5 "hello" }}`,
	"nospace":                           `{{ nospace "a b" }}`,
	"shuffle":                           `{{ shuffle "ab" }}`,
	"genPrivateKey":                     `{{ genPrivateKey "rsa" }}`,
	"genCA":                             `{{ genCA "a" 365 }}`,
	"genSelfSignedCert":                 `{{ genSelfSignedCert "a" nil nil 365 }}`,
	"bcrypt":                            `{{ bcrypt "a" }}`,
	"htpasswd":                          `{{ htpasswd "a" "b" }}`,
	"derivePassword":                    `{{ derivePassword 1 "long" "a" "b" "c" }}`,
	"encryptAES":                        `{{ encryptAES "a" "b" }}`,
	"randBytes":                         `{{ randBytes 1000000000 }}`,
	"randAlphaNum":                      `{{ randAlphaNum 1000000000 }}`,
	"randAlpha":                         `{{ randAlpha 1000000000 }}`,
	"randAscii":                         `{{ randAscii 1000000000 }}`,
	"randNumeric":                       `{{ randNumeric 1000000000 }}`,
	"regexMatch":                        `{{ regexMatch "a" "a" }}`,
	"regexReplaceAll":                   `{{ regexReplaceAll "" "aaaa" "bbbb" }}`,
	"pow by factorial":                  `{{ pow 10 1000000 }}`,
	"duration":                          `{{ now }}`,
	"env":                               `{{ env "PATH" }}`,
	"expandenv":                         `{{ expandenv "$PATH" }}`,
	"getHostByName":                     `{{ getHostByName "example.com" }}`,
	"fail":                              `{{ fail "a" }}`,
	"tpl":                               `{{ tpl "a" . }}`,
	"call":                              `{{ call .pci }}`,
	"define":                            `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`,
	"define only":                       `{{ define "a" }}b{{ end }}`,
	"define empty name":                 `{{ define "" }}b{{ end }}`,
	"define own name":                   `{{ define "varsTemplate" }}{{ range 200000000 }}a{{ end }}{{ end }}`,
	"define late":                       `x=y{{ define "a" }}{{ range 20000000 }}a{{ end }}{{ end }}`,
	"block":                             `{{ block "a" . }}b{{ end }}`,
	"template":                          `{{ template "a" }}`,
	"method":                            `{{ .pci.device.Len }}`,
	"method argument":                   `{{ .pci.device 1 }}`,
	"nil":                               `{{ nil }}`,
	"not closed":                        `{{ range .pci.device }}`,
	"too deep":                          strings.Repeat("{{if true}}", 1000) + strings.Repeat("{{end}}", 1000),
	"deep parentheses":                  "{{" + strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000) + "}}",
	"too long":                          strings.Repeat("a=b\n", MaxTemplateSize/4+1),
	"long loop":                         "{{ range .pci.device }}" + strings.Repeat("a", MaxTemplateLoops+1) + "{{ end }}",
	"many loops":                        strings.Repeat("{{ range .pci.device }}"+strings.Repeat("a", 1024)+"{{ end }}", 9),
}

func TestTemplateAttacks(t *testing.T) {
	for name, text := range attacks {
		t.Run(name, func(t *testing.T) {
			s, problems := Parse(templateSpec(text))
			if s != nil {
				t.Fatalf("accepted: %s", text)
			}
			for _, p := range problems {
				switch p.Code {
				case CodeTemplate, CodeTemplateUnsafe, CodeTemplateCost:
				default:
					t.Errorf("refused for another reason: %s", p)
				}
			}
		})
	}
}

// TestTemplateRepetition: the bounds count how often a template is executed.
func TestTemplateRepetition(t *testing.T) {
	const loop = "{{ range .pci.device }}x={{ .vendor }}{{ end }}"
	rule := func(alternatives, terms int, text string) string {
		term := `{"feature": "pci.device", "matchExpressions": {"vendor": {"op": "Exists"}}}, `
		alternative := `{"matchFeatures": [` + strings.Repeat(term, terms) + `]}, `
		return `{"name": "a", "varsTemplate": ` + yamlQuote(text) + `, "matchAny": [` + strings.Repeat(alternative, alternatives) + `]}`
	}
	for name, c := range map[string]struct {
		rules string
		valid bool
	}{
		"some":              {rule(20, 1, loop), true},
		"many alternatives": {rule(2000, 1, loop), false},
		"many terms":        {rule(1, 2000, loop), false},
		"long and often":    {rule(1000, 1, strings.Repeat("a=b\n", 1000)), false},
	} {
		t.Run(name, func(t *testing.T) {
			s, problems := Parse([]byte(`{"version": "v1alpha1", "compatibilities": [{"rules": [` + c.rules + `]}]}`))
			if (s != nil) != c.valid {
				t.Errorf("accepted: %v, %v", s != nil, problems)
			}
			if !c.valid && problems[0].Code != CodeTemplateCost {
				t.Errorf("refused for another reason: %s", problems[0])
			}
		})
	}
}

// TestTemplatesWork executes what is accepted with NFD's own template package.
func TestTemplatesWork(t *testing.T) {
	features := map[string]map[string][]map[string]string{
		"pci":    {"device": {{"vendor": "10de", "class": "0302"}, {"vendor": "8086", "class": "0200"}}},
		"kernel": {"version": {{"Name": "full", "Value": "6.1.0"}}},
	}
	for text, want := range map[string]map[string]string{
		"a=b":          {"a": "b"},
		"a=b\n\nc=d=e": {"a": "b", "c": "d=e"},
		`{{ range .pci.device }}v-{{ .vendor }}={{ .class | trimPrefix "0" | upper }}{{ "\n" }}{{ end }}`: {"v-10de": "302", "v-8086": "200"},
		`{{ range $i, $d := .pci.device }}{{ range $k, $v := $d }}{{ $i }}.{{ $k }}={{ $v }}{{ "\n" }}{{ end }}{{ end }}`: {
			"0.vendor": "10de", "0.class": "0302", "1.vendor": "8086", "1.class": "0200",
		},
		`{{ $gpu := "none" }}{{ range .pci.device }}{{ if and (hasPrefix "03" .class) (eq .vendor "10de") }}{{ $gpu = .vendor }}{{ end }}{{ end }}gpu={{ $gpu }}`: {"gpu": "10de"},
		`k={{ (index .kernel.version 0).Value }}`:                                                                           {"k": "6.1.0"},
		`k={{ with index .kernel.version 0 }}{{ .Value | replace "." "_" }}{{ else }}x{{ end }}`:                            {"k": "6_1_0"},
		`n={{ len .pci.device }}`:                                                                                           {"n": "2"},
		`n={{ add (len .pci.device) 1 }}`:                                                                                   {"n": "3"},
		`{{ if gt (len .pci.device) 1 }}many=true{{ else if .pci }}few=true{{ end }}`:                                       {"many": "true"},
		`{{ range .pci.device }}{{ if eq .class "0200" }}{{ continue }}{{ end }}c={{ trunc 2 .class }}{{ break }}{{ end }}`: {"c": "03"},
		`v={{ index . "pci" "device" 1 "vendor" | default "none" }}`:                                                        {"v": "8086"},
		`{{/* a comment */}}v={{ $.pci.device | len | toString | trunc 1 }}`:                                                {"v": "2"},
		`{{ $list := .pci.device }}{{ range $list }}a={{ .vendor }}{{ "\n" }}{{ end }}`:                                     {"a": "8086"},
		`a={{ coalesce "" "b" }}`:                                                                                           {"a": "b"},
	} {
		t.Run(text, func(t *testing.T) {
			s, problems := Parse(templateSpec(text))
			if s == nil {
				t.Fatal(problems)
			}
			helper, err := template.NewHelper(s.Sets[0].Rules[0].VarsTemplate)
			if err != nil {
				t.Fatal(err)
			}
			got, err := helper.ExpandMap(features)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("error %v, variables (-want +got):\n%s", err, diff)
			}
		})
	}
}

// FuzzTemplate: what is accepted NFD can parse, and execute in little time and space.
func FuzzTemplate(f *testing.F) {
	for _, text := range attacks {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Add(`{{ range $i, $d := .pci.device }}{{ if eq .vendor "8086" }}{{ $i }}={{ $d.class | upper | trimAll "0" }}{{ end }}{{ end }}`)
	features := map[string]map[string][]map[string]string{
		"pci":    {"device": {{"vendor": "10de", "class": "0302"}, {"vendor": "8086", "class": "0200"}, {"vendor": "1af4", "class": "0100"}}},
		"kernel": {"version": {{"Name": "full", "Value": "6.1.0"}, {"Name": "major", "Value": "6"}}},
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := Parse(templateSpec(text))
		if s == nil {
			return
		}
		helper, err := template.NewHelper(s.Sets[0].Rules[0].VarsTemplate)
		if err != nil {
			t.Fatalf("NFD refuses what Parse accepts: %v", err)
		}
		variables, err := helper.ExpandMap(features)
		size := 0
		for name, value := range variables {
			size += len(name) + len(value)
		}
		// Nine values and their names, at most 5 bytes each, and the template's own text.
		if limit := 20 * 10 * (len(text) + 1); err == nil && size > limit {
			t.Errorf("%d bytes from %d", size, len(text))
		}
	})
}

// TestTemplateFunctions: NFD has every function that is accepted here.
func TestTemplateFunctions(t *testing.T) {
	for _, name := range templateFunctionNames() {
		if _, err := template.NewHelper("{{ " + name + " 1 2 }}"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTemplateDocumentation: the package comment names the functions.
func TestTemplateDocumentation(t *testing.T) {
	doc := string(readFile(t, "doc.go"))
	for _, name := range templateFunctionNames() {
		if !strings.Contains(doc, " "+name+",") && !strings.Contains(doc, " "+name+" ") {
			t.Errorf("doc.go does not name %s", name)
		}
	}
}
