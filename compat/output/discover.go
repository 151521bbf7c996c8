package output

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// countArtifacts counts what is attached.
func countArtifacts(r *report.DiscoverReport) int {
	n := 0
	for _, s := range r.Subjects {
		n += len(s.Artifacts)
	}
	return n
}

// countSignatures counts what is listed as signatures.
func countSignatures(r *report.DiscoverReport) int {
	n := 0
	for _, s := range r.Subjects {
		for _, a := range s.Artifacts {
			n += len(a.Signatures)
		}
	}
	return n
}

// writeTree draws the image with its subjects and their artifacts.
func writeTree(w io.Writer, r *report.DiscoverReport, style Style) error {
	p := newPrinter(style)
	p.raw(0, "%s", r.Reference)
	for i, s := range r.Subjects {
		branch, stem := "├── ", "│   "
		if i == len(r.Subjects)-1 {
			branch, stem = "└── ", "    "
		}
		p.raw(0, branch+"%s%s", s.Title(), takenBy(s))
		for j, a := range s.Artifacts {
			twig := "├── "
			if j == len(s.Artifacts)-1 {
				twig = "└── "
			}
			p.raw(0, stem+twig+"%s  %s  %s%s", a.Digest, orNone(a.Created), p.state(a), artifactDetails(a))
		}
	}
	if countArtifacts(r) == 0 && r.Error == nil {
		p.raw(0, "no compatibility artifact is attached")
	}
	if n := countSignatures(r); n > 0 && r.Policy == nil {
		p.raw(0, "no signature was checked: give --trust-policy or --trust-key")
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// takenBy says which runtimes take a platform's manifest.
func takenBy(s report.DiscoveredSubject) string {
	switch {
	case s.Platform == "":
		return ""
	case len(s.TakenBy) == 0:
		return "  taken by no runtime"
	}
	return "  taken by " + strings.Join(s.TakenBy, ", ")
}

// writeTable lists the artifacts, one a line.
func writeTable(w io.Writer, r *report.DiscoverReport) error {
	p := newPrinter(Style{})
	table := tabwriter.NewWriter(&p.buf, 0, 0, 2, ' ', 0)
	trust := ""
	if r.Policy != nil {
		trust = "\tTRUST"
	}
	fmt.Fprintln(table, "ON\tARTIFACT\tCREATED\tSETS\tRULES\tTAGS\tSTATE"+trust+"\tTAKEN BY")
	for _, s := range r.Subjects {
		on := s.Platform
		if on == "" {
			on = s.On
		}
		for _, a := range s.Artifacts {
			if r.Policy != nil {
				trust = "\t" + Printable(trustColumn(a.Trust))
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s%s\t%s\n", Printable(on), a.Digest, Printable(orNone(a.Created)),
				a.Sets, a.Rules, cmp.Or(Printable(strings.Join(a.Tags, ",")), "-"), stateText(a), trust, cmp.Or(strings.Join(s.TakenBy, ","), "-"))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// states spells the states of artifacts for a person.
var states = map[string]string{
	string(artifact.StateInEffect): "in effect",
	string(artifact.StateOlder):    "older",
	string(artifact.StateForeign):  "of another image",
	string(artifact.StateMissing):  "listed, but gone",
	string(artifact.StateBroken):   "broken",

	string(artifact.StateUntrusted): "not trusted",
}

// trustColumn is what the trust policy makes of an artifact, in a word, or who signed it.
func trustColumn(t *artifact.Trust) string {
	if t == nil {
		return "-"
	}
	if t.State == artifact.Trusted {
		return signerNames(t.Signers)
	}
	return trustStates[t.State]
}

// trustStates spells what the trust policy makes of artifacts that it does not accept.
var trustStates = map[artifact.TrustState]string{
	artifact.Unchecked:         "unchecked",
	artifact.Unsigned:          "unsigned",
	artifact.BadSignature:      "bad signature",
	artifact.TooOld:            "too old",
	artifact.FromTheFuture:     "from the future",
	artifact.Refused:           "refused",
	artifact.TooManySignatures: "too many signatures",
	artifact.NotChecked:        "not checked",
}

// stateText is the state for a person.
func stateText(a report.DiscoveredArtifact) string {
	if a.DuplicateOf != "" && artifact.State(a.State) == artifact.StateOlder {
		return "duplicate"
	}
	return states[a.State]
}

// artifactDetails is the rest of an artifact's line in the tree: what its spec has, what it
// repeats, what is wrong with it.
func artifactDetails(a report.DiscoveredArtifact) string {
	var parts []string
	if a.Sets > 0 {
		parts = append(parts, count(a.Sets, "set"), count(a.Rules, "rule"))
	}
	if len(a.Tags) > 0 {
		parts = append(parts, "tags "+strings.Join(a.Tags, ", "))
	}
	text := ""
	if len(parts) > 0 {
		text = "  (" + strings.Join(parts, ", ") + ")"
	}
	if a.DuplicateOf != "" {
		text += "  same spec as " + a.DuplicateOf
	}
	if a.Trust != nil {
		text += "  " + trustText(a.Trust)
	} else if len(a.Signatures) > 0 {
		text += "  " + listedSignatures(a.Signatures)
	}
	return text + prefixed("  ", a.Problem)
}

// listedSignatures says what is listed as signatures, where none of them was checked.
func listedSignatures(signatures []report.Signature) string {
	counts := map[artifact.SignatureFormat]int{}
	for _, s := range signatures {
		counts[s.Format]++
	}
	var parts []string
	for _, f := range artifact.SignatureFormats {
		switch n := counts[f]; {
		case n == 0:
		case f == artifact.FormatNotation:
			parts = append(parts, count(n, "signature")+" of notation, not read")
		case f == artifact.FormatUnknown:
			parts = append(parts, fmt.Sprintf("%d attached that may be signatures", n))
		default:
			parts = append(parts, count(n, "signature")+", not checked")
		}
	}
	return strings.Join(parts, "; ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) state(a report.DiscoveredArtifact) painted {
	result := verdict.Unknown
	switch artifact.State(a.State) {
	case artifact.StateInEffect:
		result = verdict.Compatible
	case artifact.StateBroken, artifact.StateUntrusted:
		result = verdict.Incompatible
	case artifact.StateOlder:
		return painted(stateText(a))
	}
	return p.paint(result, stateText(a))
}

func orNone(text string) string {
	if text == "" {
		return "(no date)"
	}
	return text
}
