package output

import (
	"fmt"
	"io"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// writeTests prints a line for each file, and for each case that does not hold what came instead.
func writeTests(w io.Writer, r *report.TestReport, style Style) error {
	p := newPrinter(style)
	for _, f := range r.Files {
		failed := 0
		for _, c := range f.Cases {
			if !c.OK {
				failed++
				p.raw(0, "%s:%d: %s: %s", f.File, c.Line, p.paint(verdict.Incompatible, "failed"), c.Name)
				p.raw(2, "%s", expectation(c))
				for _, reason := range c.Reasons {
					p.raw(4, "%s", reason.Message)
				}
			}
		}
		switch {
		case f.Updated:
			p.raw(0, "%s: %d of %s updated", f.File, failed, counted(len(f.Cases), "case"))
		case failed == 0:
			p.raw(0, "%s: ok, %s", f.File, counted(len(f.Cases), "case"))
		default:
			p.raw(0, "%s: %d of %s failed", f.File, failed, counted(len(f.Cases), "case"))
		}
	}
	return p.flush(w)
}

// expectation says what was expected of a case, and what came.
func expectation(c report.TestCase) string {
	text := fmt.Sprintf("%s: expected %s, got %s", c.Features, c.Expected, c.Verdict)
	if c.ExpectedBest != nil && *c.ExpectedBest != c.Best {
		text += fmt.Sprintf("; expected the set %q, got %q", *c.ExpectedBest, c.Best)
	}
	return text
}

// writeTestsJUnit prints a test case for each case, whose class is the file.
func writeTestsJUnit(w io.Writer, r *report.TestReport) error {
	j := newJUnitWriter("compat spec test")
	for _, f := range r.Files {
		for _, c := range f.Cases {
			test := junitCase{Name: c.Name, ClassName: f.File, File: f.File}
			if !c.OK {
				text := expectation(c)
				for _, reason := range c.Reasons {
					text += "\n" + withHint(reason)
				}
				test.Failure = &junitReason{Message: expectation(c), Text: text}
			}
			j.add(test)
		}
	}
	return j.write(w)
}

// writeSpecDiff prints the nodes that change sides.
func writeSpecDiff(w io.Writer, d *report.SpecDiff, style Style) error {
	p := newPrinter(style)
	for _, n := range d.Changed {
		p.raw(0, "%s: %s -> %s", n.Name, p.said(n.A), p.said(n.B))
		for _, side := range []struct {
			file   string
			answer report.SpecAnswer
		}{{d.A, n.A}, {d.B, n.B}} {
			if side.answer.Verdict != verdict.Compatible {
				for _, reason := range side.answer.Reasons {
					p.raw(2, "%s: %s", side.file, reason.Message)
				}
			}
		}
	}
	p.raw(0, "%d of %d nodes change, %d do not", len(d.Changed), d.Nodes, d.Unchanged)
	return p.flush(w)
}

// said is a verdict, with the set that made it where that is one among others.
func (p *printer) said(a report.SpecAnswer) painted {
	text := string(a.Verdict)
	if a.Verdict == verdict.Compatible && (a.Best != "" || a.Weight != 0) {
		text += fmt.Sprintf(" (set %q, weight %d)", Printable(a.Best), a.Weight)
	}
	return p.paint(a.Verdict, text)
}
