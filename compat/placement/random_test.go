package placement

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/manifest"
)

// workloads is how many TestEditRandom generates.
const workloads = 200

// TestEditRandom writes all constraints into generated workloads of all kinds and forms. What was there
// stays in its order, byte for byte; a second run changes nothing; and what comes out are objects that an
// API server reads.
func TestEditRandom(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for seed := range uint64(workloads) {
		g := writer{Rand: rand.New(rand.NewPCG(11, seed))}
		kind, data := g.document()
		kinds[kind]++
		c := []Constraints{oneNeed, linux, ranked, perArch, {}}[g.IntN(5)]
		once := edited(t, data, c)
		if !within(data, once) {
			t.Errorf("seed %d: what was there did not stay:\n%s\nbecame\n%s", seed, data, once)
		}
		readStrictly(t, kind, once)
		if t.Failed() {
			t.Fatalf("seed %d:\n%s\nbecame\n%s", seed, data, once)
		}
	}
	if len(kinds) != len(podKinds) {
		t.Errorf("not all kinds were generated: %v", kinds)
	}
}

// within reports whether a text can be made of another by taking parts out of it. A value that is null
// is written anew.
func within(text, of string) bool {
	text = strings.NewReplacer("nodeSelector: null", "nodeSelector: ", "affinity: null", "affinity: ").Replace(text)
	at := 0
	for i := range len(text) {
		n := strings.IndexByte(of[at:], text[i])
		if n < 0 {
			return false
		}
		at += n + 1
	}
	return true
}

// readStrictly reads objects as an API server does.
func readStrictly(t *testing.T, kind, text string) {
	t.Helper()
	for _, document := range strings.Split(text, "\n---\n") {
		data, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			t.Error(err)
			continue
		}
		objects := []json.RawMessage{data}
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(data, &list); err == nil && list.Items != nil {
			objects = list.Items
		}
		for _, object := range objects {
			into := podKinds[kind].object()
			strict, err := kjson.UnmarshalStrict(object, into)
			if err != nil || len(strict) > 0 {
				t.Errorf("reading a %s: %v %v", kind, err, strict)
			}
		}
	}
}

// podKinds are the kinds that have Pods, with where their PodSpec is.
var podKinds = map[string]struct {
	version, path string
	object        func() any
}{
	"Pod":                   {"v1", "spec", func() any { return &corev1.Pod{} }},
	"PodTemplate":           {"v1", "template.spec", func() any { return &corev1.PodTemplate{} }},
	"ReplicationController": {"v1", "spec.template.spec", func() any { return &corev1.ReplicationController{} }},
	"Deployment":            {"apps/v1", "spec.template.spec", func() any { return &appsv1.Deployment{} }},
	"StatefulSet":           {"apps/v1", "spec.template.spec", func() any { return &appsv1.StatefulSet{} }},
	"DaemonSet":             {"apps/v1", "spec.template.spec", func() any { return &appsv1.DaemonSet{} }},
	"ReplicaSet":            {"apps/v1", "spec.template.spec", func() any { return &appsv1.ReplicaSet{} }},
	"Job":                   {"batch/v1", "spec.template.spec", func() any { return &batchv1.Job{} }},
	"CronJob":               {"batch/v1", "spec.jobTemplate.spec.template.spec", func() any { return &batchv1.CronJob{} }},
}

// A writer writes manifests in many forms.
type writer struct {
	*rand.Rand
	json bool
	unit int // of indentation
	dash int
}

func (g *writer) chance(percent int) bool { return g.IntN(100) < percent }

// document is one file of one kind: an object, several, or a List.
func (g *writer) document() (kind, text string) {
	names := []string{"Pod", "PodTemplate", "ReplicationController", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"}
	kind = names[g.IntN(len(names))]
	g.json, g.unit = g.chance(20), 2+2*g.IntN(2)
	g.dash = g.unit * g.IntN(2)
	if g.chance(25) {
		items := list{g.object(kind)}
		for g.chance(50) {
			items = append(items, g.object(kind))
		}
		return kind, g.write(mapping{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}})
	}
	text = g.write(g.object(kind))
	for !g.json && g.chance(25) {
		text += "---\n# another\n" + g.write(g.object(kind))
	}
	return kind, text
}

func (g *writer) write(m mapping) string {
	if g.json {
		if g.chance(30) {
			return style{json: true}.flow(m, "")
		}
		return style{json: true, step: strings.Repeat(" ", g.unit)}.flow(m, "\n") + "\n"
	}
	return g.block(m, 0)
}

func (g *writer) object(kind string) mapping {
	k := podKinds[kind]
	path := strings.Split(k.path, ".")
	var value any = g.podSpec()
	for i := len(path) - 1; i >= 0; i-- {
		value = mapping{{path[i], value}}
	}
	return append(mapping{{"apiVersion", k.version}, {"kind", kind}, {"metadata", mapping{{"name", fmt.Sprint("n", g.IntN(9))}}}}, value.(mapping)...)
}

func (g *writer) podSpec() mapping {
	parts := mapping{{"containers", list{mapping{{"name", "a"}, {"image", "é.example.com/a:1"}, {"args", list{"x: y", "# no", "{}"}}}}}}
	if g.chance(50) {
		parts = append(parts, entry{keySelector, g.selector()})
	}
	if g.chance(60) {
		parts = append(parts, entry{keyAffinity, g.affinity()})
	}
	if g.chance(50) {
		parts = append(parts, entry{"restartPolicy", "Never"})
	}
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return parts
}

// nothing is null.
type nothing struct{}

func (nothing) String() string { return "null" }

func (g *writer) selector() any {
	if g.chance(10) && !g.json {
		return nothing{}
	}
	m := mapping{}
	for _, e := range []entry{{"disk", "ssd"}, {"kubernetes.io/arch", "amd64"}, {"zone.example.com/a", "true"}} {
		if g.chance(40) {
			m = append(m, e)
		}
	}
	return m
}

func (g *writer) affinity() any {
	node := mapping{}
	if g.chance(70) {
		terms := list{}
		for range 1 + g.IntN(3) {
			terms = append(terms, g.term())
		}
		node = append(node, entry{keyRequired, mapping{{keyTerms, terms}}})
	}
	if g.chance(40) {
		node = append(node, entry{keyPreferred, list{mapping{{"weight", 7}, {keyPreference, g.term()}}}})
	}
	m := mapping{}
	if g.chance(80) {
		m = append(m, entry{keyNode, node})
	}
	if g.chance(30) {
		m = append(m, entry{"podAntiAffinity", mapping{}})
	}
	return m
}

func (g *writer) term() any {
	requirement := func(key string) mapping {
		switch g.IntN(4) {
		case 0:
			return mapping{{"key", key}, {"operator", "Exists"}}
		case 1:
			return mapping{{"key", architectureLabel}, {"operator", "In"}, {"values", list{[]string{"amd64", "arm64", "s390x"}[g.IntN(3)]}}}
		}
		return mapping{{"key", key}, {"operator", "In"}, {"values", list{"a", "true"}}}
	}
	switch g.IntN(6) {
	case 0:
		return mapping{}
	case 1:
		return mapping{{"matchFields", list{mapping{{"key", "metadata.name"}, {"operator", "In"}, {"values", list{"n"}}}}}}
	case 2:
		return mapping{{keyExpressions, list{requirement("x"), requirement("y")}}, {"matchFields", list{requirement("metadata.name")}}}
	}
	return mapping{{keyExpressions, list{requirement("x")}}}
}

// block writes a mapping, with comments and parts in flow style.
func (g *writer) block(m mapping, indent int) string {
	var b strings.Builder
	space := strings.Repeat(" ", indent)
	for _, e := range m {
		if g.chance(10) {
			b.WriteString(space + "# about " + e.key + "\n")
		}
		b.WriteString(space + style{}.scalar(e.key) + ":")
		comment := ""
		if g.chance(15) {
			comment = "   # a comment: {}"
		}
		switch v := e.value.(type) {
		case mapping:
			if len(v) == 0 || g.chance(15) {
				b.WriteString(" " + flowText(v) + comment + "\n")
			} else {
				b.WriteString(comment + "\n" + g.block(v, indent+g.unit))
			}
		case list:
			if _, nested := v[0].(mapping); !nested || g.chance(15) {
				b.WriteString(" " + flowText(v) + comment + "\n")
			} else {
				b.WriteString(comment + "\n" + g.items(v, indent+g.dash))
			}
		case nothing:
			b.WriteString([]string{"", " null"}[g.IntN(2)] + comment + "\n")
		default:
			b.WriteString(" " + style{}.scalar(v) + comment + "\n")
		}
	}
	return b.String()
}

// flowText writes a value in brackets.
func flowText(v any) string { return strings.ReplaceAll(style{}.flow(v, ""), `"null"`, "null") }

func (g *writer) items(l list, indent int) string {
	var b strings.Builder
	space := strings.Repeat(" ", indent)
	for _, item := range l {
		m := item.(mapping)
		if len(m) == 0 || g.chance(15) {
			b.WriteString(space + "- " + flowText(m) + "\n")
			continue
		}
		text := g.block(m, indent+2)
		for strings.HasPrefix(strings.TrimLeft(text, " "), "#") { // a comment cannot follow the dash
			text = text[strings.IndexByte(text, '\n')+1:]
		}
		b.WriteString(space + "- " + strings.TrimPrefix(text, space+"  "))
	}
	return b.String()
}

// TestEditRefuses has what cannot be changed in place.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"an alias":            "kind: List\napiVersion: v1\nx: &s {containers: [{name: a, image: b}]}\nitems: [{apiVersion: v1, kind: Pod, spec: *s}]\n",
		"an alias's selector": pod + "x: &s {a: b}\nspec:\n  containers: [{name: a, image: b}]\n  nodeSelector: *s\n",
		"a merged selector":   pod + "x: &s\n  nodeSelector: {a: b}\nspec:\n  <<: *s\n  containers: [{name: a, image: b}]\n",
		"an anchor of others": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec: &s\n    containers: [{name: a, image: b}]\n- {apiVersion: v1, kind: Pod, spec: *s}\n",
		"no terms":            pod + "spec:\n  containers: [{name: a, image: b}]\n  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}\n",
	} {
		parsed := manifest.Parse(t.Context(), "test.yaml", []byte(data))
		c := linux
		c.Domain = domain
		all := []Constraints{c, c}[:len(parsed.Pods)]
		if out, err := Edit(t.Context(), "test.yaml", []byte(data), parsed.Pods, all); err == nil {
			t.Errorf("%s becomes\n%s", name, out)
		}
	}
}
