package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The projects that the snippets of docs/ci.md are tried on: one without a fault, one with
// a bad spec, one with a Pod that has warnings.
var ciProjects = []struct {
	name       string
	specs      map[string]string
	lint, pods int // how the commands exit
}{
	{"good", map[string]string{"specs/app.yaml": "demo/runs-anywhere.yaml", "manifests/db.yaml": "ci/pod.yaml"}, 0, 0},
	{"bad spec", map[string]string{"specs/app.yaml": "demo/web.yaml", "manifests/db.yaml": "ci/pod.yaml"}, exitIncompatible, 0},
	{"bad Pod", map[string]string{"specs/app.yaml": "demo/runs-anywhere.yaml", "manifests/web.yaml": "demo/web.yaml"}, 0, exitIncompatible},
}

// ciService is in every project: a file without a Pod.
const ciService = "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {ports: [{port: 5432}]}\n"

// A ciShell runs the command lines of one job in a project.
type ciShell struct {
	dir string
	env []string
}

func newCIShell(t *testing.T, files map[string]string, env ...string) ciShell {
	t.Helper()
	s := ciShell{dir: t.TempDir(), env: append(os.Environ(), env...)}
	write := func(name string, data []byte) {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("manifests/service.yaml", []byte(ciService))
	for name, source := range files {
		data, err := os.ReadFile(filepath.Join("../../testdata", source))
		if err != nil {
			t.Fatal(err)
		}
		write(name, data)
	}
	return s
}

// run runs a script as GitHub and GitLab do, and returns its exit code and output.
func (s ciShell) run(t *testing.T, script string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", script)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode(), string(out)
	case err != nil:
		t.Fatal(err)
	}
	return 0, string(out)
}

func (s ciShell) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ciInstall is the environment in which `git clone` and `go install` of a snippet get this
// tree, and keep to dir.
func ciInstall(t *testing.T, dir string) []string {
	t.Helper()
	tree := filepath.Join(dir, "tree")
	copyTree(t, "../..", tree)
	commit := "git init -q && git add -A && git -c user.name=t -c user.email=t@example.com -c commit.gpgsign=false commit -qm tree"
	cmd := exec.CommandContext(t.Context(), "sh", "-c", commit)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "GIT_DIR="+filepath.Join(tree, ".git"), "GIT_WORK_TREE="+tree) // no repository around it
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	caches, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(caches))
	return []string{
		"COMPAT_REPOSITORY=file://" + tree, "HOME=" + dir, "RUNNER_TEMP=" + dir, "GOBIN=" + filepath.Join(dir, "bin"),
		"GOCACHE=" + lines[0], "GOMODCACHE=" + lines[1], "GOFLAGS=-trimpath", "CGO_ENABLED=0", // as `make build`, and so from its cache
	}
}

// testInstall runs the lines that install compat, which then answers.
func testInstall(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	s := newCIShell(t, nil, ciInstall(t, dir)...)
	if code, out := s.run(t, script); code != 0 {
		t.Fatalf("%s\nexit code %d\n%s", script, code, out)
	}
	if code, out := s.run(t, filepath.Join(dir, "bin", "compat")+" version"); code != 0 || !strings.HasPrefix(out, "compat ") {
		t.Errorf("what was installed: exit code %d, %s", code, out)
	}
}

// readYAML reads a file of the repository, in which only known keys may stand.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type githubStep struct {
	Name string            `json:"name"`
	If   string            `json:"if"`
	Uses string            `json:"uses"`
	With map[string]string `json:"with"`
	Run  string            `json:"run"`
}

// TestCIGitHub runs the steps of the workflow in docs/ci.md.
func TestCIGitHub(t *testing.T) {
	t.Parallel()
	var workflow struct {
		Name        string            `json:"name"`
		On          []string          `json:"true"` // YAML 1.1 takes "on" for that, GitHub doesn't
		Permissions map[string]string `json:"permissions"`
		Jobs        map[string]struct {
			RunsOn string            `json:"runs-on"`
			Env    map[string]string `json:"env"`
			Steps  []githubStep      `json:"steps"`
		} `json:"jobs"`
	}
	readYAML(t, "testdata/ci/github.yaml", &workflow)
	if workflow.Permissions["security-events"] != "write" {
		t.Error("SARIF cannot be uploaded without the permission")
	}
	steps := workflow.Jobs["compat"].Steps
	install := slices.IndexFunc(steps, func(s githubStep) bool { return s.Name == "Install compat" })
	if install < 0 {
		t.Fatal("no step installs compat")
	}
	t.Run("install", func(t *testing.T) {
		t.Parallel()
		testInstall(t, steps[install].Run)
	})
	for _, project := range ciProjects {
		t.Run(project.name, func(t *testing.T) {
			t.Parallel()
			s := newCIShell(t, project.specs, "GITHUB_STEP_SUMMARY=summary.md")
			codes, uploaded := s.steps(t, steps[install+1:])
			want := map[string]int{"Lint specs": project.lint, "Check manifests": project.pods, "Show the report": 0}
			if !maps.Equal(codes, want) {
				t.Errorf("steps exit with %v, want %v", codes, want)
			}
			checkSARIF(t, uploaded, project.pods != 0)
			if summary := s.read(t, "summary.md"); !bytes.HasPrefix(summary, []byte("### ✅ COMPATIBLE: 1 Pod")) {
				t.Errorf("the summary is %s", summary)
			}
		})
	}
}

// steps runs steps as GitHub does: after one that failed only those with always(). It
// returns how they exit, and what is uploaded.
func (s ciShell) steps(t *testing.T, steps []githubStep) (codes map[string]int, uploaded []byte) {
	t.Helper()
	codes = map[string]int{}
	failed := false
	for _, step := range steps {
		if step.If != "" && step.If != "always()" {
			t.Fatalf("the test does not know the condition %q", step.If)
		}
		switch {
		case failed && step.If == "":
		case step.Run != "":
			code, out := s.run(t, step.Run)
			codes[step.Name] = code
			failed = failed || code != 0
			if code != 0 && code != exitIncompatible {
				t.Errorf("%s: %s", step.Name, out)
			}
		case strings.HasPrefix(step.Uses, "github/codeql-action/upload-sarif@"):
			uploaded = s.read(t, step.With["sarif_file"])
		default:
			t.Errorf("the test does not know the step %+v", step)
		}
	}
	return codes, uploaded
}

func checkSARIF(t *testing.T, data []byte, results bool) {
	t.Helper()
	var log struct {
		Version string
		Runs    []struct{ Results []any }
	}
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatalf("no SARIF is uploaded: %v", err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) > 0 != results {
		t.Errorf("SARIF %s with %d runs; has it results? want %v\n%s", log.Version, len(log.Runs), results, data)
	}
}

// TestCIGitLab runs the jobs of the pipeline in docs/ci.md.
func TestCIGitLab(t *testing.T) {
	t.Parallel()
	type job struct {
		Script    []string `json:"script"`
		Artifacts struct {
			When    string            `json:"when"`
			Reports map[string]string `json:"reports"`
		} `json:"artifacts"`
	}
	var pipeline struct {
		Default struct {
			Image  string   `json:"image"`
			Before []string `json:"before_script"`
		} `json:"default"`
		Variables map[string]string `json:"variables"`
		Specs     job               `json:"compat-specs"`
		Pods      job               `json:"compat-pods"`
	}
	readYAML(t, "testdata/ci/gitlab.yaml", &pipeline)
	if pipeline.Pods.Artifacts.When != "always" {
		t.Error("the report of a job that fails is not kept")
	}
	t.Run("install", func(t *testing.T) {
		t.Parallel()
		testInstall(t, strings.Join(pipeline.Default.Before, "\n"))
	})
	for _, project := range ciProjects {
		t.Run(project.name, func(t *testing.T) {
			t.Parallel()
			s := newCIShell(t, project.specs)
			for _, job := range []struct {
				script []string
				want   int
			}{{pipeline.Specs.Script, project.lint}, {pipeline.Pods.Script, project.pods}} {
				if code, out := s.run(t, strings.Join(job.script, "\n")); code != job.want {
					t.Errorf("%q: exit code %d, want %d\n%s", job.script, code, job.want, out)
				}
			}
			var suite struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
			}
			if err := xml.Unmarshal(s.read(t, pipeline.Pods.Artifacts.Reports["junit"]), &suite); err != nil {
				t.Fatal(err)
			}
			if suite.Tests != 1 || suite.Failures > 0 != (project.pods != 0) {
				t.Errorf("JUnit: %+v", suite)
			}
		})
	}
}

// A preCommitHook is an entry of .pre-commit-hooks.yaml
// (https://pre-commit.com/#creating-new-hooks), or one that a project takes from there.
type preCommitHook struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Description   string   `json:"description"`
	Language      string   `json:"language"`
	Entry         string   `json:"entry"`
	Args          []string `json:"args"`
	Files         string   `json:"files"`
	Types         []string `json:"types"`
	PassFilenames *bool    `json:"pass_filenames"`
}

// TestPreCommitHooks runs the hooks of .pre-commit-hooks.yaml, as they are and as docs/ci.md
// configures them.
func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	hooks := map[string]preCommitHook{}
	for _, hook := range preCommitHooks(t) {
		hooks[hook.ID] = hook
	}
	configured := map[string]preCommitHook{}
	for _, hook := range preCommitConfig(t) {
		defaults, ok := hooks[hook.ID]
		if !ok {
			t.Fatalf("docs/ci.md names the hook %q, which there is not", hook.ID)
		}
		configured[hook.ID] = defaults.with(hook)
	}
	for _, project := range ciProjects {
		files := maps.Clone(project.specs)
		files["compat.yaml"] = files["specs/app.yaml"]
		for _, test := range []struct {
			hook preCommitHook
			want int
			file string // that the hook gets, if it gets any
		}{
			{hooks["compat-spec-lint"], project.lint, "compat.yaml"},
			{hooks["compat-validate-pod"], 0, ""}, // warnings fail it only where a project says so
			{configured["compat-spec-lint"], project.lint, "specs/app.yaml"},
			{configured["compat-validate-pod"], project.pods, ""},
		} {
			s := newCIShell(t, files)
			line := test.hook.commandLine(t, s)
			if code, out := s.run(t, line); code != test.want || !strings.HasSuffix(line, test.file) {
				t.Errorf("%s: %s: exit code %d, want %d with %q\n%s", project.name, line, code, test.want, test.file, out)
			}
		}
	}
	if len(hooks) != 2 || len(configured) != 2 {
		t.Errorf("%d hooks, %d of them in docs/ci.md", len(hooks), len(configured))
	}
}

func preCommitHooks(t *testing.T) []preCommitHook {
	t.Helper()
	var hooks []preCommitHook
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	for _, hook := range hooks {
		if hook.Name == "" || hook.Language != "golang" || !slices.Equal(hook.Types, []string{"yaml"}) {
			t.Errorf("%s: %+v", hook.ID, hook)
		}
		program, _, _ := strings.Cut(hook.Entry, " ")
		if _, err := os.Stat(filepath.Join("..", program, "main.go")); err != nil {
			t.Errorf("%s: `go install ./...` makes no %s: %v", hook.ID, program, err)
		}
	}
	return hooks
}

func preCommitConfig(t *testing.T) []preCommitHook {
	t.Helper()
	var config struct {
		Repos []struct {
			Repo  string          `json:"repo"`
			Rev   string          `json:"rev"`
			Hooks []preCommitHook `json:"hooks"`
		} `json:"repos"`
	}
	readYAML(t, "testdata/ci/pre-commit.yaml", &config)
	if len(config.Repos) != 1 {
		t.Fatalf("%d repositories", len(config.Repos))
	}
	return config.Repos[0].Hooks
}

// with is a hook with what a project changes of it.
func (h preCommitHook) with(project preCommitHook) preCommitHook {
	if project.Args != nil {
		h.Args = project.Args
	}
	if project.Files != "" {
		h.Files = project.Files
	}
	return h
}

// commandLine is what pre-commit runs after a change of all files: the entry, the
// arguments, and the files that match, where the hook takes them.
func (h preCommitHook) commandLine(t *testing.T, s ciShell) string {
	t.Helper()
	words := append([]string{h.Entry}, h.Args...)
	matches := regexp.MustCompile(h.Files).MatchString
	found := 0
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		if err == nil && matches(name) {
			found++
			if h.PassFilenames == nil || *h.PassFilenames {
				words = append(words, name)
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Fatalf("%s: %d files match %s: %v", h.ID, found, h.Files, err)
	}
	return strings.Join(words, " ")
}

// TestPreCommitVersion keeps the version of Kubernetes that a hook takes where a project
// says nothing equal to that of the Kubernetes types in go.mod.
func TestPreCommitVersion(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`\tk8s\.io/api v0\.(\d+)\.`).FindSubmatch(mod)
	if version == nil {
		t.Fatal("go.mod has no k8s.io/api")
	}
	want := "--kubernetes-version=1." + string(version[1])
	for _, hook := range preCommitHooks(t) {
		if hook.ID == "compat-validate-pod" && !slices.Contains(hook.Args, want) {
			t.Errorf("%s has the arguments %q, want %s", hook.ID, hook.Args, want)
		}
	}
}
