package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/manifest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

type placeFlags struct {
	registryFlags
	files, specs, secrets, tags []string
	noImages, patch, check      bool
	server                      apiserver.Options
	output                      *format
}

func newPlace(a *app) *cobra.Command {
	f := &placeFlags{}
	cmd := &cobra.Command{
		Use:   "place [FILE...]",
		Short: "Print what keeps workloads on nodes that have what they need",
		Long: `Read workloads and print them with a nodeSelector, together with NodeFeatureRule
objects by which NFD's nfd-master labels the nodes that have what the images need.
The scheduler does the rest. The rules are those of the specs attached to the images,
and of --spec. Operating system and architectures of the images become node affinity,
weights of the specs preferred terms. All else in the workloads keeps its bytes, and
what an earlier run wrote is replaced: a second run changes nothing.

FILE may be a directory, a pattern, or - for standard input, which is also read
without a FILE; -f FILE is the same. A ResourceList on standard input is changed
as a function of Kubernetes' resource model changes it.

With --patch, a strategic merge patch for each workload is printed in its place.
With --check, a cluster is asked whether it has the rules, on how many nodes
nfd-master has set the labels, and whether a Pod or Job exists that cannot be
changed; nothing is written.

Exit codes: 0 printed; 3 a spec, a rule of it or a manifest cannot be translated, or
the images of a Pod have no platform in common; 4 with a trust policy, more is attached
than is looked at; 1 failure, 2 usage error. With --check: 0 the rules are there and
nodes are labelled, 3 rules are missing or others, 4 no node is labelled yet, there is
no workload, or it could not be found out.`,
		Example: `  compat place -f deploy.yaml | kubectl apply -f -
  helm template chart | compat place | kubectl apply -f -
  compat place -f deploy.yaml --patch > patch.yaml
  compat place -f deploy.yaml --check -o text`,
		Args: alsoFlag(&f.files),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "manifest `file`, directory or pattern (repeatable), as an argument is; - is standard input")
	flags.StringArrayVar(&f.specs, "spec", nil, "every workload needs what this spec or NodeFeatureGroup `file` says as well (repeatable)")
	flags.StringSliceVar(&f.tags, "tags", nil, "take only the sets with one of these `tag`s (comma-separated)")
	secretsFlag(cmd, &f.secrets)
	flags.BoolVar(&f.noImages, "no-images", false, "do not look at the images")
	flags.BoolVar(&f.patch, "patch", false, "print patches in place of the workloads")
	flags.BoolVar(&f.check, "check", false, "ask the cluster whether it has the rules and labels")
	serverFlags(cmd, &f.server)
	f.output = outputFlag(cmd, "json", "yaml", "text")
	f.add(cmd)
	f.addTrust(cmd)
	for _, name := range []string{"kubeconfig", "context", "output"} {
		needs(cmd, name, "check")
	}
	for _, name := range []string{"filename", "tags", "kubeconfig"} {
		annotate(cmd, name, inHelp, []string{""})
	}
	excludes(cmd, "patch", "check")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if len(f.files) == 0 && a.inIsTerm {
			return usagef("FILE is missing: give a manifest, a directory of them, or - for standard input")
		}
		return nil
	}
	return cmd
}

func (f *placeFlags) run(ctx context.Context, a *app) error {
	request, err := f.request(ctx, a)
	if err != nil {
		return err
	}
	if f.check {
		return f.ask(ctx, a, request)
	}
	placed, err := compat.Place(ctx, request)
	if err != nil {
		return err
	}
	for _, w := range placed.Warnings {
		a.warn(w)
	}
	_, err = a.out.Write(placed.Output)
	return err
}

// warn tells a person, on standard error.
func (a *app) warn(w verdict.Reason) {
	fmt.Fprintf(a.err, "compat: warning: %s\n", output.Printable(w.Message))
	if w.Hint != "" {
		fmt.Fprintf(a.err, "compat: hint: %s\n", output.Printable(w.Hint))
	}
}

// ask asks the cluster.
func (f *placeFlags) ask(ctx context.Context, a *app, request compat.PlaceRequest) error {
	now, err := a.timestamp()
	if err != nil {
		return err
	}
	client, err := a.apiServer(f.server)
	if err != nil {
		return err
	}
	defer client.Close()
	placed, err := compat.Place(ctx, request)
	if err != nil {
		failed := report.NewPlaceReport(now, err)
		return a.failed(f.output, failed, failed.Error, err)
	}
	checked := compat.CheckPlacement(ctx, client, placed, now)
	a.noteErrors(nil, checked.Error)
	if err := a.print(f.output, checked, output.Style{}); err != nil {
		return err
	}
	return a.conclude(f.output, documentCode(checked), output.SummaryLine(checked))
}

func (f *placeFlags) request(ctx context.Context, a *app) (r compat.PlaceRequest, err error) {
	r = compat.PlaceRequest{NoImages: f.noImages, Tags: f.tags, Patch: f.patch, Reserve: min(a.timeout/10, time.Second)}
	if len(f.files) == 0 {
		f.files = []string{"-"}
	}
	names, err := manifest.Find(f.files)
	if err != nil {
		return r, &usageError{err}
	}
	if r.Manifests, err = a.readFiles(ctx, names, manifest.MaxSize); err != nil {
		return r, err
	}
	if r.Files, err = a.readFiles(ctx, f.specs, spec.MaxSize); err != nil {
		return r, err
	}
	if r.Registry, err = f.options(ctx, a); err != nil {
		return r, err
	}
	r.Registry.PullSecrets, err = pullSecrets(ctx, a, f.secrets)
	return r, err
}
