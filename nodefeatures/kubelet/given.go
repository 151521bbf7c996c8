package kubelet

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
)

// Options say what was given about the kubelet and where to look for the rest.
// The zero value looks at this machine.
//
// A kubelet's binary is executed, with --version and nothing else, only when
// Root is this process's own root, the binary belongs to root, neither it nor
// its directory may be written by others, and the process that runs it, if
// there is one, belongs to root, shares our mount namespace and is in no Pod.
// Kubelets that are part of a larger process (kubelite) are never executed.
type Options struct {
	// Root is where the machine's root directory is mounted; "" means /.
	// Processes are looked up in Root/proc. Nothing below a Root other than /
	// is executed.
	Root string
	// Version is the kubelet's version, as given with --kubelet-version, or with
	// the option that VersionOption names.
	Version, VersionOption string
	// Anywhere says that what is meant is a kubelet of that version wherever it
	// runs: nothing of this machine is looked at.
	Anywhere bool
	// ConfigFile and ConfigDir stand for the kubelet's --config and
	// --config-dir. They are paths of this process, not below Root. ConfigFile may
	// also hold kubeadm's ConfigMap kube-system/kubelet-config, which says what
	// the cluster's nodes are meant to have: it is weaker than everything else,
	// and Config.Read stays false.
	ConfigFile, ConfigDir string
	// FeatureGates is what the kubelet's --feature-gates says: A=true,B=false.
	FeatureGates string
	// NodeObject is the node's Node object, JSON or YAML, or a list of one.
	NodeObject []byte
	// NodeSource says where NodeObject came from, for messages; "" means
	// --node-file.
	NodeSource string
	// Metrics and Configz are a kubelet's answers to /metrics and /configz. They
	// are stronger than what its flags and files say, and than the version in
	// NodeObject; weaker than Version and FeatureGates.
	Metrics, Configz Document
	// Flagz is a kubelet's answer to /flagz. It stands for the flags of a process
	// that was found.
	Flagz Document
	// Log is a kubelet's log, of which the last start counts. It is weaker than
	// what the node's own kubelet process and files say, and fills in where those
	// are not known.
	Log Document
	// SearchPath are further directories to look for a kubelet binary in, after
	// the fixed ones; relative ones are left out.
	SearchPath []string
	// Logger gets at Debug what is read; nil is silent.
	Logger *slog.Logger
}

// A GivenError says that something that was given can't be used. It is the
// user's to correct.
type GivenError struct {
	Option string // the command-line option: --kubelet-version, …
	Err    error
}

// Error names the option and what is wrong with it.
func (e *GivenError) Error() string { return fmt.Sprintf("reading %s: %v", e.Option, e.Err) }

// Unwrap returns what is wrong.
func (e *GivenError) Unwrap() error { return e.Err }

// The options that tell facts, as the command line names them.
const (
	optionVersion      = "--kubelet-version"
	optionConfigFile   = "--kubelet-config"
	optionConfigDir    = "--kubelet-config-dir"
	optionFeatureGates = "--feature-gates"
	optionNodeFile     = "--node-file"
	optionMetrics      = "--kubelet-metrics"
	optionConfigz      = "--kubelet-configz"
	optionFlagz        = "--kubelet-flagz"
	optionLog          = "--kubelet-log"
)

// given is everything that Options tell.
type given struct {
	versions []Claim      // strongest first
	found    string       // the version that was not given, "" when it is not known
	node     *NodeMachine // nil when no Node object was given
	declared []string
	config   *layer // nil when no file was given
	dropIns  []layer
	dir      bool // a drop-in directory was given, perhaps an empty one
	flags    *layer
	live     *Live
	configz  *layer       // nil when no /configz was given
	flagz    *commandLine // nil when no /flagz was given
	log      *kubeletLog  // nil when no log was given
	cluster  *layer       // nil when no ConfigMap was given
}

// readGiven reads what was given. version is the kubelet's as far as it is known
// otherwise. The errors are *GivenError.
func readGiven(o Options, version string) (given, error) {
	t := given{found: version}
	for _, one := range []struct {
		option string
		read   func(Options) error
	}{
		{cmp.Or(o.VersionOption, optionVersion), t.readVersion},
		{optionMetrics, t.readMetrics},
		{cmp.Or(o.NodeSource, optionNodeFile), t.readNode},
		{optionLog, t.readLog},
		{optionConfigz, t.readConfigz},
		{optionFlagz, t.readFlagz},
		{optionConfigFile, t.readConfig},
		{optionConfigDir, t.readDropIns},
		{optionFeatureGates, t.readGates},
	} {
		if err := one.read(o); err != nil {
			return given{}, &GivenError{Option: one.option, Err: err}
		}
	}
	return t, nil
}

// version is the kubelet's version, as far as it is known.
func (t *given) version() string {
	if len(t.versions) > 0 {
		return t.versions[0].Value
	}
	if t.found == "" && t.log != nil {
		return t.log.version
	}
	return t.found
}

func (t *given) readVersion(o Options) error {
	if o.Version == "" {
		return nil
	}
	version := printedVersion(o.Version)
	if _, err := ParseRelease(version); err != nil {
		release, err := ParseAPIVersion(version) // a patch level may be missing
		if err != nil {
			return err
		}
		version = release.String()
	}
	origin := Origin{Source: SourceOption, Detail: cmp.Or(o.VersionOption, optionVersion)}
	t.versions = append(t.versions, Claim{Value: version, Given: true, Origin: origin})
	return nil
}

func (t *given) readNode(o Options) error {
	if o.NodeObject == nil {
		return nil
	}
	node, err := parseNode(o.NodeObject)
	if err != nil {
		return err
	}
	if t.node, err = node.machine(); err != nil {
		return err
	}
	t.declared = node.Status.DeclaredFeatures
	if v := node.Status.NodeInfo.KubeletVersion; len(v) > maxVersion {
		return fmt.Errorf("a kubeletVersion of %d bytes", len(v))
	} else if v != "" {
		origin := Origin{Source: SourceNodeObject, Path: o.NodeSource, Detail: node.Metadata.Name}
		t.versions = append(t.versions, Claim{Value: v, Given: true, Origin: origin})
	}
	return nil
}

func (t *given) readMetrics(o Options) error {
	if o.Metrics.Data == nil {
		return nil
	}
	m, err := parseMetrics(o.Metrics.Data)
	if err != nil {
		return err
	}
	origin := Origin{Source: SourceMetrics, Path: o.Metrics.Name, Detail: optionMetrics}
	t.live = m.live(origin)
	if m.version != "" {
		t.versions = append(t.versions, Claim{Value: m.version, Given: true, Origin: origin})
	}
	return nil
}

func (t *given) readConfigz(o Options) error {
	if o.Configz.Data == nil {
		return nil
	}
	gates, err := parseConfigz(o.Configz.Data)
	if err != nil {
		return err
	}
	l := newLayer(Origin{Source: SourceConfigz, Path: o.Configz.Name, Detail: optionConfigz}, true, gates)
	l.sysctls = configzSysctls(o.Configz.Data)
	t.configz = &l
	return nil
}

func (t *given) readFlagz(o Options) error {
	if o.Flagz.Data == nil {
		return nil
	}
	values, err := parseFlagz(o.Flagz.Data)
	if err == nil {
		t.flagz, err = newCommandLine(values, Origin{Source: SourceFlagz, Path: o.Flagz.Name, Detail: optionFlagz})
	}
	return err
}

func (t *given) readLog(o Options) error {
	if o.Log.Data == nil {
		return nil
	}
	var err error
	t.log, err = parseLog(o.Log.Data, Origin{Source: SourceLog, Path: o.Log.Name, Detail: optionLog})
	return err
}

func (t *given) readConfig(o Options) error {
	if o.ConfigFile == "" {
		return nil
	}
	path, err := filepath.Abs(o.ConfigFile)
	if err != nil {
		return err
	}
	data, err := loadData("/", path)
	role := ""
	if i := strings.LastIndexByte(path, '#'); i >= 0 && errors.Is(err, fs.ErrNotExist) {
		role = path[i+1:]
		data, err = loadData("/", path[:i])
	}
	if err != nil {
		return err
	}
	cluster, ok, err := parseKind(data)
	switch {
	case ok && err == nil:
		return t.readKind(cluster, role, o.ConfigFile)
	case err != nil:
		return err
	case role != "":
		return fmt.Errorf("#%.64s names a node of a kind cluster, and this is none", role)
	}
	data = onlyConfiguration(data)
	if m, ok, err := parseConfigMap(data); ok {
		if err == nil {
			t.cluster, err = m.layer(o.ConfigFile)
		}
		return err
	}
	l, err := configLayer(path, data, Origin{Source: SourceConfigFile, Path: o.ConfigFile, Detail: optionConfigFile}, true)
	t.config = &l
	return err
}

func (t *given) readDropIns(o Options) error {
	if o.ConfigDir == "" {
		return nil
	}
	t.dir = true
	var err error
	origin := Origin{Source: SourceConfigDir, Detail: optionConfigDir}
	t.dropIns, err = loadDropIns("/", o.ConfigDir, origin, true, rulesFor(t.version()))
	return err
}

func (t *given) readGates(o Options) error {
	if o.FeatureGates == "" {
		return nil
	}
	gates, err := ParseGates(o.FeatureGates)
	if err != nil {
		return err
	}
	l := newLayer(Origin{Source: SourceOption, Detail: optionFeatureGates}, true, gates)
	t.flags = &l
	return nil
}
