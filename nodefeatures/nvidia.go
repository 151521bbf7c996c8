package nodefeatures

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"nodecompat/nodefeatures/verdict"
)

// nvidiaFile is where NVIDIA's kernel driver says its version, which NFD does not publish.
const nvidiaFile = "proc/driver/nvidia/version"

// Bounds of what nvidiaFile says.
const (
	maxNVIDIAFile    = 4 << 10
	maxNVIDIAVersion = 32
)

// An NVIDIADriver is what NVIDIA's kernel driver says of itself in /proc/driver/nvidia/version:
// its version or, if that could not be read, why.
type NVIDIADriver struct {
	// Version is as the driver prints it: 535.129.03.
	Version string `json:"version,omitempty"`
	// Reason says why there is none.
	Reason *verdict.Reason `json:"reason,omitempty"`
}

// nvidiaDriver asks the driver; nil if none is loaded.
func (h host) nvidiaDriver() *NVIDIADriver {
	path := h.path(nvidiaFile)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return nil
	}
	var data []byte
	if err == nil {
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxNVIDIAFile))
	}
	if err != nil {
		reason := reasonFor(path, err)
		return &NVIDIADriver{Reason: &reason}
	}
	version, ok := parseNVIDIAVersion(string(data))
	if !ok {
		return &NVIDIADriver{Reason: &verdict.Reason{Code: ReasonSourceFailed, Message: path + " names no version of the driver"}}
	}
	return &NVIDIADriver{Version: version}
}

// parseNVIDIAVersion finds the version in the line NVRM: the first word with nothing but digits and
// dots. The driver comes with two texts:
//
//	NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023
//	NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  555.42.06  Release Build  (…)
func parseNVIDIAVersion(text string) (version string, ok bool) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(strings.TrimSpace(line), "NVRM version:")
		if !found {
			continue
		}
		for word := range strings.FieldsSeq(rest) {
			if isNVIDIAVersion(word) {
				return word, true
			}
		}
	}
	return "", false
}

// isNVIDIAVersion reports whether a text is two numbers or more, with dots between them.
func isNVIDIAVersion(text string) bool {
	numbers := strings.Split(text, ".")
	if len(text) > maxNVIDIAVersion || len(numbers) < 2 {
		return false
	}
	for _, n := range numbers {
		if n == "" || strings.Trim(n, "0123456789") != "" {
			return false
		}
	}
	return true
}

// check is what is wrong with what a snapshot says of the driver.
func (d *NVIDIADriver) check() error {
	switch {
	case d == nil:
		return nil
	case d.Version != "" && d.Reason != nil:
		return fmt.Errorf("nvidiaDriver has a version and a reason why there is none")
	case d.Version == "" && d.Reason == nil:
		return fmt.Errorf("nvidiaDriver has neither a version nor a reason why there is none")
	case d.Version != "" && !isNVIDIAVersion(d.Version):
		return fmt.Errorf("nvidiaDriver.version is %.40q, want a version such as 535.129.03", d.Version)
	}
	return nil
}
