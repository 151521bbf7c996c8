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
		_, err := fmt.Fprintln(a.out, v.line())
		return err
	})
	return cmd
}

// version is what the build says of itself. Commit and Date are those of the sources
// (https://pkg.go.dev/runtime/debug#BuildSetting), "" for a build that was not told.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	NFD      string `json:"nodeFeatureDiscovery"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// line is the version in one line.
func (v version) line() string {
	text := fmt.Sprintf("compat %s (NFD %s, %s, %s", v.Version, v.NFD, v.Go, v.Platform)
	if v.Commit != "" {
		text += fmt.Sprintf(", commit %.12s of %s", v.Commit, v.Date)
	}
	return text + ")"
}

func buildVersion() version {
	v := version{Version: toolVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.built(info)
	}
	return v
}

// built takes what is in the build information.
func (v *version) built(info *debug.BuildInfo) {
	for _, module := range info.Deps {
		if module.Path == "sigs.k8s.io/node-feature-discovery" {
			v.NFD = module.Version
		}
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Commit = setting.Value
		case "vcs.time":
			v.Date = setting.Value
		}
	}
}

// toolVersion is the module version, or "devel" for a build without one.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
