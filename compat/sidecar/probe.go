package sidecar

import (
	"math"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A timing is that of a probe, with its defaults
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/core/v1/defaults.go).
// All but failures are seconds.
type timing struct {
	initialDelay, period, timeout, failures int64
}

func timingOf(p *corev1.Probe) timing {
	or := func(n int32, value int64) int64 {
		if n > 0 {
			return int64(n)
		}
		return value
	}
	return timing{
		initialDelay: or(p.InitialDelaySeconds, 0), period: or(p.PeriodSeconds, 10),
		timeout: or(p.TimeoutSeconds, 1), failures: or(p.FailureThreshold, 3),
	}
}

// maxWait is the latest success that still counts, in seconds from the
// container's start. The probe's worker ticks from the Pod's first sync on, so
// the first attempt comes up to a whole period after the initial delay, and the
// last may take its whole timeout; the usual rule of thumb, initial delay plus
// failures times period, is too short
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/prober/worker.go).
func (t timing) maxWait() int64 {
	return t.initialDelay + t.period + (t.failures-1)*max(t.period, t.timeout) + t.timeout
}

// giveUp is the earliest moment at which a probe that always fails at once has
// failed often enough. The container's start is known in whole seconds, so an
// initial delay can end up to a second early.
func (t timing) giveUp() int64 {
	return max(t.initialDelay-1, 0) + (t.failures-1)*t.period
}

// budget is the time that the probe leaves, by the rule of thumb.
func (t timing) budget() int64 { return t.failures * t.period }

// add sums seconds without overflow.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// childless reports a command whose time-out the kubelet can enforce, one that is known to
// start no other: children keep its output open, and the attempt lasts as long as they do.
// Any other program may be a script. A shell that replaces itself (exec) counts as what it runs.
func childless(command []string) bool {
	if shell, script, ok := shellScript(command); shell {
		script, exec := strings.CutPrefix(strings.TrimSpace(script), "exec ")
		return ok && exec && !strings.ContainsAny(script, ";|&\n`$") && childless(strings.Fields(script))
	}
	command = unwrapped(command)
	return len(command) > 0 && slices.Contains(childlessPrograms, path.Base(command[0]))
}

// childlessPrograms are what probes usually run, and do not start other programs.
var childlessPrograms = []string{
	"[", "cat", "cmp", "curl", "date", "diff", "dig", "echo", "egrep", "etcdctl", "false", "fgrep", "grep", "grpc_health_probe", "grpc-health-probe", "grpcurl",
	"head", "host", "jq", "kill", "ls", "mysqladmin", "nc", "ncat", "netcat", "netstat", "nslookup", "pg_isready", "pgrep", "pidof", "ping", "printf", "ps",
	"readlink", "redis-cli", "rm", "sleep", "ss", "stat", "tail", "test", "touch", "true", "valkey-cli", "wc", "wget",
}

// unwrapped takes off what runs a command in its own place.
func unwrapped(command []string) []string {
	for len(command) > 0 && wraps(command[0]) {
		command = command[1:]
		for len(command) > 0 && (strings.HasPrefix(command[0], "-") || strings.ContainsAny(command[0], "=") || isDuration(command[0])) {
			command = command[1:]
		}
	}
	if len(command) > 1 && path.Base(command[0]) == "busybox" {
		command = command[1:]
	}
	return command
}

// shellScript takes a command apart. ok is false when what the shell runs is
// not in the manifest.
func shellScript(command []string) (shell bool, script string, ok bool) {
	if command = unwrapped(command); len(command) == 0 {
		return false, "", false
	}
	name := path.Base(command[0])
	if !isShell(name) {
		return strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash"), "", false
	}
	for i, arg := range command[1:] {
		if strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, "c") && i+2 < len(command) {
			return true, command[i+2], true
		}
	}
	return true, "", false
}

func wraps(command string) bool {
	switch path.Base(command) {
	case "env", "timeout", "nice", "tini", "dumb-init":
		return true
	}
	return false
}

func isDuration(arg string) bool {
	return arg != "" && arg[0] >= '0' && arg[0] <= '9' && strings.Trim(arg, "0123456789.smhd") == ""
}

func isShell(name string) bool {
	switch name {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "pwsh", "cmd", "cmd.exe", "powershell", "powershell.exe":
		return true
	}
	return false
}
