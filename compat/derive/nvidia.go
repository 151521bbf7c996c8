package derive

import (
	"fmt"
	"slices"
	"strings"
)

// nvidia is what the environment of an image asks of NVIDIA's container toolkit.
type nvidia struct {
	devices      string        // NVIDIA_VISIBLE_DEVICES; "" if no GPU is asked for
	requirements []requirement // all of them must hold
	ignored      []string      // what the toolkit skips, or cannot read
}

// A requirement is one variable: one of the alternatives must hold, all constraints of it.
type requirement struct {
	variable     string
	value        string
	alternatives [][]constraint
}

// A constraint compares one property of the host.
type constraint struct{ property, op, value string }

func (c constraint) String() string { return c.property + " " + c.op + " " + c.value }

const (
	requirePrefix   = "NVIDIA_REQUIRE_"
	requireJetpack  = requirePrefix + "JETPACK"
	disableRequire  = "NVIDIA_DISABLE_REQUIRE"
	requireCUDA     = requirePrefix + "CUDA"
	visibleDevices  = "NVIDIA_VISIBLE_DEVICES"
	cudaVersionName = "CUDA_VERSION"
)

// properties are those that the toolkit knows.
var properties = []string{"cuda", "driver", "brand", "arch"}

// readNVIDIA reads the variables as the toolkit does.
//
// https://github.com/NVIDIA/nvidia-container-toolkit internal/requirements/constraints/factory.go,
// internal/config/image/cuda_image.go
func readNVIDIA(env map[string]string) nvidia {
	var n nvidia
	cuda, hasCUDA := env[cudaVersionName]
	legacy := hasCUDA && env[requireCUDA] == ""
	devices, told := env[visibleDevices]
	switch {
	case !told && legacy:
		n.devices = "all"
	case devices != "void" && devices != "none":
		n.devices = devices
	}
	if disabled, _ := truth(env[disableRequire]); disabled {
		return n
	}
	var names []string
	for name := range env {
		if strings.HasPrefix(name, requirePrefix) && !strings.HasPrefix(name, requireJetpack) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		n.require(name, env[name])
	}
	if legacy {
		if parts := strings.Split(cuda, "."); len(parts) >= 2 {
			n.require(cudaVersionName, "cuda>="+parts[0]+"."+parts[1])
		}
	}
	return n
}

// truth reads a truth value as strconv.ParseBool does.
func truth(text string) (value, ok bool) {
	switch text {
	case "1", "t", "T", "true", "TRUE", "True":
		return true, true
	case "0", "f", "F", "false", "FALSE", "False":
		return false, true
	}
	return false, false
}

func (n *nvidia) require(variable, value string) {
	r := requirement{variable: variable, value: value}
	for term := range strings.FieldsSeq(value) {
		var all []constraint
		for text := range strings.SplitSeq(term, ",") {
			c, ok := readConstraint(text)
			switch {
			case !ok:
				n.ignored = append(n.ignored, fmt.Sprintf("%s: %.80q has no operator, so the toolkit refuses the variable", variable, text))
				return
			case slices.Contains(properties, c.property):
				all = append(all, c)
			default:
				n.ignored = append(n.ignored, fmt.Sprintf("%s: the toolkit does not know %.80q and skips it", variable, c.property))
			}
		}
		if len(all) > 0 {
			r.alternatives = append(r.alternatives, all)
		}
	}
	if len(r.alternatives) > 0 {
		n.requirements = append(n.requirements, r)
	}
}

// readConstraint reads PROPERTY OP VALUE; the operators of two letters come first.
func readConstraint(text string) (constraint, bool) {
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if property, value, ok := strings.Cut(text, op); ok {
			return constraint{property, op, value}, true
		}
	}
	return constraint{}, false
}

// words are the alternatives of a requirement, for a comment.
func (r requirement) words() string {
	terms := make([]string, len(r.alternatives))
	for i, all := range r.alternatives {
		parts := make([]string, len(all))
		for j, c := range all {
			parts[j] = c.String()
		}
		terms[i] = strings.Join(parts, " and ")
	}
	return strings.Join(terms, "; or ")
}
