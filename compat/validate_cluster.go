package compat

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"nodecompat/compat/artifact"
	"nodecompat/compat/cluster"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

// A ClusterRequest says what to validate the nodes of a cluster against.
type ClusterRequest struct {
	// NodeRequest says how to reach the images and what counts. Its Images and Files are
	// judged together, as one Pod; where there are Manifests, Files with each of these.
	NodeRequest
	// Manifests are the files with workloads; each is judged by itself.
	Manifests []File
	// NoImages leaves the workloads' images out.
	NoImages bool
	// MinNodes is how many candidates must run a workload; 0 means 1.
	MinNodes int
	// Nodes reads the nodes.
	Nodes ClusterNodes
	// Selector chooses nodes by their labels; nil takes all.
	Selector labels.Selector
	// WhatIf chooses the nodes to which Changes apply; nil takes all.
	WhatIf labels.Selector
	// Cluster is what is known of the cluster beside its nodes.
	Cluster report.Cluster
	// Pods lists what runs in Namespace, "" in all; where it is not nil that is judged, each
	// workload on the nodes that it runs on, all of which must be compatible.
	Pods      ClusterPods
	Namespace string
	// LabelRules lists the cluster's NodeFeatureRule objects; where it is not nil the labels of the nodes
	// are compared with what nfd-master should make of them.
	LabelRules func() (nodefeatures.LabelRules, error)
}

// ClusterNodes reads the nodes of a cluster, as nodefeatures.LoadOptions say. An error is that of a
// read that failed, and the last.
type ClusterNodes func(nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error]

// ClusterOptions say what is read of a live cluster.
type ClusterOptions = cluster.Options

// A LiveCluster is one that is asked through its API server.
type LiveCluster struct {
	// Cluster is what is known of it beside its nodes.
	Cluster report.Cluster
	// Version is the answer to /version; nil if that may not be asked.
	Version []byte
	Nodes   ClusterNodes
	Pods    ClusterPods
	Rules   func() (nodefeatures.LabelRules, error)
}

// OpenCluster asks an API server for its version, and where nfd-master is.
func OpenCluster(ctx context.Context, client *apiserver.Client, o ClusterOptions) (*LiveCluster, error) {
	live, err := cluster.Open(ctx, client, o)
	if err != nil {
		return nil, err
	}
	return &LiveCluster{
		Cluster: report.Cluster{Server: live.Server, NFDNamespace: live.Namespace},
		Version: live.Version,
		Nodes:   func(o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] { return live.Nodes(ctx, o) },
		Rules:   func() (nodefeatures.LabelRules, error) { return live.LabelRules(ctx) },
		Pods:    func(namespace string) ([]cluster.Running, error) { return live.Running(ctx, namespace) },
	}, nil
}

// ClusterPods lists what runs in a namespace, "" in all.
type ClusterPods func(namespace string) ([]cluster.Running, error)

// ValidateCluster judges workloads on the nodes of a cluster. Each image is fetched once for each
// platform and runtime; nodes on which the rules look at equal facts are evaluated once. The report is
// never nil unless an error is returned, which is for input of the caller that cannot be used (a usage
// error), and nothing else.
func ValidateCluster(ctx context.Context, req ClusterRequest) (*report.ClusterReport, error) {
	result := report.NewClusterReport(req.Now, nil)
	result.Cluster = req.Cluster
	result.Cluster.Kubelets = []report.KubeletCount{}
	workloads, err := req.workloads(ctx, result)
	if err != nil {
		return failedCluster(result, err), nil
	}
	j := clusterJudge{
		nodesJudge: nodesJudge{
			req: req.NodeRequest, fetched: map[string]*fetched{}, fromManifests: len(req.Manifests) > 0 || req.Pods != nil,
		},
		whatIf: req.WhatIf, kinds: map[string]*nodeKind{},
	}
	if req.LabelRules != nil {
		if j.labels, err = newLabelCheck(req.LabelRules); err != nil {
			return failedCluster(result, err), nil
		}
	}
	if err := j.gather(ctx, req, workloads); err != nil {
		if IsUsage(err) {
			return nil, err
		}
		return failedCluster(result, err), nil
	}
	j.describe(&result.Cluster)
	result.Labels, result.Policy = j.labels.result(), j.policy
	result.Warnings = append(result.Warnings, j.warnings...)
	for i, problem := range result.Problems {
		result.Problems[i] = podTarget(&sidecar.Support{}, req.API).Regrade(problem)
	}
	j.problems = result.Problems
	for i := range workloads {
		if err := ctx.Err(); err != nil {
			result.Error = report.NewError(fmt.Errorf("judging the workloads: %w", err))
			break
		}
		described, unlocks := j.judgeWorkload(&workloads[i], req)
		if workloads[i].nodes != nil && described.Candidates.Total == 0 { // it runs on nodes that were not chosen
			continue
		}
		result.Workloads, result.Unlock = append(result.Workloads, described), append(result.Unlock, unlocks...)
	}
	result.Error = cmp.Or(result.Error, j.failure, unreadError(result.Problems))
	decideCluster(result, req)
	if len(j.nodes) > 0 && req.WhatIf != nil && j.changed == 0 {
		none := verdict.Reason{
			Code: report.CodeWhatIfNoNode, Message: "no node has the labels " + req.WhatIf.String() + " of --what-if-selector: nothing was changed",
			Hint: "kubectl get nodes --show-labels lists those that there are",
		}
		result.Verdict = verdict.All(result.Verdict, verdict.Unknown)
		result.Reasons, result.Warnings = append(result.Reasons, none), append(result.Warnings, none)
	}
	return result, nil
}

// failedCluster is a report on nothing.
func failedCluster(r *report.ClusterReport, err error) *report.ClusterReport {
	r.Error = report.NewError(err)
	r.Reasons = append(r.Reasons, r.Error.Reason())
	return r
}

// A workload is what is placed together: a Pod template, or images and specs.
type workload struct {
	name string
	pod  *report.Pod // nil for images and specs, and what runs
	// nodes are those that it runs on, with how many Pods; nil where it is yet to be placed.
	nodes map[string]int
	// sidecars says of what runs that it has native sidecars.
	sidecars bool
	// images are the positions of its own among all that are judged.
	images      []int
	constraints cluster.Constraints
	suppressed  *suppressions
	// bases are the verdicts on the Pod without its images, by kind of kubelet.
	bases map[string]report.Pod
}

// workloads are those of the manifests, what runs, or the images and specs as one.
func (req *ClusterRequest) workloads(ctx context.Context, result *report.ClusterReport) ([]workload, error) {
	switch {
	case req.Pods != nil:
		return req.running()
	case len(req.Manifests) > 0:
		return req.templates(ctx, result), nil
	case len(req.Images)+len(req.Files) == 0 && !req.RequireSidecars:
		return nil, nil
	}
	one := workload{}
	for i := range len(req.Images) + len(req.Files) {
		one.images = append(one.images, i)
	}
	return []workload{one}, nil
}

// templates are the workloads of the manifests.
func (req *ClusterRequest) templates(ctx context.Context, result *report.ClusterReport) []workload {
	read := readManifests(ctx, req.Manifests, req.NoImages)
	result.Problems = append(result.Problems, read.problems...)
	all := &references{}
	var list []workload
	for i := range read.pods {
		pod := &read.pods[i]
		w := workload{
			pod: pod, suppressed: read.of[i], bases: map[string]report.Pod{},
			constraints: cluster.ConstraintsOf(pod.Spec, pod.Kind == "DaemonSet"),
		}
		w.name = pod.Kind + " " + cmp.Or(pod.Name, "without a name")
		if pod.Namespace != "" {
			w.name = pod.Kind + " " + pod.Namespace + "/" + pod.Name
		}
		for _, image := range pod.Images {
			w.add(all, image.Reference)
		}
		list = append(list, w)
	}
	req.Images = all.list
	for i := range list {
		for j := range req.Files {
			list[i].images = append(list[i].images, len(req.Images)+j)
		}
	}
	return list
}

// running are the workloads that run.
func (req *ClusterRequest) running() ([]workload, error) {
	running, err := req.Pods(req.Namespace)
	if err != nil {
		return nil, err
	}
	all := &references{}
	list := make([]workload, len(running))
	for i, r := range running {
		list[i] = workload{name: r.Name, nodes: r.Nodes, sidecars: r.Sidecars}
		for _, image := range r.Images {
			if !req.NoImages {
				list[i].add(all, fullName(image))
			}
		}
	}
	req.Images = all.list
	return list, nil
}

// references are images that are fetched, each once.
type references struct {
	list     []string
	position map[string]int
}

// add adds an image to those of the workload.
func (w *workload) add(all *references, reference string) {
	at, ok := all.position[reference]
	if !ok {
		if all.position == nil {
			all.position = map[string]int{}
		}
		at = len(all.list)
		all.position[reference] = at
		all.list = append(all.list, reference)
	}
	if !slices.Contains(w.images, at) {
		w.images = append(w.images, at)
	}
}

// A clusterJudge judges images on the nodes of a cluster, each kind of node once.
type clusterJudge struct {
	nodesJudge
	whatIf  labels.Selector
	kinds   map[string]*nodeKind
	nodes   []clusterNode
	changes []string // as they were applied, to changed nodes
	changed int

	problems []manifest.Problem // of the manifests
	warnings []verdict.Reason
	failure  *report.Error
	labels   *labelCheck    // nil where nobody asked
	policy   *report.Policy // nil without one
}

// A clusterNode is a node of the cluster.
type clusterNode struct {
	node   nodefeatures.Node
	object *nodefeatures.Object
	kind   *nodeKind
}

// A nodeKind is what nodes have in common on which all is judged alike.
type nodeKind struct {
	images   []kindImage
	support  sidecar.Support
	os       string
	platform string
	runtime  string
	// none says that no NodeFeature object describes the nodes.
	none bool
	// err is why nothing is known; nil if something is.
	err *report.Error
	// kubelet is the same for two kinds only if their kubelets are judged alike.
	kubelet string
}

// A kindImage is what a kind of node makes of an image, without the sets that led to it: there can be
// hundreds of kinds and of images.
type kindImage struct {
	report.Image
	best    string       // title of the best set; "" if there is none
	causes  []codedCause // of the image's reasons
	fixes   []fix        // that it needs, if fixable
	fixable bool
}

func newKindImage(image report.Image) kindImage {
	k := kindImage{causes: imageCauses(image)}
	if best := report.BestSet(image.Sets); best != nil {
		k.best = best.Title()
	}
	if image.Verdict != verdict.Compatible {
		k.fixes, k.fixable = fixesOfImage(image)
	}
	image.Sets, image.Candidates, image.Requirements = nil, nil, nil
	k.Image = image
	return k
}

// gather reads the nodes and judges the images on each kind of them.
func (j *clusterJudge) gather(ctx context.Context, req ClusterRequest, workloads []workload) error {
	wanted := map[string]bool{}
	for _, w := range workloads {
		for _, key := range w.constraints.Labels() {
			wanted[key] = true
		}
	}
	for _, selector := range []labels.Selector{req.Selector, req.WhatIf} {
		if selector != nil {
			requirements, _ := selector.Requirements()
			for _, r := range requirements {
				wanted[r.Key()] = true
			}
		}
	}
	o := nodefeatures.LoadOptions{
		Features: func(n nodefeatures.Node) []string { return j.labels.features(j.features(ctx, n)) }, Labels: wanted, AllLabels: j.labels != nil, Nodes: true,
	}
	for loaded, err := range req.Nodes(o) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = j.add(ctx, loaded, req)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add judges a node that was read.
func (j *clusterJudge) add(ctx context.Context, loaded nodefeatures.Loaded, req ClusterRequest) error {
	if loaded.Err != nil {
		j.addFailed(loaded)
		return nil //nolint:nilerr // it is the node's
	}
	s := loaded.Snapshot
	if j.warn(loaded.Notes); s == nil {
		return nil
	}
	if req.Selector != nil && !matches(req.Selector, s.Object) {
		return nil
	}
	var changes Changes
	if req.WhatIf == nil || matches(req.WhatIf, s.Object) {
		changes = j.req.Changes
	}
	n, err := j.look(ctx, s, changes)
	if err != nil {
		return err
	}
	if len(n.snapshot.Changes) > 0 {
		j.changes = n.snapshot.Changes
		j.changed++
	}
	e := evidence{snapshot: n.snapshot, saved: true, support: sidecar.Judge(n.kubelet, j.req.API), runtime: n.selector.Runtime}
	none := slices.ContainsFunc(s.Notes, func(r verdict.Reason) bool { return r.Code == nodefeatures.ReasonNoNodeFeature })
	if !none {
		j.labels.add(s)
	}
	j.warn(slices.DeleteFunc(slices.Clone(s.Notes), func(r verdict.Reason) bool { return r.Code == nodefeatures.ReasonNoNodeFeature }))
	kind, known := j.kind(n, e, none)
	if !known {
		images := make([]report.Image, len(n.subjects))
		kind.images = make([]kindImage, len(n.subjects))
		judgeEach(ctx, n.subjects, n.snapshot.Matcher(&j.cache), j.req.policy(), func(i int, image report.Image) {
			images[i], kind.images[i] = image, newKindImage(image)
		})
		j.policy = cmp.Or(j.policy, policyOf(n.subjects))
		j.warn(slices.Concat(e.subjectWarnings(n.subjects), gpuWarnings(images), n.odd, missingIsCompatible(n.subjects, j.req.policy())))
	}
	node := s.Node
	node.Name = cmp.Or(node.Name, loaded.Input)
	j.nodes = append(j.nodes, clusterNode{node, s.Object, kind})
	return nil
}

// warn adds warnings, each once.
func (j *clusterJudge) warn(warnings []verdict.Reason) {
	for _, w := range warnings {
		if len(j.warnings) < maxWarnings && !slices.Contains(j.warnings, w) {
			j.warnings = append(j.warnings, w)
		}
	}
}

// addFailed adds a node of which nothing could be read.
func (j *clusterJudge) addFailed(loaded nodefeatures.Loaded) {
	err := report.NewError(&SnapshotError{loaded.Input, loaded.Err})
	j.failure = cmp.Or(j.failure, err)
	j.nodes = append(j.nodes, clusterNode{node: nodefeatures.Node{Name: loaded.Input}, kind: &nodeKind{err: err}})
}

// maxWarnings bounds the different warnings about nodes that are kept.
const maxWarnings = 100

func matches(selector labels.Selector, object *nodefeatures.Object) bool {
	return object != nil && selector.Matches(labels.Set(object.Labels))
}

// kind is that of a node; what its name tells is no part of it.
func (j *clusterJudge) kind(n judgedNode, e evidence, none bool) (k *nodeKind, known bool) {
	os, _ := e.platform()
	k = &nodeKind{support: e.support, os: os, runtime: e.runtime.String(), none: none}
	if p := n.selector.Platform; p.OS != "" {
		k.platform = artifact.FormatPlatform(p)
	}
	s := k.support
	k.kubelet = fmt.Sprint(s.Support, s.Assumed, s.Code, s.Message, s.Kubelet.Version, s.Gates, s.Findings, s.UnsafeSysctls, k.os)
	key := fmt.Sprint(n.key, "\x00", k.kubelet, "\x00", k.none)
	if old, known := j.kinds[key]; known {
		return old, true
	}
	j.kinds[key] = k
	return k, false
}
