package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestBill: the bill of this test's own binary is what the schema of CycloneDX 1.6 says, and the same
// at another time; it has all modules.
func TestBill(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var bills [2]string
	for i := range bills {
		r := &release{output: t.TempDir(), version: "v1.2.3", date: time.Unix(int64(i), 0)}
		r.owner = owner{Licence: "Apache-2.0", Home: "https://example.com", Security: "mailto:security@example.com"}
		b := build{"linux", "amd64", binary, info}
		if err := r.bill(b); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(r.output, "compat_1.2.3_linux_amd64.cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		bills[i] = string(data)
	}
	if bills[0] != bills[1] || strings.Contains(bills[0], "serialNumber") || strings.Contains(bills[0], "timestamp") {
		t.Errorf("two bills:\n%s\n%s", bills[0], bills[1])
	}
	for _, m := range info.Deps {
		if !strings.Contains(bills[0], `"pkg:golang/`+m.Path+"@"+m.Version+`"`) {
			t.Errorf("the bill lacks %s", m.Path)
		}
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(bills[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(document); err != nil {
		t.Errorf("%v\n%s", err, bills[0])
	}
}

// schema is CycloneDX's own.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := moduleDir(t, "github.com/CycloneDX/cyclonedx-go")
	c := jsonschema.NewCompiler()
	for url, name := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json": "bom-1.6.schema.json", "http://cyclonedx.org/schema/spdx.schema.json": "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(dir, "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(f)
		if err == nil {
			err = c.AddResource(url, document)
		}
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNotices: texts are found beside packages and above, and a module without one is an error.
func TestNotices(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE": "ours", "LICENSE.MPL-2.0": "mozilla", "NOTICE": "apache", "COPYING.md": "which", "license.go": "package p",
		"sub/LICENSE.txt": "theirs", "other/LICENSE": "not linked",
	} {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]string{}
	if err := collect(found, filepath.Join(top, "sub"), top); err != nil {
		t.Fatal(err)
	}
	text, err := write(map[string]map[string]string{"example.com/m v1": found})
	for _, want := range []string{"ours", "mozilla", "apache", "which", "theirs"} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("%v: %q is missing in\n%s", err, want, text)
		}
	}
	if strings.Contains(string(text), "not linked") || strings.Contains(string(text), "package p") {
		t.Errorf("too much:\n%s", text)
	}
	if _, err := write(map[string]map[string]string{"example.com/m v1": {}}); err == nil || !strings.Contains(err.Error(), "example.com/m v1 has no text") {
		t.Errorf("no text: %v", err)
	}
}

// TestRefused: what was not built from a commit alone is no release.
func TestRefused(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, _ := debug.ReadBuildInfo()
	platform := ""
	for _, key := range []string{"GOOS", "GOARCH"} {
		for _, s := range info.Settings {
			if s.Key == key {
				platform += "/" + s.Value
			}
		}
	}
	if err := new(release).add(platform[1:], binary); err == nil || !strings.Contains(err.Error(), "vcs.modified=unknown") {
		t.Errorf("%v", err)
	}
	if err := new(release).add("plan9/mips", binary); err == nil || !strings.Contains(err.Error(), "not plan9/mips") {
		t.Errorf("%v", err)
	}
}

func moduleDir(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
