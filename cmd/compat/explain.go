package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// newExplain prints the documentation of a code.
func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Explain a code of a report, a problem or a finding",
		Long: `Print what a code means that is in a document of compat, where it stands and what
to do about it; of a finding of validate-pod (SC001 and so on) with an example
that has it and one that does not. Without CODE, all codes are listed.`,
		Example: `  compat explain noArtifact
  compat explain SC001
  compat explain`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeCode,
		RunE: a.runE(func(_ context.Context, args []string) error {
			if len(args) == 0 {
				return output.Write(a.out, output.FormatText, report.Codes(), a.style(a.outIsTerm))
			}
			if meanings := report.LookUpCode(args[0]); meanings != nil {
				return output.WriteCode(a.out, meanings)
			}
			if near := report.NearestCode(args[0]); near != "" {
				return usagef("there is no code %q; did you mean %s?", args[0], near)
			}
			return usagef("there is no code %q; `compat explain` lists all", args[0])
		}),
	}
}

// completeCode lists the codes for shell completion, each once, with their first meaning.
func completeCode(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var list []string
	seen := map[string]bool{}
	for _, c := range report.Codes() {
		if len(args) == 0 && !seen[c.Code] {
			seen[c.Code] = true
			list = append(list, fmt.Sprintf("%s\t%s", c.Code, c.Meaning))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
