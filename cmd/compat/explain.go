package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat/sidecar"
)

// newExplain prints the documentation of a finding.
func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain ID",
		Short: "Explain a finding of validate-pod",
		Long: `Print what a finding of validate-pod means, with an example that has it and one
that does not. ID is SC001 and so on, as validate-pod prints it.`,
		Example: "  compat explain SC001",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(sidecar.FindingIDs(), strings.ToUpper(args[0])) {
				return usagef("give one of %s", strings.Join(sidecar.FindingIDs(), ", "))
			}
			return nil
		},
		ValidArgs: sidecar.FindingIDs(),
		RunE: a.runE(func(_ context.Context, args []string) error {
			doc, _ := sidecar.FindingDoc(strings.ToUpper(args[0]))
			_, err := io.WriteString(a.out, doc)
			return err
		}),
	}
}
