package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nodecompat/compat/golden"
)

// TestCommandReference keeps README.md of this directory equal to the commands.
func TestCommandReference(t *testing.T) {
	var buf bytes.Buffer
	buf.WriteString("# Command reference\n\nMade from the commands by `make generate`.\n")
	writeReference(&buf, newRoot(&app{}))
	golden.Compare(t, "README.md", buf.Bytes())
}

// TestEveryCommandHelps checks what is expected of every command.
func TestEveryCommandHelps(t *testing.T) {
	known := map[string]int{} // 1 for the flags that there are, 1 for each place in help
	flagLine := regexp.MustCompile(`(?m)^ +(-[a-z], )?--[a-z]`)
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
		}
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = 1 })
		for line := range strings.Lines(usage(cmd, true)) {
			if len(line) > helpWidth+1 {
				t.Errorf("%s: a line of help is longer than %d: %s", cmd.CommandPath(), helpWidth, line)
			}
		}
		if n := len(flagLine.FindAllString(usage(cmd, false), -1)); n > 14 {
			t.Errorf("%s: help shows %d flags; which does nobody need?", cmd.CommandPath(), n)
		}
		if cmd.Name() == "completion" || cmd.Parent() != nil && cmd.Parent().Name() == "completion" {
			return // cobra's own
		}
		if cmd.Args == nil {
			t.Errorf("%s: Args is not set", cmd.CommandPath())
		}
		if cmd.Example == "" && !cmd.HasSubCommands() {
			t.Errorf("%s: no example", cmd.CommandPath())
		}
	}
	check(newRoot(&app{}))
	for _, group := range flagGroups {
		for _, name := range slices.Concat(group.common, group.rare) {
			known[name]++
		}
	}
	for name, n := range known {
		if n != 2 {
			t.Errorf("--%s is not in one group of flags, or no command has it", name)
		}
	}
}

func writeReference(buf *bytes.Buffer, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	fmt.Fprintf(buf, "\n## %s\n\n", cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(buf, "```text\n%s\n\n%s```\n", fill(text), usage(cmd, true))
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			writeReference(buf, sub)
		}
	}
}
