//go:build integration

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// integrationStripped are the flags that both compat and its peers are built
// with, so that sizes and start-up times can be compared.
var integrationStripped = []string{"-trimpath", "-ldflags=-s -w", "-buildvcs=false"}

// integrationRoot is the root of the repository, found from this file's place.
func integrationRoot(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// integrationBinary is compat, built once from the tree that is tested. It goes
// through Go's build cache, so a second run costs little.
func integrationBinary(t testing.TB) string {
	t.Helper()
	path, err := integrationBuildCompat()
	if err != nil {
		t.Fatalf("building compat: %v", err)
	}
	return path
}

var integrationBuildCompat = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, ".cache", "tools", "compat-under-test")
	return path, integrationBuild(root, path, "./cmd/compat")
})

// integrationBuilding lets parallel tests build a tool once.
var integrationBuilding sync.Mutex

// integrationTool returns the binary of one of the modules in testdata/tools.
// Each pins one program; the file name holds its version, so that what was
// built before is used again and a new pin is built anew.
func integrationTool(t testing.TB, name string) string {
	t.Helper()
	root := integrationRoot(t)
	module := filepath.Join(root, "testdata", "tools", name)
	pkg, version, err := integrationPin(module)
	if err != nil {
		t.Fatalf("reading what testdata/tools/%s pins: %v", name, err)
	}
	integrationBuilding.Lock()
	defer integrationBuilding.Unlock()
	path := integrationToolPath(root, name, version)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	t.Logf("building %s %s, once", pkg, version)
	// Under another name first: an interrupted build must not be found later.
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := integrationBuild(module, partial, pkg, integrationStamp(pkg, version)...); err != nil {
		t.Fatalf("building %s %s: %v", pkg, version, err)
	}
	if err := os.Rename(partial, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func integrationToolPath(root, name, version string) string {
	return filepath.Join(root, ".cache", "tools", strings.Join([]string{name, version, runtime.Version()}, "-"))
}

// integrationBuilt reports whether a tool was built before.
func integrationBuilt(t testing.TB, name string) bool {
	t.Helper()
	root := integrationRoot(t)
	_, version, err := integrationPin(filepath.Join(root, "testdata", "tools", name))
	if err != nil {
		t.Fatalf("reading what testdata/tools/%s pins: %v", name, err)
	}
	_, err = os.Stat(integrationToolPath(root, name, version))
	return err == nil
}

// integrationNeeds skips a test whose tools take minutes to build, unless they were built before, or
// COMPAT_CLUSTER=1 asks for them.
func integrationNeeds(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if os.Getenv("COMPAT_CLUSTER") != "1" && !integrationBuilt(t, name) {
			t.Skipf("%s was not built yet, which takes minutes: COMPAT_CLUSTER=1 builds it", name)
		}
	}
}

// integrationStamp are the flags that give a component of Kubernetes its version, without which it
// takes itself for another release.
func integrationStamp(pkg, version string) []string {
	if !strings.HasPrefix(pkg, "k8s.io/kubernetes/") {
		return nil
	}
	const at = " -X k8s.io/component-base/version."
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	return []string{"-ldflags=-s -w" + at + "gitVersion=" + version + at + "gitMajor=" + parts[0] + at + "gitMinor=" + parts[1]}
}

// integrationPin reads a tool and the version of its module out of a go.mod.
func integrationPin(module string) (pkg, version string, err error) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		return "", "", err
	}
	var mod struct {
		Require []struct{ Path, Version string }
		Tool    []struct{ Path string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return "", "", err
	}
	if len(mod.Tool) != 1 {
		return "", "", fmt.Errorf("want one tool, have %d", len(mod.Tool))
	}
	pkg = mod.Tool[0].Path
	for _, r := range mod.Require {
		if pkg == r.Path || strings.HasPrefix(pkg, r.Path+"/") {
			return pkg, r.Version, nil
		}
	}
	return "", "", errors.New("the tool's module is not required")
}

func integrationBuild(dir, output, pkg string, flags ...string) error {
	args := slices.Concat([]string{"build", "-o", output}, integrationStripped, flags)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// integrationDebianRegistry is Debian's registry, which is old on purpose: a
// 2.8 knows nothing of referrers. It is not built here but taken from the
// package, installed or only unpacked (an installed one also starts a service
// where there is an init system).
func integrationDebianRegistry(t testing.TB) string {
	t.Helper()
	unpacked := filepath.Join(integrationRoot(t), ".cache", "tools", "debian", "usr", "bin", "docker-registry")
	if _, err := os.Stat(unpacked); err == nil {
		return unpacked
	}
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatal(`Debian's docker-registry is missing. Either of these gives it:
	apt-get install -y --no-install-recommends docker-registry
	apt-get download docker-registry && dpkg -x docker-registry_*.deb .cache/tools/debian   (in the repository's root; needs no root)`)
	}
	return path
}
