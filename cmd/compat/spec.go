package main

import (
	"context"
	"iter"
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
	cmd.AddCommand(newSpecNew(a), newSpecDerive(a), newSpecGenerate(a), newSpecLint(a), newSpecTest(a), newSpecDiff(a), newSpecSchema(a))
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

With --features it also tells which sets and terms none of those nodes meets, and which
terms all of them do, as NFD's own evaluator answers.

Exit codes: 0 no errors (there may be warnings), 3 errors, 1 failure, 2 usage error.`,
		Example: `  compat spec lint spec.yaml
  compat spec lint -o sarif specs/*.yaml > lint.sarif
  compat spec lint spec.yaml --features nodes/`,
		Args: cobra.MinimumNArgs(1),
	}
	f := &lintFlags{}
	f.output = outputFlag(cmd, "text", "json", "yaml", "sarif")
	f.saved.addSaved(cmd, "compare with the nodes in this snapshot `file`, directory or pattern (repeatable)")
	timeoutFlag(cmd)
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args) })
	alsoFiles(cmd)
	return cmd
}

// unlinted prints why the files could not be read.
func (a *app) unlinted(f *format, r *report.LintReport, err error) error {
	r.OK, r.Error = false, report.NewError(err)
	return a.failed(f, r, r.Error, err)
}

type lintFlags struct {
	saved  judgeFlags // of which only --features and --nfd-namespace are given
	output *format
}

func (f *lintFlags) run(ctx context.Context, a *app, args []string) error {
	found := report.NewLintReport()
	files, err := a.readFiles(ctx, args, spec.MaxSize)
	if err != nil {
		return a.unlinted(f.output, found, err)
	}
	for _, file := range files {
		compat.Lint(found, file.Name, file.Data)
	}
	if len(f.saved.features) > 0 {
		nodes := func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
			return f.saved.savedNodes(ctx, a, features)
		}
		if err := compat.LintNodes(ctx, found, files, nodes); err != nil {
			return err
		}
	}
	a.noteErrors(nil, found.Error)
	if err := a.print(f.output, found, output.Style{}); err != nil {
		return err
	}
	if a.failure != nil {
		a.explain(a.failure)
	}
	return exitWith(lintCode(found))
}

// lintCode is the exit code of a report on specs.
func lintCode(r *report.LintReport) int {
	switch {
	case !r.OK:
		return exitIncompatible
	case r.Error != nil:
		return exitFailure
	}
	return exitOK
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
