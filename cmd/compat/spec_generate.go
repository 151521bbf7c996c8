package main

import (
	"context"
	"errors"
	"iter"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures"
)

type generateFlags struct {
	nodeFlags
	only      []string
	features  []string
	not       []string
	namespace string
	output    *format
}

func newSpecGenerate(a *app) *cobra.Command {
	f := &generateFlags{}
	cmd := &cobra.Command{
		Use:   "generate --feature NAME [--features FILE] [--not FILE]",
		Short: "Draft a spec of what nodes have in common",
		Long: `Draft a spec of what saved nodes, or this one, have in common in the features that
--feature names: the highest level of the CPU, the oldest kernel and all newer ones,
attributes that are the same, classes and vendors of devices. Names, serial numbers,
states and counts are never asked for. A feature that is not known of one of the
nodes is left out, and a comment says so.

With --not the draft asks for as little as refuses those nodes, and for what
--feature names to the element (cpu.cpuid.AVX2). Before it is printed, it is judged on every node as
validate-node does.

A draft says what the nodes have, not what the image needs: take the rest out.

Exit codes: 0 printed, 3 a node of --not cannot be told apart, or the nodes have
nothing in common, 1 a node could not be read, 2 usage error.`,
		Example: `  compat spec generate --feature cpu.cpuid --feature kernel.version > spec.yaml
  compat spec generate --features nodes/ --feature pci.device --feature kernel
  compat spec generate --features good/ --not bad.json --feature cpu,kernel
  compat spec generate --features nodes/ --feature kernel.config.XFS_FS -o json`,
		Args: noArgs,
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringSliceVar(&f.only, "feature", nil, "what to ask for: this `feature`, all that begin so, or one element (repeatable), such as cpu.cpuid, kernel or cpu.cpuid.AVX2")
	complete(cmd, "feature", nodefeatures.KnownFeatures()...)
	flags.StringArrayVar(&f.features, "features", nil, "take the nodes in this snapshot `file`, directory or pattern (repeatable) instead of this host; - is standard input")
	flags.StringArrayVar(&f.not, "not", nil, "refuse the nodes in this snapshot `file`, directory or pattern (repeatable)")
	flags.StringVar(&f.namespace, "nfd-namespace", "", "the `namespace` of nfd-master, where NodeFeature objects in several describe a node")
	f.output = outputFlag(cmd, string(output.FormatSpec), "json", "yaml")
	f.addHost(cmd)
	timeoutFlag(cmd)
	excludes(cmd, "features", "host-root")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(f.only) == 0 {
			return usagef("nothing to ask for: give --feature, such as --feature cpu.cpuid; `compat explain` lists all")
		}
		return nil
	}
	return cmd
}

func (f *generateFlags) run(ctx context.Context, a *app) error {
	request := compat.GenerateRequest{
		Features: f.only, Nodes: f.saved(ctx, a, f.features), Refused: f.saved(ctx, a, f.not), Discovery: f.discovery(a),
	}
	result, err := compat.Generate(ctx, request)
	var feature *compat.FeatureError
	if errors.As(err, &feature) {
		return &usageError{err}
	}
	if err != nil {
		return a.failed(f.output, result, result.Error, err)
	}
	return a.print(f.output, result, output.Style{})
}

// saved reads the snapshots of files; nil if there are none.
func (f *generateFlags) saved(ctx context.Context, a *app, files []string) compat.SavedNodes {
	if len(files) == 0 {
		return nil
	}
	saved := judgeFlags{features: files, nfdNamespace: f.namespace}
	return func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		return saved.savedNodes(ctx, a, features)
	}
}
