package nodefeatures

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	nfdsource "sigs.k8s.io/node-feature-discovery/source"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// Options say what to look for and where. The zero value looks for everything
// on the machine that the process runs on.
type Options struct {
	// Features are the names of the features that are needed, in any case; only
	// the sources that publish them are run. nil means all, and names that no
	// source publishes run nothing.
	Features []string
	// NVIDIADriver asks for the version of NVIDIA's driver, which all features (nil) include.
	NVIDIADriver bool
	// Root is the directory at which the host's file system is mounted; "" is "/".
	// What NFD reads from the running machine all the same (the CPU, the
	// kernel's version, configuration and modules) is unreadable unless the root
	// belongs to that machine.
	Root string
	// Name is the node's name; "" if it is not known.
	Name string
	// Tool is the name and version of the program, for the snapshot.
	Tool string
	// Logger gets NFD's own log, and which sources are done, as Debug; nil drops it.
	Logger *slog.Logger
}

// discovery is the lock around NFD's sources and its directory variables, of
// which there is one set per process.
var discovery sync.Mutex

// Discover runs NFD's sources on this machine. A source that fails is data, in
// Snapshot.Sources; the error is ctx's, or a [NeedsLinuxError] where something is looked for. A file that blocks its reader (a hung
// file system below Root) does not block Discover once ctx is done, but every
// later call.
func Discover(ctx context.Context, o Options) (*Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("discovering the node's features: %w", err)
	}
	if !kubelet.OnLinux && (o.Features == nil || len(o.Features) > 0 || o.NVIDIADriver) {
		return nil, &NeedsLinuxError{}
	}
	done := make(chan *Snapshot, 1)
	go func() { done <- discover(o) }()
	select {
	case s := <-done:
		return s, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("discovering the node's features: %w", ctx.Err())
	}
}

// discover is Discover without a way out.
func discover(o Options) *Snapshot {
	discovery.Lock()
	defer discovery.Unlock()
	nfdLog.to(o.Logger)
	defer nfdLog.to(nil)
	h := newHost(o.Root)
	h.withoutConfig = !needsKernelConfig(o.Features)
	h.point()
	configureKernel(h)

	s := &Snapshot{
		APIVersion: SnapshotAPIVersion, Kind: SnapshotKind, Tool: o.Tool, Node: h.node(o.Name),
		Features: *nfdv1alpha1.NewFeatures(), Addresses: map[string][]string{},
	}
	if o.NVIDIADriver || o.Features == nil {
		s.NVIDIADriver = h.nvidiaDriver()
	}
	needed := neededSources(o.Features)
	all := sources()
	s.Sources = make([]Source, len(all))
	outputs := make([]output, len(all))
	var running errgroup.Group
	for i, src := range all {
		if needed[src.name] {
			running.Go(func() error {
				outputs[i] = src.run(h)
				if o.Logger != nil {
					o.Logger.Debug("features detected", "source", src.name)
				}
				return nil
			})
		}
	}
	running.Wait() //nolint:errcheck // none fails
	for i, src := range all {
		if !needed[src.name] {
			s.Sources[i] = Source{Name: src.name, Status: SourceNotRun}
			continue
		}
		s.Sources[i] = outputs[i].record(src)
		outputs[i].addTo(s, src)
	}
	s.complete()
	return s
}

// An output is what running a source gave.
type output struct {
	features  *nfdv1alpha1.Features
	err       error
	unread    map[string]*Unreadable // by feature; nil for one that was read
	addresses map[string][]string
}

// run runs the source and looks for what it could not read.
func (src source) run(h host) output {
	o := output{unread: map[string]*Unreadable{}}
	if src.name == cpuSource {
		o.features, o.err = detectCPU(h)
	} else {
		o.features, o.err = detect(src.name)
	}
	for i := range src.features {
		o.unread[src.features[i].Name] = o.unreadOf(h, &src.features[i])
	}
	o.addresses = deviceAddresses(h, o.features)
	return o
}

// detect runs a source of NFD's. Some index into files that they take to be
// well formed, so a panic counts as a failure of that source.
func detect(name string) (f *nfdv1alpha1.Features, err error) {
	src := nfdsource.GetFeatureSource(name)
	defer func() {
		if p := recover(); p != nil {
			f, err = nfdv1alpha1.NewFeatures(), fmt.Errorf("NFD's source %s: %v", name, p)
		}
	}()
	err = src.Discover()
	return fullyNamed(src.GetFeatures(), name), err
}

// fullyNamed are the features of a source under their whole names.
func fullyNamed(f *nfdv1alpha1.Features, source string) *nfdv1alpha1.Features {
	full := nfdv1alpha1.NewFeatures()
	for name, set := range f.Flags {
		full.Flags[source+"."+name] = set
	}
	for name, set := range f.Attributes {
		full.Attributes[source+"."+name] = set
	}
	for name, set := range f.Instances {
		full.Instances[source+"."+name] = set
	}
	return full
}

// unreadOf is what could not be read of a feature; nil if nothing is missing.
func (o output) unreadOf(h host, f *catalogue.Feature) *Unreadable {
	_, name, _ := strings.Cut(f.Name, ".")
	switch {
	case f.Architectures != nil && !slices.Contains(f.Architectures, runtime.GOARCH):
		return whole(&verdict.Reason{
			Code:    ReasonNotThisArchitecture,
			Message: fmt.Sprintf("NFD detects %s on %v only, this is %s", name, f.Architectures, runtime.GOARCH),
		})
	case f.Running && !h.running:
		return whole(&verdict.Reason{
			Code: ReasonOtherSystem, Message: "NFD reads this from the running machine, and " + h.root + " belongs to another",
		})
	}
	if check := unreadOf[f.Name]; check != nil {
		if u := check(h, o.features); u != nil {
			return u
		}
	}
	if o.err != nil && !publishes(o.features, f.Name) {
		return whole(&verdict.Reason{Code: ReasonSourceFailed, Message: o.err.Error()})
	}
	return nil
}

// record makes the source's entry in the snapshot. What does not exist on this
// architecture, or was not asked for, is listed, but is nobody's failure.
func (o output) record(src source) Source {
	r := Source{Name: src.name, Status: SourceOK, Unreadable: []Unreadable{}}
	failed, possible := 0, len(src.features)
	for _, f := range src.features {
		u := o.unread[f.Name]
		if u == nil {
			continue
		}
		r.Unreadable = append(r.Unreadable, Unreadable{Feature: f.Name, Partial: u.Partial, Reason: u.Reason})
		switch {
		case u.Reason.Code == ReasonNotThisArchitecture, u.Reason.Code == ReasonSourceNotRun:
			possible--
		case u.Partial:
			r.Status = SourcePartial
		default:
			failed++
			r.Status = SourcePartial
			r.Reason = &u.Reason
		}
	}
	if failed == 0 || failed < possible {
		r.Reason = nil
		return r
	}
	r.Status = SourceFailed
	return r
}

// addTo adds what was read to the snapshot.
func (o output) addTo(s *Snapshot, src source) {
	for _, f := range src.features {
		if u := o.unread[f.Name]; u != nil && !u.Partial {
			continue
		}
		if set, ok := o.features.Flags[f.Name]; ok {
			s.Features.Flags[f.Name] = set
		}
		if set, ok := o.features.Attributes[f.Name]; ok {
			s.Features.Attributes[f.Name] = set
		}
		if set, ok := o.features.Instances[f.Name]; ok {
			s.Features.Instances[f.Name] = set
		}
		if addresses := o.addresses[f.Name]; len(addresses) > 0 {
			s.Addresses[f.Name] = addresses
		}
	}
}
