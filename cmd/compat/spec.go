package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

func newSpec(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Begin and check compatibility specs, without a node",
	}
	group(cmd)
	cmd.AddCommand(newSpecNew(a), newSpecDerive(a), newSpecGenerate(a), newSpecLint(a), newSpecSchema(a))
	return cmd
}

func newSpecNew(a *app) *cobra.Command {
	var features []string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a commented spec to start from",
		Long: `Print a commented spec to start from, about which lint has nothing to say: with
what most images ask for, or with an example of each --feature. Its first line
names the JSON Schema to editors that have yaml-language-server.`,
		Example: `  compat spec new > spec.yaml
  compat spec new --feature kernel.version --feature pci.device > spec.yaml
  compat spec schema > spec.schema.json`,
		Args: noArgs,
		RunE: a.runE(func(context.Context, []string) error {
			text, err := spec.New(features...)
			if err != nil {
				return &usageError{err}
			}
			_, err = a.out.Write(text)
			return err
		}),
	}
	cmd.Flags().StringSliceVar(&features, "feature", nil, "only an example of this `feature` (repeatable), such as pci.device")
	complete(cmd, "feature", nodefeatures.KnownFeatures()...)
	return cmd
}

func newSpecLint(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check compatibility specs; the same validation that attach does",
		Long: `Check specs, or NodeFeatureGroup objects, without a node: everything that NFD
would notice only while evaluating, or never. All problems are listed, each with
its line and path. FILE may be - for standard input.

Exit codes: 0 no errors (there may be warnings), 3 errors.`,
		Example: `  compat spec lint spec.yaml
  compat spec lint -o json specs/*.yaml`,
		Args: cobra.MinimumNArgs(1),
	}
	format := outputFlag(cmd, "text", "json", "yaml")
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error {
		report := report.NewLintReport()
		for _, name := range args {
			data, err := a.readFile(ctx, name, spec.MaxSize)
			if err != nil {
				return err
			}
			compat.Lint(report, name, data)
		}
		err := a.print(format, report, output.Style{})
		if err == nil && !report.OK {
			return exitWith(exitIncompatible)
		}
		return err
	})
	return cmd
}

func newSpecSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of compatibility specs",
		Example: "  compat spec schema > spec.schema.json",
		Args:    noArgs,
		RunE: a.runE(func(context.Context, []string) error {
			_, err := a.out.Write(spec.Schema())
			return err
		}),
	}
}

// newSchema prints the schemas of compat's own documents.
func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema KIND",
		Short: "Print the JSON Schema of a document that compat prints",
		Long: `Print the JSON Schema (draft 2020-12) of a document that compat prints. KIND is
the document's kind: ` + strings.Join(report.SchemaKinds(), ", ") + ".",
		Example: "  compat schema NodeReport > node-report.schema.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(report.SchemaKinds(), args[0]) {
				return usagef("give one of %s", strings.Join(report.SchemaKinds(), ", "))
			}
			return nil
		},
		ValidArgs: report.SchemaKinds(),
		RunE: a.runE(func(_ context.Context, args []string) error {
			_, err := a.out.Write(report.Schema(args[0]))
			return err
		}),
	}
}
