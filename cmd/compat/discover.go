package main

import (
	"context"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

type discoverFlags struct {
	registryFlags
	image  string
	output *format
}

func newDiscover(a *app) *cobra.Command {
	f := &discoverFlags{}
	cmd := &cobra.Command{
		Use:   "discover IMAGE",
		Short: "List the compatibility artifacts of an image",
		Long: `List the compatibility artifacts that are attached to an image: to its index and
to each platform's manifest. The one marked "in effect" is what validate-node
uses for that platform: artifacts on the platform's manifest come before those on
the index, the newest before the older ones. Artifacts that have the same spec as
a preferred one are marked as its duplicates; listed ones that are gone, broken or
about another image are shown as such.

With --trust-policy or --trust-key it also shows who signed each artifact, and why
one does not count. Without them what is listed as signatures is not checked.`,
		Example: `  compat discover registry.example.com/app:1.2
  compat discover registry.example.com/app:1.2 --platform linux/arm64 -o table
  compat discover registry.example.com/app:1.2 -o json`,
		Args:              imageArg(&f.image),
		ValidArgsFunction: completeImage(false),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	f.imageFlags(cmd, &f.image)
	f.output = outputFlag(cmd, "tree", "table", "json", "yaml")
	f.add(cmd)
	f.addPlatform(cmd, "list only what counts for this `platform` of an index")
	f.addTrust(cmd)
	return cmd
}

func (f *discoverFlags) run(ctx context.Context, a *app) error {
	repository, err := f.open(ctx, a, f.image)
	if err != nil {
		report := report.NewDiscoverReport(f.image, err)
		return a.failed(f.output, report, report.Error, err)
	}
	defer repository.Close()
	report, err := compat.Discover(ctx, repository, f.platform.orNone())
	return a.answer(f.output, report, output.Style{}, report.Error, err)
}
