package nvidia

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// A Node is what is known of a node's driver and GPUs. What is empty is not known.
type Node struct {
	// Driver is the version of the kernel's module: 535.129.03.
	Driver string
	// CUDA is the newest version that the driver supports, where something on the node says so;
	// otherwise it is looked up by the driver's branch.
	CUDA string
	// Arch is the GPU's compute capability: 8.0.
	Arch string
	// Product is the GPU's name as gpu-feature-discovery writes it: Tesla-T4. What it may be for a
	// brand follows.
	Product string
}

// A Judgement is whether a requirement holds on a node.
type Judgement struct {
	Verdict verdict.Verdict
	// Found is what the node has of what the requirement asks for, in words.
	Found string
	// Message says why it does not hold, or why that is not known; Hint what to do about it.
	Message, Hint string
}

// Judge decides a requirement: one of its alternatives must hold. A GPU of which the brand is not
// known is judged as each of those that it may be of.
func (r Requirement) Judge(n Node) Judgement {
	if r.Malformed != "" {
		return Judgement{
			Verdict: verdict.Unknown, Found: n.describe(properties), Message: r.Variable + ": " + r.Malformed,
			Hint: "correct the variable in the image, or build it with NVIDIA_DISABLE_REQUIRE=true",
		}
	}
	j := Judgement{Verdict: r.evaluate(n), Found: n.describe(r.asked())}
	wanted := r.short()
	switch j.Verdict {
	case verdict.Incompatible:
		j.Message = fmt.Sprintf("%s wants %s, and the node has %s", r.Variable, wanted, j.Found)
		j.Hint = r.remedy()
	case verdict.Unknown:
		j.Message = fmt.Sprintf("whether the node has what %s wants is not known: it wants %s, and the node has %s", r.Variable, wanted, j.Found)
		j.Hint = n.tell()
	}
	return j
}

// evaluate is the requirement on each of the brands that the GPU may be of: they must agree.
func (r Requirement) evaluate(n Node) verdict.Verdict {
	var result verdict.Verdict
	for _, brand := range brandsOf(n.Product) {
		terms := make([]verdict.Verdict, len(r.Alternatives))
		for i, all := range r.Alternatives {
			terms[i] = evaluateAll(all, n, brand)
		}
		switch v := verdict.Any(terms...); {
		case result == "":
			result = v
		case result != v:
			return verdict.Unknown
		}
	}
	return result
}

func evaluateAll(all []Constraint, n Node, brand string) verdict.Verdict {
	verdicts := make([]verdict.Verdict, len(all))
	for i, c := range all {
		verdicts[i] = c.evaluate(n, brand)
	}
	return verdict.All(verdicts...)
}

// evaluate decides one comparison. What cannot be compared is unknown.
func (c Constraint) evaluate(n Node, brand string) verdict.Verdict {
	switch c.Property {
	case propertyBrand:
		same := strings.EqualFold(brand, c.Value)
		switch c.Op {
		case "=":
			return verdictOf(same)
		case "!=":
			return verdictOf(!same)
		}
		return verdict.Unknown
	case propertyCUDA:
		return c.within(n.cuda())
	case propertyDriver:
		return c.compare(n.Driver)
	}
	return c.compare(n.Arch)
}

// within compares what is between two bounds.
func (c Constraint) within(r cudaRange) verdict.Verdict {
	if r.least == r.most {
		return c.compare(r.least)
	}
	worst, best := c.compare(r.least), c.compare(r.most)
	if c.Op == "<" || c.Op == "<=" {
		worst, best = best, worst
	}
	switch {
	case c.Op == "=" || c.Op == "!=":
		return verdict.Unknown
	case worst == verdict.Compatible:
		return worst
	case best == verdict.Incompatible:
		return best
	}
	return verdict.Unknown
}

// compare compares a version that was found.
func (c Constraint) compare(found string) verdict.Verdict {
	order, ok := compareVersions(found, c.Value)
	if !ok {
		return verdict.Unknown
	}
	switch c.Op {
	case "=":
		return verdictOf(order == 0)
	case "!=":
		return verdictOf(order != 0)
	case "<":
		return verdictOf(order < 0)
	case "<=":
		return verdictOf(order <= 0)
	case ">":
		return verdictOf(order > 0)
	}
	return verdictOf(order >= 0)
}

func verdictOf(holds bool) verdict.Verdict {
	if holds {
		return verdict.Compatible
	}
	return verdict.Incompatible
}

// cuda is what the node says, or its driver's branch.
func (n Node) cuda() cudaRange {
	if n.CUDA != "" {
		return cudaRange{n.CUDA, n.CUDA}
	}
	return cudaOf(n.Driver)
}

// asked are the properties that the requirement names, in the order of properties. What the
// driver supports is nothing without its version.
func (r Requirement) asked() []string {
	var list []string
	for _, p := range properties {
		if slices.ContainsFunc(r.Alternatives, func(all []Constraint) bool {
			return slices.ContainsFunc(all, func(c Constraint) bool { return c.Property == p })
		}) {
			list = append(list, p)
		}
	}
	return list
}

// describe says what is known of the properties: "driver 535.129.03, CUDA 12.2".
func (n Node) describe(asked []string) string {
	orUnknown := func(text string) string {
		if text == "" {
			return "unknown"
		}
		return text
	}
	parts := []string{"driver " + orUnknown(n.Driver)}
	if slices.Contains(asked, propertyCUDA) {
		parts = append(parts, "CUDA "+n.cuda().String())
	}
	if slices.Contains(asked, propertyBrand) {
		parts = append(parts, "GPU "+orUnknown(n.Product))
	}
	if slices.Contains(asked, propertyArch) {
		parts = append(parts, "compute capability "+orUnknown(n.Arch))
	}
	return strings.Join(parts, ", ")
}

// short is the first alternative, and how many more there are.
func (r Requirement) short() string {
	parts := make([]string, len(r.Alternatives[0]))
	for i, c := range r.Alternatives[0] {
		parts[i] = fmt.Sprintf("%.80s", c.Property+c.Op+c.Value)
	}
	text := strings.Join(parts[:min(len(parts), maxShown)], ",")
	switch more := len(r.Alternatives) - 1; {
	case more == 1:
		text += ", or one other combination"
	case more > 1:
		text += fmt.Sprintf(", or one of %d other combinations", more)
	}
	return text
}

// maxShown is how many constraints of an alternative a message has.
const maxShown = 4

// remedy is what to do about a driver that is too old.
func (r Requirement) remedy() string {
	for _, all := range r.Alternatives {
		for _, c := range all {
			if c.Property != propertyCUDA || c.Op != ">=" && c.Op != ">" && c.Op != "=" {
				continue
			}
			if branch := branchFor(c.Value); branch != 0 {
				return fmt.Sprintf("CUDA %.20s needs a driver of branch %d or newer: install one, or use an image for an older CUDA", c.Value, branch)
			}
			return fmt.Sprintf("install a driver that supports CUDA %.20s, or use an image for an older CUDA", c.Value)
		}
	}
	return "use a node with the driver and the GPU that the image wants"
}

// TellDriver is what to do about a driver of which the version is not known.
const TellDriver = "load the driver, and make /proc/driver/nvidia/version readable; in a container, mount the host's root and name it with --host-root"

// tell is what to do about what is not known of a node.
func (n Node) tell() string {
	if n.Driver == "" {
		return TellDriver
	}
	return "gpu-feature-discovery's labels tell the GPU's name and compute capability"
}
