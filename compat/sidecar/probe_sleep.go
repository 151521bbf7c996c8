package sidecar

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// sleepSeconds returns for how long a command sleeps whatever happens: the
// sleeps that are neither in a loop or condition nor after || or &&. 0 when it
// does not, or what it does is not in the manifest.
func sleepSeconds(command []string) float64 {
	if shell, script, ok := shellScript(command); shell {
		if !ok {
			return 0
		}
		return scriptSleeps(script)
	}
	return sleepOf(command)
}

// scriptSleeps adds up the sleeps that every run of a script that succeeds comes
// to.
func scriptSleeps(script string) float64 {
	total, depth := 0.0, 0
	certain := true // this command runs whatever those before it did
	for _, c := range commands(script) {
		if slices.ContainsFunc(c.words, isFunction) {
			return total // what it does, and whether it is called, is not looked at
		}
		switch c.words[0] {
		case "if", "while", "until", "for", "case", "{", "(":
			depth++
		case "fi", "done", "esac", "}", ")":
			depth = max(depth-1, 0)
		}
		always := depth == 0 && certain
		if always && c.words[0] == "exec" {
			return total + sleepOf(c.words[1:])
		}
		if c.ends() {
			return total // here, or perhaps here
		}
		if always {
			total += sleepOf(c.words)
		}
		certain = c.end != "||" && c.end != "&&"
	}
	return total
}

func isFunction(word string) bool { return word == "function" || strings.HasSuffix(word, "()") }

// ends reports a command that may end the script with success: exit 1 does not.
func (c shellCommand) ends() bool {
	i := slices.IndexFunc(c.words, func(word string) bool { return word == "exit" || word == "return" || word == "exec" })
	if i < 0 {
		return false
	}
	code, err := strconv.Atoi(strings.Join(c.words[i+1:], " "))
	return err != nil || code == 0
}

// A shellCommand is a simple command and the operator after it.
type shellCommand struct {
	words []string
	end   string
}

// commands splits a script roughly: enough for a sleep, which is all that is
// looked for. Quotes are not understood; sleeps are not quoted.
func commands(script string) []shellCommand {
	var all []shellCommand
	for script != "" {
		i := strings.IndexAny(script, ";\n&|")
		if i < 0 {
			i = len(script)
		}
		words, end := strings.Fields(script[:i]), ""
		switch rest := script[i:]; {
		case strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||"):
			end = rest[:2]
		case rest != "":
			end = rest[:1]
		}
		script = script[i+len(end):]
		if len(words) > 0 {
			if end == "&" { // in the background: it holds nothing back
				words = []string{":"}
			}
			all = append(all, shellCommand{words, end})
		}
	}
	return all
}

// sleepOf returns how long a simple command sleeps.
func sleepOf(words []string) float64 {
	if len(words) < 2 || path.Base(words[0]) != "sleep" {
		return 0
	}
	total := 0.0
	for _, word := range words[1:] {
		unit := 1.0
		switch word[max(len(word)-1, 0):] {
		case "m":
			unit = 60
		case "h":
			unit = 3600
		case "d":
			unit = 86400
		}
		n, err := strconv.ParseFloat(strings.TrimRight(word, "smhd"), 64)
		if err != nil || n < 0 || math.IsNaN(n) || n > 1e9 {
			return total
		}
		total += n * unit
	}
	return total
}
