package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/nvidia"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// asksForGPU reports whether the image asks for NVIDIA GPUs.
func (s subject) asksForGPU() bool { return s.gpu != nil && s.gpu.Devices != "" }

// judgeGPU compares the node with what the environment of an image demands, and makes the image's
// verdict of both.
func judgeGPU(image *report.Image, s subject, node *nodefeatures.Snapshot, p policy) {
	if s.gpuErr != nil && p.requireGPU {
		addUnknown(image, verdict.Reason{Code: report.CodeImageConfigUnread, Message: unreadConfig(s.gpuErr)}, false)
	}
	if !s.asksForGPU() {
		return
	}
	has := gpuOf(node)
	for _, r := range s.gpu.Requirements {
		image.Requirements = append(image.Requirements, has.judge(r))
	}
	var violated []verdict.Reason
	var unknown []verdict.Reason
	for _, r := range image.Requirements {
		switch r.Verdict {
		case verdict.Incompatible:
			violated = append(violated, *r.Reason)
		case verdict.Unknown:
			unknown = append(unknown, *r.Reason)
		}
	}
	if len(image.Requirements) == 0 {
		unknown = append(unknown, has.unknown()...)
	}
	if len(violated) > 0 {
		if image.Verdict == verdict.Incompatible {
			violated = append(violated, image.Reasons...)
		}
		image.Verdict, image.Reasons = verdict.Incompatible, violated
		return
	}
	if p.requireGPU {
		for _, reason := range unknown {
			addUnknown(image, reason, p.strict)
		}
	}
}

// addUnknown adds to an image's reasons that something about it is not known. Strict takes that as
// no.
func addUnknown(image *report.Image, reason verdict.Reason, strict bool) {
	v := verdict.Unknown
	if strict {
		v = verdict.Incompatible
		reason.Message += "; --strict takes that as no"
	}
	switch all := verdict.All(image.Verdict, v); {
	case all != v: // something known decides
	case image.Verdict != v:
		image.Verdict, image.Reasons = v, []verdict.Reason{reason}
	case !slices.Contains(image.Reasons, reason):
		image.Reasons = append(image.Reasons, reason)
	}
}

// gpuWarnings are the requirements of which it is not known whether they hold, where that decides
// nothing.
func gpuWarnings(images []report.Image) []verdict.Reason {
	var warnings []verdict.Reason
	for _, image := range images {
		for _, r := range image.Requirements {
			if r.Verdict != verdict.Unknown || slices.ContainsFunc(image.Reasons, func(reason verdict.Reason) bool { return reason.Code == r.Reason.Code }) {
				continue
			}
			warning := *r.Reason
			warning.Message = image.Name() + ": " + warning.Message
			if !slices.Contains(warnings, warning) {
				warnings = append(warnings, warning)
			}
		}
	}
	return warnings
}

// gpuKey is the same for two nodes only if NVIDIA's driver says the same on both, where an image
// asks for a GPU.
func gpuKey(subjects []subject, node *nodefeatures.Snapshot) string {
	if d := node.NVIDIADriver; d != nil && slices.ContainsFunc(subjects, subject.asksForGPU) {
		if d.Reason != nil {
			return d.Reason.Code + " " + d.Reason.Message
		}
		return d.Version
	}
	return ""
}

// nodeGPU is what is known of a node's GPUs.
type nodeGPU struct {
	nvidia.Node
	state nodefeatures.State // of the device
	why   string             // the driver's version, or the device, is not known
}

// The labels of gpu-feature-discovery.
// https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md
const (
	gpuLabels     = "nvidia.com/gpu."
	driverLabels  = "nvidia.com/cuda.driver-version."
	driverLabels0 = "nvidia.com/cuda.driver." // of older releases
	cudaLabels    = "nvidia.com/cuda.runtime-version."
	cudaLabels0   = "nvidia.com/cuda.runtime."
)

// gpuOf gathers what the driver, the PCI devices and gpu-feature-discovery's labels tell.
func gpuOf(node *nodefeatures.Snapshot) nodeGPU {
	labels := node.Features.Attributes[catalogue.LocalLabel].Elements
	first := func(names ...string) string {
		for _, name := range names {
			if labels[name] != "" {
				return labels[name]
			}
		}
		return ""
	}
	labelled := cmp.Or(
		labels[driverLabels+"full"],
		dotted(labels[driverLabels+"major"], labels[driverLabels+"minor"], labels[driverLabels+"revision"]),
		dotted(labels[driverLabels0+"major"], labels[driverLabels0+"minor"], labels[driverLabels0+"rev"]),
	)
	gpu := nodeGPU{Node: nvidia.Node{
		Driver:  labelled,
		CUDA:    dotted(first(cudaLabels+"major", cudaLabels0+"major"), first(cudaLabels+"minor", cudaLabels0+"minor")),
		Arch:    dotted(labels[gpuLabels+"compute.major"], labels[gpuLabels+"compute.minor"]),
		Product: labels[gpuLabels+"product"],
	}}
	if d := node.NVIDIADriver; d != nil && d.Version != "" {
		if gpu.Driver = d.Version; labelled != d.Version {
			gpu.CUDA = "" // the labels are of another driver, or say nothing about it
		}
	} else if d != nil {
		gpu.why = d.Reason.Message
	}
	gpu.state = deviceState(node)
	if count := labels[gpuLabels+"count"]; labelled != "" || gpu.Product != "" || gpu.Arch != "" || count != "" && count != "0" {
		gpu.state = nodefeatures.StatePresent
	}
	return gpu
}

// dotted joins the parts of a version, as far as they are there: without the second it is none.
func dotted(parts ...string) string {
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ""
	}
	return strings.TrimSuffix(strings.Join(parts, "."), ".")
}

// deviceState says whether the node has a display (0300), 3D (0302) or other controller of NVIDIA's
// that is a GPU.
func deviceState(node *nodefeatures.Snapshot) nodefeatures.State {
	for _, device := range node.Features.Instances[catalogue.PCIDevice].Elements {
		if class := device.Attributes["class"]; device.Attributes["vendor"] == "10de" && (class == "0300" || class == "0302") {
			return nodefeatures.StatePresent
		}
	}
	for _, source := range node.Sources {
		for _, u := range source.Unreadable {
			if u.Feature == catalogue.PCIDevice {
				return nodefeatures.StateUnknown
			}
		}
	}
	place, err := node.Lookup(catalogue.PCIDevice)
	if err != nil || place.State == nodefeatures.StateUnknown {
		return nodefeatures.StateUnknown
	}
	return nodefeatures.StateAbsent
}

// judge decides one requirement. Without a device nothing is violated: the image may run on the CPU.
func (gpu nodeGPU) judge(r nvidia.Requirement) report.Requirement {
	result := report.Requirement{Source: r.Variable, Wanted: r.Value}
	if gpu.state == nodefeatures.StateAbsent {
		reason := noGPU()
		result.Found, result.Verdict, result.Reason = "no NVIDIA device", verdict.Unknown, &reason
		return result
	}
	j := r.Judge(gpu.Node)
	result.Found, result.Verdict = j.Found, j.Verdict
	switch {
	case j.Verdict == verdict.Incompatible && gpu.state == nodefeatures.StateUnknown:
		result.Verdict = verdict.Unknown
		result.Reason = &verdict.Reason{
			Code:    report.CodeGPURequirementUnknown,
			Message: j.Message + "; whether it has an NVIDIA device is not known",
			Hint:    "save the node with `compat features`, which tells its PCI devices",
		}
	case j.Verdict == verdict.Incompatible:
		result.Reason = &verdict.Reason{Code: report.CodeGPUDriverTooOld, Message: j.Message, Hint: j.Hint}
	case j.Verdict == verdict.Unknown:
		result.Reason = &verdict.Reason{Code: report.CodeGPURequirementUnknown, Message: gpu.because(j.Message), Hint: j.Hint}
	}
	return result
}

// unknown is what is not known of a node for an image that wants any driver.
func (gpu nodeGPU) unknown() []verdict.Reason {
	switch {
	case gpu.state == nodefeatures.StateAbsent:
		return []verdict.Reason{noGPU()}
	case gpu.Driver == "":
		return []verdict.Reason{{
			Code:    report.CodeGPURequirementUnknown,
			Message: gpu.because("the image asks for GPUs, and the version of the node's NVIDIA driver is not known"),
			Hint:    nvidia.TellDriver,
		}}
	}
	return nil
}

// because adds why the driver's version is not known.
func (gpu nodeGPU) because(message string) string {
	if gpu.why == "" {
		return message
	}
	return fmt.Sprintf("%s (%s)", message, gpu.why)
}

func noGPU() verdict.Reason {
	return verdict.Reason{
		Code:    report.CodeGPUNotFound,
		Message: "the image asks for GPUs, and the node has no NVIDIA device: what its driver would have to be was not judged",
		Hint:    "use a node with an NVIDIA GPU, if the image needs one",
	}
}
