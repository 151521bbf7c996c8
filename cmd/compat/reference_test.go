package main

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/spf13/cobra"

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
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
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
}

func writeReference(buf *bytes.Buffer, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	fmt.Fprintf(buf, "\n## %s\n\n", cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	fmt.Fprintf(buf, "```text\n%s\n\n%s```\n", text, cmd.UsageString())
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			writeReference(buf, sub)
		}
	}
}
