package derive

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Result is what was found out about one image.
type Result struct {
	// Needs are the surest first, Notes what else is to be said.
	Needs []Need   `json:"needs"`
	Notes []string `json:"notes"`
	// Start is what runs when a container starts, as far as it was found.
	Start []string `json:"start"`
	// Unread is what could not be read: the draft may lack something. Empty if all was read.
	Unread []Unread `json:"unread"`
}

// Unread is a part of an image that was not read.
type Unread struct {
	// Layer is its digest, Path a file in it; "" for all of it.
	Layer  string `json:"layer"`
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
}

// Rules are the needs that become rules: all that are certain, and the lower bounds unless they are
// to be left out.
func (r *Result) Rules(certainOnly bool) []Need {
	return slices.DeleteFunc(slices.Clone(r.Needs), func(n Need) bool {
		return n.Confidence == Hint || certainOnly && n.Confidence != Certain
	})
}

// Draft writes a commented spec: Rules, and the rest as comments. Title is its first line. Without
// any rule there are only comments, which are no spec.
func (r *Result) Draft(title string, certainOnly bool) []byte {
	var w draftWriter
	w.line("", "# "+printable(title))
	rules := r.Rules(certainOnly)
	if len(r.Unread) > 0 {
		w.comment("", "INCOMPLETE: "+strconv.Itoa(len(r.Unread))+" parts of the image were not read, so it may need more:")
		for _, u := range r.Unread {
			w.comment("", "  "+strings.TrimSpace(u.Path+" of layer "+u.Layer)+": "+u.Reason)
		}
	}
	if len(rules) == 0 {
		w.comment("", "Nothing that was found in the image asks anything of a node: there is no rule, and nothing to attach.")
	} else {
		w.line("", "version: v1alpha1")
		w.line("", "compatibilities:")
		w.line("  - ", `description: "derived from the image"`)
		w.line("    ", "rules: # all of them must match")
		for _, n := range rules {
			w.rule("      ", n)
		}
	}
	w.rest(r, certainOnly)
	return []byte(w.String())
}

// rest writes what became no rule.
func (w *draftWriter) rest(r *Result, certainOnly bool) {
	for _, n := range r.Needs {
		if n.Confidence != Hint && (!certainOnly || n.Confidence == Certain) {
			continue
		}
		w.line("", "")
		w.comment("", fmt.Sprintf("%s? (%s)", strings.TrimPrefix(n.Name, RulePrefix), n.Confidence))
		w.because("", n)
		if len(n.MatchFeatures)+len(n.MatchAny) > 0 {
			var commented draftWriter
			commented.body(n)
			for line := range strings.Lines(commented.String()) {
				w.line("# ", strings.TrimRight(line, "\n"))
			}
		}
	}
	if len(r.Notes) > 0 {
		w.line("", "")
		for _, note := range r.Notes {
			w.comment("", note)
		}
	}
}

// maxComment is the width of comments, in characters.
const maxComment = 100

type draftWriter struct{ strings.Builder }

func (w *draftWriter) line(indent, text string) { w.WriteString(indent + text + "\n") }

// comment writes text in lines of comments; nothing in it can end one.
func (w *draftWriter) comment(indent, text string) {
	text = printable(text)
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line, continued := "", lead+"  "
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+len("# ")+len(lead)+len(line)+len(" ")+len(word) > maxComment {
			w.line(indent, "# "+lead+line)
			line, lead = "", continued
		}
		line = strings.TrimSpace(line + " " + word)
	}
	w.line(indent, "# "+lead+line)
}

// printable leaves what is text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
}

// because writes the evidence and the notes of a need.
func (w *draftWriter) because(indent string, n Need) {
	for i, e := range n.Evidence {
		text := e.Value
		if e.Path != "" {
			text = e.Path + ": " + e.Value
		}
		if e.Layer != "" {
			text += " (layer " + short(e.Layer) + ")"
		}
		last := i == len(n.Evidence)-1 || n.Evidence[i+1].Value != e.Value
		if named := min(e.Files, MaxEvidence); last && e.Files > named {
			text += fmt.Sprintf(", and %d more files", e.Files-named)
		}
		w.comment(indent, text)
	}
	for _, note := range n.Notes {
		w.comment(indent, note)
	}
}

// short cuts a digest as people do.
func short(digest string) string {
	_, hexadecimal, ok := strings.Cut(digest, ":")
	if !ok || len(hexadecimal) < 12 {
		return digest
	}
	return hexadecimal[:12]
}

// rule writes one rule of a list. Its comments are in it, so that they are replaced with it.
func (w *draftWriter) rule(indent string, n Need) {
	w.line(indent, "- name: "+quote(n.Name))
	w.comment(indent+"  ", string(n.Confidence)+":")
	w.because(indent+"  ", n)
	var body draftWriter
	body.body(n)
	for line := range strings.Lines(body.String()) {
		w.WriteString(indent + "  " + line)
	}
}

// body writes what a rule asks for.
func (w *draftWriter) body(n Need) {
	if n.Rule != nil {
		text, err := yaml.Marshal(n.Rule)
		if err != nil {
			panic(err) // it was JSON
		}
		w.Write(text) //nolint:errcheck // a buffer
	}
	if len(n.MatchFeatures) > 0 {
		w.line("", "matchFeatures:")
		w.features("  ", "  ", n.MatchFeatures)
	}
	if len(n.MatchAny) > 0 {
		w.line("", "matchAny:")
		for _, alternative := range n.MatchAny {
			w.line("  - ", "matchFeatures:")
			w.features("      ", "      ", alternative)
		}
	}
}

func (w *draftWriter) features(first, indent string, features []Feature) {
	for _, f := range features {
		w.line(first+"- ", "feature: "+f.Feature)
		w.line(indent+"  ", "matchExpressions:")
		for _, e := range f.MatchExpressions {
			text := "{op: " + e.Op
			if len(e.Value) > 0 {
				values := make([]string, len(e.Value))
				for i, v := range e.Value {
					values[i] = quote(v)
				}
				text += ", value: [" + strings.Join(values, ", ") + "]"
			}
			w.line(indent+"    ", e.Element+": "+text+"}")
		}
	}
}

// quote writes a text as YAML, which takes JSON's form of it.
func quote(text string) string { return strconv.QuoteToASCII(text) }
