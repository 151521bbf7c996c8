package kubelet

import (
	"fmt"
	"log/slog"
	"path/filepath"
)

// Options say what was told about the kubelet and where to look for the rest.
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
	// Version is the kubelet's version, as given with --kubelet-version.
	Version string
	// ConfigFile and ConfigDir stand for the kubelet's --config and
	// --config-dir. They are paths of this process, not below Root.
	ConfigFile, ConfigDir string
	// FeatureGates is what the kubelet's --feature-gates says: A=true,B=false.
	FeatureGates string
	// NodeObject is the node's Node object, JSON or YAML, or a list of one.
	NodeObject []byte
	// SearchPath are further directories to look for a kubelet binary in, after
	// the fixed ones; relative ones are left out.
	SearchPath []string
	// Logger is told at Debug what is looked at; nil is silent.
	Logger *slog.Logger
}

// A GivenError says that something that was told can't be used. It is the
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
)

// told is everything that Options tell.
type told struct {
	versions  []Claim // strongest first
	machineID string
	declared  []string
	config    *layer // nil when no file was given
	dropIns   []layer
	dir       bool // a drop-in directory was given, perhaps an empty one
	flags     *layer
}

// readGiven reads what was told. Its errors are *GivenError.
func readGiven(o Options) (told, error) {
	var t told
	for _, one := range []struct {
		option string
		read   func(Options) error
	}{
		{optionVersion, t.readVersion},
		{optionNodeFile, t.readNode},
		{optionConfigFile, t.readConfig},
		{optionConfigDir, t.readDropIns},
		{optionFeatureGates, t.readGates},
	} {
		if err := one.read(o); err != nil {
			return told{}, &GivenError{Option: one.option, Err: err}
		}
	}
	return t, nil
}

func (t *told) readVersion(o Options) error {
	if o.Version == "" {
		return nil
	}
	if _, err := ParseRelease(o.Version); err != nil {
		return err
	}
	origin := Origin{Source: SourceOption, Detail: optionVersion}
	t.versions = append(t.versions, Claim{Value: o.Version, Given: true, Origin: origin})
	return nil
}

func (t *told) readNode(o Options) error {
	if o.NodeObject == nil {
		return nil
	}
	node, err := parseNode(o.NodeObject)
	if err != nil {
		return err
	}
	t.machineID = node.Status.NodeInfo.MachineID
	t.declared = node.Status.DeclaredFeatures
	if v := node.Status.NodeInfo.KubeletVersion; len(v) > maxVersion {
		return fmt.Errorf("a kubeletVersion of %d bytes", len(v))
	} else if v != "" {
		origin := Origin{Source: SourceNodeObject, Detail: node.Metadata.Name}
		t.versions = append(t.versions, Claim{Value: v, Given: true, Origin: origin})
	}
	return nil
}

func (t *told) readConfig(o Options) error {
	if o.ConfigFile == "" {
		return nil
	}
	path, err := filepath.Abs(o.ConfigFile)
	if err != nil {
		return err
	}
	l, err := loadConfig("/", path, Origin{Source: SourceConfigFile, Path: o.ConfigFile, Detail: optionConfigFile}, true)
	t.config = &l
	return err
}

func (t *told) readDropIns(o Options) error {
	if o.ConfigDir == "" {
		return nil
	}
	t.dir = true
	var err error
	t.dropIns, err = loadDropIns("/", o.ConfigDir, Origin{Source: SourceConfigDir, Detail: optionConfigDir}, true)
	return err
}

func (t *told) readGates(o Options) error {
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
