package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat/output"
)

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

func (a *app) colorFlag(cmd *cobra.Command) {
	a.color = choice{colorAuto, []string{colorAuto, colorAlways, colorNever}}
	cmd.PersistentFlags().Var(&a.color, "color", "colour text for people: `when` is auto (on a terminal, or if FORCE_COLOR is set, unless NO_COLOR is), always or never")
	complete(cmd, "color", a.color.allowed...)
}

// style is how text on a stream is laid out.
func (a *app) style(isTerm bool) output.Style {
	return output.Style{Color: a.colored(isTerm), Width: a.columns(), ASCII: a.ascii(), Tool: toolVersion()}
}

// colored reports whether text on a stream is coloured. The flag counts more than NO_COLOR
// (https://no-color.org), that more than FORCE_COLOR (https://force-color.org), and that
// more than COMPAT_COLOR, that more than what the stream is: a terminal that can.
func (a *app) colored(isTerm bool) bool {
	switch a.color.value {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	terminal := a.getenv("TERM")
	switch {
	case a.getenv("NO_COLOR") != "":
		return false
	case a.getenv("FORCE_COLOR") != "":
		return a.getenv("FORCE_COLOR") != "0"
	case a.outIsTerm && a.getenv(envColor) == colorNever:
		return false
	case a.outIsTerm && a.getenv(envColor) == colorAlways:
		return true
	default:
		return isTerm && terminal != "dumb" && terminal != ""
	}
}

// columns is where text is wrapped: at COLUMNS, else where the terminal ends; 0 if there is
// none.
func (p process) columns() int {
	if columns, err := strconv.Atoi(p.getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	return p.width
}

// ascii reports whether the locale says that text is not UTF-8. Where it says nothing, as in
// most containers, text is.
func (p process) ascii() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := p.getenv(name); locale != "" {
			locale = strings.ToLower(strings.ReplaceAll(locale, "-", ""))
			return !strings.Contains(locale, "utf8")
		}
	}
	return false
}

// getenv is a variable of the environment; "" if it is not set.
func (p process) getenv(name string) string {
	value, _ := p.lookupEnv(name)
	return value
}

// textSaysIt reports whether the reader of standard error reads the text of a report as
// well, which says all that there is to say.
func (a *app) textSaysIt(f *format) bool {
	return a.oneStream && output.Format(f.value) == output.FormatText
}
