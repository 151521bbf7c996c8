package kubelet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// A syntax is how a file holds a kubelet's flags.
type syntax int

const (
	// syntaxFlags: lines of flags, as in MicroK8s' and other snaps' args files.
	syntaxFlags syntax = iota
	// syntaxEnvironment: NAME=flags, as in an EnvironmentFile of systemd: all
	// variables count, since the unit that uses them is not looked at
	// (https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=).
	syntaxEnvironment
	// syntaxUnit: a unit of systemd or a drop-in of one, of which the lines
	// Environment= and ExecStart= count.
	syntaxUnit
)

// parseArguments reads the flags that a file holds. vars are replaced where they
// are written ${NAME} or $NAME.
func parseArguments(data []byte, s syntax, vars *strings.Replacer) (flags, error) {
	var args []string
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		line, assigns := holds(line, s)
		some, err := flagWords(line, assigns)
		if err != nil {
			return flags{}, err
		}
		args = append(args, some...)
	}
	for i := range args {
		args[i] = vars.Replace(args[i])
	}
	return parseFlags(args)
}

// holds returns what of a line can hold flags, and how many of its words at most
// are NAME=flags.
func holds(line string, s syntax) (string, int) {
	switch s {
	case syntaxFlags:
		return line, 0
	case syntaxEnvironment:
		return line, 1
	}
	switch key, value, _ := strings.Cut(line, "="); strings.TrimSpace(key) {
	case "Environment":
		return value, len(value)
	case "ExecStart":
		return value, 0
	}
	return "", 0
}

var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`) })

// flagWords splits a line as a shell would. It takes NAME= off the first words,
// as many as assigns says, and splits what was quoted as a whole,
// KUBELET_EXTRA_ARGS="--a --b", once more.
func flagWords(line string, assigns int) ([]string, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	var args []string
	for i, w := range words {
		variable := ""
		if i < assigns {
			variable = assignment().FindString(w)
			w = w[len(variable):]
		}
		if variable == "" || !strings.ContainsAny(w, " \t") {
			args = append(args, w)
			continue
		}
		some, err := splitWords(w)
		if err != nil {
			return nil, err
		}
		args = append(args, some...)
	}
	return args, nil
}

var errQuote = errors.New("a quote does not end")

// splitWords splits at blanks, but not within quotes; a backslash takes the
// meaning from what follows, except within single quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t':
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%w: %.64q", errQuote, line)
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// loadArguments reads a file of flags.
func loadArguments(root, path string, s syntax, vars *strings.Replacer) (flags, error) {
	at, err := inside(root, path)
	if err != nil {
		return flags{}, err
	}
	data, err := readFile(at, maxConfigFile)
	if err != nil {
		return flags{}, err
	}
	f, err := parseArguments(data, s, vars)
	if err != nil {
		return flags{}, fmt.Errorf("reading %s: %w: %w", path, errMalformed, err)
	}
	return f, nil
}
