package main

import (
	"context"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures"
)

type diffFlags struct {
	only   []string
	all    bool
	output *format
}

// newFeaturesDiff compares two snapshots.
func newFeaturesDiff(a *app) *cobra.Command {
	f := &diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show what differs between two snapshots",
		Long: `Compare the features of two snapshots, by feature: what only one of the nodes has,
and what both have with different values. Of many differences in one feature the
text shows the first; -o json has all of them. What is unknown on both nodes is no
difference; names, times and the kubelet are not compared.`,
		Example: `  compat features diff node-a.json node-b.json
  compat features diff node-a.json node-b.json --feature cpu,kernel
  compat features diff node-a.json node-b.json --feature kernel.config --all`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("two snapshot files are needed, %d were given", len(args))
			}
			return nil
		},
	}
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args) })
	cmd.Flags().StringSliceVar(&f.only, "feature", nil, "compare only this `feature`, or all that begin so (repeatable), such as cpu.cpuid or kernel")
	complete(cmd, "feature", nodefeatures.KnownFeatures()...)
	cmd.Flags().BoolVar(&f.all, "all", false, "with -o text, show every difference")
	f.output = outputFlag(cmd, "text", "json", "yaml")
	timeoutFlag(cmd)
	return cmd
}

func (f *diffFlags) run(ctx context.Context, a *app, args []string) error {
	var nodes [2]compat.NodeRequest
	for i, name := range args {
		saved := judgeFlags{features: []string{name}}
		if err := saved.savedNode(ctx, a, &nodes[i]); err != nil {
			return a.unread(f.output, err)
		}
	}
	diff, err := compat.DiffSnapshots(nodes[0].Snapshot, nodes[1].Snapshot, f.only...)
	if err != nil {
		return &usageError{err}
	}
	return a.print(f.output, diff, output.Style{All: f.all})
}
