package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
)

type reportFlags struct {
	all    bool
	output *format
}

// newReport renders a saved report again.
func newReport(a *app) *cobra.Command {
	f := &reportFlags{}
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Render a saved report again, in another format",
		Long: `Read a report that validate-node or validate-pod printed as JSON or YAML, and render
it in another format, without looking at the node, a registry or a manifest again.
FILE may be - for standard input. sarif and junit are for reports on Pods.

The exit code is that of the run that made the report, and 2 for a file that cannot
be read, or is no report. A field that this version does not know is an error.`,
		Example: `  compat validate-pod deploy/ > report.json
  compat report report.json -o sarif > report.sarif
  compat report report.json -o markdown >> "$GITHUB_STEP_SUMMARY"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("one report is needed, %d were given", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"json", "yaml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args[0]) })
	cmd.Flags().BoolVar(&f.all, "all", false, "with -o text, show what holds as well")
	timeoutFlag(cmd)
	f.output = outputFlag(cmd, "text", "sarif", "junit", "markdown", "json", "yaml", "predicate")
	alsoFiles(cmd)
	return cmd
}

func (f *reportFlags) run(ctx context.Context, a *app, name string) error {
	if err := f.output.check(); err != nil {
		return err
	}
	data, err := a.readFile(ctx, name, compat.MaxReport)
	if err != nil {
		return a.unread(f.output, err)
	}
	document, err := compat.ReadReport(data)
	if err != nil {
		return &usageError{fmt.Errorf("reading the report %s: %w", name, err)}
	}
	if !output.Has(output.Format(f.output.value), document) {
		if f.output.isPredicate() {
			return usagef("the report %s has no %s form: it is about neither one node nor Pods", name, f.output.value)
		}
		return usagef("the report %s has no %s form: it is not about Pods", name, f.output.value)
	}
	if err := a.print(f.output, document, output.Style{All: f.all}); err != nil {
		return err
	}
	a.noteErrors(nil, documentError(document))
	return a.conclude(f.output, documentCode(document), output.SummaryLine(document))
}
