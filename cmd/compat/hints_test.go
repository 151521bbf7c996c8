package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"nodecompat/compat/report"
)

// What a hint says of another program or command stands in backticks, or behind the program's name.
var (
	hintLine  = regexp.MustCompile(`(?m)^compat: hint: (.*)$|"hint": "(.*)"`)
	hintOther = regexp.MustCompile("`[^`]*`|kubectl .*")
	hintFlag  = regexp.MustCompile(`(?:^|[\s(])-(?:-([a-z][a-z-]*)|([a-zA-Z])\b)`)
)

// runChecked is runMain for tests, in which a run fails whose hints name a flag that its command lacks.
func runChecked() int {
	var said bytes.Buffer
	p := thisProcess()
	p.out, p.err = io.MultiWriter(p.out, &said), io.MultiWriter(p.err, &said)
	code := runMain(p)
	cmd, _, err := newRoot(&app{process: p}).Find(p.args)
	if err != nil || cmd.Name() == "report" || cmd.Name() == "explain" { // these print the hints of others
		return code
	}
	for _, hint := range hintLine.FindAllSubmatch(said.Bytes(), -1) {
		if lacking := flagsLacking(cmd, string(hint[1])+string(hint[2])); len(lacking) > 0 {
			fmt.Fprintf(os.Stderr, "compat: a hint of %s names %q, which it lacks: %s\n", cmd.CommandPath(), lacking, hint[0])
			return 99
		}
	}
	return code
}

// flagsLacking are the flags that a hint names and a command lacks.
func flagsLacking(cmd *cobra.Command, hint string) (lacking []string) {
	cmd.InitDefaultHelpFlag()
	for _, name := range hintFlag.FindAllStringSubmatch(hintOther.ReplaceAllString(hint, ""), -1) {
		if cmd.Flag(name[1]) == nil && (name[2] == "" || cmd.Flags().ShorthandLookup(name[2]) == nil) {
			lacking = append(lacking, name[1]+name[2])
		}
	}
	return lacking
}

// TestHintFlags plants hints of which some name flags that the command lacks.
func TestHintFlags(t *testing.T) {
	t.Parallel()
	cmd, _, err := newRoot(&app{}).Find([]string{"validate-pod"})
	if err != nil {
		t.Fatal(err)
	}
	for hint, want := range map[string]int{
		"choose one with -n":                    1,
		"give --no-images, or --output-dir":     1,
		"give -o text":                          0,
		"kubectl get nodes -n shop":             0,
		"run `compat cluster snapshot -n shop`": 0,
		"-n or -odd, which is no flag of ours":  1,
	} {
		if got := flagsLacking(cmd, hint); len(got) != want {
			t.Errorf("%s: %q", hint, got)
		}
	}
}

// TestRemedyFlags: remedies of codes name flags that their command has, or else some command.
func TestRemedyFlags(t *testing.T) {
	t.Parallel()
	root := newRoot(&app{})
	for _, c := range report.Codes() {
		commands := []*cobra.Command{}
		if words, _, ok := strings.Cut(c.Meaning, ":"); ok {
			if cmd, _, err := root.Find(strings.Fields(words)); err == nil && cmd != root {
				commands = []*cobra.Command{cmd}
			}
		}
		if len(commands) == 0 {
			commands = leaves(root)
		}
		if !slices.ContainsFunc(commands, func(cmd *cobra.Command) bool { return len(flagsLacking(cmd, c.Remedy)) == 0 }) {
			t.Errorf("%s: %s", c.Code, c.Remedy)
		}
	}
}

// leaves are the commands without subcommands.
func leaves(cmd *cobra.Command) (list []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		list = append(list, leaves(sub)...)
	}
	if len(list) == 0 {
		list = append(list, cmd)
	}
	return list
}
