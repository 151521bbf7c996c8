package main

import (
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

// document writes v as JSON or YAML, whole, in one write.
func (f *format) document(w io.Writer, v any) error {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encoding the %s document: %w", f.value, err)
	}
	data := indent(buf.Bytes())
	if f.value == "yaml" {
		var err error
		if data, err = yaml.JSONToYAML(buf.Bytes()); err != nil {
			return fmt.Errorf("encoding the yaml document: %w", err)
		}
	}
	_, err := w.Write(data)
	return err
}

// indent lays out what an encoder wrote in one line, as json.Indent would. That
// one validates every byte again, which made it the slowest step of a report on
// 1,000 rules.
func indent(line []byte) []byte {
	out := make([]byte, 0, 2*len(line))
	depth := 0
	newline := func() {
		out = append(out, '\n')
		for range depth {
			out = append(out, "  "...)
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			end := i + 1
			for ; line[end] != '"'; end++ {
				if line[end] == '\\' {
					end++
				}
			}
			out = append(out, line[i:end+1]...)
			i = end
		case (c == '{' || c == '[') && line[i+1] == c+2: // the closing ones are two on in ASCII
			out = append(out, c, c+2)
			i++
		case c == '{' || c == '[':
			depth++
			out = append(out, c)
			newline()
		case c == '}' || c == ']':
			depth--
			newline()
			out = append(out, c)
		case c == ',':
			out = append(out, c)
			newline()
		case c == ':':
			out = append(out, ": "...)
		default:
			out = append(out, c)
		}
	}
	return out
}

// structured reports whether standard output is for a program.
func (f *format) structured() bool { return f.value == "json" || f.value == "yaml" }

// color reports whether text for a person may be coloured: on a terminal that
// can, unless NO_COLOR (https://no-color.org) is set.
func (p process) color() bool {
	if noColor, ok := p.lookupEnv("NO_COLOR"); ok && noColor != "" {
		return false
	}
	terminal, _ := p.lookupEnv("TERM")
	return p.outIsTerm && terminal != "dumb" && terminal != ""
}
