package main

import (
	"context"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
)

type showFlags struct {
	registryFlags
	image    string
	artifact digestFlag
	manifest bool
}

func newShow(a *app) *cobra.Command {
	f := &showFlags{}
	cmd := &cobra.Command{
		Use:   "show IMAGE",
		Short: "Print the compatibility spec that validate-node would use",
		Long: `Print the compatibility spec that validate-node would use for this platform, byte
for byte as it was attached. Exit code 4 means that nothing is attached, or with
--trust-policy or --trust-key nothing that is trusted.`,
		Example: `  compat show registry.example.com/app:1.2
  compat show registry.example.com/app:1.2 --platform linux/arm64
  compat show registry.example.com/app:1.2 --artifact sha256:... --manifest`,
		Args:              imageArg(&f.image),
		ValidArgsFunction: completeImage(false),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	f.imageFlags(cmd, &f.image)
	cmd.Flags().Var(&f.artifact, "artifact", "show the artifact with this `digest`, not the one in effect")
	cmd.Flags().BoolVar(&f.manifest, "manifest", false, "print the artifact's manifest instead of the spec")
	f.add(cmd)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: this host's)")
	f.addTrust(cmd)
	return cmd
}

func (f *showFlags) run(ctx context.Context, a *app) error {
	repository, err := f.open(ctx, a, f.image)
	if err != nil {
		return err
	}
	defer repository.Close()
	platform := artifact.HostPlatform()
	if f.platform.value != nil {
		platform = *f.platform.value
	}
	content, err := compat.Show(ctx, repository, platform, f.artifact.value)
	if err != nil {
		return err
	}
	data := content.Spec
	if f.manifest {
		data = content.Manifest
	}
	_, err = a.out.Write(data)
	return err
}
