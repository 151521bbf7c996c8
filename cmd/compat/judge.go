package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// judgeFlags are what validate-node and validate-pod share: how to reach images,
// what the node is, and what counts.
type judgeFlags struct {
	registryFlags
	nodeFlags
	countFlags
	features []string
	changes  compat.Changes
	runtime  runtimeFlag

	nfdNamespace string
}

// countFlags say what counts.
type countFlags struct {
	tags    []string
	missing choice
	strict  bool
}

func (f *countFlags) add(cmd *cobra.Command) {
	f.missing = choice{"unknown", []string{"unknown", "compatible", "incompatible"}}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.tags, "tags", nil, "judge only the sets with one of these `tag`s (comma-separated)")
	flags.Var(&f.missing, "missing", "the `verdict` on an image without a compatibility artifact: unknown, compatible, incompatible")
	complete(cmd, "missing", f.missing.allowed...)
	flags.BoolVar(&f.strict, "strict", false, "a fact that could not be read makes its rule incompatible")
}

func (f *judgeFlags) addJudging(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.countFlags.add(cmd)
	f.addSaved(cmd, "judge the nodes in this snapshot `file`, directory or pattern (repeatable) instead of this host; - is standard input")
	addChanges(cmd, &f.changes)
	f.nodeFlags.add(cmd)
	f.addCluster(cmd)
	asks := []string{"node"}
	if cmd.Flags().Lookup(dryRun) != nil {
		asks = append(asks, dryRun)
	}
	needs(cmd, "kubeconfig", asks...)
	needs(cmd, "context", asks...)
	f.registryFlags.add(cmd)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: the node's)")
	f.addTrust(cmd)
	flags.Var(&f.runtime, "runtime", "the node's container `runtime`, containerd://2.1.4: which manifest of an index it pulls (default: what the Node object of --node-file or --node says; --platform comes before it)")
	complete(cmd, "runtime", "containerd://", "cri-o://", "docker://")
	excludes(cmd, "features", "host-root")
	excludes(cmd, "features", "node-name")
}

// addSaved adds --features, and what tells how those are read.
func (f *judgeFlags) addSaved(cmd *cobra.Command, usage string) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.features, "features", nil, usage)
	flags.StringVar(&f.nfdNamespace, "nfd-namespace", "", "the `namespace` of nfd-master, where NodeFeature objects in several describe a node")
	needs(cmd, "nfd-namespace", "features")
}

// judging turns the flags into what is asked, images aside.
func (f *judgeFlags) judging(ctx context.Context, a *app) (r compat.NodeRequest, err error) {
	r = compat.NodeRequest{
		Platform: f.platform.value,
		Runtime:  f.runtime.value,
		Tags:     f.tags,
		Missing:  verdict.Verdict(f.missing.value),
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
	if r.API, err = f.cluster(ctx, a, &r.Kubelet); err != nil {
		return r, err
	}
	r.Discovery, r.Changes = f.discovery(a), f.changes
	return r, nil
}

// savedNodes reads the snapshots of --features, file by file, with the
// features that features names for a node; nil names all.
func (f *judgeFlags) savedNodes(ctx context.Context, a *app, features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
	return func(yield func(compat.SavedNode, error) bool) {
		names, err := manifest.Find(f.features)
		if err != nil {
			yield(compat.SavedNode{}, &usageError{err})
			return
		}
		count := 0
		for _, name := range names {
			found := false
			for loaded, err := range a.loadFiles(ctx, []string{name}, nodefeatures.LoadOptions{Features: features, Namespace: f.nfdNamespace}) {
				if loaded.Notes != nil {
					continue
				}
				if count++; count == 2 {
					debug.SetMemoryLimit(manyLimit)
				}
				node := compat.SavedNode{File: name, Snapshot: loaded.Snapshot, Err: loaded.Err}
				if ended := ctx.Err(); ended != nil && node.Err != nil {
					node.Err = ended
					yield(node, err)
					return
				}
				if found = true; !yield(node, err) {
					return
				}
			}
			if !found && !yield(compat.SavedNode{File: name, Err: errNoNode}, nil) {
				return
			}
		}
	}
}

// errNoNode is of a file without a node.
var errNoNode = errors.New("it holds no node")

// savedNode reads the one snapshot of --features, for a command that judges one
// node.
func (f *judgeFlags) savedNode(ctx context.Context, a *app, r *compat.NodeRequest) error {
	for node, err := range f.savedNodes(ctx, a, nil) {
		switch {
		case err != nil:
			return err
		case r.Snapshot != nil:
			return usagef("--features holds several nodes; give one")
		case node.Err != nil:
			return &compat.SnapshotError{File: node.File, Err: node.Err}
		}
		r.Snapshot, r.SnapshotFile = node.Snapshot, node.File
	}
	return nil
}

// noteErrors gives the errors of a report their hints, and remembers the first of a run.
func (a *app) noteErrors(images []report.Image, first *report.Error) {
	for i := range images {
		if e := images[i].Error; e != nil {
			addHint(e)
		}
	}
	if first != nil {
		addHint(first)
		a.failure = cmp.Or(a.failure, first)
	}
}

// conclude ends a command that printed a report: what its reader on a terminal has not seen
// yet, which is the error and, where standard output goes elsewhere, one line on the
// report; and the exit code.
func (a *app) conclude(f *format, code int, summary string) error {
	if a.failure != nil && !a.textSaysIt(f) {
		a.explain(a.failure)
	}
	if a.errIsTerm && !a.outIsTerm {
		fmt.Fprintln(a.err, summary)
	}
	return exitWith(code)
}
