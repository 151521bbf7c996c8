package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
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
	// Runtime selects it as the node's container runtime does, unless there is a Platform; the
	// zero value is that of the Node object in Kubelet, if there is one.
	Runtime artifact.Runtime
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
	// RequireGPU makes an image that asks for a GPU unknown where it is not known that the node's
	// driver is new enough for it. One that is too old decides in any case.
	RequireGPU bool

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
	subjects := open(ctx, req.Images, req.Registry)
	if err := usageError(subjects); err != nil {
		return nil, err
	}
	result, _, err := validateNode(ctx, req, subjects)
	return result, err
}

// validateNode gathers what the subjects' images and the node say, and decides. node is what
// was gathered about the node.
func validateNode(
	ctx context.Context, req NodeRequest, subjects []subject,
) (result *report.NodeReport, node evidence, err error) {
	var group errgroup.Group
	var facts *kubelet.Facts
	group.Go(func() (err error) {
		facts, err = kubeletFacts(ctx, req.Snapshot, req.Kubelet)
		return err
	})
	selector := req.selector(req.Snapshot, req.nodeMachine())
	if looksAtCPU(selector) && len(subjects) > 0 {
		_ = group.Wait() // the error is looked at below
		selector.Level = req.cpuLevel(ctx, facts)
	}
	fetch(ctx, subjects, selector, req.Artifact, req.Reserve)
	subjects = append(subjects, parseFiles(req.Files)...)

	discovery := req.Discovery
	discovery.NVIDIADriver = slices.ContainsFunc(subjects, subject.asksForGPU)
	snapshot, err := inspect(ctx, req.Snapshot, discovery, features(subjects))
	if err != nil {
		snapshot = &nodefeatures.Snapshot{Sources: []nodefeatures.Source{}}
		giveUp(subjects, err)
	}
	snapshot, odd, err := req.Changes.apply(snapshot)
	if err != nil {
		return nil, evidence{}, err
	}
	err = group.Wait()
	var given *kubelet.GivenError
	if errors.As(err, &given) {
		return nil, evidence{}, err
	}
	var detection *report.Error
	if err != nil {
		detection = report.NewError(fmt.Errorf("looking for the kubelet: %w", err))
	}
	node = evidence{snapshot: snapshot, file: req.SnapshotFile, saved: req.Snapshot != nil, support: sidecar.Judge(facts, req.API), detection: detection, runtime: selector.Runtime}
	if facts != nil {
		node.machine, node.absent = facts.Node, facts.Absent
	}
	images := judgeAll(ctx, subjects, snapshot.Matcher(nil), req.policy())
	return node.report(req.Now, subjects, images, odd, req.policy()), node, nil
}

// policy is what the caller makes of the facts.
func (req NodeRequest) policy() policy {
	return policy{tags: req.Tags, missing: req.Missing, strict: req.Strict, requireSidecars: req.RequireSidecars, requireGPU: req.RequireGPU}
}

// IsUsage reports whether err is a mistake on the command line: a reference that
// is none, a short name, a what-if that cannot be, or what is told of a kubelet and cannot be used.
func IsUsage(err error) bool {
	var reference *artifact.ReferenceError
	var short *artifact.ShortNameError
	var change *ChangeError
	var given *kubelet.GivenError
	return errors.As(err, &reference) || errors.As(err, &short) || errors.As(err, &change) || errors.As(err, &given)
}
