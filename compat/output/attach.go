package output

import (
	"io"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
)

// writeAttach says what was done, a line for each target.
func writeAttach(w io.Writer, r *report.AttachReport, style Style) error {
	p := newPrinter(style)
	if style.Quiet {
		for _, a := range r.Attached {
			p.raw(0, "%s", a.Artifact)
		}
		return p.flush(w)
	}
	for _, a := range r.Attached {
		switch {
		case a.Existing:
			p.raw(0, "already in effect: %s on %s (%s)", a.Artifact, r.Reference, a.Title())
		case r.DryRun:
			p.raw(0, "would attach %s to %s (%s):", a.Artifact, r.Reference, a.Title())
			p.raw(0, "%s", a.Manifest)
		default:
			p.raw(0, "attached %s to %s (%s)", a.Artifact, r.Reference, a.Title())
		}
		for _, old := range a.Replaced {
			p.removed(old, "replaced")
		}
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// removed says what became of an artifact that is listed no more.
func (p *printer) removed(old artifact.Removed, verb string) {
	note := ""
	switch {
	case old.Missing:
		note = " (only its entry was left)"
	case !old.Deleted:
		note = " (no longer listed; the registry refused to delete it)"
	}
	p.raw(1, "%s %s%s", verb, old.Digest.String(), note)
	for _, s := range old.Signatures {
		p.raw(2, "and its signature %s", s)
	}
	for _, s := range old.SignaturesLeft {
		p.raw(2, "its signature %s is still there", s)
	}
	if old.SignaturesUnread != "" {
		p.raw(2, "it may have signatures that are still there: %s", old.SignaturesUnread)
	}
}

// writeDetach says what was removed, a line for each artifact.
func writeDetach(w io.Writer, r *report.DetachReport, style Style) error {
	p := newPrinter(style)
	if style.Quiet {
		for _, d := range r.Detached {
			for _, old := range d.Removed {
				p.raw(0, "%s", old.Digest.String())
			}
		}
		return p.flush(w)
	}
	for _, d := range r.Detached {
		p.raw(0, "%s (%s)", r.Reference, d.Title())
		for _, old := range d.Removed {
			p.removed(old, "detached")
		}
	}
	switch {
	case len(r.Detached) > 0 || r.Error != nil:
	case len(r.Warnings) > 0: // about what is left alone
		p.raw(0, "nothing is detached from %s", r.Reference)
	default:
		p.raw(0, "nothing is attached to %s", r.Reference)
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}
