package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A test is one of a room's, with what it passes.
type test struct {
	room   *room
	name   string
	took   time.Duration
	passes map[int]bool
}

// A runner runs tests.
type runner struct {
	root, temp string
	rooms      []*room
	workers    int
	tests      []*test // the quick ones first
}

// memory bounds a test process, in KiB of address space: a fault may make it greedy.
const memory = 8 << 20

// run runs tests of one room until one fails.
func (r *runner) run(ctx context.Context, of *room, names []string, limit time.Duration, env ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit+5*time.Second) // the test binary ends by itself, if it can
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", fmt.Sprintf("ulimit -v %d; exec \"$@\"", memory), "sh",
		binary(r.temp, of), "-test.short", "-test.failfast", "-test.timeout="+limit.String(), "-test.run=^("+strings.Join(names, "|")+")$")
	cmd.Dir = filepath.Join(r.root, of.path)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// each calls f for every element, some at the same time, until one fails.
func each[T any](workers int, list []T, f func(T) error) error {
	work := make(chan T, len(list))
	for _, element := range list {
		work <- element
	}
	close(work)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	for range workers {
		group.Go(func() {
			for element := range work {
				mu.Lock()
				failed := first != nil
				mu.Unlock()
				if failed {
					return
				}
				if err := f(element); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return first
}

// trace runs each test without a fault, to know how long it takes and what it passes.
func (r *runner) trace(ctx context.Context, faults []*fault) error {
	for _, of := range r.rooms {
		list, err := output(ctx, r.root, binary(r.temp, of), "-test.list=^(Test|Fuzz|Example)")
		if err != nil {
			return err
		}
		for _, name := range strings.Fields(list) {
			r.tests = append(r.tests, &test{room: of, name: name, passes: map[int]bool{}})
		}
	}
	err := each(r.workers, r.tests, func(t *test) error {
		file := filepath.Join(r.temp, strings.ReplaceAll(t.room.path, "/", "_")+"."+t.name)
		began := time.Now()
		out, err := r.run(ctx, t.room, []string{t.name}, 10*time.Minute, "MUTANT_TRACE="+file)
		if err != nil {
			return fmt.Errorf("%s of %s fails without a fault: %w\n%s", t.name, t.room.path, err, out)
		}
		t.took = time.Since(began)
		data, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for line := range strings.FieldsSeq(string(data)) {
			id, err := strconv.Atoi(line)
			if err != nil {
				return err
			}
			t.passes[id] = true
		}
		return nil
	})
	slices.SortStableFunc(r.tests, func(a, b *test) int { return int(a.took - b.took) })
	return err
}

// plant runs, with each fault, the tests that pass it.
func (r *runner) plant(ctx context.Context, faults []*fault) error {
	shuffled := slices.Clone(faults) // what time is left for is a sample of all
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var done atomic.Int64
	err := each(r.workers, shuffled, func(f *fault) error {
		fate, err := r.try(ctx, f)
		if n := done.Add(1); n%100 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d\n", n, len(faults))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.fate = fate
		return err
	})
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return nil
	}
	return err
}

// try tells what becomes of a fault.
func (r *runner) try(ctx context.Context, f *fault) (fate, error) {
	fate := notCovered
	for _, batch := range r.batches(f.id) {
		names := make([]string, len(batch))
		limit := 10 * time.Second
		for i, t := range batch {
			names[i] = t.name
			limit += 10 * t.took
		}
		began := time.Now()
		out, err := r.run(ctx, batch[0].room, names, limit, fmt.Sprintf("MUTANT=%d", f.id))
		switch {
		case err != nil && (time.Since(began) >= limit || strings.Contains(out, "panic: test timed out")):
			return timedOut, nil
		case err != nil:
			return killed, nil
		}
		fate = lived
	}
	return fate, nil
}

// batches are the tests that pass a fault: of each room those that take no time
// together, then the others.
func (r *runner) batches(id int) [][]*test {
	var batches [][]*test
	for _, of := range r.rooms {
		var quick, slow []*test
		took := time.Duration(0)
		for _, t := range r.tests {
			if t.room != of || !t.passes[id] {
				continue
			}
			if took += t.took; took < time.Second {
				quick = append(quick, t)
			} else {
				slow = append(slow, t)
			}
		}
		for _, batch := range [][]*test{quick, slow} {
			if len(batch) > 0 {
				batches = append(batches, batch)
			}
		}
	}
	return batches
}
