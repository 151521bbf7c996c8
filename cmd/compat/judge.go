package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/nodefeatures"
)

// judgeFlags are what validate-node and validate-pod share: how to reach images,
// what the node is, and what counts.
type judgeFlags struct {
	registryFlags
	nodeFlags
	tags     []string
	missing  choice
	strict   bool
	features string
}

func (f *judgeFlags) addJudging(a *app, cmd *cobra.Command) {
	f.missing = choice{"unknown", []string{"unknown", "compatible", "incompatible"}}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.tags, "tags", nil, "judge only the sets with one of these `tag`s (comma-separated)")
	flags.Var(&f.missing, "missing", "the verdict on an image without a compatibility artifact")
	complete(cmd, "missing", f.missing.allowed...)
	flags.BoolVar(&f.strict, "strict", false, "a fact that could not be read makes its rule incompatible")
	flags.StringVar(&f.features, "features", "", "judge the node in this snapshot `file` instead of this host; - is standard input")
	f.nodeFlags.add(cmd)
	f.registryFlags.add(a, cmd)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: the node's)")
	cmd.MarkFlagsMutuallyExclusive("features", "host-root")
}

// judging turns the flags into what is asked, images aside.
func (f *judgeFlags) judging(ctx context.Context, a *app) (r compat.NodeRequest, err error) {
	r = compat.NodeRequest{
		Platform: f.platform.value,
		Tags:     f.tags,
		Missing:  compat.Verdict(f.missing.value),
		Strict:   f.strict,
		Reserve:  min(a.timeout/10, time.Second),
	}
	if slices.Contains(f.tags, "") {
		return r, usagef("--tags has an empty tag")
	}
	if r.Now, err = a.timestamp(); err != nil {
		return r, err
	}
	if r.Registry, err = f.options(ctx, a); err != nil {
		return r, err
	}
	if r.Kubelet, err = f.kubelet(ctx, a); err != nil {
		return r, err
	}
	r.Discovery = f.discovery(a)
	if f.features != "" {
		r.SnapshotFile = f.features
		r.Snapshot, err = f.snapshot(ctx, a)
	}
	return r, err
}

// snapshot loads the one node of --features.
func (f *judgeFlags) snapshot(ctx context.Context, a *app) (*nodefeatures.Snapshot, error) {
	data, err := a.readFile(ctx, f.features, nodefeatures.MaxSize)
	if err != nil {
		return nil, err
	}
	snapshots, err := nodefeatures.Load(data)
	if err != nil {
		return nil, &usageError{fmt.Errorf("reading the features of %s: %w", f.features, err)}
	}
	if len(snapshots) != 1 {
		return nil, usagef("%s holds %d nodes; give one", f.features, len(snapshots))
	}
	return snapshots[0], nil
}

// explainErrors gives the errors of a report their hints, and says the first to a
// person.
func (a *app) explainErrors(images []compat.Image, first *compat.Error) {
	for i := range images {
		if e := images[i].Error; e != nil {
			addHint(e)
		}
	}
	if first != nil {
		addHint(first)
		a.explain(first)
	}
}

// conclude ends a command that printed a report: a line for the person whose
// standard output goes elsewhere, and the exit code.
func (a *app) conclude(verdict compat.Verdict, failed *compat.Error, summary string) error {
	if a.errIsTerm && !a.outIsTerm {
		fmt.Fprintln(a.err, summary)
	}
	return exitWith(verdictCode(verdict, failed != nil))
}
