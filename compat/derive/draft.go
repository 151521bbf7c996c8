package derive

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"nodecompat/spec"
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
	w.Line("", "# "+spec.Printable(title))
	rules := r.Rules(certainOnly)
	if len(r.Unread) > 0 {
		w.Comment("", "INCOMPLETE: "+strconv.Itoa(len(r.Unread))+" parts of the image were not read, so it may need more:")
		for _, u := range r.Unread {
			w.Comment("", "  "+strings.TrimSpace(u.Path+" of layer "+u.Layer)+": "+u.Reason)
		}
	}
	if len(rules) == 0 {
		w.Comment("", "Nothing that was found in the image asks anything of a node: there is no rule, and nothing to attach.")
	} else {
		w.Line("", "version: v1alpha1")
		w.Line("", "compatibilities:")
		w.Line("  - ", `description: "derived from the image"`)
		w.Line("    ", "rules: # all of them must match")
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
		w.Line("", "")
		w.Comment("", fmt.Sprintf("%s? (%s)", strings.TrimPrefix(n.Name, RulePrefix), n.Confidence))
		w.because("", n)
		if len(n.MatchFeatures)+len(n.MatchAny) > 0 {
			var commented draftWriter
			commented.body(n)
			for line := range strings.Lines(commented.String()) {
				w.Line("# ", strings.TrimRight(line, "\n"))
			}
		}
	}
	if len(r.Notes) > 0 {
		w.Line("", "")
		for _, note := range r.Notes {
			w.Comment("", note)
		}
	}
}

// A draftWriter writes needs as rules.
type draftWriter struct{ spec.Draft }

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
		w.Comment(indent, text)
	}
	for _, note := range n.Notes {
		w.Comment(indent, note)
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
	w.Line(indent, "- name: "+spec.Quote(n.Name))
	w.Comment(indent+"  ", string(n.Confidence)+":")
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
		w.Line("", "matchFeatures:")
		w.features("  ", "  ", n.MatchFeatures)
	}
	if len(n.MatchAny) > 0 {
		w.Line("", "matchAny:")
		for _, alternative := range n.MatchAny {
			w.Line("  - ", "matchFeatures:")
			w.features("      ", "      ", alternative)
		}
	}
}

func (w *draftWriter) features(first, indent string, features []Feature) {
	for _, f := range features {
		w.Line(first+"- ", "feature: "+f.Feature)
		w.Line(indent+"  ", "matchExpressions:")
		for _, e := range f.MatchExpressions {
			w.Expression(indent+"    ", e.Element, e.Op, e.Value, "")
		}
	}
}
