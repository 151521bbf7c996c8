package nvidia

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds on what an image may demand: its configuration is not to be trusted.
const (
	// MaxText is how many bytes the text of a variable may have. CUDA's longest has 5 KB.
	MaxText = 32 << 10
	// MaxVariables is how many variables are read, the first of them by name.
	MaxVariables = 32
)

// An Environment is what the environment of an image asks of NVIDIA's container toolkit.
type Environment struct {
	// Devices is NVIDIA_VISIBLE_DEVICES; "" if no GPU is asked for.
	Devices string
	// Requirements must all hold.
	Requirements []Requirement
	// Ignored says what the toolkit skips, or cannot read.
	Ignored []string
}

// A Requirement is one variable: one of the alternatives must hold, all constraints of it.
type Requirement struct {
	// Variable is its name; CUDA_VERSION for that of an old image, which stands for cuda>=.
	Variable string
	// Value is its text.
	Value        string
	Alternatives [][]Constraint
	// Malformed says why the toolkit refuses the variable, and the container with it; "" if
	// it does not.
	Malformed string
}

// A Constraint compares one property of the host: cuda, driver, brand or arch.
type Constraint struct{ Property, Op, Value string }

func (c Constraint) String() string { return c.Property + " " + c.Op + " " + c.Value }

// The properties that the toolkit knows.
const (
	propertyCUDA   = "cuda"
	propertyDriver = "driver"
	propertyBrand  = "brand"
	propertyArch   = "arch"
)

var properties = []string{propertyCUDA, propertyDriver, propertyBrand, propertyArch}

// The variables.
const (
	// VisibleDevices names the GPUs that a container gets.
	VisibleDevices = "NVIDIA_VISIBLE_DEVICES"

	requirePrefix   = "NVIDIA_REQUIRE_"
	requireJetpack  = requirePrefix + "JETPACK"
	disableRequire  = "NVIDIA_DISABLE_REQUIRE"
	requireCUDA     = requirePrefix + "CUDA"
	cudaVersionName = "CUDA_VERSION"
)

// Prefixes begin the names of the variables that Read looks at.
func Prefixes() []string { return []string{"NVIDIA_", cudaVersionName} }

// Read reads the variables as the toolkit does.
//
// https://github.com/NVIDIA/nvidia-container-toolkit internal/requirements/constraints/factory.go,
// internal/config/image/cuda_image.go
func Read(env map[string]string) Environment {
	var e Environment
	cuda, hasCUDA := env[cudaVersionName]
	legacy := hasCUDA && env[requireCUDA] == ""
	devices, told := env[VisibleDevices]
	switch {
	case !told && legacy:
		e.Devices = "all"
	case devices != "void" && devices != "none":
		e.Devices = devices
	}
	if disabled, _ := truth(env[disableRequire]); disabled {
		return e
	}
	var names []string
	for name := range env {
		if strings.HasPrefix(name, requirePrefix) && !strings.HasPrefix(name, requireJetpack) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if more := len(names) - MaxVariables; more > 0 {
		e.Ignored = append(e.Ignored, fmt.Sprintf("%s*: %d variables more than the limit of %d are not looked at", requirePrefix, more, MaxVariables))
		names = names[:MaxVariables]
	}
	for _, name := range names {
		e.require(name, env[name])
	}
	if legacy {
		if parts := strings.Split(cuda, "."); len(parts) >= 2 {
			e.require(cudaVersionName, "cuda>="+parts[0]+"."+parts[1])
		}
	}
	return e
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

func (e *Environment) require(variable, value string) {
	r := Requirement{Variable: variable, Value: value}
	if len(value) > MaxText {
		r.Value = strings.ToValidUTF8(value[:MaxText], "")
		e.refuse(r, fmt.Sprintf("%d bytes are more than the limit of %d", len(value), MaxText))
		return
	}
	for term := range strings.FieldsSeq(value) {
		var all []Constraint
		for text := range strings.SplitSeq(term, ",") {
			c, ok := readConstraint(text)
			switch {
			case !ok:
				e.refuse(r, fmt.Sprintf("%.80q has no operator, so the toolkit refuses the variable", text))
				return
			case slices.Contains(properties, c.Property):
				all = append(all, c)
			default:
				e.Ignored = append(e.Ignored, fmt.Sprintf("%s: the toolkit does not know %.80q and skips it", variable, c.Property))
			}
		}
		if len(all) > 0 {
			r.Alternatives = append(r.Alternatives, all)
		}
	}
	if len(r.Alternatives) > 0 {
		e.Requirements = append(e.Requirements, r)
	}
}

// refuse notes a variable that cannot be read.
func (e *Environment) refuse(r Requirement, why string) {
	r.Alternatives, r.Malformed = nil, why
	e.Requirements = append(e.Requirements, r)
	e.Ignored = append(e.Ignored, r.Variable+": "+why)
}

// readConstraint reads PROPERTY OP VALUE; the operators of two letters come first.
func readConstraint(text string) (Constraint, bool) {
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if property, value, ok := strings.Cut(text, op); ok {
			return Constraint{property, op, value}, true
		}
	}
	return Constraint{}, false
}

// Words are the alternatives of a requirement, for a comment.
func (r Requirement) Words() string {
	terms := make([]string, len(r.Alternatives))
	for i, all := range r.Alternatives {
		parts := make([]string, len(all))
		for j, c := range all {
			parts[j] = c.String()
		}
		terms[i] = strings.Join(parts, " and ")
	}
	return strings.Join(terms, "; or ")
}
