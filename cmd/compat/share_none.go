//go:build !share

package main

import "github.com/spf13/cobra"

// newShare is nothing but in the build of .ci/release.
func newShare(*app) []*cobra.Command { return nil }
