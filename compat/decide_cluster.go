package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// An outcome is what becomes of a workload on one kind of node.
type outcome struct {
	verdict verdict.Verdict
	causes  []codedCause
	images  []*kindImage // the workload's own
	fix     *fix         // nil where none is known
	group   *report.NodeGroup
	gained  *[]string // the names of the nodes that the fix gains
	nodes   int
}

// judgeWorkload judges a workload on all nodes.
func (j *clusterJudge) judgeWorkload(w *workload, req ClusterRequest) (report.ClusterWorkload, []report.Unlock) {
	result := j.describeWorkload(w)
	var groups counter
	excluded, unlocks := exclusions{}, unlocker{}
	outcomes := map[*nodeKind]*outcome{}
	var inOrder []*outcome // of their first nodes
	for _, n := range j.nodes {
		if w.nodes != nil {
			if w.nodes[n.node.Name] == 0 {
				continue
			}
			result.Pods += w.nodes[n.node.Name]
		} else if why := w.constraints.Exclude(n.node, n.object); why != nil {
			excluded.add(*why, n.node.Name)
			continue
		}
		o := outcomes[n.kind]
		if o == nil {
			o = j.outcome(w, n.kind, req)
			o.group, o.gained = groups.group(o.verdict, o.causes), unlocks.of(o.fix)
			outcomes[n.kind], inOrder = o, append(inOrder, o)
		}
		o.nodes++
		o.group.Names = append(o.group.Names, n.node.Name)
		if o.gained != nil {
			*o.gained = append(*o.gained, n.node.Name)
		}
	}
	for _, o := range inOrder {
		addNodes(o.group, o.nodes, o.causes)
		countCandidates(&result.Candidates, o.verdict, o.nodes)
	}
	result.Excluded = excluded.sorted()
	result.Groups = groups.sortedGroups()
	j.count(&result, w, outcomes)
	result.MinNodes = max(1, req.MinNodes)
	if w.nodes != nil {
		result.MinNodes = result.Candidates.Total
	}
	decideWorkload(&result)
	if len(j.nodes) == 0 {
		result.Reasons = append(result.Reasons, req.noNodes())
	}
	return result, unlocks.sorted(result.Name)
}

func countCandidates(c *report.Candidates, v verdict.Verdict, nodes int) {
	c.Total += nodes
	switch v {
	case verdict.Compatible:
		c.Compatible += nodes
	case verdict.Incompatible:
		c.Incompatible += nodes
	default:
		c.Unknown += nodes
	}
}

func (j *clusterJudge) describeWorkload(w *workload) report.ClusterWorkload {
	result := report.ClusterWorkload{Name: w.name, Images: []string{}, Reasons: []verdict.Reason{}}
	names := slices.Clone(j.req.Images)
	for _, f := range j.req.Files {
		names = append(names, f.Name)
	}
	for _, i := range w.images {
		result.Images = append(result.Images, names[i])
	}
	if w.pod != nil {
		result.File, result.Document, result.Line = w.pod.File, w.pod.Document, w.pod.Line
	} else if w.name == "" {
		result.Name = cmp.Or(strings.Join(result.Images, ", "), "native sidecars") // which are required
	}
	return result
}

// outcome judges a workload on a kind of node.
func (j *clusterJudge) outcome(w *workload, kind *nodeKind, req ClusterRequest) *outcome {
	if kind.err != nil {
		reason := kind.err.Reason()
		return &outcome{verdict: verdict.Unknown, causes: []codedCause{{reason.Code, report.Cause{Message: reason.Message, Hint: reason.Hint}, true}}}
	}
	o := &outcome{}
	r := report.NewNodeReport(req.Now, nil)
	for _, i := range w.images {
		o.images = append(o.images, &kind.images[i])
		r.Images = append(r.Images, kind.images[i].Image)
	}
	r.Sidecars = &kind.support
	policy := req.policy()
	policy.requireSidecars = policy.requireSidecars || w.sidecars
	decideNode(r, nil, policy)
	blocked := false // by something that no change of a node mends
	if w.name != "" && len(r.Images) == 0 && !policy.requireSidecars {
		r.Verdict, r.Reasons = verdict.Compatible, []verdict.Reason{}
	}
	if w.pod != nil {
		blocked = addPod(r, j.base(w, kind, req))
	}
	for i, reason := range r.Reasons {
		if reason.Hint != "" && reason.Hint == report.SidecarHint(kind.support) {
			r.Reasons[i].Hint = clusterHint(kind.support)
		}
	}
	o.verdict, o.causes = r.Verdict, joinCauses(r, func(i int) []codedCause { return o.images[i].causes })
	if kind.none && o.verdict == verdict.Unknown && allCoded(o.causes, report.CodeFactsUnknown) {
		o.causes = []codedCause{{nodefeatures.ReasonNoNodeFeature, report.Cause{
			Message: "no NodeFeature object describes the node: nothing is known about it", Hint: "run nfd-worker there",
		}, true}}
		o.fix = &fix{report.UnlockNFD, "run nfd-worker" + mayFit}
		return o
	}
	if o.verdict != verdict.Compatible && !blocked {
		o.fix = fixOf(o.images, kind.support, w.needsSidecars(req))
	}
	return o
}

// clusterHint says in place of [report.SidecarHint], where a node is one of many, how an answer about
// sidecars can be made sure.
func clusterHint(s sidecar.Support) string {
	switch {
	case s.Support == sidecar.Unknown:
		return "read the Node object, too, which tells the kubelet's version"
	case s.Code == sidecar.CodeAPIGateOff || s.Code == sidecar.CodeAPITooOld:
		return "this is assumed: tell what is set with --api-feature-gates"
	}
	return "this is assumed: what `compat features` saves on the node tells what is set there"
}

func allCoded(causes []codedCause, code string) bool {
	return !slices.ContainsFunc(causes, func(c codedCause) bool { return c.code != code })
}

// needsSidecars reports whether native sidecars decide about the workload.
func (w *workload) needsSidecars(req ClusterRequest) bool {
	return req.RequireSidecars || w.sidecars || w.pod != nil && w.pod.HasSidecars()
}

// base is the verdict on a Pod without its images, on a kind of kubelet.
func (j *clusterJudge) base(w *workload, kind *nodeKind, req ClusterRequest) report.Pod {
	if base, ok := w.bases[kind.kubelet]; ok {
		return base
	}
	pod := *w.pod
	pod.Images, pod.Reasons = nil, []verdict.Reason{}
	whole := report.NewPodReport(req.Now, nil)
	whole.Problems = j.problems
	support := kind.support.For(templates(&report.PodReport{Pods: []report.Pod{pod}}))
	whole.Sidecars = &support
	judgePod(&pod, whole, nil, podTarget(&support, j.req.API), podPolicy{strict: req.Strict, labels: map[string]string{corev1.LabelOSStable: kind.os}, placed: true}, w.suppressed, nil)
	w.bases[kind.kubelet] = pod
	return pod
}

// findingNotNative is the finding on native sidecars that the node does not run as such.
const findingNotNative = "SC026"

// addPod adds the verdict on a Pod without its images to that on the images. Blocked is true where
// something other than native sidecars keeps the Pod from running.
func addPod(r *report.NodeReport, base report.Pod) (blocked bool) {
	reasons := base.Reasons
	sidecars := func(reason verdict.Reason) bool { return reason.Code == string(r.Sidecars.Code) }
	if slices.ContainsFunc(reasons, sidecars) { // which the finding says, too
		reasons = slices.DeleteFunc(slices.Clone(reasons), func(r verdict.Reason) bool { return r.Code == findingNotNative })
	}
	blocked = slices.ContainsFunc(reasons, func(r verdict.Reason) bool { return !sidecars(r) })
	if base.Verdict == verdict.Compatible {
		return false
	}
	switch all := verdict.All(r.Verdict, base.Verdict); {
	case all != base.Verdict: // the images decide
	case r.Verdict == all:
		r.Reasons = slices.Concat(reasons, r.Reasons)
	default:
		r.Verdict, r.Reasons = all, reasons
	}
	return blocked
}

// count counts the candidates by what is known of each kind of them.
func (j *clusterJudge) count(result *report.ClusterWorkload, w *workload, outcomes map[*nodeKind]*outcome) {
	result.Scores, result.Manifests = []report.ScoreCount{}, []report.ManifestCount{}
	if w.sidecars || w.pod != nil && w.pod.HasSidecars() {
		result.Sidecars = &report.SidecarCount{}
	}
	for kind, o := range outcomes {
		n := o.nodes
		for _, image := range o.images {
			j.failure = cmp.Or(j.failure, image.Error)
			countScore(result, image, o.verdict, n)
			countManifest(result, image, kind, n)
		}
		if s := result.Sidecars; s != nil {
			s.Nodes += n
			if kind.support.Verdict() == verdict.Compatible {
				s.Supported += n
			}
		}
	}
	byImage := func(a, b string) int {
		return cmp.Compare(slices.Index(result.Images, a), slices.Index(result.Images, b))
	}
	slices.SortFunc(result.Scores, func(a, b report.ScoreCount) int {
		return cmp.Or(byImage(a.Image, b.Image), cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Set, b.Set))
	})
	slices.SortFunc(result.Manifests, func(a, b report.ManifestCount) int {
		return cmp.Or(byImage(a.Image, b.Image), cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Runtime, b.Runtime), cmp.Compare(a.NodePlatform, b.NodePlatform), cmp.Compare(a.Manifest, b.Manifest))
	})
}

func countScore(w *report.ClusterWorkload, image *kindImage, v verdict.Verdict, nodes int) {
	if v != verdict.Compatible || image.Score == nil || image.best == "" {
		return
	}
	score := report.ScoreCount{Image: image.Name(), Set: image.best, Weight: *image.Score}
	for i, known := range w.Scores {
		if known.Image == score.Image && known.Set == score.Set && known.Weight == score.Weight {
			w.Scores[i].Nodes += nodes
			return
		}
	}
	score.Nodes = nodes
	w.Scores = append(w.Scores, score)
}

func countManifest(w *report.ClusterWorkload, image *kindImage, kind *nodeKind, nodes int) {
	if image.Selection == nil || image.Digest == image.ManifestDigest { // not out of an index
		return
	}
	m := report.ManifestCount{
		Image: image.Name(), Runtime: kind.runtime, NodePlatform: kind.platform, Manifest: image.ManifestDigest, Platform: image.Platform,
	}
	for i, known := range w.Manifests {
		if known.Nodes = 0; known == m {
			w.Manifests[i].Nodes += nodes
			return
		}
	}
	m.Nodes = nodes
	w.Manifests = append(w.Manifests, m)
}

// exclusions are the nodes that are no candidates, by reason.
type exclusions map[verdict.Reason]*report.Exclusion

func (e exclusions) add(why verdict.Reason, name string) {
	if e[why] == nil {
		e[why] = &report.Exclusion{Reason: why}
	}
	e[why].Nodes++
	e[why].Names = append(e[why].Names, name)
}

func (e exclusions) sorted() []report.Exclusion {
	list := make([]report.Exclusion, 0, len(e))
	for _, one := range e {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b report.Exclusion) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Reason.Code, b.Reason.Code), cmp.Compare(a.Reason.Message, b.Reason.Message))
	})
	return list
}

// noNodes is the reason where there are none.
func (req *ClusterRequest) noNodes() verdict.Reason {
	if req.Selector != nil {
		return verdict.Reason{Code: report.CodeNoNodes, Message: "there are no nodes with the labels " + req.Selector.String()}
	}
	return verdict.Reason{Code: report.CodeNoNodes, Message: "there are no nodes"}
}

// decideWorkload compares how many candidates run the workload with how many must.
func decideWorkload(w *report.ClusterWorkload) {
	c, wanted := w.Candidates, w.MinNodes
	switch {
	case c.Total == 0 && len(w.Excluded) == 0: // also where none is wanted
		w.Verdict = verdict.Unknown
		return
	case c.Compatible >= wanted:
		w.Verdict = verdict.Compatible
	case c.Compatible+c.Unknown < wanted:
		w.Verdict = verdict.Incompatible
	default:
		w.Verdict = verdict.Unknown
	}
	if c.Total == 0 {
		w.Reasons = append(w.Reasons, verdict.Reason{
			Code: report.CodeNoCandidates, Message: fmt.Sprintf("the scheduler considers none of the nodes: %s", w.Excluded[0].Reason.Message),
			Hint: "see excluded, and the workload's nodeSelector, affinity and tolerations",
		})
		return
	}
	if w.Verdict == verdict.Compatible {
		return
	}
	w.Reasons = append(w.Reasons, verdict.Reason{
		Code:    report.CodeTooFewNodes,
		Message: fmt.Sprintf("%d of %d candidates run it, %d unknown, and %d wanted", c.Compatible, c.Total, c.Unknown, wanted),
	})
	for _, g := range w.Groups {
		if g.Verdict != verdict.Compatible && len(w.Reasons) <= reasonsOfGroups && len(g.Reasons) > 0 {
			first := g.Reasons[0]
			w.Reasons = append(w.Reasons, verdict.Reason{
				Code: first.Code, Message: fmt.Sprintf("on %d of them: %s", g.Nodes, first.Message), Hint: first.Hint,
			})
		}
	}
}

// reasonsOfGroups is of how many groups a workload's reasons tell; its groups tell all.
const reasonsOfGroups = 3

// decideCluster sums the workloads up: all of them.
func decideCluster(r *report.ClusterReport, req ClusterRequest) {
	verdicts := make([]verdict.Verdict, len(r.Workloads))
	for i, w := range r.Workloads {
		verdicts[i] = w.Verdict
	}
	r.Verdict = verdict.All(verdicts...)
	if l := r.Labels; l != nil {
		decideLabels(r)
		if len(r.Workloads) == 0 {
			return
		}
	}
	if len(r.Workloads) == 0 || r.Error != nil && r.Verdict == verdict.Compatible {
		r.Verdict = verdict.Unknown
	}
	for _, problem := range r.Problems {
		if problem.Severity == verdict.SeverityError {
			r.Verdict = verdict.All(r.Verdict, problemVerdict(problem))
			r.Reasons = append(r.Reasons, verdict.Reason{Code: string(problem.Code), Message: report.ProblemTitle(problem)})
		}
	}
	for _, w := range r.Workloads {
		for _, reason := range w.Reasons {
			if len(r.Workloads) > 1 {
				reason.Message = w.Name + ": " + reason.Message
			}
			if w.Verdict == r.Verdict {
				r.Reasons = append(r.Reasons, reason)
			}
		}
	}
	if len(r.Workloads) == 0 && r.Error == nil {
		r.Reasons = append(r.Reasons, req.noWorkload(r.Problems))
	}
}

// noWorkload is the reason where there is none.
func (req *ClusterRequest) noWorkload(problems []manifest.Problem) verdict.Reason {
	if req.Pods == nil {
		return verdict.Reason{Code: report.CodeNoPod, Message: report.NoPodMessage(problems)}
	}
	reason := verdict.Reason{Code: report.CodeNoPod, Message: "no Pod runs"}
	if req.Namespace != "" {
		reason.Message += " in the namespace " + req.Namespace
		reason.Hint = "kubectl get namespaces lists those that there are"
	}
	if req.Selector != nil {
		reason.Message += " on nodes with the labels " + req.Selector.String()
	}
	return reason
}

// describe counts the nodes by their kubelets, and tells of what-if.
func (j *clusterJudge) describe(c *report.Cluster) {
	c.Nodes, c.Changes, c.ChangedNodes = len(j.nodes), j.changes, j.changed
	skew := map[verdict.Reason]int{}
	for _, n := range j.nodes {
		if n.kind.err != nil {
			continue
		}
		s := n.kind.support
		one := report.KubeletCount{Version: s.Kubelet.Version, Support: s.Support, Assumed: s.Assumed, Code: s.Code}
		if i := slices.IndexFunc(c.Kubelets, func(k report.KubeletCount) bool { k.Nodes = 0; return k == one }); i >= 0 {
			c.Kubelets[i].Nodes++
		} else {
			one.Nodes = 1
			c.Kubelets = append(c.Kubelets, one)
		}
		for _, f := range s.Findings {
			if f.Code == sidecar.CodeVersionSkew {
				skew[verdict.Reason{Code: string(f.Code), Message: f.Message}]++
			}
		}
	}
	slices.SortFunc(c.Kubelets, func(a, b report.KubeletCount) int {
		return cmp.Or(-compareVersions(a.Version, b.Version), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Code, b.Code))
	})
	for reason, nodes := range skew {
		reason.Message += fmt.Sprintf(" (%d nodes)", nodes)
		j.warnings = append(j.warnings, reason)
	}
	slices.SortStableFunc(j.warnings, func(a, b verdict.Reason) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
}

// compareVersions orders versions of kubelets; what is none comes first.
func compareVersions(a, b string) int {
	ra, errA := kubelet.ParseRelease(a)
	rb, errB := kubelet.ParseRelease(b)
	switch {
	case errA != nil && errB != nil:
		return 0
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return ra.Compare(rb)
}
