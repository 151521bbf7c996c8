package main

import (
	"context"
	"iter"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"

	"nodecompat/compat"
	"nodecompat/compat/manifest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// fleetMemoryLimit is the manyLimit for many images, too, whose results alone take a quarter of it.
const fleetMemoryLimit = 800 << 20

// clusterTimeout is how long a cluster may take.
const clusterTimeout = 5 * time.Minute

type validateClusterFlags struct {
	registryFlags
	countFlags
	images, specs, files, secrets []string
	features                      []string
	server                        apiserver.Options
	live                          compat.ClusterOptions
	whatIf                        string
	changes                       compat.Changes
	api                           kubelet.APIOptions
	require                       choices
	noImages, all                 bool
	allPods, verifyLabels         bool
	namespace                     string
	minNodes                      int
	unopened                      error // why a file of features cannot be opened
	output                        *format
}

func newValidateCluster(a *app) *cobra.Command {
	f := &validateClusterFlags{
		require: choices{allowed: []string{nativeSidecars, gpuDriver}},
	}
	cmd := &cobra.Command{
		Use:   "validate-cluster (IMAGE... | -f FILE... | --spec FILE...)",
		Short: "Check on which nodes of a cluster images or workloads run",
		Long: `Read the Node and NodeFeature objects of a cluster (or, with --features, saved ones),
judge on each node what images or workloads need, and print on how many nodes they
run, why not on the others, and what would make more nodes fit.

Each workload of the files is judged by itself, on the nodes that the scheduler
considers for it: by nodeSelector, node affinity, taints and cordons. Images and
specs of the command line are judged together, as one Pod, on the nodes that are
ready, not cordoned and without taints; specs beside files, as a need of each of
their workloads. All workloads must pass; one passes when
--min-nodes nodes run it.

With --all-pods all that runs is judged, each workload on the nodes that it runs on,
all of which must fit; with --set, --unset and --add-device on nodes as they would
be after a planned change: which Pods would break?

The cluster is that of --kubeconfig, of $KUBECONFIG, or the one that this runs in.
It takes the right to list nodes and nodefeatures.nfd.k8s-sigs.io; nothing is
written. What is saved with kubectl get nodes,nodefeatures -A -o json, or with
compat features on each node, gives the same report with --features.

Exit codes: 0 compatible, 3 incompatible, 4 unknown, 1 failure, 2 usage error.`,
		Example: `  compat validate-cluster registry.example.com/app:1.2 -o text
  compat validate-cluster -f deploy.yaml -l pool=gpu --min-nodes 3
  compat validate-cluster --spec spec.yaml --features nodes/
  compat validate-cluster --all-pods --set kernel.version.full=6.12.0
  compat validate-cluster --verify-labels --kubeconfig prod.yaml --context prod`,
		Args:              alsoFlag(&f.images),
		ValidArgsFunction: completeImage(false),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringArrayVar(&f.images, "image", nil, "`reference` of an image (repeatable), as an argument is: "+imageForm)
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "manifest `file`, directory or pattern (repeatable); - is standard input")
	flags.StringArrayVar(&f.specs, "spec", nil, "judge this spec or NodeFeatureGroup `file` (repeatable); - is standard input")
	secretsFlag(cmd, &f.secrets)
	flags.BoolVar(&f.noImages, "no-images", false, "do not look at the images")
	flags.BoolVar(&f.allPods, "all-pods", false, "judge all that runs, each workload on the nodes that it runs on")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "with --all-pods, only what runs in this `namespace`")
	flags.BoolVar(&f.verifyLabels, "verify-labels", false, "compare the nodes' labels with what nfd-master should make of the cluster's NodeFeatureRule objects")
	f.addCluster(cmd)
	addChanges(cmd, &f.changes)
	flags.StringVar(&f.whatIf, "what-if-selector", "", "make the changes of a what-if on the nodes with these `labels` only, as -l takes them")
	f.countFlags.add(cmd)
	flags.Var(&f.require, "require", "make this part of the verdict")
	complete(cmd, "require", f.require.allowed...)
	flags.IntVar(&f.minNodes, "min-nodes", 1, "how many `nodes` must run a workload")
	flags.BoolVar(&f.all, "all", false, "with -o text, show all groups and changes")
	f.output = outputFlag(cmd, "json", "yaml", "text", "markdown")
	f.registryFlags.add(cmd)
	f.layoutFlag(cmd)
	allow(cmd, clusterTimeout)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: each node's)")
	f.addTrust(cmd)
	excludes(cmd, "filename", "image")
	excludes(cmd, "filename", "oci-layout")
	needs(cmd, "no-images", "filename", "all-pods")
	needs(cmd, "namespace", "all-pods")
	for _, name := range []string{"filename", "image", "spec", "features", "min-nodes"} {
		excludes(cmd, "all-pods", name)
	}
	needs(cmd, "pull-secret", "filename", "all-pods")
	needs(cmd, "what-if-selector", "set", "unset", "add-device")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case len(f.images)+len(f.specs)+len(f.files) == 0 && !f.allPods && !f.verifyLabels && !f.require.has(nativeSidecars):
			return usagef("nothing to validate: give IMAGE, -f FILE, --spec FILE, --all-pods or --verify-labels")
		case (len(f.files) > 0 || f.allPods) && len(f.images) > 0:
			return usagef("give images, -f FILE or --all-pods, and just one of them")
		case f.minNodes < 1:
			return usagef("--min-nodes must be at least 1")
		case len(f.images)+len(f.files) == 0 && !f.allPods:
			return without(cmd, "an image", ofImages...)
		}
		return nil
	}
	return cmd
}

// addCluster adds what says which nodes are read, and from where.
func (f *validateClusterFlags) addCluster(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.features, "features", nil, "read the nodes from this `file`, directory or pattern (repeatable) instead of a cluster; - is standard input")
	serverFlags(cmd, &f.server)
	flags.StringVarP(&f.live.Selector, "selector", "l", "", "only nodes with these `labels`: pool=gpu,zone!=a")
	flags.StringVar(&f.live.Namespace, "nfd-namespace", "", "the `namespace` of nfd-master (default: that of its Lease), where NodeFeature objects in several describe a node")
	flags.BoolVar(&f.live.Consistent, "consistent", false, "read what the API server's store has, not its cache, which may be older by moments and costs it much less")
	flags.StringVar(&f.api.Version, "api-version", "", "the API server's `version` (default: what it says)")
	flags.StringVar(&f.api.FeatureGates, "api-feature-gates", "", "the API server's feature gates, `A=true,B=false`")
	for _, name := range []string{"kubeconfig", "context", "consistent", "verify-labels"} {
		excludes(cmd, "features", name)
	}
}

func (f *validateClusterFlags) run(ctx context.Context, a *app) error {
	request, err := f.request(ctx, a)
	if err != nil {
		report := report.NewClusterReport(request.Now, err)
		return a.failed(f.output, report, report.Error, err)
	}
	if len(f.features) == 0 {
		debug.SetMemoryLimit(manyLimit)
		debug.SetGCPercent(45) // a server sends more slowly than this collects
	} else {
		debug.SetMemoryLimit(fleetMemoryLimit)
	}
	report, err := compat.ValidateCluster(ctx, request)
	switch {
	case err != nil:
		return &usageError{err}
	case f.unopened != nil:
		return f.unopened
	}
	a.noteErrors(nil, report.Error)
	a.explainChanges(f.output, report.Warnings)
	if err := a.print(f.output, report, output.Style{All: f.all}); err != nil {
		return err
	}
	return a.conclude(f.output, documentCode(report), output.SummaryLine(report))
}

// request turns flags into what is asked.
func (f *validateClusterFlags) request(ctx context.Context, a *app) (r compat.ClusterRequest, err error) {
	if r.Now, err = a.timestamp(); err != nil {
		return r, err
	}
	if r.Selector, err = selector("-l", f.live.Selector); err != nil {
		return r, err
	}
	if r.WhatIf, err = selector("--what-if-selector", f.whatIf); err != nil {
		return r, err
	}
	if err = f.read(ctx, a, &r); err != nil {
		return r, err
	}
	if r.Registry, err = f.options(ctx, a); err != nil {
		return r, err
	}
	if r.Registry.PullSecrets, err = pullSecrets(ctx, a, f.secrets); err != nil {
		return r, err
	}
	r.Images, r.Platform, r.Tags, r.Missing, r.Strict = f.images, f.platform.value, f.tags, verdict.Verdict(f.missing.value), f.strict
	r.RequireSidecars, r.RequireGPU = f.require.has(nativeSidecars), f.require.has(gpuDriver)
	r.Changes, r.MinNodes, r.NoImages = f.changes, f.minNodes, f.noImages
	r.Reserve = min(a.timeout/10, time.Second)
	if len(f.features) > 0 {
		r.Cluster.NFDNamespace = f.live.Namespace
		r.Nodes = func(o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] { return f.saved(ctx, a, o) }
	} else if err = f.open(ctx, a, &r); err != nil {
		return r, err
	}
	if f.api.Version+f.api.FeatureGates+string(f.api.VersionInfo.Data) != "" {
		if r.API, err = kubelet.ReadAPI(f.api); err != nil {
			return r, &usageError{err}
		}
		r.Cluster.Version = r.API.Version.Value
	}
	return r, nil
}

// read reads the manifests and specs.
func (f *validateClusterFlags) read(ctx context.Context, a *app, r *compat.ClusterRequest) error {
	names, err := manifest.Find(f.files)
	if err != nil {
		return &usageError{err}
	}
	if r.Manifests, err = a.readFiles(ctx, names, manifest.MaxSize); err != nil {
		return err
	}
	r.Files, err = a.readFiles(ctx, f.specs, spec.MaxSize)
	return err
}

// open opens the cluster of the kubeconfig.
func (f *validateClusterFlags) open(ctx context.Context, a *app, r *compat.ClusterRequest) error {
	client, err := a.apiServer(f.server)
	if err != nil {
		return err
	}
	live, err := compat.OpenCluster(ctx, client, f.live)
	if err != nil {
		return err
	}
	if f.api.Version == "" && live.Version != nil {
		f.api.VersionInfo = kubelet.Document{Name: live.Cluster.Server + "/version", Data: live.Version}
	}
	r.Cluster, r.Nodes = live.Cluster, live.Nodes
	if f.allPods {
		r.Pods, r.Namespace = live.Pods, f.namespace
	}
	if f.verifyLabels {
		r.LabelRules = live.Rules
	}
	return nil
}

// saved reads the nodes of --features.
func (f *validateClusterFlags) saved(ctx context.Context, a *app, o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
	return func(yield func(nodefeatures.Loaded, error) bool) {
		names, err := manifest.Find(f.features)
		if err != nil {
			f.unopened = &usageError{err}
			yield(nodefeatures.Loaded{}, f.unopened)
			return
		}
		o.Namespace = f.live.Namespace
		for loaded, err := range a.loadFiles(ctx, names, o) {
			f.unopened = err
			if !yield(loaded, err) {
				return
			}
		}
	}
}

// selector reads a selector of labels; nil for "".
func selector(flag, text string) (labels.Selector, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // which chooses all
	}
	s, err := labels.Parse(text)
	if err != nil {
		return nil, usagef("%s %s: %v", flag, text, err)
	}
	return s, nil
}
