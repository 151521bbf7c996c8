package compat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"

	"nodecompat/nodefeatures/verdict"

	"nodecompat/compat/report"
)

// A NodeRequest says what to validate a node against. The zero value checks
// this node against nothing and is unknown.
type NodeRequest struct {
	// Images are references as artifact.Open takes them.
	Images []string
	// Files are specs that are not attached (yet), or NodeFeatureGroup objects.
	Files []File
	// Registry says how to reach the images.
	Registry artifact.Options
	// Platform selects the manifest of an index; nil means the node's own.
	Platform *artifact.Platform
	// Artifact pins one compatibility artifact by its digest; "" takes the one
	// in effect.
	Artifact digest.Digest
	// Tags selects the sets with one of these tags; none selects every set.
	Tags []string

	// Missing is the verdict on an image without a compatibility artifact; ""
	// means Unknown.
	Missing verdict.Verdict
	// Strict makes a rule whose facts are unknown incompatible.
	Strict bool
	// RequireSidecars makes native sidecar support part of the verdict.
	RequireSidecars bool

	// Snapshot holds saved facts to judge instead of this host's, and
	// SnapshotFile is where they came from.
	Snapshot     *nodefeatures.Snapshot
	SnapshotFile string
	// Changes are assumed instead of what was found: a what-if.
	Changes Changes
	// AnyNode makes the verdict on several nodes that of the best.
	AnyNode bool
	// Discovery says how this host is looked at; its Features are overwritten
	// with those that the rules name.
	Discovery nodefeatures.Options
	// Kubelet says what is given about the kubelet, and where to look.
	Kubelet kubelet.Options
	// API is what is known about the API server; nil when nobody said anything.
	API *kubelet.API

	// Reserve is the part of ctx's time that registries cannot use up: it is kept
	// for looking at the node and judging what was fetched.
	Reserve time.Duration
	// Now is the report's time stamp.
	Now time.Time
}

// A File is a spec or manifest that was read from a file.
type File struct {
	Name string
	Data []byte
}

// ValidateNode judges one node: it fetches the specs of all images, looks at
// the facts that their rules name, evaluates and decides. What goes wrong on
// the way is in the report; the report is never nil. An error is returned for
// input of the caller that cannot be used (a usage error), and nothing else.
func ValidateNode(ctx context.Context, req NodeRequest) (*report.NodeReport, error) {
	subjects, err := req.openAll(ctx)
	if err != nil {
		return nil, err
	}
	report, _, err := judgeNode(ctx, req, subjects)
	return report, err
}

// judgeNode fetches what the subjects' images need, looks at the node and decides.
func judgeNode(
	ctx context.Context, req NodeRequest, subjects []subject,
) (result *report.NodeReport, detection *report.Error, err error) {
	waitForKubelet := async(func() (*kubelet.Facts, error) { return kubeletFacts(ctx, req) })
	subjects = fetch(ctx, req, subjects)

	snapshot, err := inspect(ctx, req, subjects)
	if err != nil {
		snapshot = &nodefeatures.Snapshot{Sources: []nodefeatures.Source{}}
		giveUp(subjects, err)
	}
	snapshot, odd, err := req.Changes.apply(snapshot)
	if err != nil {
		return nil, nil, err
	}
	facts, err := waitForKubelet()
	var given *kubelet.GivenError
	if errors.As(err, &given) {
		return nil, nil, err
	}
	if err != nil {
		detection = report.NewError(fmt.Errorf("looking for the kubelet: %w", err))
	}
	result = newReport(req, subjects, judgeAll(ctx, subjects, snapshot, req), snapshot, facts, detection)
	result.Warnings = append(append([]verdict.Reason{}, odd...), result.Warnings...)
	return result, detection, nil
}

// judgeAll judges every subject on the facts of one node.
func judgeAll(ctx context.Context, subjects []subject, snapshot *nodefeatures.Snapshot, req NodeRequest) []report.Image {
	images := make([]report.Image, len(subjects))
	for i, s := range subjects {
		images[i] = judge(ctx, s, snapshot, req)
	}
	return images
}

// newReport puts together what was found out about one node.
func newReport(
	req NodeRequest, subjects []subject, images []report.Image, snapshot *nodefeatures.Snapshot, facts *kubelet.Facts, detection *report.Error,
) *report.NodeReport {
	support := sidecar.Judge(facts, req.API)
	report := report.NewNodeReport(req.Now, nil)
	report.Images = images
	report.Node = describeNode(snapshot, support, req)
	report.Sidecars = &support
	warn(report, subjects, req)
	decideNode(report, detection, req)
	return report
}

// giveUp notes why the specs that were found cannot be judged.
func giveUp(subjects []subject, err error) {
	for i := range subjects {
		if subjects[i].err == nil {
			subjects[i].spec, subjects[i].err = nil, err
		}
	}
}

// inspect returns the facts to judge: the given snapshot, or what the host
// shows of the features that the rules name. Without any rule nothing is read.
func inspect(ctx context.Context, req NodeRequest, subjects []subject) (*nodefeatures.Snapshot, error) {
	if req.Snapshot != nil {
		return req.Snapshot, nil
	}
	options := req.Discovery
	options.Features = features(subjects)
	return nodefeatures.Discover(ctx, options)
}

// features are those that the rules of all subjects name; never nil, which would
// mean all.
func features(subjects []subject) []string {
	names := []string{}
	for _, s := range subjects {
		if s.spec != nil {
			names = append(names, s.spec.Features()...)
		}
	}
	return names
}

// kubeletFacts prefers what was given, then what the snapshot recorded. A
// snapshot's node is not this host, so the host is looked at only without one.
func kubeletFacts(ctx context.Context, req NodeRequest) (*kubelet.Facts, error) {
	if req.Snapshot == nil {
		return kubelet.Detect(ctx, req.Kubelet)
	}
	return req.Snapshot.Kubelet.With(req.Kubelet)
}

// async runs f at once and returns a function that waits for its result.
func async[T any](f func() (T, error)) func() (T, error) {
	var (
		value T
		err   error
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		value, err = f()
	}()
	return func() (T, error) {
		<-done
		return value, err
	}
}

func describeNode(s *nodefeatures.Snapshot, support sidecar.Support, req NodeRequest) report.Node {
	node := report.Node{
		Name:         s.Node.Name,
		OS:           s.Node.OS,
		Architecture: s.Node.Architecture,
		Kernel:       s.Node.Kernel,
		Kubelet:      support.Kubelet.Version,
		Snapshot:     req.SnapshotFile,
		Sources:      s.Sources,
		Changes:      s.Changes,
	}
	if o := support.Kubelet.Origin; o != nil && o.Source == kubelet.SourceNodeObject {
		node.Name = o.Detail
		if support.OtherMachine() && req.Snapshot == nil { // what this host is says nothing about it
			node.OS, node.Architecture, node.Kernel = "", "", ""
		}
	}
	return node
}

// platform is the platform that the images are judged for: the one asked for,
// otherwise the node's own. It is the zero value for a snapshot that does not say
// what it is of; this host's has nothing to do with that.
func (req NodeRequest) platform() artifact.Platform {
	switch {
	case req.Platform != nil:
		return *req.Platform
	case req.Snapshot != nil && (req.Snapshot.Node.OS == "" || req.Snapshot.Node.Architecture == ""):
		return artifact.Platform{}
	case req.Snapshot != nil:
		return artifact.Platform{OS: req.Snapshot.Node.OS, Architecture: req.Snapshot.Node.Architecture}
	default:
		return artifact.HostPlatform()
	}
}

// openAll is open for references that the caller named: one that is none is the
// caller's mistake.
func (req NodeRequest) openAll(ctx context.Context) ([]subject, error) {
	subjects := req.open(ctx)
	for _, s := range subjects {
		if IsUsage(s.err) {
			return nil, s.err
		}
	}
	return subjects, nil
}

// open checks every reference before anything is sent. What is wrong with one is
// the image's error.
func (req NodeRequest) open(ctx context.Context) []subject {
	subjects := make([]subject, len(req.Images))
	for i, reference := range req.Images {
		repository, err := artifact.Open(ctx, reference, req.Registry)
		subjects[i] = subject{reference: reference, repository: repository, err: err}
	}
	return subjects
}

// IsUsage reports whether err is a mistake on the command line: a reference that
// is none, a short name, or a what-if that cannot be.
func IsUsage(err error) bool {
	var reference *artifact.ReferenceError
	var short *artifact.ShortNameError
	var change *ChangeError
	return errors.As(err, &reference) || errors.As(err, &short) || errors.As(err, &change)
}

// fetch gets the spec of every image, all at the same time, and of every file. It
// ends a little before ctx does, so that what is known can still be judged.
func fetch(ctx context.Context, req NodeRequest, subjects []subject) []subject {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-req.Reserve))
		defer cancel()
	}
	inParallel(len(subjects), fetchers, func(i int) { subjects[i].fetch(ctx, req) })
	for _, f := range req.Files {
		subjects = append(subjects, parseFile(f))
	}
	return subjects
}
