package main

import (
	"context"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

func newTrust(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Check trust policies: whose signed artifacts count",
	}
	group(cmd)
	cmd.AddCommand(newTrustLint(a))
	return cmd
}

func newTrustLint(a *app) *cobra.Command {
	var format *format
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Check trust policies, as --trust-policy reads them",
		Long: `Check trust policies and the keys that they name, from the folder of each. All
problems are listed, each with its line and path. FILE may be - for standard input,
whose keys are looked for in the current folder.

compat schema TrustPolicy prints the JSON Schema for editors.

Exit codes: 0 no errors, 3 errors, 2 usage error.`,
		Example: `  compat trust lint policy.yaml
  compat trust lint policy.yaml -o json`,
		Args: cobra.MinimumNArgs(1),
	}
	format = outputFlag(cmd, "text", "json", "yaml", "sarif")
	timeoutFlag(cmd)
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error {
		found := report.NewLintReport()
		files, err := a.readFiles(ctx, args, compat.MaxTrustPolicy)
		if err != nil {
			return a.unlinted(format, found, err)
		}
		for _, file := range files {
			compat.LintPolicy(found, file.Name, file.Data)
		}
		if err := a.print(format, found, output.Style{}); err != nil {
			return err
		}
		return exitWith(lintCode(found))
	})
	alsoFiles(cmd)
	return cmd
}
