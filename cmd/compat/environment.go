package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// The program's own environment variables. docs/environment.md has them all.
const (
	envOutput  = "COMPAT_OUTPUT"
	envColor   = "COMPAT_COLOR"
	envTimeout = "COMPAT_TIMEOUT"
)

// environment takes from the environment what no flag says. An output format and
// colours are only for a person at a terminal, so that they change nothing for a
// script; a command that does not have the format keeps its own.
func (a *app) environment(cmd *cobra.Command) error {
	limit := cmd.Flags().Lookup(timeoutName)
	if limit != nil {
		a.timeout, _ = cmd.Flags().GetDuration(timeoutName) //nolint:errcheck // it is a duration
	}
	if text, ok := a.lookupEnv(envTimeout); ok && text != "" && limit != nil && !limit.Changed {
		timeout, err := time.ParseDuration(text)
		if err != nil || timeout < 0 {
			return usagef("%s must be a duration like 30s, not %q", envTimeout, text)
		}
		a.timeout = timeout
	}
	if !a.outIsTerm {
		return nil
	}
	if text := a.getenv(envColor); text != "" && !slices.Contains(a.color.allowed, text) {
		return usagef("%s must be one of %s, not %q", envColor, strings.Join(a.color.allowed, ", "), text)
	}
	flag := cmd.Flags().Lookup("output")
	text := a.getenv(envOutput)
	if text == "" || flag == nil || flag.Changed {
		return nil
	}
	if !isFormat(cmd.Root(), text) {
		return usagef("%s must be an output format, not %q", envOutput, text)
	}
	if takesFormat(cmd, text) {
		return flag.Value.Set(text)
	}
	return nil
}

// isFormat reports whether a command has an output format.
func isFormat(cmd *cobra.Command, name string) bool {
	return takesFormat(cmd, name) ||
		slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return isFormat(sub, name) })
}

// takesFormat reports whether this command has it.
func takesFormat(cmd *cobra.Command, name string) bool {
	flag := cmd.Flags().Lookup("output")
	if flag == nil {
		return false
	}
	f, ok := flag.Value.(*format)
	return ok && slices.Contains(f.allowed, name)
}
