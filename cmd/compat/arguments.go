package main

import (
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

// alsoFlag appends the arguments to the values of a flag that means the same.
func alsoFlag(values *[]string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		*values = append(*values, args...)
		return nil
	}
}
