package nodefeatures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Texts of /proc/driver/nvidia/version.
const (
	nvidiaClosed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14) \n"
	nvidiaOpen   = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  555.42.06  Release Build  (abuild@host)  Thu Jul 11 12:00:00 UTC 2024\nGCC version:  gcc version 7.5.0 (SUSE Linux) \n"
	nvidiaTegra  = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  (buildbrain@mobile-u64-6336-d8000)  Tue Jan  7 17:35:12 PST 2025\nGCC version:  collect2: error: ld returned 1 exit status    \n"
)

func TestParseNVIDIAVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		nvidiaClosed: "535.129.03",
		nvidiaOpen:   "555.42.06",
		nvidiaTegra:  "540.4.0",
		"NVRM version: NVIDIA UNIX x86 Kernel Module  169.12  Thu Feb 14 17:53:07 PST 2008": "169.12",
		"GCC version:  gcc version 12.2.0":                                                  "",
		"NVRM version: NVIDIA UNIX x86_64 Kernel Module":                                    "",
		"NVRM version: NVIDIA 535 535. .129 5..3":                                           "",
		"": "",
		"NVRM version: " + strings.Repeat("1", maxNVIDIAVersion) + ".1": "",
	} {
		if got, ok := parseNVIDIAVersion(text); got != want || ok != (want != "") {
			t.Errorf("%.40q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestNVIDIADriver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, content string
		version, code string
	}{
		{"closed", nvidiaClosed, "535.129.03", ""},
		{"open", nvidiaOpen, "555.42.06", ""},
		{"nothing", "", "", ReasonSourceFailed},
		{"beyond the bound", strings.Repeat("\n", maxNVIDIAFile) + nvidiaClosed, "", ReasonSourceFailed},
	} {
		root := t.TempDir()
		path := filepath.Join(root, nvidiaFile)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.content), 0o444); err != nil {
			t.Fatal(err)
		}
		d := newHost(root).nvidiaDriver()
		if d == nil || d.Version != tt.version || (d.Reason == nil) != (tt.code == "") || d.Reason != nil && d.Reason.Code != tt.code {
			t.Errorf("%s: %+v", tt.name, d)
		}
		if err := d.check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	root := t.TempDir()
	if d := newHost(root).nvidiaDriver(); d != nil {
		t.Errorf("without a driver: %+v", d)
	}
	if err := os.MkdirAll(filepath.Join(root, nvidiaFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if d := newHost(root).nvidiaDriver(); d == nil || d.Reason == nil {
		t.Errorf("a directory: %+v", d)
	}
}

// TestNVIDIASnapshot checks that a snapshot keeps the driver, and that one with nonsense is refused.
func TestNVIDIASnapshot(t *testing.T) {
	t.Parallel()
	const before = `{"apiVersion":"compat/v1alpha1","kind":"NodeSnapshot","node":{},"sources":[],"features":{},"nvidiaDriver":`
	for driver, problem := range map[string]string{
		`{"version":"535.129.03"}`:                          "",
		`{"reason":{"code":"notPermitted","message":"no"}}`: "",
		`null`:                             "",
		`{}`:                               "neither a version",
		`{"version":"535"}`:                "want a version",
		`{"version":"1.2\u001b"}`:          "want a version",
		`{"version":"1.2","reason":{}}`:    "and a reason",
		`{"version":"1.2","branch":"535"}`: "unknown field",
		`{"version":535}`:                  "nvidiaDriver.version is a number",
		`"535.129.03"`:                     "nvidiaDriver is a string",
		`{"version":"1.2"},"nvidiaDriver":{"version":"1.3"}`: "duplicate field",
	} {
		for s, err := range Load(t.Context(), strings.NewReader(before+driver+"}"), LoadOptions{}) {
			if (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
				t.Errorf("%s: %v", driver, err)
			}
			if driver == `{"version":"535.129.03"}` && err == nil && s.NVIDIADriver.Version != "535.129.03" {
				t.Errorf("%s: %+v", driver, s.NVIDIADriver)
			}
		}
	}
}

func FuzzParseNVIDIAVersion(f *testing.F) {
	for _, text := range []string{nvidiaClosed, nvidiaOpen, nvidiaTegra, "NVRM version: 1.2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		version, ok := parseNVIDIAVersion(text)
		if ok != (version != "") || ok && (!isNVIDIAVersion(version) || !strings.Contains(text, version)) {
			t.Errorf("%q, %v", version, ok)
		}
	})
}
