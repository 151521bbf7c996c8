package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

type validateNodeFlags struct {
	registryFlags
	nodeFlags
	images, specs, tags []string
	artifact            digestFlag
	missing             choice
	strict              bool
	require             requirement
	features            string
	all                 bool
	output              *format
}

func newValidateNode(a *app) *cobra.Command {
	f := &validateNodeFlags{missing: choice{"unknown", []string{"unknown", "compatible", "incompatible"}}}
	cmd := &cobra.Command{
		Use:   "validate-node (--image REF... | --spec FILE... | --require native-sidecars)",
		Short: "Check whether this node has what images need",
		Long: `Fetch the compatibility specs of images, detect the features of this node that
their rules name, evaluate the rules with NFD's own evaluator, and print a report.

A rule needs all of its matchFeatures and one of its matchAny. A set needs ALL of
its rules. An image needs ANY ONE of its sets; the compatible set with the highest
weight is the best and its weight the node's score. Several images: all of them.
(A NodeFeatureGroup object given with --spec has the meaning that it has in a
cluster: ANY of its rules. Do not copy a set's rules into one.)

Exit codes: 0 compatible, 3 incompatible, 4 unknown (nothing attached, or facts
that could not be read), 1 failure, 2 usage error. Standard output holds one JSON
document, except after a usage error.`,
		Example: `  compat validate-node --image registry.example.com/app:1.2
  compat validate-node --image registry.example.com/app:1.2 -o text
  compat validate-node --spec spec.yaml --features node-a.json
  compat validate-node --require native-sidecars --kubelet-version v1.34.2`,
		Args: noArgs,
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringArrayVar(&f.images, "image", nil, "`reference` of an image (repeatable): host[:port]/repo[:tag][@digest]")
	flags.StringArrayVar(&f.specs, "spec", nil, "judge this spec or NodeFeatureGroup `file` (repeatable); - is standard input")
	flags.StringSliceVar(&f.tags, "tags", nil, "judge only the sets with one of these `tag`s (comma-separated)")
	flags.Var(&f.artifact, "artifact", "use the compatibility artifact with this `digest`, not the newest")
	flags.Var(&f.missing, "missing", "the verdict on an image without a compatibility artifact")
	complete(cmd, "missing", f.missing.allowed...)
	flags.BoolVar(&f.strict, "strict", false, "a fact that could not be read makes its rule incompatible")
	flags.Var(&f.require, "require", "make this part of the verdict: native-sidecars")
	complete(cmd, "require", nativeSidecars)
	flags.StringVar(&f.features, "features", "", "judge the node in this snapshot `file` instead of this host; - is standard input")
	flags.BoolVar(&f.all, "all", false, "with -o text, show what holds as well")
	f.output = outputFlag(cmd, "json", "yaml", "text")
	f.nodeFlags.add(cmd)
	f.registryFlags.add(a, cmd)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: the node's)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(f.images)+len(f.specs) == 0 && !f.require.sidecars {
			return usagef("nothing to validate: give --image, --spec or --require")
		}
		return nil
	}
	cmd.MarkFlagsMutuallyExclusive("features", "host-root")
	return cmd
}

func (f *validateNodeFlags) run(ctx context.Context, a *app) error {
	request, err := f.request(ctx, a)
	if err != nil {
		return err
	}
	report, err := compat.ValidateNode(ctx, request)
	if err != nil {
		return &usageError{err}
	}
	for i := range report.Images {
		if e := report.Images[i].Error; e != nil {
			addHint(e)
		}
	}
	if report.Error != nil {
		addHint(report.Error)
		a.explain(report.Error)
	}
	err = a.print(f.output, report, func(w io.Writer) error {
		return report.WriteText(w, compat.Style{Color: a.color(), All: f.all})
	})
	if err != nil {
		return err
	}
	if a.errIsTerm && !a.outIsTerm {
		fmt.Fprintln(a.err, report.Summary())
	}
	return exitWith(verdictCode(report.Verdict, report.Error != nil))
}

// request turns flags into what is asked.
func (f *validateNodeFlags) request(ctx context.Context, a *app) (r compat.NodeRequest, err error) {
	r = compat.NodeRequest{
		Images:          f.images,
		Platform:        f.platform.value,
		Artifact:        f.artifact.value,
		Tags:            f.tags,
		Missing:         compat.Verdict(f.missing.value),
		Strict:          f.strict,
		RequireSidecars: f.require.sidecars,
		Reserve:         min(a.timeout/10, time.Second),
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
	for _, name := range f.specs {
		data, err := a.readFile(ctx, name, spec.MaxSize)
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, compat.SpecFile{Name: name, Data: data})
	}
	r.Discovery = f.discovery(a)
	if f.features != "" {
		r.SnapshotFile = f.features
		r.Snapshot, err = f.snapshot(ctx, a)
	}
	return r, err
}

// snapshot loads the one node of --features.
func (f *validateNodeFlags) snapshot(ctx context.Context, a *app) (*nodefeatures.Snapshot, error) {
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

const nativeSidecars = "native-sidecars"

// requirement is the typed value of --require.
type requirement struct{ sidecars bool }

func (r *requirement) Type() string { return nativeSidecars }

func (r *requirement) String() string {
	if r.sidecars {
		return nativeSidecars
	}
	return ""
}

func (r *requirement) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		if word != nativeSidecars {
			return fmt.Errorf("must be %s", nativeSidecars)
		}
		r.sidecars = true
	}
	return nil
}
