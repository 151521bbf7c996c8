package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"nodecompat/compat/output"
)

func newVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of compat and of the NFD it evaluates with",
		Example: "  compat version -o json",
		Args:    noArgs,
	}
	format := outputFlag(cmd, "text", "json", "yaml")
	cmd.RunE = a.runE(func(context.Context, []string) error {
		v := buildVersion()
		if format.structured() {
			return a.print(format, v, output.Style{})
		}
		_, err := fmt.Fprintf(a.out, "compat %s (NFD %s, %s, %s)\n", v.Version, v.NFD, v.Go, v.Platform)
		return err
	})
	return cmd
}

// version is what the build says of itself.
type version struct {
	Version  string `json:"version"`
	NFD      string `json:"nodeFeatureDiscovery"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildVersion() version {
	v := version{Version: toolVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "sigs.k8s.io/node-feature-discovery" {
				v.NFD = module.Version
			}
		}
	}
	return v
}

// toolVersion is the module version, or "devel" for a build without one.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
