package main

import (
	"context"
	"io"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"
)

// What the program is called when kubectl runs it
// (https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/).
const (
	pluginFile = "kubectl-compat"
	pluginName = "kubectl compat"
)

// pluginCompletion is the program that kubectl asks how to complete the plugin's command line.
const pluginCompletion = "#!/bin/sh\nexec kubectl compat __complete \"$@\"\n"

// isPlugin reports whether kubectl runs the program, or a person by the plugin's name.
func (p process) isPlugin() bool { return filepath.Base(p.name) == pluginFile }

// asPlugin gives the commands the names by which kubectl knows them.
func asPlugin(a *app, root *cobra.Command) {
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: pluginName}
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			root.RemoveCommand(cmd)
		}
	}
	root.AddCommand(&cobra.Command{
		Use:     "completion",
		Short:   "Print the program by which kubectl completes this plugin",
		Long:    "kubectl completes a plugin's command line by a program beside it: save what this\nprints as kubectl_complete-compat, in a directory of PATH, and make it executable.",
		Example: "  compat completion > ~/bin/kubectl_complete-compat",
		GroupID: "Help",
		Args:    noArgs,
		RunE: a.runE(func(context.Context, []string) error {
			_, err := io.WriteString(a.out, pluginCompletion)
			return err
		}),
	})
	nameExamples(root)
}

// nameExamples makes examples say what is typed.
func nameExamples(cmd *cobra.Command) {
	cmd.Example = regexp.MustCompile(`(?m)(^ *|\| )compat `).ReplaceAllString(cmd.Example, "${1}"+pluginName+" ")
	for _, sub := range cmd.Commands() {
		nameExamples(sub)
	}
}
