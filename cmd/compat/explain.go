package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
)

// newExplain prints the documentation of a code, a feature or an operator.
func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE|FEATURE|OPERATOR]",
		Short: "Explain a report's code, or a spec's feature or operator",
		Long: `Print what a code means that is in a document of compat, where it stands and what
to do about it; of a finding of validate-pod (SC001 and so on) with an example
that has it and one that does not.

Of a feature of specs (kernel.version), an element of one (kernel.version.full)
or an operator (Ge): what it is, which values it has or takes, where Node Feature
Discovery reads it, an example of a rule, and what people get wrong.

Without a word, all codes, features and operators are listed.`,
		Example: `  compat explain noArtifact
  compat explain SC001
  compat explain pci.device
  compat explain cpu.cpuid.AVX512F
  compat explain GtLt
  compat explain`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeWord,
		RunE: a.runE(func(_ context.Context, args []string) error {
			style := a.style(a.outIsTerm)
			if len(args) == 0 {
				return output.Write(a.out, output.FormatText, compat.Words(), style)
			}
			document, err := compat.Explain(args[0])
			if err != nil {
				return &usageError{err}
			}
			return output.Write(a.out, output.FormatText, document, style)
		}),
	}
}

// completeWord lists codes, features and operators for shell completion, each once, with
// its first meaning.
func completeWord(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var list []string
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, seen := compat.Words(), map[string]bool{}
	for _, c := range words.Codes {
		if !seen[c.Code] {
			seen[c.Code] = true
			list = append(list, fmt.Sprintf("%s\t%s", c.Code, c.Meaning))
		}
	}
	for _, w := range slices.Concat(words.Features, words.Operators) {
		list = append(list, fmt.Sprintf("%s\t%s", w.Name, w.Meaning))
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
