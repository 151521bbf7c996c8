package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
)

// collectTimeout is how long a cluster's snapshots may take.
const collectTimeout = 10 * time.Minute

func newCluster(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Collect snapshots of a cluster's nodes, without NFD",
	}
	group(cmd)
	cmd.AddCommand(newClusterSnapshot(a))
	return cmd
}

type clusterSnapshotFlags struct {
	image, dir, namespace, selector string
	nodes                           []string
	server                          apiserver.Options
	print, all                      bool
	output                          *format
}

func newClusterSnapshot(a *app) *cobra.Command {
	f := &clusterSnapshotFlags{}
	cmd := &cobra.Command{
		Use:   "snapshot --agent-image REF --output-dir DIR",
		Short: "Save a snapshot of each of a cluster's nodes",
		Long: `Run compat features on the Linux nodes of a cluster, once, and write what it prints
to DIR/NODE.json, which validate-cluster, validate-node and spec test read with
--features DIR. NFD need not be installed.

It runs in the Pods of a DaemonSet or, with --nodes, in a Pod for each of these: as
a user without rights, with a few directories of the host to read and none to write,
and without the credentials of a service account. What was created is deleted at
the end, also after Ctrl-C and when the time is over, for which it takes up to 30
seconds more. A second Ctrl-C ends it at once and leaves what is there.

The namespace is -n, or that of the kubeconfig's context; it must admit hostPath
volumes (Pod Security: privileged). --print shows the objects and the rights that it
takes, asks no cluster, and needs neither --agent-image nor --output-dir.

A file DIR/NODE.json that has a snapshot is replaced; any other file is left as it
is, and its node fails. Files of other nodes stay, and are named.

Exit codes: 0 there is a snapshot of every node that was asked for, 1 of some there
is none, or something is left in the cluster, 2 usage error.`,
		Example: `  compat cluster snapshot --agent-image example.com/compat --output-dir nodes
  compat cluster snapshot --agent-image example.com/compat --output-dir nodes \
    --nodes node-a,node-b -n tools
  compat cluster snapshot --print -n tools
  compat validate-cluster registry.example.com/app:1.2 --features nodes`,
		Args: noArgs,
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringVar(&f.image, "agent-image", "", "`reference` of an image whose entry point is compat, for all nodes' platforms")
	flags.StringVar(&f.dir, "output-dir", "", "`directory` to write to; it is made if it is not there")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "the `namespace` to run in (default: the kubeconfig's context's)")
	flags.StringVarP(&f.selector, "selector", "l", "", "only nodes with these `labels`: pool=gpu,zone!=a")
	flags.StringSliceVar(&f.nodes, "nodes", nil, "the `names` of the nodes, each of which gets a Pod (comma-separated)")
	serverFlags(cmd, &f.server)
	flags.BoolVar(&f.print, "print", false, "print the objects and the rights that it takes, and ask no cluster")
	flags.BoolVar(&f.all, "all", false, "with -o text, name all nodes")
	f.output = outputFlag(cmd, "text", "json", "yaml")
	timeoutFlag(cmd)
	allow(cmd, collectTimeout)
	excludes(cmd, "nodes", "selector")
	for _, name := range []string{"output-dir", "kubeconfig", "context", "output", "all"} {
		excludes(cmd, "print", name)
	}
	for _, name := range []string{"namespace", "kubeconfig"} {
		annotate(cmd, name, inHelp, []string{""})
	}
	cmd.PreRunE = func(*cobra.Command, []string) error { return f.check() }
	return cmd
}

// check refuses what can be seen to be wrong before anything is asked.
func (f *clusterSnapshotFlags) check() error {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	switch {
	case f.image == "" && !f.print:
		return usagef("--agent-image is missing: an image whose entry point is compat; `make image` makes one")
	case strings.ContainsFunc(f.image, odd):
		return usagef("--agent-image %q is no reference of an image", f.image)
	case f.dir == "" && !f.print:
		return usagef("--output-dir is missing")
	}
	for _, name := range f.nodes {
		if _, err := apiserver.NodePath(name); err != nil {
			return &usageError{err}
		}
	}
	if f.namespace != "" {
		if _, err := apiserver.InNamespace("v1", f.namespace, "pods"); err != nil {
			return &usageError{err}
		}
	}
	return nil
}

func (f *clusterSnapshotFlags) run(ctx context.Context, a *app) error {
	request, err := f.request(a)
	if err != nil {
		return err
	}
	if f.print {
		request.Namespace = cmp.Or(f.namespace, "default")
		manifests, err := compat.ClusterSnapshotManifests(request)
		if err == nil {
			_, err = a.out.Write(manifests)
		}
		return err
	}
	client, err := a.apiServer(f.server)
	if err != nil {
		return err
	}
	defer client.Close()
	request.Namespace = cmp.Or(f.namespace, client.Namespace())
	dir, err := openSnapshotDir(f.dir)
	if err != nil {
		return &usageError{err}
	}
	defer dir.close()
	request.Write = dir.write
	result := compat.SnapshotCluster(ctx, client, request)
	result.OtherFiles = append(result.OtherFiles, dir.others()...)
	return f.answer(a, result)
}

func (f *clusterSnapshotFlags) request(a *app) (r compat.ClusterSnapshotRequest, err error) {
	r = compat.ClusterSnapshotRequest{Image: f.image, Nodes: f.nodes, Lives: cmp.Or(a.timeout, collectTimeout), Clock: a.now, Logger: a.logger()}
	if r.Now, err = a.timestamp(); err != nil {
		return r, err
	}
	r.Selector, err = selector("-l", f.selector)
	return r, err
}

// answer prints the report, and on standard error what ended it, what failed first and what is
// left.
func (f *clusterSnapshotFlags) answer(a *app, r *report.SnapshotReport) error {
	var failed *report.Error
	for i := range r.Nodes {
		if e := r.Nodes[i].Error; e != nil {
			addHint(e)
			if failed == nil {
				failed = &report.Error{Code: e.Code, Message: fmt.Sprintf("%d of %d nodes failed: %s: %s", r.Summary.Failed, r.Summary.Nodes, r.Nodes[i].Name, e.Message), Hint: e.Hint}
			}
		}
	}
	for _, e := range []*report.Error{r.Error, r.Leftover, failed} {
		a.noteErrors(nil, e)
	}
	if err := a.print(f.output, r, output.Style{All: f.all}); err != nil {
		return err
	}
	if r.Error != nil && r.Leftover != nil && !a.textSaysIt(f.output) {
		a.explain(r.Leftover)
	}
	return a.conclude(f.output, documentCode(r), output.SummaryLine(r))
}
