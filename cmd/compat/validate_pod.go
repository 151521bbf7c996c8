package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/manifest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

const startOrder = "start-order"

type validatePodFlags struct {
	judgeFlags
	files    []string
	secrets  []string
	noImages bool
	all      bool
	require  choices
	version  string
	disable  choices
	severity choice
	failOn   choices
	stdin    string // its name
	dryRun   bool
	output   *format
}

func newValidatePod(a *app) *cobra.Command {
	f := &validatePodFlags{
		require:  choices{allowed: []string{startOrder, gpuDriver}},
		disable:  choices{allowed: sidecar.FindingIDs()},
		severity: choice{string(verdict.SeverityInfo), []string{string(verdict.SeverityInfo), string(verdict.SeverityWarning), string(verdict.SeverityError)}},
	}
	f.failOn.allowed = append([]string{string(verdict.SeverityError), string(verdict.SeverityWarning), string(verdict.SeverityInfo)}, sidecar.FindingIDs()...)
	cmd := &cobra.Command{
		Use:   "validate-pod FILE...",
		Short: "Check whether this node runs a Pod, and how containers start",
		Long: `Read the Pods and workloads of manifests and say, before they are created: whether
the node has what every image needs, whether its kubelet runs native sidecars, in
which order the containers start and what each really waits for, and what is
wrong or misleading in the manifest.

A Pod is compatible when its images are, the node runs its native sidecars, and no
finding is an error (the Pod would be refused, or its app never starts). With
--require start-order every native sidecar and helper must also be ready before
what comes after it starts. Images without a compatibility artifact are unknown
unless --missing says otherwise; --no-images leaves images out. With --require
gpu-driver an image that asks for NVIDIA GPUs is unknown where the driver is.

A comment "# compat-ignore: SC001" at the end of a finding's line or above it, or an
annotation compat-ignore of the object or its template, suppresses a finding: it is not
told as text, and marked in the other formats. One that is an error decides all the
same. With --fail-on warning the exit code is 3 if a finding is left that is as grave.

FILE may be a directory, a pattern, or - for standard input; -f FILE is the same.

Exit codes: 0 compatible, 3 incompatible, 4 unknown, 1 failure, 2 usage error.`,
		Example: `  compat validate-pod pod.yaml -o text
  compat validate-pod manifests/ --no-images --kubernetes-version v1.34.0
  helm template chart | compat validate-pod - --no-images -o sarif`,
		Args: alsoFlag(&f.files),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.files, "filename", "f", nil, "manifest `file`, directory or pattern (repeatable), as an argument is; - is standard input")
	secretsFlag(cmd, &f.secrets)
	flags.BoolVar(&f.noImages, "no-images", false, "do not look at the images")
	flags.Var(&f.require, "require", "make this part of the verdict")
	complete(cmd, "require", f.require.allowed...)
	flags.StringVar(&f.version, "kubernetes-version", "", "the `version` that the manifests are for: --kubelet-version and --api-version, where those are not given")
	flags.VarPF(&f.disable, "disable", "", "do not show findings with these `id`s (comma-separated); those that are errors decide all the same")
	complete(cmd, "disable", f.disable.allowed...)
	flags.Var(&f.severity, "severity", "the least grave findings to show")
	complete(cmd, "severity", f.severity.allowed...)
	flags.VarPF(&f.failOn, "fail-on", "", "exit with 3 on findings of this `severity` or graver (error, warning, info) or with this id (comma-separated); the verdict stays")
	complete(cmd, "fail-on", f.failOn.allowed...)
	flags.StringVar(&f.stdin, "stdin-name", "", "the `name` of the file that comes from standard input")
	flags.BoolVar(&f.all, "all", false, "with -o text, show the plan of every Pod, and all remarks")
	flags.BoolVar(&f.dryRun, dryRun, false, "send the objects to the API server in a dry run: it creates nothing, its refusals are findings, and the Pod as admission leaves it is judged")
	f.output = outputFlag(cmd, "json", "yaml", "text", "sarif", "junit", "markdown", "predicate")
	f.addJudging(cmd)
	for _, name := range []string{"tags", "missing", "platform", "trust-policy", "trust-key", "pull-secret"} {
		excludes(cmd, "no-images", name)
	}
	cmd.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case len(f.files) == 0:
			return usagef("FILE is missing: give a manifest, a directory of them, or - for standard input")
		case f.noImages && f.require.has(gpuDriver):
			return usagef("--require %s is about images, which --no-images leaves out", gpuDriver)
		}
		return nil
	}
	return cmd
}

func (f *validatePodFlags) run(ctx context.Context, a *app) error {
	if err := f.output.check(); err != nil {
		return err
	}
	request, err := f.request(ctx, a)
	if err != nil {
		report := report.NewPodReport(request.Now, err)
		return a.failed(f.output, report, report.Error, err)
	}
	report, err := compat.ValidatePod(ctx, request)
	if err != nil {
		return &usageError{err}
	}
	a.noteErrors(report.Images, report.Error)
	a.explainChanges(f.output, report.Warnings)
	if err := a.print(f.output, report, output.Style{All: f.all}); err != nil {
		return err
	}
	return a.conclude(f.output, documentCode(report), output.SummaryLine(report))
}

func (f *validatePodFlags) request(ctx context.Context, a *app) (compat.PodRequest, error) {
	names, err := manifest.Find(f.files)
	if err != nil {
		return compat.PodRequest{}, &usageError{err}
	}
	if err := f.stdinIsRead(names); err != nil {
		return compat.PodRequest{}, err
	}
	now, err := a.timestamp()
	if err != nil {
		return compat.PodRequest{}, err
	}
	manifests, err := a.readFiles(ctx, names, manifest.MaxSize)
	f.nameStdin(manifests)
	if err == nil {
		err = f.forVersion()
	}
	if err != nil {
		return compat.PodRequest{NodeRequest: compat.NodeRequest{Now: now}}, err
	}
	server, err := f.admission(ctx, a)
	if err != nil {
		return compat.PodRequest{NodeRequest: compat.NodeRequest{Now: now}}, err
	}
	node, err := f.judging(ctx, a)
	node.RequireGPU = f.require.has(gpuDriver)
	if err == nil {
		node.Registry.PullSecrets, err = pullSecrets(ctx, a, f.secrets)
	}
	r := compat.PodRequest{
		NodeRequest:       node,
		Manifests:         manifests,
		NoImages:          f.noImages,
		RequireStartOrder: f.require.has(startOrder),
		Disable:           f.disable.values,
		Severity:          verdict.Severity(f.severity.value),
		FailOn:            f.failOn.values,
		Server:            server,
	}
	if err != nil {
		return r, err
	}
	return r, f.savedNode(ctx, a, &r.NodeRequest)
}

// admission opens the API server of --server-dry-run, whose version is that of the manifests, unless
// that is told; nil without the flag.
func (f *validatePodFlags) admission(ctx context.Context, a *app) (*apiserver.Client, error) {
	if !f.dryRun {
		return nil, nil //nolint:nilnil // none is asked
	}
	client, err := a.apiServer(f.server)
	if err != nil || f.api.Version != "" || f.apiVersionFile != "" {
		return client, err
	}
	f.api.VersionInfo = kubelet.Document{Name: client.Server() + "/version", Option: "--" + dryRun}
	f.api.VersionInfo.Data, err = client.Version(ctx)
	return client, err
}

// dryRun is the flag's name.
const dryRun = "server-dry-run"

// stdinIsRead refuses a name for what is not read.
func (f *validatePodFlags) stdinIsRead(names []string) error {
	if f.stdin != "" && !slices.Contains(names, "-") {
		return usagef("--stdin-name %s: standard input is not read; give - as a FILE", f.stdin)
	}
	return nil
}

// nameStdin calls what was read from standard input as --stdin-name says.
func (f *validatePodFlags) nameStdin(files []compat.File) {
	for i := range files {
		if files[i].Name == "-" && f.stdin != "" {
			files[i].Name = f.stdin
		}
	}
}

// forVersion makes --kubernetes-version the version of what was not told otherwise.
func (f *validatePodFlags) forVersion() error {
	const option = "--kubernetes-version"
	told := compat.Versions{Kubelet: f.kubeletVersion, API: f.api.Version}
	others := f.nodeFile != "" || f.node != "" || f.metrics != ""
	versions, err := told.For(f.version, others)
	if err != nil {
		return usagef("%s: %v", option, err)
	}
	if told.Kubelet == "" {
		f.kubeletOption = option
	}
	if told.API == "" {
		f.api.VersionOption = option
	}
	f.kubeletVersion, f.api.Version, f.anywhere = versions.Kubelet, versions.API, f.version != ""
	return nil
}

// secretsFlag adds --pull-secret.
func secretsFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVar(files, "pull-secret", nil, "`file` with an imagePullSecret (a Secret, or the Docker configuration in it; repeatable)")
}

// pullSecrets reads the Docker configurations of --pull-secret.
func pullSecrets(ctx context.Context, a *app, names []string) ([][]byte, error) {
	files, err := a.readFiles(ctx, names, compat.MaxPullSecret)
	if err != nil {
		return nil, err
	}
	var configs [][]byte
	for _, file := range files {
		config, err := compat.PullSecret(file.Data)
		if err != nil {
			return nil, usagef("--pull-secret %s: %v", file.Name, err)
		}
		configs = append(configs, config)
	}
	return configs, nil
}
