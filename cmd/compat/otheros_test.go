//go:build otheros

package main

import "testing"

// TestOtherSystem runs, on Linux, what is built for systems that are none.
func TestOtherSystem(t *testing.T) { runScripts(t, "testdata/otheros", nil) }
