package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat/output"
	"nodecompat/nodefeatures/verdict"
)

// choice is a typed flag value: one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.allowed, value) {
		return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
	}
	c.value = value
	return nil
}

// choices is a typed flag value: some of a few words, comma-separated or repeated.
type choices struct {
	values  []string
	allowed []string
}

func (c *choices) String() string { return strings.Join(c.values, ",") }
func (c *choices) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choices) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		if !slices.Contains(c.allowed, word) {
			return c.refuse(word)
		}
		c.values = append(c.values, word)
	}
	return nil
}

// refuse says what a word was probably meant to be, or what it can be.
func (c *choices) refuse(word string) error {
	if near := verdict.Nearest(word, c.allowed); near != "" {
		return fmt.Errorf("there is no %q; did you mean %s?", word, near)
	}
	return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
}

func (c *choices) has(word string) bool { return slices.Contains(c.values, word) }

// A checkedWriter remembers that something could not be written.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err != nil {
		c.err = err
	}
	return n, err
}

// format is the choice of an output format.
type format struct {
	choice
	// includeNode makes a predicate name the node.
	includeNode bool
}

// outputFlag adds -o/--output; the first format is the default.
func outputFlag(cmd *cobra.Command, formats ...string) *format {
	f := &format{choice: choice{formats[0], formats}}
	cmd.Flags().VarP(f, "output", "o", "output format")
	complete(cmd, "output", formats...)
	if slices.Contains(formats, string(output.FormatPredicate)) {
		cmd.Flags().BoolVar(&f.includeNode, includeNode, false, "with -o predicate, name the node and tell what was found on it")
		needs(cmd, includeNode, "output")
	}
	return f
}

// includeNode is the flag's name.
const includeNode = "include-node"

// isPredicate reports whether a report is reduced to what can be signed.
func (f *format) isPredicate() bool { return f.value == string(output.FormatPredicate) }

// check refuses what the format makes useless.
func (f *format) check() error {
	if f.includeNode && !f.isPredicate() {
		return usagef("--%s is for -o predicate: other formats name the node anyway", includeNode)
	}
	return nil
}

// forPrograms reports whether something reads standard output that wants a document
// whatever happened: a program, or the page that Markdown becomes a part of.
func (f *format) forPrograms() bool {
	switch output.Format(f.value) {
	case output.FormatText, output.FormatTree, output.FormatTable, output.FormatSpec:
		return false
	}
	return true
}

// structured reports whether standard output is for a program.
func (f *format) structured() bool { return output.Format(f.value).Structured() }
