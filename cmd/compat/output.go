package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
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
			return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
		}
		c.values = append(c.values, word)
	}
	return nil
}

func (c *choices) has(word string) bool { return slices.Contains(c.values, word) }

// format is the choice of an output format.
type format struct{ choice }

// outputFlag adds -o/--output; the first format is the default.
func outputFlag(cmd *cobra.Command, formats ...string) *format {
	f := &format{choice{formats[0], formats}}
	cmd.Flags().VarP(f, "output", "o", "output format")
	complete(cmd, "output", formats...)
	return f
}

// complete gives a flag's values to shell completion.
func complete(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist: a mistake in this program
	}
}

// document writes v as JSON or YAML. Nothing is written unless all of it could be
// encoded.
func (f *format) document(w io.Writer, v any) error {
	switch f.value { // an encoder calls Write once
	case "yaml":
		w = yamlWriter{w}
	case "ndjson":
	default:
		w = indenter{w}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("writing the %s document: %w", f.value, err)
	}
	return nil
}

// yamlWriter writes one JSON document as YAML.
type yamlWriter struct{ w io.Writer }

func (y yamlWriter) Write(document []byte) (int, error) {
	data, err := yaml.JSONToYAML(document)
	if err != nil {
		return 0, err
	}
	if _, err := y.w.Write(data); err != nil {
		return 0, err
	}
	return len(document), nil
}

// indenter lays out JSON that an encoder wrote in one line, as json.Indent would.
// That one validates every byte again and holds the result in memory, which made
// it the slowest step of a report on 1,000 rules.
type indenter struct{ w io.Writer }

func (n indenter) Write(line []byte) (int, error) {
	out := bufio.NewWriterSize(n.w, 64<<10)
	depth := 0
	newline := func() {
		out.WriteByte('\n')
		for range depth {
			out.WriteString("  ")
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			end := endOfString(line, i)
			writeString(out, line[i:end+1])
			i = end
		case (c == '{' || c == '[') && line[i+1] == c+2: // closing ones are two on in ASCII
			out.Write(line[i : i+2])
			i++
		case c == '{' || c == '[':
			depth++
			out.WriteByte(c)
			newline()
		case c == '}' || c == ']':
			depth--
			newline()
			out.WriteByte(c)
		case c == ',':
			out.WriteByte(c)
			newline()
		case c == ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	return len(line), out.Flush() // keeps the first error
}

// writeString writes a string of a JSON document. encoding/json leaves DEL and the
// C1 controls as they are, which terminals obey.
func writeString(out *bufio.Writer, text []byte) {
	if !bytes.ContainsRune(text, 0x7f) && !bytes.Contains(text, []byte{0xc2}) {
		out.Write(text)
		return
	}
	for _, r := range string(text) {
		if r >= 0x7f && r <= 0x9f {
			fmt.Fprintf(out, "\\u%04x", r)
		} else {
			out.WriteRune(r)
		}
	}
}

// endOfString returns the position of the quote that closes the one at start.
func endOfString(line []byte, start int) int {
	for i := start + 1; ; i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
}

// structured reports whether standard output is for a program.
func (f *format) structured() bool {
	return slices.Contains([]string{"json", "yaml", "ndjson"}, f.value)
}

// color reports whether text for a person may be coloured: on a terminal that
// can, unless NO_COLOR (https://no-color.org) is set.
func (p process) color() bool {
	if noColor, ok := p.lookupEnv("NO_COLOR"); ok && noColor != "" {
		return false
	}
	terminal, _ := p.lookupEnv("TERM")
	return p.outIsTerm && terminal != "dumb" && terminal != ""
}
