package main

import (
	"context"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

type detachFlags struct {
	registryFlags
	image    string
	artifact digestFlag
	all      bool
	quiet    bool
	output   *format
}

func newDetach(a *app) *cobra.Command {
	f := &detachFlags{}
	cmd := &cobra.Command{
		Use:   "detach IMAGE (--artifact DIGEST | --all)",
		Short: "Remove compatibility artifacts from an image",
		Long: `Remove one compatibility artifact, or all of them, from an image: from its index
and from each platform's manifest, or from those of one --platform. Their entries
in a fallback index are removed with them, and their signatures; those that the
registry keeps are named.

With --trust-policy or --trust-key only artifacts that are trusted are removed.`,
		Example: `  compat detach registry.example.com/app:1.2 --artifact sha256:...
  compat detach registry.example.com/app:1.2 --all`,
		Args:              imageArg(&f.image),
		ValidArgsFunction: completeImage(false),
		PreRunE: func(*cobra.Command, []string) error {
			if f.all == (f.artifact.value != "") {
				return usagef("give either --artifact DIGEST or --all")
			}
			return nil
		},
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	f.imageFlags(cmd, &f.image)
	cmd.Flags().Var(&f.artifact, "artifact", "remove the artifact with this `digest`")
	cmd.Flags().BoolVar(&f.all, "all", false, "remove every compatibility artifact of the image")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only the digests of the artifacts that were removed")
	f.output = outputFlag(cmd, "text", "json", "yaml")
	f.add(cmd)
	f.addPlatform(cmd, "detach only from the manifest of this `platform` in an index")
	f.addTrust(cmd)
	excludes(cmd, "quiet", "output")
	return cmd
}

func (f *detachFlags) run(ctx context.Context, a *app) error {
	repository, err := f.open(ctx, a, f.image)
	if err != nil {
		report := report.NewDetachReport(f.image, err)
		return a.failed(f.output, report, report.Error, err)
	}
	defer repository.Close()
	report, err := compat.Detach(ctx, repository, artifact.DetachOptions{
		Artifact: f.artifact.value,
		All:      f.all,
		Platform: f.platform.orNone(),
	})
	return a.answer(f.output, report, output.Style{Quiet: f.quiet}, report.Error, err)
}
