package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the width of help, in columns.
const helpWidth = 80

// inHelp is the annotation of flags that help shows in a command that is of little use without them.
const inHelp = "compat_in_help"

// helpAll is the flag that shows all others.
const helpAll = "help-all"

// flagGroups are the headings of flags in help, in order. What is common is what
// most people use; --help-all shows the rest as well.
var flagGroups = []struct {
	title        string
	common, rare []string
}{
	{
		"Image and registry",
		[]string{"platform", "all-platforms", "artifact", "oci-layout", "no-images"},
		[]string{"image", "plain-http", "username", "password-stdin", "identity-token-stdin", "registry-config", "pull-secret", "insecure", "ca-file", "cert-file", "key-file"},
	},
	{
		"What is judged",
		[]string{"spec", "all-pods", "require", "kubernetes-version", "feature", "manifest"},
		[]string{"filename", "namespace", "server-dry-run", "verify-labels", "tags"},
	},
	{
		"Node",
		[]string{"features", "not", "node", "nodes", "selector"},
		[]string{
			"kubelet-version", "runtime", "nfd-namespace", "consistent", "what-if-selector", "host-root", "node-name", "node-file", "kubeconfig", "context", "kubelet-config", "kubelet-config-dir", "feature-gates",
			"kubelet-metrics", "kubelet-configz", "kubelet-flagz", "kubelet-log", "kubelet-ca-file", "kubelet-token-file",
			"api-version", "api-feature-gates", "api-version-file", "api-metrics", "set", "unset", "add-device",
		},
	},
	{
		"Agent",
		[]string{"agent-image"},
		nil,
	},
	{
		"Draft",
		[]string{"certain", "merge", "attach", "yes"},
		[]string{"any-base"},
	},
	{
		"Policy",
		[]string{"missing", "min-nodes", "replace", "dry-run", "check", "fail-on"},
		[]string{"trust-policy", "trust-key", "strict", "any-node", "severity", "disable"},
	},
	{
		"Output",
		[]string{"output", "output-dir", "patch", "print", "all", "quiet", "update"},
		[]string{"color", "no-descriptions", "stdin-name", "include-node"},
	},
	{
		"General",
		[]string{"timeout", "help"},
		[]string{"verbose", helpAll, "version"},
	},
}

// addHelp makes help show flags in groups.
func addHelp(a *app, root *cobra.Command) {
	root.PersistentFlags().Bool(helpAll, false, "help with all flags")
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		_, err := io.WriteString(cmd.OutOrStderr(), usage(cmd, a.helpAll))
		return err
	})
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		about := cmd.Long
		if about == "" {
			about = cmd.Short + "."
		}
		fmt.Fprintf(a.out, "%s\n\n%s", fill(about), usage(cmd, a.helpAll))
	})
}

// fill wraps the paragraphs of a text at helpWidth; one that is indented is an example and keeps its lines.
func fill(text string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if strings.HasPrefix(paragraph, "  ") {
			b.WriteString(paragraph)
			continue
		}
		column := 0
		for _, word := range strings.Fields(paragraph) {
			switch {
			case column == 0:
			case column+1+len(word) > helpWidth:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += len(word)
		}
	}
	return b.String()
}

// asksAll reports whether --help-all is among the arguments, and returns them with
// --help in its place: cobra shows help before it looks at other arguments only then.
func asksAll(args []string) (others []string, all bool) {
	others = slices.Clone(args)
	for i, arg := range others {
		switch arg {
		case "--":
			return others, false
		case "--" + helpAll:
			others[i] = "--help"
			return others, true
		}
	}
	return others, false
}

// usage is help without what the command is about.
func usage(cmd *cobra.Command, all bool) string {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.HasParent() && (!cmd.HasAvailableSubCommands() || cmd.HasAvailableLocalFlags()) {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(&b, cmd)
	if hidden := writeFlags(&b, cmd, all); hidden > 0 {
		fmt.Fprintf(&b, "\n%s --%s shows %d more flags.\n", cmd.CommandPath(), helpAll, hidden)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help says more about a command.\n", cmd.CommandPath())
	}
	return b.String()
}

// writeCommands lists the commands, in their groups.
func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	groups := cmd.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Commands"}}
	}
	for _, group := range groups {
		heading := "\n" + group.Title + ":\n"
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && (sub.GroupID == group.ID) {
				fmt.Fprintf(b, "%s  %-*s %s\n", heading, sub.NamePadding(), sub.Name(), sub.Short)
				heading = ""
			}
		}
	}
}

// writeFlags lists the flags, in their groups, and returns the number of those that
// it left out.
func writeFlags(b *strings.Builder, cmd *cobra.Command, all bool) (hidden int) {
	cmd.InitDefaultHelpFlag()
	flags := cmd.Flags()
	flags.AddFlagSet(cmd.InheritedFlags())
	for _, group := range flagGroups {
		some := pflag.NewFlagSet(group.title, pflag.ContinueOnError)
		some.SortFlags = false
		for i, name := range slices.Concat(group.common, group.rare) {
			flag := flags.Lookup(name)
			switch {
			case flag == nil || flag.Hidden:
			case all || i < len(group.common) || flag.Annotations[inHelp] != nil:
				some.AddFlag(flag)
			default:
				hidden++
			}
		}
		if some.HasFlags() {
			fmt.Fprintf(b, "\n%s:\n%s", group.title, some.FlagUsagesWrapped(helpWidth))
		}
	}
	return hidden
}
