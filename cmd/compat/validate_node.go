package main

import (
	"cmp"
	"context"
	"iter"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

type validateNodeFlags struct {
	judgeFlags
	images, specs []string
	artifact      digestFlag
	require       choices
	all, anyNode  bool
	output        *format
}

func newValidateNode(a *app) *cobra.Command {
	f := &validateNodeFlags{require: choices{allowed: []string{nativeSidecars, gpuDriver}}}
	cmd := &cobra.Command{
		Use:   "validate-node (IMAGE... | --spec FILE... | --require WHAT)",
		Short: "Check whether this node has what images need",
		Long: `Fetch the compatibility specs of images, detect the features of this node that
their rules name, evaluate the rules with NFD's own evaluator, and print a report.

A rule needs all of its matchFeatures and one of its matchAny. A set needs ALL of
its rules. An image needs ANY ONE of its sets; the compatible set with the highest
weight is the best and its weight the node's score. Several images: all of them.
(A NodeFeatureGroup object given with --spec has the meaning that it has in a
cluster: ANY of its rules. Do not copy a set's rules into one.)

An image that asks for NVIDIA GPUs is also judged by its NVIDIA_REQUIRE_* variables,
artifact or not: a driver that is too old for it makes it incompatible. What is not
known of the driver is a warning, and unknown with --require gpu-driver.

Exit codes: 0 compatible, 3 incompatible, 4 unknown (nothing attached, or facts
that could not be read), 1 failure, 2 usage error. Standard output holds one JSON
document, except after a usage error.

With several nodes (--features repeated, or a list) the report is a list with a
summary: how many are compatible and, by reason, how many are not, whatever each
of them has instead. With -o ndjson there is a report on each line instead.

--set, --unset and --add-device ask what if the node were another one. A feature
that this NFD does not have is a usage error; an element, attribute or value that
it does not publish is a warning, in the report and on standard error.`,
		Example: `  compat validate-node registry.example.com/app:1.2
  compat validate-node registry.example.com/app:1.2 -o text
  compat validate-node --spec spec.yaml --features node-a.json
  compat validate-node --require native-sidecars --kubelet-version v1.34.2`,
		Args:              alsoFlag(&f.images),
		ValidArgsFunction: completeImage(false),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringArrayVar(&f.images, "image", nil, "`reference` of an image (repeatable), as an argument is: "+imageForm)
	flags.StringArrayVar(&f.specs, "spec", nil, "judge this spec or NodeFeatureGroup `file` (repeatable); - is standard input")
	flags.Var(&f.artifact, "artifact", "use the compatibility artifact with this `digest`, not the newest")
	flags.Var(&f.require, "require", "make this part of the verdict")
	complete(cmd, "require", f.require.allowed...)
	flags.BoolVar(&f.all, "all", false, "with -o text, show what holds as well, and each of many nodes")
	f.output = outputFlag(cmd, "json", "yaml", "text", "ndjson", "markdown", "predicate")
	flags.BoolVar(&f.anyNode, "any-node", false, "of several nodes, let the best decide instead of all")
	f.layoutFlag(cmd)
	f.addJudging(cmd)
	needs(cmd, "any-node", "features")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if len(f.images)+len(f.specs) == 0 && !f.require.has(nativeSidecars) {
			return usagef("nothing to validate: give IMAGE, --spec FILE or --require %s", nativeSidecars)
		}
		switch {
		case len(f.images)+len(f.specs) == 0:
			return without(cmd, "an image or a spec", append(ofImages, "tags")...)
		case len(f.images) == 0:
			return without(cmd, "an image", ofImages...)
		}
		return nil
	}
	return cmd
}

func (f *validateNodeFlags) run(ctx context.Context, a *app) error {
	if err := f.output.check(); err != nil {
		return err
	}
	request, err := f.request(ctx, a)
	if err != nil {
		report := report.NewNodeReport(request.Now, err)
		return a.failed(f.output, report, report.Error, err)
	}
	if len(f.features) > 0 {
		return f.runSaved(ctx, a, request)
	}
	report, err := compat.ValidateNode(ctx, request)
	if err != nil {
		return &usageError{err}
	}
	return f.conclude(a, report)
}

// conclude prints the report on one node.
func (f *validateNodeFlags) conclude(a *app, report *report.NodeReport) error {
	a.noteErrors(report.Images, report.Error)
	a.explainChanges(f.output, report.Warnings)
	err := a.print(f.output, report, output.Style{All: f.all})
	if err != nil {
		return err
	}
	return a.conclude(f.output, documentCode(report), output.SummaryLine(report))
}

// runSaved judges the nodes of --features: one is reported like this host,
// several as a list, or as a line each.
func (f *validateNodeFlags) runSaved(ctx context.Context, a *app, request compat.NodeRequest) error {
	items := output.NewItems(output.Format(f.output.value))
	var first *report.NodeReport
	n := 0
	saved := func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		return f.savedNodes(ctx, a, features)
	}
	all, err := compat.ValidateNodes(ctx, request, saved, func(r *report.NodeReport) error {
		a.noteErrors(r.Images, r.Error)
		a.explainChanges(f.output, r.Warnings)
		if n++; f.output.value == string(output.FormatNDJSON) {
			return a.print(f.output, r, output.Style{})
		}
		first = cmp.Or(first, r)
		return items.Add(r)
	})
	switch {
	case compat.IsUsage(err):
		return &usageError{err}
	case err != nil:
		return err
	case n == 1 && first != nil:
		return f.conclude(a, first)
	case f.output.isPredicate():
		return usagef("-o predicate is of one node, and --features holds %d", n)
	}
	list := all.List(request.Now, nil)
	if f.output.value != string(output.FormatNDJSON) {
		style := a.style(a.outIsTerm)
		style.All = f.all
		if err := items.Write(a.out, list, style); err != nil {
			return err
		}
	}
	return a.conclude(f.output, verdictCode(list.Verdict, all.Failed), output.SummaryLine(list))
}

// request turns flags into what is asked.
func (f *validateNodeFlags) request(ctx context.Context, a *app) (compat.NodeRequest, error) {
	now, err := a.timestamp()
	if err != nil {
		return compat.NodeRequest{}, err
	}
	files, err := a.readFiles(ctx, f.specs, spec.MaxSize)
	if err != nil {
		return compat.NodeRequest{Now: now}, err
	}
	r, err := f.judging(ctx, a)
	r.Files, r.Images, r.Artifact = files, f.images, f.artifact.value
	r.RequireSidecars, r.RequireGPU, r.AnyNode = f.require.has(nativeSidecars), f.require.has(gpuDriver), f.anyNode
	return r, err
}

// What --require takes.
const (
	nativeSidecars = "native-sidecars"
	gpuDriver      = "gpu-driver"
)
