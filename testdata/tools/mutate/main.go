// Command mutate plants faults in packages, one at a time, and tells which of them the
// packages' own tests do not notice.
//
//	go -C testdata/tools/mutate run . [-since REVISION] [-min PERCENT] ROOM...
//
// A room is a directory of this repository, without those below it; several rooms are
// taken together: the tests of all of them count for each. The score is killed /
// (killed + lived + not covered); a test that does not end is a kill. Survivors are
// missing tests: they are printed with file, line and column.
//
// All faults are compiled at once, each behind a switch that an environment variable
// sets, since linking a test binary takes longer than running it. A first run of every
// test tells which switches it passes, so that a fault costs only the tests that can
// notice it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.since, "since", "", "only lines that were changed since this git `revision`, for at most 4 minutes")
	flag.DurationVar(&o.limit, "for", 0, "stop after this `time`; faults that were not planted do not count")
	flag.Float64Var(&o.min, "min", 0, "fail below this score, in `percent`")
	flag.IntVar(&o.workers, "workers", runtime.NumCPU(), "test processes at the same time")
	flag.Parse()
	if o.rooms = flag.Args(); len(o.rooms) == 0 {
		fmt.Fprintln(os.Stderr, "usage: mutate [FLAG...] ROOM...")
		os.Exit(2)
	}
	if o.since != "" && o.limit == 0 {
		o.limit = 4 * time.Minute
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

type options struct {
	since   string
	limit   time.Duration
	min     float64
	workers int
	rooms   []string
}

func run(ctx context.Context, o options) error {
	root, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)

	packages, err := load(ctx, root, o.rooms)
	if err != nil {
		return err
	}
	changed := everywhere
	if o.since != "" {
		if changed, err = changedLines(ctx, root, o.since); err != nil {
			return err
		}
	}
	var faults []*fault
	for _, p := range packages {
		for _, f := range p.faults() {
			if changed(f.file, f.line) {
				faults = append(faults, f)
			}
		}
	}
	if len(faults) == 0 {
		fmt.Println("no fault to plant")
		return nil
	}
	for i, f := range faults {
		f.id = i + 1
	}
	b := builder{root: root, temp: temp, packages: packages}
	faults, err = b.build(ctx, faults)
	if err != nil {
		return err
	}
	r := runner{root: root, temp: temp, rooms: packages, workers: o.workers}
	fmt.Fprintf(os.Stderr, "%d faults; the tests without any\n", len(faults))
	if err := r.trace(ctx, faults); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d tests; the tests with each fault\n", len(r.tests))
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	if err := r.plant(ctx, faults); err != nil {
		return err
	}
	return report(faults, o.min)
}

// report prints the survivors and the score.
func report(faults []*fault, min float64) error {
	counts := map[fate]int{}
	for _, f := range faults {
		counts[f.fate]++
		if f.fate == lived || f.fate == notCovered {
			fmt.Printf("%s:%d:%d: %s: %s\n", f.file, f.line, f.column, f.fate, f.what)
		}
	}
	killed := counts[killed] + counts[timedOut]
	total := killed + counts[lived] + counts[notCovered]
	if total == 0 {
		return errors.New("no fault was planted in time")
	}
	score := 100 * float64(killed) / float64(total)
	fmt.Printf("%d faults: %d killed (%d by time), %d lived, %d not covered", total, killed, counts[timedOut], counts[lived], counts[notCovered])
	if n := counts[notPlanted]; n > 0 {
		fmt.Printf(" (%d more were not planted: no time)", n)
	}
	fmt.Printf(": %.1f%%\n", score)
	if score < min {
		return fmt.Errorf("%.1f%% is less than %g%%", score, min)
	}
	return nil
}

// A fate is what became of a fault.
type fate string

const (
	notPlanted fate = "not planted"
	notCovered fate = "not covered"
	lived      fate = "lived"
	killed     fate = "killed"
	timedOut   fate = "timed out"
)

// output runs a program and returns what it prints.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

// everywhere says that every line was changed.
func everywhere(string, int) bool { return true }

// changedLines tells lines that were changed since the last revision that HEAD and
// another one have in common, in the working tree.
func changedLines(ctx context.Context, root, revision string) (func(file string, line int) bool, error) {
	diff, err := output(ctx, root, "git", "diff", "--no-color", "--no-ext-diff", "--unified=0", "--merge-base", revision, "--", "*.go")
	if err != nil {
		return nil, err
	}
	type place struct {
		file string
		line int
	}
	changed := map[place]bool{}
	file := ""
	for line := range strings.Lines(diff) {
		if name, ok := strings.CutPrefix(line, "+++ b/"); ok {
			file = filepath.FromSlash(strings.TrimSpace(name))
		}
		var from, n int
		if hunk, ok := strings.CutPrefix(line, "@@ -"); ok {
			_, hunk, _ = strings.Cut(hunk, "+")
			if got, _ := fmt.Sscanf(hunk, "%d,%d", &from, &n); got < 2 {
				n = 1
			}
			for i := range n {
				changed[place{file, from + i}] = true
			}
		}
	}
	return func(file string, line int) bool { return changed[place{file, line}] }, nil
}
