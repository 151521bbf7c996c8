package artifact

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFilesAreBounded: whatever a file is that the options or the environment name, reading it ends.
func TestFilesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, silent := filepath.Join(dir, "config.json"), filepath.Join(dir, "silent")
	for _, pipe := range []string{empty, silent} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writer, err := os.OpenFile(silent, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, way := range []struct {
		name    string
		options func(file string) Options
	}{
		{"CAFile", func(file string) Options { return Options{CAFile: file} }},
		{"CertFile", func(file string) Options { return Options{CertFile: file, KeyFile: "/dev/null"} }},
		{"KeyFile", func(file string) Options { return Options{CertFile: "/dev/null", KeyFile: file} }},
		{"RegistryConfig", func(file string) Options { return Options{RegistryConfig: file} }},
		{"REGISTRY_AUTH_FILE", func(file string) Options {
			return Options{LookupEnv: func(name string) (string, bool) { return only(file, name == "REGISTRY_AUTH_FILE") }}
		}},
	} {
		for file, code := range map[string]string{empty: CodeConfiguration, "/dev/zero": CodeConfiguration, silent: CodeTimeout} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			if file == silent {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			}
			_, err := Open(ctx, "registry.example.com/app", way.options(file))
			cancel()
			wantCode(t, err, code)
			if file == "/dev/zero" && !strings.Contains(err.Error(), "/dev/zero: more than the limit of 4194304 bytes") {
				t.Errorf("%s: got %v", way.name, err)
			}
		}
	}
	_, err = Open(testContext(t), "registry.example.com/app", Options{LookupEnv: func(name string) (string, bool) { return only(dir, name == "DOCKER_CONFIG") }})
	wantCode(t, err, CodeConfiguration)
}

func only(value string, ok bool) (string, bool) {
	if !ok {
		value = ""
	}
	return value, ok
}

// TestFilesAreNamed: an error of a file says which, and what the file system refuses has its hint.
func TestFilesAreNamed(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{RegistryConfig: text}, {CAFile: text}, {RegistryConfig: "/nowhere/text"}} {
		_, err := Open(testContext(t), "registry.example.com/app", o)
		wantCode(t, err, CodeConfiguration)
		if !strings.Contains(err.Error(), "/text") {
			t.Errorf("%+v: got %v", o, err)
		}
	}
	for errno, want := range map[error]string{
		syscall.ENOSPC: "free some space", syscall.EROFS: "permissions of lay", syscall.EACCES: "permissions of lay", syscall.EIO: "",
	} {
		hint := (&LayoutError{Dir: "lay", Err: &os.PathError{Op: "open", Path: "x", Err: errno}}).Hint()
		if !strings.Contains(hint, want) || (hint == "") != (want == "") {
			t.Errorf("%v: %q", errno, hint)
		}
	}
}

// TestFilesMayBePipes: a shell's <(…) is read.
func TestFilesMayBePipes(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		time.Sleep(20 * time.Millisecond)
		_, _ = w.WriteString(`{"auths":{}}`)
		_ = w.Close()
	}()
	path := "/proc/self/fd/" + strconv.Itoa(int(r.Fd()))
	if _, err := Open(testContext(t), "registry.example.com/app", Options{RegistryConfig: path}); err != nil {
		t.Fatal(err)
	}
}
