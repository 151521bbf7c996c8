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
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
)

// maxNodeObject bounds --node-file, in bytes. A Node object is 10 to 50 KB; etcd
// stores none above 1.5 MiB.
const maxNodeObject = 2 << 20

// maxHostname bounds /etc/hostname below a host root, in bytes.
const maxHostname = 4 << 10

// nodeFlags say where the facts about the node come from, beside the node.
type nodeFlags struct {
	hostRoot, name                                         string
	kubeletVersion, kubeletConfig, kubeletConfigDir, gates string
	nodeFile, metrics, configz, flagz, log                 string
	endpoint                                               apiserver.Kubelet
	node                                                   string
	server                                                 apiserver.Options
	api                                                    kubelet.APIOptions
	apiVersionFile, apiMetrics                             string
	kubeletOption                                          string // what told kubeletVersion, if not its own flag
	anywhere                                               bool   // no kubelet of this machine is meant
}

func (f *nodeFlags) add(cmd *cobra.Command) {
	f.addHost(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.kubeletVersion, "kubelet-version", "", "the kubelet's `version`, instead of looking for it")
	flags.StringVar(&f.kubeletConfig, "kubelet-config", "", "the kubelet's configuration `file`; kubeadm's ConfigMap kube-system/kubelet-config, which leaves the answer assumed; or a kind cluster, of whose first worker with FILE#worker")
	flags.StringVar(&f.kubeletConfigDir, "kubelet-config-dir", "", "the kubelet's drop-in `directory`")
	flags.StringVar(&f.gates, "feature-gates", "", "the kubelet's feature gates, `A=true,B=false`")
	flags.StringVar(&f.nodeFile, "node-file", "", "`file` with the node's Node object, as kubectl get node NAME -o json prints it, or YAML")
	flags.StringVar(&f.metrics, "kubelet-metrics", "", "`file or URL` of the kubelet's /metrics")
	flags.StringVar(&f.configz, "kubelet-configz", "", "`file or URL` of the kubelet's /configz")
	flags.StringVar(&f.flagz, "kubelet-flagz", "", "`file or URL` of the kubelet's /flagz")
	flags.StringVar(&f.log, "kubelet-log", "", "`file` with the kubelet's log, as journalctl -u kubelet prints it; its last start counts")
	flags.StringVar(&f.endpoint.CAFile, "kubelet-ca-file", "", "certificate authorities for the kubelet's URLs, a PEM `file`")
	flags.StringVar(&f.endpoint.TokenFile, "kubelet-token-file", "", "`file` with a bearer token for the kubelet's URLs")
	for _, name := range []string{"kubelet-ca-file", "kubelet-token-file"} {
		needs(cmd, name, "kubelet-metrics", "kubelet-configz", "kubelet-flagz")
	}
}

// addHost adds what says which machine this host is.
func (f *nodeFlags) addHost(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.hostRoot, "host-root", "", "`directory` where the host's root is mounted, when run in a container")
	flags.StringVar(&f.name, "node-name", "", "`name` of this node in the output (default: $NODE_NAME, else the host name)")
}

// addCluster adds what says something about the API server, or gets it from there.
func (f *nodeFlags) addCluster(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.node, "node", "", "get the Node object with this `name`, and the API server's version, from the API server")
	serverFlags(cmd, &f.server)
	flags.StringVar(&f.api.Version, "api-version", "", "the API server's `version`")
	flags.StringVar(&f.api.FeatureGates, "api-feature-gates", "", "the API server's feature gates, `A=true,B=false`")
	flags.StringVar(&f.apiVersionFile, "api-version-file", "", "`file` with the API server's /version")
	flags.StringVar(&f.apiMetrics, "api-metrics", "", "`file` with the API server's /metrics")
	excludes(cmd, "node", "node-file")
}

// serverFlags adds what says which API server is asked.
func serverFlags(cmd *cobra.Command, o *apiserver.Options) {
	flags := cmd.Flags()
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig `file` (default: $KUBECONFIG, else the service account in a cluster)")
	flags.StringVar(&o.Context, "context", "", "the kubeconfig's context `name`")
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
		file := filepath.Join(f.hostRoot, "etc", "hostname")
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return "" // a node without a name is still a node
		}
		name, _ := a.read(file, maxHostname) //nolint:errcheck // as above
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
		Root:          f.hostRoot,
		Version:       f.kubeletVersion,
		VersionOption: f.kubeletOption,
		Anywhere:      f.anywhere,
		ConfigFile:    f.kubeletConfig,
		ConfigDir:     f.kubeletConfigDir,
		FeatureGates:  f.gates,
		SearchPath:    a.searchPath(),
		Logger:        a.logger(),
	}
	if f.hostRoot != "" {
		if _, err := os.Stat(f.hostRoot); errors.Is(err, fs.ErrNotExist) {
			return o, usagef("--host-root %s does not exist", f.hostRoot)
		}
	}
	err := f.documents(ctx, a, &o)
	if err == nil && f.nodeFile != "" {
		o.NodeObject, err = a.readFile(ctx, f.nodeFile, maxNodeObject)
	}
	return o, err
}

// documents reads what the kubelet itself says, and gets what is at a URL.
func (f *nodeFlags) documents(ctx context.Context, a *app, o *kubelet.Options) error {
	for _, one := range []struct {
		into   *kubelet.Document
		name   string
		limit  int64
		accept string
	}{
		{&o.Metrics, f.metrics, kubelet.MaxMetrics, ""},
		{&o.Configz, f.configz, kubelet.MaxConfigz, ""},
		{&o.Flagz, f.flagz, kubelet.MaxFlagz, kubelet.FlagzAccept},
	} {
		var err error
		if *one.into, err = f.document(ctx, a, one.name, one.limit, one.accept); err != nil {
			return err
		}
	}
	if f.log == "" {
		return nil
	}
	data, err := a.readFile(ctx, f.log, kubelet.MaxLog)
	o.Log = kubelet.Document{Name: f.log, Data: data}
	return err
}

// document reads a file, or gets a kubelet's URL; nothing for "". accept says
// which media types the kubelet is asked for.
func (f *nodeFlags) document(ctx context.Context, a *app, name string, limit int64, accept string) (kubelet.Document, error) {
	if name == "" {
		return kubelet.Document{}, nil
	}
	if !apiserver.IsURL(name) {
		data, err := a.readFile(ctx, name, limit)
		return kubelet.Document{Name: name, Data: data}, err
	}
	endpoint := f.endpoint
	endpoint.URL, endpoint.UserAgent, endpoint.Accept = name, "compat/"+toolVersion(), accept
	data, err := endpoint.Get(ctx)
	return kubelet.Document{Name: name, Data: data}, err
}

// cluster says what is known about the API server, and asks it for the Node
// object if --node names one. It is nil when nobody said anything about one.
func (f *nodeFlags) cluster(ctx context.Context, a *app, o *kubelet.Options) (*kubelet.API, error) {
	api := f.api
	var err error
	if f.apiVersionFile != "" {
		if api.VersionInfo, err = f.document(ctx, a, f.apiVersionFile, apiserver.MaxVersion, ""); err != nil {
			return nil, err
		}
	}
	if api.Metrics, err = f.document(ctx, a, f.apiMetrics, kubelet.MaxMetrics, ""); err != nil {
		return nil, err
	}
	if f.node != "" {
		if err := f.ask(ctx, a, o, &api); err != nil {
			return nil, err
		}
	}
	told := api.Version + api.FeatureGates + api.VersionInfo.Name + api.Metrics.Name
	if told == "" {
		return nil, nil //nolint:nilnil // nothing is known, which sidecar.Judge takes
	}
	server, err := kubelet.ReadAPI(api)
	if err != nil {
		return nil, &usageError{err}
	}
	return server, nil
}

// ask gets the Node object and the version from the API server, one request each.
func (f *nodeFlags) ask(ctx context.Context, a *app, o *kubelet.Options, api *kubelet.APIOptions) error {
	client, err := a.apiServer(f.server)
	if err != nil {
		return err
	}
	defer client.Close()
	if o.NodeSource, err = apiserver.NodePath(f.node); err != nil {
		return &usageError{err}
	}
	if o.NodeObject, err = client.Node(ctx, f.node); err != nil {
		return err
	}
	if api.VersionInfo.Data == nil && api.Version == "" {
		api.VersionInfo.Name, api.VersionInfo.Option = client.Server()+"/version", "--node"
		api.VersionInfo.Data, err = client.Version(ctx)
	}
	return err
}

// apiServer opens the API server of a kubeconfig, or of $KUBECONFIG, or of the cluster that this runs in.
func (a *app) apiServer(o apiserver.Options) (*apiserver.Client, error) {
	o.UserAgent = "compat/" + toolVersion()
	if o.Kubeconfig == "" {
		o.Kubeconfig, _ = a.lookupEnv("KUBECONFIG")
	}
	client, err := apiserver.Open(o)
	if err != nil {
		return nil, &usageError{err}
	}
	return client, nil
}

// searchPath is $PATH as a list.
func (a *app) searchPath() []string {
	path, _ := a.lookupEnv("PATH")
	return filepath.SplitList(path)
}
