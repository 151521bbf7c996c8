package output

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// Bounds on the text form of a ClusterReport.
const (
	unlocksShown  = 10 // of a workload
	kubeletsShown = 6  // versions of kubelets
)

// writeCluster prints for a person: for each workload on how many nodes it runs, why not on the others,
// and what would make more fit.
func writeCluster(w io.Writer, r *report.ClusterReport, style Style) error {
	p := newPrinter(style)
	p.answer(r.Verdict, r.Error, clusterTitle(r), changesOn(r.Cluster))
	if r.Error != nil {
		p.reason(1, r.Error.Reason())
	}
	if len(r.Workloads) == 0 && r.Error == nil {
		for _, reason := range r.Reasons {
			p.reason(1, reason)
		}
	}
	for i := range r.Workloads {
		p.workload(r, &r.Workloads[i])
	}
	p.labels(r)
	if text := kubeletVersions(r.Cluster.Kubelets); text != "" {
		p.blank()
		p.wrap(0, "kubelets: ", text)
	}
	for i, problem := range r.Problems {
		if i == 0 {
			p.blank()
		}
		p.wrap(0, fmt.Sprintf("%s: %s:%d: ", problem.Severity, report.FileTitle(problem.File), problem.Line), problem.Message)
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// clusterTitle names what was judged in one line.
func clusterTitle(r *report.ClusterReport) string {
	title := ofNodes(r.Cluster.Nodes)
	if r.Cluster.Server != "" {
		title += " of " + r.Cluster.Server
	}
	if n := len(r.Workloads); n != 1 {
		title += fmt.Sprintf(", %s", counted(n, "workload"))
	}
	return title
}

// clusterSummary is a report in one line.
func clusterSummary(r *report.ClusterReport) string {
	about := clusterTitle(r)
	if len(r.Workloads) == 1 {
		about = candidates(r.Workloads[0].Candidates)
	}
	return answer(r.Verdict, r.Error) + ": " + about
}

func candidates(c report.Candidates) string {
	return fmt.Sprintf("%s of %s compatible, %s incompatible, %s unknown",
		thousands(c.Compatible), counted(c.Total, "candidate"), thousands(c.Incompatible), thousands(c.Unknown))
}

// changesOn are the assumed changes, and on how many nodes they were made.
func changesOn(c report.Cluster) []string {
	if c.ChangedNodes == 0 || c.ChangedNodes == c.Nodes {
		return c.Changes
	}
	return append(slices.Clone(c.Changes), "on "+ofNodes(c.ChangedNodes))
}

// workload prints what was found out about one workload.
func (p *printer) workload(r *report.ClusterReport, w *report.ClusterWorkload) {
	p.blank()
	p.mark0(w.Verdict, w.Title())
	text := candidates(w.Candidates)
	switch {
	case w.Pods > 0:
		text = counted(w.Pods, "Pod") + ": " + text
	case w.MinNodes > 1:
		text += fmt.Sprintf("; %s wanted", thousands(w.MinNodes))
	}
	p.line(1, "%s", text)
	if len(w.Groups) == 0 {
		for _, reason := range w.Reasons {
			p.reason(1, reason)
		}
	}
	for _, v := range report.VerdictOrder {
		p.groups(v, groupsWith(w.Groups, v), r.Error)
	}
	p.excluded(w.Excluded)
	if s := w.Sidecars; s != nil {
		p.blank()
		p.line(0, "native sidecars: %s of %s run them", thousands(s.Supported), counted(s.Nodes, "candidate"))
	}
	p.scores(w)
	p.manifests(w)
	p.unlocks(unlocksOf(r, w))
}

// groupsWith are the groups with a verdict.
func groupsWith(groups []report.NodeGroup, v verdict.Verdict) []report.NodeGroup {
	return slices.DeleteFunc(slices.Clone(groups), func(g report.NodeGroup) bool { return g.Verdict != v })
}

// excluded prints the nodes that are no candidates.
func (p *printer) excluded(list []report.Exclusion) {
	if len(list) == 0 {
		return
	}
	total := 0
	for _, e := range list {
		total += e.Nodes
	}
	p.blank()
	p.line(0, "- %s not considered by the scheduler", thousands(total))
	for _, e := range list {
		label := thousands(e.Nodes) + "  "
		p.wrap(1, label, named(e.Reason.Message))
		names := strings.Repeat(" ", columns(label)) + "nodes: "
		p.wrap(1, names, someNames(e.Names, e.Nodes, p.room(1)-columns(names)))
	}
}

// scores prints the best sets, where there is more than one to tell of.
func (p *printer) scores(w *report.ClusterWorkload) {
	if len(w.Scores) == 0 || len(w.Scores) == 1 && w.Scores[0].Weight == 0 {
		return
	}
	p.blank()
	p.line(0, "best sets")
	for _, s := range w.Scores {
		text := fmt.Sprintf("%s, weight %d", s.Set, s.Weight)
		if len(w.Images) > 1 {
			text = s.Image + ": " + text
		}
		p.wrap(1, thousands(s.Nodes)+"  ", text)
	}
}

// manifests prints what the nodes' runtimes take, where they differ, or take none.
func (p *printer) manifests(w *report.ClusterWorkload) {
	if len(w.Manifests) == 0 {
		return
	}
	p.blank()
	p.line(0, "manifests that the nodes take")
	for _, m := range w.Manifests {
		p.wrap(1, thousands(m.Nodes)+"  ", manifestText(m, len(w.Images) > 1))
	}
}

// manifestText says which manifest nodes take.
func manifestText(m report.ManifestCount, named bool) string {
	text := m.Platform
	if text == "" {
		text = "none"
	}
	if m.NodePlatform != "" {
		text += " on " + m.NodePlatform
	}
	if m.Runtime != "" {
		text += " by " + m.Runtime
	}
	if named {
		text = m.Image + ": " + text
	}
	return text
}

// unlocksOf are the changes for one workload.
func unlocksOf(r *report.ClusterReport, w *report.ClusterWorkload) []report.Unlock {
	return slices.DeleteFunc(slices.Clone(r.Unlock), func(u report.Unlock) bool { return u.Workload != w.Name })
}

// unlocks prints what would make more nodes fit.
func (p *printer) unlocks(list []report.Unlock) {
	if len(list) == 0 {
		return
	}
	p.blank()
	p.line(0, "what would make more nodes fit")
	for i, u := range list {
		if i == unlocksShown && !p.style.All && len(list) > unlocksShown+1 {
			p.line(1, "… and %d more changes (--all shows them)", len(list)-i)
			return
		}
		label := "+" + thousands(u.Nodes) + "  "
		p.wrap(1, label, unlockText(u))
		names := strings.Repeat(" ", columns(label)) + "nodes: "
		p.wrap(1, names, someNames(u.Names, u.Nodes, p.room(1)-columns(names)))
	}
}

// unlockWords are the kinds of changes for a person.
var unlockWords = map[report.UnlockKind]string{
	report.UnlockSpec: "spec", report.UnlockNFD: "NFD", report.UnlockModule: "module", report.UnlockBoot: "boot or firmware", report.UnlockKubelet: "kubelet",
	report.UnlockDriver: "driver", report.UnlockKernel: "kernel", report.UnlockOS: "operating system", report.UnlockHardware: "hardware",
	report.UnlockImage: "image",
}

func unlockText(u report.Unlock) string {
	word, ok := unlockWords[u.Kind]
	if !ok {
		word = string(u.Kind)
	}
	return word + ": " + named(u.Change)
}

// labels prints how the nodes' labels differ from what the rules give them.
func (p *printer) labels(r *report.ClusterReport) {
	check := r.Labels
	if check == nil {
		return
	}
	p.blank()
	v, text := verdict.Compatible, "as the rules say"
	if n := len(check.Differences); n > 0 {
		v, text = verdict.Incompatible, counted(n, "difference")
	}
	p.mark0(v, fmt.Sprintf("labels of %s by %s: %s", comparedNodes(r), counted(check.Rules, "rule"), text))
	for i, d := range check.Differences {
		if i == unlocksShown && !p.style.All && len(check.Differences) > unlocksShown+1 {
			p.line(1, "… and %d more (--all shows them)", len(check.Differences)-i)
			return
		}
		label := thousands(d.Nodes) + "  "
		p.wrap(1, label, named(fmt.Sprintf("%s %s%s: %s", d.Problem, d.Label, byRule(d.Rule), d.Message)))
		names := strings.Repeat(" ", columns(label)) + "nodes: "
		p.wrap(1, names, someNames(d.Names, d.Nodes, p.room(1)-columns(names)))
	}
}

// comparedNodes are the nodes whose labels were compared: of those that no or two workers describe, it is
// not known which they should have.
func comparedNodes(r *report.ClusterReport) string {
	if r.Labels.Nodes == r.Cluster.Nodes {
		return ofNodes(r.Cluster.Nodes)
	}
	return fmt.Sprintf("%s of %s, the others without one known NodeFeature object,", thousands(r.Labels.Nodes), ofNodes(r.Cluster.Nodes))
}

func byRule(rule string) string {
	if rule == "" {
		return ""
	}
	return " (rule " + rule + ")"
}

// kubeletVersions is the histogram in one line; empty if no version is known.
func kubeletVersions(list []report.KubeletCount) string {
	var parts []string
	others := 0
	for i, k := range list {
		if i >= kubeletsShown {
			others += k.Nodes
			continue
		}
		version := k.Version
		if version == "" {
			if len(list) == 1 {
				return ""
			}
			version = "unknown"
		}
		parts = append(parts, fmt.Sprintf("%s on %s (native sidecars: %s)", version, thousands(k.Nodes), named(string(k.Support))))
	}
	if others > 0 {
		parts = append(parts, "others on "+thousands(others))
	}
	return strings.Join(parts, ", ")
}

// cluster is a table of the workloads, and for each its groups and what would make more nodes fit.
func (m *markdown) cluster(r *report.ClusterReport) {
	m.headline(r.Verdict, r.Error, mark("%s", clusterTitle(r)), changesOn(r.Cluster))
	switch {
	case r.Error != nil:
		m.paragraphs([]verdict.Reason{r.Error.Reason()})
	case len(r.Workloads) == 0:
		m.paragraphs(r.Reasons)
	}
	m.table("| | workload | compatible | incompatible | unknown | not considered |", len(r.Workloads), func(i int) markup {
		w := &r.Workloads[i]
		excluded := 0
		for _, e := range w.Excluded {
			excluded += e.Nodes
		}
		c := w.Candidates
		return mark("| %s | %s | %s | %s | %s | %s |", markdownMarks[w.Verdict], w.Title(), thousands(c.Compatible),
			thousands(c.Incompatible), thousands(c.Unknown), thousands(excluded))
	}, "workload")
	for i := range r.Workloads {
		w := &r.Workloads[i]
		m.put("\n### %s %s\n", markdownMarks[w.Verdict], w.Title())
		m.nodeGroups(w.Groups, r.Error)
		unlocks := unlocksOf(r, w)
		m.table("| more nodes | change | |", len(unlocks), func(i int) markup {
			u := unlocks[i]
			return mark("| +%s | %s | %s |", thousands(u.Nodes), unlockText(u), code(someNames(u.Names, u.Nodes, 1<<10)))
		}, "change")
	}
	if check := r.Labels; check != nil {
		m.put("\nLabels of %s by %s: %s", comparedNodes(r), counted(check.Rules, "rule"), counted(len(check.Differences), "difference"))
		m.table("| nodes | label | rule | | |", len(check.Differences), func(i int) markup {
			d := check.Differences[i]
			return mark("| %s | %s | %s | %s | %s |", thousands(d.Nodes), code(d.Label), code(d.Rule), string(d.Problem), d.Message)
		}, "label")
	}
	if text := kubeletVersions(r.Cluster.Kubelets); text != "" {
		m.put("\nKubelets: %s", text)
	}
	m.warnings(r.Warnings)
	m.end()
}
