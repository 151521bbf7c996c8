package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

type testFlags struct {
	update bool
	output *format
}

func newSpecTest(a *app) *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test DIR|FILE...",
		Short: "Check what specs answer on saved nodes",
		Long: `Run the test files (*.test.yaml) that are given or below the directories. Each says
what a spec should answer on saved nodes; the paths are relative to it:

  spec: spec.yaml
  cases:
  - name: a node with AVX-512
    features: nodes/new.json
    verdict: compatible
    best: fast  # the tag of the best set that matches; may be left out

--update writes what came in the place of what was expected, and leaves all else in
the files as it is.

Exit codes: 0 every case holds, 3 one does not, 1 failure, 2 usage error or a malformed
file.`,
		Example: `  compat spec test tests/
  compat spec test tests/ -o junit > junit.xml
  compat spec test spec.test.yaml --update`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args) })
	cmd.Flags().BoolVar(&f.update, "update", false, "write what came into the files")
	f.output = outputFlag(cmd, "text", "json", "yaml", "junit")
	timeoutFlag(cmd)
	alsoFiles(cmd)
	return cmd
}

func (f *testFlags) run(ctx context.Context, a *app, args []string) error {
	files, err := testFiles(args)
	if err != nil {
		return err
	}
	result := report.NewTestReport()
	for _, name := range files {
		file, err := f.test(ctx, a, name)
		if err != nil {
			return a.unread(f.output, err)
		}
		result.Files = append(result.Files, file)
		result.OK = result.OK && (file.OK || file.Updated)
	}
	if err := a.print(f.output, result, output.Style{}); err != nil {
		return err
	}
	if !result.OK {
		return exitWith(exitIncompatible)
	}
	return nil
}

// test runs one test file.
func (f *testFlags) test(ctx context.Context, a *app, name string) (report.TestFile, error) {
	none := report.TestFile{}
	data, err := a.readFile(ctx, name, spec.MaxSize)
	if err != nil {
		return none, err
	}
	t, problems := spec.ParseTest(data)
	if err := problems.Err(); err != nil {
		return none, usagef("%s:%w", name, err)
	}
	beside := func(file string) string { return filepath.Join(filepath.Dir(name), file) }
	of, err := a.readFile(ctx, beside(t.Spec), spec.MaxSize)
	if err != nil {
		return none, err
	}
	loaded, nodes := map[string]*nodefeatures.Snapshot{}, []*nodefeatures.Snapshot{}
	for _, c := range t.Cases {
		if loaded[c.Features] == nil {
			var request compat.NodeRequest
			saved := judgeFlags{features: []string{beside(c.Features)}}
			if err := saved.savedNode(ctx, a, &request); err != nil {
				return none, usagef("%s:%d: %w", name, c.Line, err)
			}
			loaded[c.Features] = request.Snapshot
		}
		nodes = append(nodes, loaded[c.Features])
	}
	result := compat.Test(ctx, name, t, compat.File{Name: beside(t.Spec), Data: of}, nodes)
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("judging the cases of %s: %w", name, err)
	}
	if f.update && !result.OK {
		result.Updated = true
		return result, writeUpdate(name, data, t, result)
	}
	return result, nil
}

// writeUpdate writes what came into a test file.
func writeUpdate(name string, data []byte, t *spec.Test, result report.TestFile) error {
	var answers []spec.Answers
	for _, c := range result.Cases {
		answers = append(answers, spec.Answers{Verdict: c.Verdict, Best: c.Best})
	}
	info, err := os.Stat(name)
	if err == nil {
		err = os.WriteFile(name, t.Update(data, answers), info.Mode().Perm())
	}
	if err != nil {
		return fmt.Errorf("updating %s: %w", name, err)
	}
	return nil
}

// testFiles finds the test files that are named, and those below directories, sorted.
func testFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == arg || strings.HasSuffix(path, ".test.yaml")) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, &usageError{err}
		}
	}
	if len(files) == 0 {
		return nil, usagef("no test file (*.test.yaml) below %s", strings.Join(args, ", "))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

type specDiffFlags struct {
	saved  judgeFlags // of which only --features and --nfd-namespace are given
	output *format
}

func newSpecDiff(a *app) *cobra.Command {
	f := &specDiffFlags{}
	cmd := &cobra.Command{
		Use:   "diff A B --features FILE...",
		Short: "Tell which saved nodes two specs answer differently",
		Long: `Judge saved nodes by two specs, and print those on which the verdict, or the set that
is best, differs, with the reasons.

Exit codes: 0 done, 1 failure, 2 usage error.`,
		Example: `  compat spec diff old.yaml new.yaml --features nodes/
  compat spec diff old.yaml new.yaml --features nodes.json -o json`,
		Args: cobra.ExactArgs(2),
	}
	cmd.RunE = a.runE(func(ctx context.Context, args []string) error { return f.run(ctx, a, args) })
	f.output = outputFlag(cmd, "text", "json", "yaml")
	f.saved.addSaved(cmd, "judge the nodes in this snapshot `file`, directory or pattern (repeatable); - is standard input")
	timeoutFlag(cmd)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(f.saved.features) == 0 {
			return usagef("--features is missing: give saved nodes, as `compat features` prints them")
		}
		return nil
	}
	return cmd
}

func (f *specDiffFlags) run(ctx context.Context, a *app, args []string) error {
	diff, err := f.diff(ctx, a, args)
	if err != nil {
		err = a.unread(f.output, err)
		if malformed := (*compat.MalformedSpecError)(nil); errors.As(err, &malformed) { // which lint would condemn
			a.explain(describe(err))
			return exitWith(exitFailure)
		}
		return err
	}
	a.noteErrors(nil, diff.Error)
	if err := a.print(f.output, diff, output.Style{}); err != nil {
		return err
	}
	if diff.Error != nil {
		a.explain(diff.Error)
		return exitWith(exitFailure)
	}
	return nil
}

func (f *specDiffFlags) diff(ctx context.Context, a *app, args []string) (*report.SpecDiff, error) {
	files, err := a.readFiles(ctx, args, spec.MaxSize)
	if err != nil {
		return nil, err
	}
	return compat.DiffSpecs(ctx, files[0], files[1], func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		return f.saved.savedNodes(ctx, a, features)
	})
}
