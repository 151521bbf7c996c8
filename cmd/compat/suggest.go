package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nodecompat/nodefeatures/verdict"
)

// synonyms are words that other programs have for what a command does.
var synonyms = map[string]string{
	"add": "attach", "push": "attach",
	"list": "discover", "ls": "discover", "tree": "discover", "referrers": "discover",
	"cat": "show", "get": "show", "inspect": "show", "view": "show", "pull": "show",
	"delete": "detach", "remove": "detach", "rm": "detach",
	"check": "validate-node", "node": "validate-node", "validate": "validate-node", "verify": "validate-node",
	"pod": "validate-pod", "manifest": "validate-pod",
	"detect": "features", "export": "features", "snapshot": "features",
	"diff": "features diff",
	"lint": "spec lint",
	"code": "explain", "codes": "explain", "operator": "explain", "operators": "explain",
	"init": "spec new", "new": "spec new",
}

// group makes a command that only has subcommands refuse unknown ones; by
// itself cobra prints help and exits 0 for `compat spec nonsense`.
func group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(cmd, args[0])
	}
}

func unknownCommand(cmd *cobra.Command, word string) error {
	message := fmt.Sprintf("unknown command %q for %q", word, cmd.CommandPath())
	if meant := meantCommand(cmd, word); meant != "" {
		message += "; did you mean " + meant + "?"
	}
	return usagef("%s", message)
}

// meantCommand is what somebody may have meant with an unknown command, "" if
// nobody can tell.
func meantCommand(cmd *cobra.Command, word string) string {
	root := cmd.Root()
	meant := cmp.Or(synonyms[strings.ToLower(word)], word)
	verb, _, _ := strings.Cut(meant, "-")
	// of `cluster validate`, validate-cluster
	for _, path := range [][]string{{verb + "-" + cmd.Name()}, strings.Fields(meant)} {
		if other, _, err := root.Find(path); err == nil && other.HasParent() {
			return other.CommandPath()
		}
	}
	near := cmd.SuggestionsFor(word)
	if len(near) == 0 {
		near = root.SuggestionsFor(word)
	}
	return strings.Join(near, " or ")
}

// flagError says which flag an unknown one may have been meant to be.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return &usageError{err}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := verdict.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return usagef("%w; did you mean --%s?", err, near)
	}
	return &usageError{err}
}

// excludes makes flags refuse each other.
func excludes(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		annotate(cmd, name, excluding, names)
	}
}

// needs makes a flag useless, and so an error, unless one of others is given.
func needs(cmd *cobra.Command, name string, others ...string) { annotate(cmd, name, needing, others) }

func annotate(cmd *cobra.Command, name, key string, values []string) {
	flag := cmd.Flags().Lookup(name) // nil, if the flag does not exist: a mistake in this program
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[key] = append(flag.Annotations[key], values...)
}

// ofImages are flags that say how images are judged, and nothing of specs in files.
var ofImages = []string{"artifact", "oci-layout", "missing", "trust-policy", "trust-key"}

// without returns an error if one of the flags is given, which mean nothing without something else.
func without(cmd *cobra.Command, what string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return usagef("--%s means nothing without %s", name, what)
		}
	}
	return nil
}

// The annotations of flags with those that they exclude, and those of which they need one.
const (
	excluding = "compat_excluding"
	needing   = "compat_needing"
)

// checkTogether returns an error if flags are given that exclude each other, or that mean nothing
// without another.
func checkTogether(cmd *cobra.Command) (err error) {
	flags := cmd.Flags()
	flags.Visit(func(f *pflag.Flag) {
		for _, other := range f.Annotations[excluding] {
			if other != f.Name && flags.Changed(other) {
				err = usagef("--%s and --%s exclude each other", f.Name, other)
			}
		}
		if others := f.Annotations[needing]; len(others) > 0 && !slices.ContainsFunc(others, flags.Changed) {
			err = usagef("--%s means nothing without --%s", f.Name, strings.Join(others, " or --"))
		}
	})
	return err
}
