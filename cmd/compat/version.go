package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of compat and of the NFD it evaluates with",
		Example: "  compat version -o json",
		Args:    noArgs,
	}
	output := outputFlag(cmd, "text", "json", "yaml")
	cmd.RunE = func(*cobra.Command, []string) error {
		v := buildVersion()
		err := a.print(output, v, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "compat %s (NFD %s, %s, %s)\n", v.Version, v.NFD, v.Go, v.Platform)
			return err
		})
		if err != nil {
			return &ranError{err}
		}
		return nil
	}
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
