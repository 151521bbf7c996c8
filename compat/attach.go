package compat

import (
	"context"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

func newTarget(digest string, on artifact.On, platform *artifact.Platform) report.Target {
	t := report.Target{Digest: digest, On: string(on)}
	if platform != nil {
		t.Platform = artifact.FormatPlatform(*platform)
	}
	return t
}

// Attach checks a spec and attaches it. The report is never nil; it names the
// spec's problems, and what was attached even when something failed. A spec with
// errors is a *MalformedSpecError.
func Attach(ctx context.Context, repository *artifact.Repository, data []byte, o artifact.AttachOptions) (*report.AttachReport, error) {
	_, problems := spec.Parse(data)
	result := report.NewAttachReport(repository.Reference().String(), nil)
	result.Policy = describePolicy(repository)
	result.DryRun, result.Problems = o.DryRun, append(spec.Problems{}, problems...)
	if problems.Err() != nil {
		err := &MalformedSpecError{Problems: problems}
		result.Error = report.NewError(err)
		return result, err
	}
	attached, err := repository.Attach(ctx, data, o)
	onIndex := false
	for _, a := range attached {
		addAttached(result, a, o.DryRun)
		onIndex = onIndex || a.On == artifact.OnIndex
	}
	if err == nil && onIndex && !o.DryRun {
		// It is attached; that something else comes before it is only a warning.
		if found, err := repository.Discover(ctx, artifact.Platform{}, false); err == nil {
			result.Warnings = append(result.Warnings, shadowed(found)...)
		}
	}
	if err != nil {
		result.Error = report.NewError(err)
	}
	return result, err
}

func addAttached(r *report.AttachReport, a artifact.Attached, dryRun bool) {
	entry := report.Attached{
		Target:         newTarget(a.Subject.Digest.String(), a.On, a.Platform),
		Artifact:       a.Artifact.Digest.String(),
		Created:        a.Created,
		Existing:       a.Existing,
		Replaced:       append([]artifact.Removed{}, a.Replaced...),
		ViaFallbackTag: a.ViaFallbackTag,
	}
	if dryRun {
		entry.Manifest = string(a.Manifest)
	}
	r.Attached = append(r.Attached, entry)
	r.Warnings = append(r.Warnings, reasons(a.Warnings)...)
}

func reasons(warnings []artifact.Warning) []verdict.Reason {
	list := make([]verdict.Reason, len(warnings))
	for i, w := range warnings {
		list[i] = verdict.Reason{Code: w.Code, Message: w.Message}
	}
	return list
}

// Detach removes artifacts. The report is never nil; it says what was removed
// even when something failed.
func Detach(ctx context.Context, repository *artifact.Repository, o artifact.DetachOptions) (*report.DetachReport, error) {
	result := report.NewDetachReport(repository.Reference().String(), nil)
	detached, err := repository.Detach(ctx, o)
	result.Policy = describePolicy(repository)
	for _, d := range detached {
		result.Warnings = append(result.Warnings, reasons(d.Warnings)...)
		if len(d.Removed) == 0 {
			continue
		}
		result.Detached = append(result.Detached, report.Detached{
			Target:  newTarget(d.Subject.Digest.String(), d.On, d.Platform),
			Removed: append([]artifact.Removed{}, d.Removed...),
		})
	}
	if err != nil {
		result.Error = report.NewError(err)
	}
	return result, err
}
