package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures/verdict"
)

// addChanges adds the flags of a what-if.
func addChanges(cmd *cobra.Command, c *compat.Changes) {
	flags := cmd.Flags()
	flags.StringArrayVar(&c.Set, "set", nil, "what if: give an element a value, `FEATURE.NAME=VALUE` (repeatable), as kernel.version.full=6.12.0")
	flags.StringArrayVar(&c.Unset, "unset", nil, "what if: take an element away, `FEATURE.NAME` (repeatable), as cpu.cpuid.AVX512F")
	flags.StringArrayVar(&c.AddDevices, "add-device", nil, "what if: add a device, `FEATURE:NAME=VALUE,...` (repeatable), as pci.device:vendor=10de,class=0302")
}

// explainChanges says what is odd about a what-if, once however many nodes there
// are; not where a person sees it in the report.
func (a *app) explainChanges(f *format, warnings []verdict.Reason) {
	if a.textSaysIt(f) {
		return
	}
	for _, w := range compat.OfChanges(warnings) {
		if a.warned[w] {
			continue
		}
		if a.warned == nil {
			a.warned = map[verdict.Reason]bool{}
		}
		a.warned[w] = true
		fmt.Fprintf(a.err, "compat: warning: %s\n", output.Printable(w.Message))
		if w.Hint != "" {
			fmt.Fprintf(a.err, "compat: hint: %s\n", output.Printable(w.Hint))
		}
	}
}
