package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures"
)

type featuresFlags struct {
	nodeFlags
	only   []string
	output *format
}

func newFeatures(a *app) *cobra.Command {
	f := &featuresFlags{}
	cmd := &cobra.Command{
		Use:   "features",
		Short: "Print what this node offers, as a snapshot",
		Long: `Detect the features of this node and print them: what Node Feature Discovery
finds, what could not be read and why, and what is known about the kubelet. The
output is a snapshot that validate-node --features judges elsewhere, later.`,
		Example: `  compat features > node-a.json
  compat features --feature pci.device --feature kernel.version -o yaml
  compat validate-node registry.example.com/app:1.2 --features node-a.json`,
		Args: noArgs,
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	cmd.Flags().StringSliceVar(&f.only, "feature", nil, "run only the sources that publish this `feature` (repeatable), such as cpu.cpuid")
	complete(cmd, "feature", nodefeatures.KnownFeatures()...)
	f.output = outputFlag(cmd, "json", "yaml", "text")
	f.add(cmd)
	timeoutFlag(cmd)
	cmd.AddCommand(newFeaturesDiff(a))
	return cmd
}

func (f *featuresFlags) run(ctx context.Context, a *app) error {
	snapshot, err := f.snapshot(ctx, a)
	if err != nil {
		return a.unread(f.output, err)
	}
	return a.print(f.output, snapshot, output.Style{})
}

func (f *featuresFlags) snapshot(ctx context.Context, a *app) (*nodefeatures.Snapshot, error) {
	kubeletOptions, err := f.kubelet(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, name := range f.only {
		if !slices.Contains(nodefeatures.KnownFeatures(), strings.ToLower(name)) {
			return nil, usagef("NFD has no feature %q; it has %s", name, strings.Join(nodefeatures.KnownFeatures(), ", "))
		}
	}
	discovery := f.discovery(a)
	discovery.Features = f.only
	now, err := a.timestamp()
	if err != nil {
		return nil, err
	}
	return compat.Snapshot(ctx, discovery, kubeletOptions, now)
}
