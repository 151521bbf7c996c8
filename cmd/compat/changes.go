package main

import (
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/nodefeatures"
)

// changes are what-if changes of a node, in the order of the kinds below.
type changes struct {
	set, unset, devices []string
}

func (c *changes) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&c.set, "set", nil, "what if: give an element a value, `FEATURE.NAME=VALUE` (repeatable), as kernel.version.full=6.12.0")
	flags.StringArrayVar(&c.unset, "unset", nil, "what if: take an element away, `FEATURE.NAME` (repeatable), as cpu.cpuid.AVX512F")
	flags.StringArrayVar(&c.devices, "add-device", nil, "what if: add a device, `FEATURE:NAME=VALUE,...` (repeatable), as pci.device:vendor=10de,class=0302")
}

// apply returns the node as it would be. The snapshot itself stays as it is, and
// the changed one says what was changed.
func (c *changes) apply(s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
	var err error
	for _, text := range c.set {
		path, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usagef("--set %s: want FEATURE.NAME=VALUE", text)
		}
		if s, err = s.Set(path, value); err != nil {
			return nil, &usageError{err}
		}
	}
	for _, path := range c.unset {
		if s, err = s.Unset(path); err != nil {
			return nil, &usageError{err}
		}
	}
	for _, device := range c.devices {
		if s, err = s.AddDevice(device); err != nil {
			return nil, &usageError{err}
		}
	}
	return s, nil
}
