//go:build share

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// newShare is the command that writes what a release has beside the program, in the places below
// /usr where it belongs. Only .ci/release builds it: what makes manual pages is not part of compat.
func newShare(*app) []*cobra.Command {
	return []*cobra.Command{{
		Use:    "share DIR",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writeShare(cmd.Root(), args[0]); err != nil {
				return &ranError{fmt.Errorf("writing manual pages and completions: %w", err)}
			}
			return nil
		},
	}}
}

func writeShare(root *cobra.Command, dir string) error {
	man := filepath.Join(dir, "man", "man1")
	files := map[string]func(string) error{
		"bash-completion/completions/compat":    func(name string) error { return root.GenBashCompletionFileV2(name, true) },
		"zsh/site-functions/_compat":            root.GenZshCompletionFile,
		"fish/vendor_completions.d/compat.fish": func(name string) error { return root.GenFishCompletionFile(name, true) },
	}
	err := os.MkdirAll(man, 0o755)
	for name, write := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o755), write(name))
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "kubectl_complete-compat"), []byte(pluginCompletion), 0o755)) //nolint:gosec // kubectl runs it
	plain(root)
	return errors.Join(err, doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "compat", Manual: "compat"}, man))
}

// plain makes cobra's manual pages, which it writes through Markdown, say what help says.
func plain(cmd *cobra.Command) {
	escape := strings.NewReplacer("_", `\_`, "*", `\*`, "<", `\<`).Replace
	cmd.DisableAutoGenTag = true
	cmd.Short, cmd.Long = escape(cmd.Short), escape(cmd.Long)
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) { flag.Usage = escape(flag.Usage) })
	for _, sub := range cmd.Commands() {
		plain(sub)
	}
}
