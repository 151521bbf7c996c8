//go:build integration

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// integrationServers are the registries that the whole cycle runs against. They
// differ in what matters here: whether there is a referrers API, how its absence
// is answered, and whether anything can be deleted.
func integrationServers() []integrationServer {
	return []integrationServer{
		{name: "debian", command: integrationDebian, deletes: true},
		{name: "distribution", command: integrationDistribution(integrationDistributionDeletes), deletes: true},
		// Deletion is off unless it is configured.
		{name: "distribution-keeps", command: integrationDistribution("")},
		{name: "olareg", command: integrationOlareg("--api-delete"), referrers: true, deletes: true},
		{name: "olareg-keeps", command: integrationOlareg(), referrers: true},
		{name: "olareg-no-referrers", command: integrationOlareg("--api-delete", "--api-referrer=false"), deletes: true},
		{name: "crane", command: integrationCrane, deletes: true},
	}
}

// integrationDistributionDeletes is the part of the configuration of
// distribution that makes manifests deletable.
const integrationDistributionDeletes = `
  delete:
    enabled: true`

// integrationDistributionConfig is the configuration of distribution, the same
// for versions 2 and 3 (https://distribution.github.io/distribution/about/configuration/).
func integrationDistributionConfig(t testing.TB, dir string, port int, storage, rest string) string {
	t.Helper()
	config := fmt.Sprintf(`version: 0.1
log:
  level: warn
http:
  addr: 127.0.0.1:%d
storage:
  filesystem:
    rootdirectory: %s%s
%s`, port, filepath.Join(dir, "data"), storage, rest)
	path := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func integrationDebian(t testing.TB, dir string, port int) (argv, env []string) {
	t.Helper()
	config := integrationDistributionConfig(t, dir, port, integrationDistributionDeletes, "")
	return []string{integrationDebianRegistry(t), "serve", config}, nil
}

func integrationDistribution(storage string) func(t testing.TB, dir string, port int) (argv, env []string) {
	return func(t testing.TB, dir string, port int) (argv, env []string) {
		t.Helper()
		config := integrationDistributionConfig(t, dir, port, storage, "")
		return []string{integrationTool(t, "distribution"), "serve", config}, integrationNoTraces
	}
}

// integrationNoTraces keeps distribution v3 from sending traces, its default.
var integrationNoTraces = []string{"OTEL_TRACES_EXPORTER=none"}

func integrationOlareg(flags ...string) func(t testing.TB, dir string, port int) (argv, env []string) {
	return func(t testing.TB, _ string, port int) (argv, env []string) {
		t.Helper()
		argv = []string{integrationTool(t, "olareg"), "serve", "--addr=127.0.0.1", "--port=" + strconv.Itoa(port), "--store-type=mem"}
		return append(argv, flags...), nil
	}
}

func integrationCrane(t testing.TB, _ string, port int) (argv, env []string) {
	t.Helper()
	return []string{integrationTool(t, "crane"), "registry", "serve", "--address=127.0.0.1:" + strconv.Itoa(port)}, nil
}
