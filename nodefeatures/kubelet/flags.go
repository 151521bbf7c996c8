package kubelet

import (
	"fmt"
	"maps"
	"strings"
)

// flags is what a kubelet's command line says about its configuration.
type flags struct {
	config    string // --config, "" when not set
	configDir string // --config-dir, "" when not set
	gates     map[string]bool
	sysctls   []string // --allowed-unsafe-sysctls, nil when not set
}

// parseCmdline splits /proc/PID/cmdline into arguments. A process that wrote
// its title over its arguments, as k3s does, leaves empty ones at the end.
func parseCmdline(data []byte) []string {
	s := strings.TrimRight(string(data), "\x00")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x00")
}

// parseFlags reads a kubelet's arguments, without the program's name, as the
// kubelet does: --flag=value or --flag value, _ and - alike, the last --config
// winning, --feature-gates adding up, nothing after --
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-base/cli/flag/flags.go).
func parseFlags(args []string) (flags, error) {
	f := flags{gates: map[string]bool{}}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, value, ok := flagName(args[i])
		if name != "config" && name != "config-dir" && name != "feature-gates" && name != flagSysctls {
			continue
		}
		if !ok {
			if i++; i == len(args) {
				return f, fmt.Errorf("flag --%s has no value", name)
			}
			value = args[i]
		}
		if err := f.set(name, value); err != nil {
			return f, err
		}
	}
	return f, nil
}

// flagName takes --name=value apart; ok tells whether there was a value.
func flagName(arg string) (name, value string, ok bool) {
	name, isFlag := strings.CutPrefix(arg, "--")
	if !isFlag {
		return "", "", false
	}
	name, value, ok = strings.Cut(name, "=")
	return strings.ReplaceAll(name, "_", "-"), value, ok
}

func (f *flags) set(name, value string) error {
	switch name {
	case "config":
		f.config = value
	case "config-dir":
		f.configDir = value
	case flagSysctls:
		f.sysctls = splitSysctls(f.sysctls, value)
	default:
		gates, err := ParseGates(value)
		if err != nil {
			return fmt.Errorf("reading --feature-gates: %w", err)
		}
		maps.Copy(f.gates, gates)
	}
	return nil
}
