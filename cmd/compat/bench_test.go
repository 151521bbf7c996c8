//go:build integration

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// benchRounds is the least number of times that each program runs; they take
// turns, so that what else the machine does hits all of them.
const benchRounds = 20

// A benchRow is one line of the table: the same job for each program.
type benchRow struct {
	name          string
	compat, peer  benchCommand
	bare          *benchCommand // nil where no request is made
	requests      string        // how many compat and nfd make
	goal, medians string
}

// BenchmarkSideBySide compares compat with `nfd compat validate-node` on one
// machine, in one run, against one registry on loopback. It prints a table in
// Markdown and writes it to bin/bench.md. The goals are shown, not asserted.
func BenchmarkSideBySide(b *testing.B) {
	tools := benchBuildTools(b)
	rows := benchRows(b, tools)
	for i := range rows {
		b.Run(strings.ReplaceAll(rows[i].name, " ", "-"), func(b *testing.B) { rows[i].run(b, tools) })
	}
	table := benchTable(rows) + benchInits(b)
	fmt.Print("\n", table, "\n") // testing cuts what a benchmark logs
	bin := filepath.Join(integrationRoot(b), "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "bench.md"), []byte(table), 0o644); err != nil {
		b.Fatal(err)
	}
}

// benchRows starts a registry, pushes what is to be judged and says how each
// program is called for it.
func benchRows(b *testing.B, tools benchTools) []benchRow {
	b.Helper()
	compat, nfd := integrationBinary(b), integrationTool(b, "nfd")
	host := integrationServer{name: "olareg", command: integrationOlareg()}.start(b)
	rows := []benchRow{{
		name: "start-up", requests: "–",
		compat: benchCommand{name: "compat", argv: []string{compat, "version"}, codes: []int{0}},
		peer:   benchCommand{name: "nfd", argv: []string{nfd, "--help"}, codes: []int{0}},
	}}
	small, byDigest := benchPush(b, host, "small", []byte(benchSmallSpec))
	hundred, _ := benchPush(b, host, "hundred", benchSpec(100))
	thousand, _ := benchPush(b, host, "thousand", benchSpec(1000))
	for _, job := range []struct{ name, image, goal string }{
		{"3 rules by tag", small, "wall 0.6, RSS 0.75"},
		{"3 rules by digest", byDigest, "wall 0.6, RSS 0.75"},
		{"100 rules", hundred, ""},
		{"1000 rules", thousand, "wall 0.65, RSS 0.75"},
	} {
		row := benchRow{
			name: job.name, goal: job.goal,
			compat: benchCommand{
				name: "compat", argv: []string{compat, "validate-node", "--plain-http", "--image", job.image, "-o", "json"},
				codes: []int{0, 3, 4},
			},
			peer: benchCommand{
				name: "nfd", argv: []string{nfd, "compat", "validate-node", "--plain-http", "--image", job.image, "--output-json"},
				codes: []int{0},
			},
		}
		row.record(b, tools, host)
		rows = append(rows, row)
	}
	return rows
}

// benchPush pushes an image and attaches a spec to it with oras, so that the
// artifact is not compat's own. It returns the image by tag and by digest.
func benchPush(b *testing.B, host, name string, spec []byte) (byTag, byDigest string) {
	b.Helper()
	repository := integrationOpen(b, host+"/bench/"+name, integrationKinds()[0], auth.EmptyCredential)
	image := repository.image(b, "v1", name, ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH})
	byTag, byDigest = repository.name+":v1", repository.name+"@"+image.Digest.String()
	integrationOrasAttach(b, byTag, spec)
	return byTag, byDigest
}

// record finds out what each program asks the registry for, and lets the bare
// client ask for what compat does.
func (row *benchRow) record(b *testing.B, tools benchTools, host string) {
	b.Helper()
	recorder := benchRecord(b, host)
	ours := recorder.requests(b, tools, row.compat, host)
	theirs := recorder.requests(b, tools, row.peer, host)
	row.requests = fmt.Sprintf("%d / %d", len(ours), len(theirs))
	bare := tools.bareCommand(b, ours)
	row.bare = &bare
	b.Logf("%s: compat asks for\n%s", row.name, strings.Join(ours, ""))
}

// run lets the programs take turns, once unmeasured, and fills in the medians.
func (row *benchRow) run(b *testing.B, tools benchTools) {
	commands := []benchCommand{row.compat, row.peer}
	if row.bare != nil {
		commands = append(commands, *row.bare)
	}
	costs := make([][]benchCost, len(commands))
	round := func(keep bool) {
		for i, c := range commands {
			if cost := tools.run(b, c); keep {
				costs[i] = append(costs[i], cost)
			}
		}
	}
	round(false)
	for b.Loop() {
		round(true)
	}
	for len(costs[0]) < benchRounds {
		round(true)
	}
	ours, theirs := benchMedian(costs[0]), benchMedian(costs[1])
	b.ReportMetric(0, "ns/op") // the time of a round, and of the launcher
	b.ReportMetric(benchRatio(ours.wall, theirs.wall), "wall/nfd")
	b.ReportMetric(benchRatio(ours.cpu, theirs.cpu), "cpu/nfd")
	b.ReportMetric(benchRatio(ours.rss, theirs.rss), "rss/nfd")
	row.medians = fmt.Sprintf("%s | %s | **%.2f** | %s | %s | %.2f | %.1f | %.1f | **%.2f**",
		benchMS(ours.wall), benchMS(theirs.wall), benchRatio(ours.wall, theirs.wall),
		benchMS(ours.cpu), benchMS(theirs.cpu), benchRatio(ours.cpu, theirs.cpu),
		float64(ours.rss)/1024, float64(theirs.rss)/1024, benchRatio(ours.rss, theirs.rss))
	if row.bare == nil {
		row.medians += " | – | –"
		return
	}
	bare := benchMedian(costs[2])
	b.ReportMetric(benchRatio(ours.wall, bare.wall), "wall/bare")
	row.medians += fmt.Sprintf(" | %s | %.2f", benchMS(bare.wall), benchRatio(ours.wall, bare.wall))
}

func benchRatio[N int | time.Duration](a, b N) float64 { return float64(a) / float64(b) }

func benchMS(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}

// benchTable is the result in Markdown.
func benchTable(rows []benchRow) string {
	var t strings.Builder
	t.WriteString("| | compat ms | nfd ms | ratio | compat CPU ms | nfd CPU ms | ratio | compat MiB | nfd MiB | ratio | bare HTTP ms | compat/bare | requests | goal |\n")
	t.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, row := range rows {
		if row.medians == "" {
			continue // left out by -bench
		}
		fmt.Fprintf(&t, "| %s | %s | %s | %s |\n", row.name, row.medians, row.requests, row.goal)
	}
	fmt.Fprintf(&t, "\nMedians of at least %d alternating runs; %s/%s, %d CPUs, %s; registry olareg v0.1.2 on loopback; nfd v0.19.0.\n",
		benchRounds, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	t.WriteString("MiB is the peak resident memory. Bare HTTP: a Go program that makes the same requests as compat, one after the other.\n")
	return t.String()
}
