package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// complete gives a flag's values to shell completion.
func complete(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist: a mistake in this program
	}
}

// completeFlags keeps shell completion from naming files where none is meant: a
// flag's value is a file only if its usage calls it so.
func completeFlags(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeFlags(sub)
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, known := cmd.GetFlagCompletionFunc(f.Name); known || f.NoOptDefVal != "" {
			return
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		switch name, _ := pflag.UnquoteUsage(f); name {
		case "file", "file or URL":
			return
		case "directory":
			directive = cobra.ShellCompDirectiveFilterDirs
		}
		cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(nil, directive)) //nolint:errcheck // the flag exists
	})
}

// completeImage completes the arguments of a command: an image of a registry
// cannot be, a layout on disk can; what comes behind it are files.
func completeImage(files bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		layout, err := cmd.Flags().GetBool("oci-layout")
		isImage := len(args) == 0 && !cmd.Flags().Changed("image")
		switch {
		case isImage && err == nil && layout:
			return nil, cobra.ShellCompDirectiveFilterDirs
		case !isImage && files:
			return specExtensions, cobra.ShellCompDirectiveFilterFileExt
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// specExtensions are how the names of specs and manifests end.
var specExtensions = []string{"yaml", "yml", "json"}

// completing reports whether the arguments ask for completions.
func completing(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, args[0])
}
