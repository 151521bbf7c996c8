package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

type attachFlags struct {
	registryFlags
	image        string
	allPlatforms bool
	replace      bool
	dryRun       bool
	quiet        bool
	output       *format
}

func newAttach(a *app) *cobra.Command {
	f := &attachFlags{}
	cmd := &cobra.Command{
		Use:   "attach IMAGE SPEC",
		Short: "Attach a compatibility spec to an image",
		Long: `Check a compatibility spec and attach it to an image as an OCI artifact, which is
then the one in effect. A spec with errors is refused. Attaching the spec that is
in effect already does nothing. Exit code 0 means that the artifact was pushed
and then seen, the way a reader would look for it.

The spec is attached to what the reference names (an index as a whole, unless
--platform or --all-platforms is given). SPEC is a file, or - for standard input.

With --trust-policy or --trust-key only artifacts that are trusted count as being in
effect already, and move the new one's date. Nothing is signed: do that next, with
cosign sign --key KEY REPOSITORY@DIGEST, the digest being that of the artifact.`,
		Example: `  compat attach registry.example.com/app:1.2 spec.yaml
  compat attach registry.example.com/app:1.2 spec.yaml --platform linux/arm64
  compat attach --oci-layout ./layout:1.2 spec.yaml
  compat attach registry.example.com/app:1.2 spec.yaml --dry-run`,
		Args:              imageArg(&f.image, "SPEC"),
		ValidArgsFunction: completeImage(true),
	}
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args[len(args)-1]) })
	f.imageFlags(cmd, &f.image)
	cmd.Flags().BoolVar(&f.allPlatforms, "all-platforms", false, "attach to each platform's manifest of an index")
	cmd.Flags().BoolVar(&f.replace, "replace", false, "remove the older compatibility artifacts once the new one is visible")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "push nothing; print what would be pushed")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only the digests of the artifacts that are in effect now")
	f.output = outputFlag(cmd, "text", "json", "yaml")
	f.add(cmd)
	f.addPlatform(cmd, "attach to the manifest of this `platform` in an index")
	f.addTrust(cmd)
	excludes(cmd, "platform", "all-platforms")
	// The new artifact is not signed yet: what was trusted until now would be gone.
	excludes(cmd, "replace", "trust-policy")
	excludes(cmd, "replace", "trust-key")
	excludes(cmd, "quiet", "output")
	alsoFiles(cmd)
	return cmd
}

func (f *attachFlags) run(ctx context.Context, a *app, file string) error {
	data, err := a.readFile(ctx, file, spec.MaxSize)
	if err != nil {
		report := report.NewAttachReport(f.image, err)
		return a.failed(f.output, report, report.Error, err)
	}
	repository, err := f.open(ctx, a, f.image)
	if err != nil {
		report := report.NewAttachReport(f.image, err)
		return a.failed(f.output, report, report.Error, err)
	}
	defer repository.Close()
	now, err := a.timestamp()
	if err != nil {
		return err
	}
	report, err := compat.Attach(ctx, repository, data, artifact.AttachOptions{
		Target:   f.target(),
		Platform: f.platform.orNone(),
		Replace:  f.replace,
		DryRun:   f.dryRun,
		Created:  now,
	})
	if !f.output.structured() {
		if err := a.lint(file, report); err != nil {
			return err
		}
		if report.Problems.Err() != nil {
			fmt.Fprintf(a.err, "compat: nothing was attached: %s has errors\n", file)
			return exitWith(exitIncompatible)
		}
	}
	return a.answer(f.output, report, output.Style{Quiet: f.quiet}, report.Error, err)
}

// target says what of an index the spec hangs on.
func (f *attachFlags) target() artifact.Target {
	switch {
	case f.allPlatforms:
		return artifact.TargetAllPlatforms
	case f.platform.value != nil:
		return artifact.TargetPlatform
	default:
		return artifact.TargetReference
	}
}

// lint shows a person what is wrong with the spec, warnings as well.
func (a *app) lint(file string, result *report.AttachReport) error {
	if len(result.Problems) == 0 {
		return nil
	}
	lint := &report.LintReport{Files: []report.LintFile{{File: file, Problems: result.Problems}}}
	return output.Write(a.err, output.FormatText, lint, a.style(a.errIsTerm))
}
