package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// maxNodeObject bounds --node-file, in bytes. A Node object is 10 to 50 KB; etcd
// stores none above 1.5 MiB.
const maxNodeObject = 2 << 20

// nodeFlags say where the facts about the node come from, beside the node.
type nodeFlags struct {
	hostRoot, name                                         string
	kubeletVersion, kubeletConfig, kubeletConfigDir, gates string
	nodeFile                                               string
}

func (f *nodeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.hostRoot, "host-root", "", "`directory` where the host's root is mounted, when run in a container")
	flags.StringVar(&f.name, "node-name", "", "`name` of this node in the output (default: $NODE_NAME, else the host name)")
	flags.StringVar(&f.kubeletVersion, "kubelet-version", "", "the kubelet's `version`, instead of looking for it")
	flags.StringVar(&f.kubeletConfig, "kubelet-config", "", "the kubelet's configuration `file`")
	flags.StringVar(&f.kubeletConfigDir, "kubelet-config-dir", "", "the kubelet's drop-in `directory`")
	flags.StringVar(&f.gates, "feature-gates", "", "the kubelet's feature gates, `A=true,B=false`")
	flags.StringVar(&f.nodeFile, "node-file", "", "`file` with the node's Node object, as kubectl get node NAME -o json prints it, or YAML")
}

// discovery says how this host is looked at.
func (f *nodeFlags) discovery(a *app) nodefeatures.Options {
	return nodefeatures.Options{Root: f.hostRoot, Name: f.nodeName(a), Tool: toolVersion(), Logger: a.logger()}
}

// nodeName is the name that was given, with a flag or as NFD takes it; then the
// host's own. A container's host name is not the name of the host that it mounts.
func (f *nodeFlags) nodeName(a *app) string {
	if f.name != "" {
		return f.name
	}
	if name, ok := a.lookupEnv("NODE_NAME"); ok && name != "" {
		return name
	}
	if f.hostRoot != "" {
		name, err := os.ReadFile(filepath.Join(f.hostRoot, "etc", "hostname"))
		if err != nil {
			return "" // a node without a name is still a node
		}
		return strings.TrimSpace(string(name))
	}
	name, err := a.hostname()
	if err != nil {
		return ""
	}
	return name
}

// kubelet says what was given about the kubelet.
func (f *nodeFlags) kubelet(ctx context.Context, a *app) (kubelet.Options, error) {
	o := kubelet.Options{
		Root:         f.hostRoot,
		Version:      f.kubeletVersion,
		ConfigFile:   f.kubeletConfig,
		ConfigDir:    f.kubeletConfigDir,
		FeatureGates: f.gates,
		SearchPath:   a.searchPath(),
		Logger:       a.logger(),
	}
	if f.hostRoot != "" {
		if _, err := os.Stat(f.hostRoot); errors.Is(err, fs.ErrNotExist) {
			return o, usagef("--host-root %s does not exist", f.hostRoot)
		}
	}
	if f.nodeFile == "" {
		return o, nil
	}
	data, err := a.readFile(ctx, f.nodeFile, maxNodeObject)
	o.NodeObject = data
	return o, err
}

// searchPath is $PATH as a list.
func (a *app) searchPath() []string {
	path, _ := a.lookupEnv("PATH")
	return filepath.SplitList(path)
}
