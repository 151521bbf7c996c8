package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// imageForm is how a reference is written.
const imageForm = "host[:port]/repo[:tag][@digest]"

// imageArg takes the reference of an image from the first argument, unless --image
// names it. rest are the names of the arguments behind it; all are needed.
func imageArg(image *string, rest ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		want := rest
		if !cmd.Flags().Changed("image") {
			want = append([]string{"IMAGE"}, rest...)
		}
		switch {
		case len(args) == len(want):
		case len(args) > len(want) && len(want) == len(rest):
			return usagef("unexpected argument %q: --image names the image already", args[0])
		case len(args) > len(want):
			return usagef("unexpected argument %q", args[len(want)])
		default:
			return usagef("%s is missing: give %s", want[len(args)], strings.Join(want, " "))
		}
		if len(want) > len(rest) {
			*image = args[0]
		}
		return nil
	}
}

// alsoFiles takes the values of -f as files behind the arguments.
func alsoFiles(cmd *cobra.Command) {
	var files []string
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "`file`, as an argument is")
	check, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, args []string) error { return check(cmd, slices.Concat(args, files)) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd, slices.Concat(args, files)) }
}

// alsoFlag appends the arguments to the values of a flag that means the same.
func alsoFlag(values *[]string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		*values = append(*values, args...)
		return nil
	}
}
