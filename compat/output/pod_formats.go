package output

import (
	"slices"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// tells reports whether a finding or a problem of the report says the same as a reason.
func tells(p *report.Pod, reason verdict.Reason, r *report.PodReport) bool {
	found := func(id string) bool {
		return slices.ContainsFunc(p.Findings, func(f sidecar.PodFinding) bool { return f.ID == id && f.Severity == verdict.SeverityError })
	}
	problem := func(p manifest.Problem) bool { return string(p.Code) == reason.Code }
	support := r.Sidecars != nil && reason.Code == string(r.Sidecars.Code)
	return found(reason.Code) || support && found("SC026") || slices.ContainsFunc(r.Problems, problem)
}

// hides reports whether a reason is that of a finding which was not to be shown, or is
// suppressed.
func hides(p *report.Pod, reason verdict.Reason) bool {
	return slices.Contains(sidecar.FindingIDs(), reason.Code) &&
		!slices.ContainsFunc(p.Findings, func(f sidecar.PodFinding) bool {
			return f.ID == reason.Code && f.Message == reason.Message && f.Severity == verdict.SeverityError && f.Suppressed == nil
		})
}
