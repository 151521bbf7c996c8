package output

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// sets lists the sets of an image with their rules, and what did not hold.
func (m *markdown) sets(image *report.Image) {
	if a := image.Artifact; a != nil {
		if text := trustText(a.Trust); text != "" {
			m.put("artifact %s on the %s, %s\n", code(a.Digest), a.On, text)
		} else {
			m.put("artifact %s on the %s\n", code(a.Digest), a.On)
		}
	}
	best := report.BestSet(image.Sets)
	for i := range image.Sets {
		set := &image.Sets[i]
		note := fmt.Sprintf(", weight %d", set.Weight)
		if set.Match == "any" {
			note += ", one rule is enough"
		}
		if set == best && len(image.Sets) > 1 {
			note += ", the best"
		}
		m.put("- %s %s", markdownMarks[set.Verdict], set.Title()+note)
		for _, rule := range set.Rules {
			m.rule(rule)
		}
	}
}

func (m *markdown) rule(r nodefeatures.Rule) {
	m.put("  - %s rule %s", markdownMarks[r.Verdict], code(r.Name))
	if r.Reason != nil {
		m.put("    - %s", m.reason(*r.Reason))
	}
	if r.Verdict == verdict.Compatible {
		return
	}
	m.terms("    ", r.Terms)
	for i, a := range r.MatchAny {
		m.put("    - %s alternative %d of %d", markdownMarks[a.Verdict], i+1, len(r.MatchAny))
		m.terms("      ", a.Terms)
	}
}

// terms says of each term that does not hold what was wanted and what was found.
func (m *markdown) terms(indent markup, terms []nodefeatures.Term) {
	for _, t := range terms {
		if t.Verdict != verdict.Compatible {
			why := report.WhyTerm(t)
			m.put("%s- %s %s", indent, markdownMarks[t.Verdict], m.reason(verdict.Reason{Message: why.Message, Hint: why.Hint}))
		}
	}
}

// support says whether the kubelet runs native sidecars; what else there is to say is
// folded.
func (m *markdown) support(s *sidecar.Support) {
	reason := supportReason(*s)
	m.put("\n%s %s", markdownMarks[s.Verdict()], m.reason(reason))
	if len(s.Findings) == 0 {
		return
	}
	m.details(mark("%s", counted(len(s.Findings), "remark")+" on the kubelet"), func() {
		for _, f := range s.Findings {
			m.put("- %s: %s", first(f.Severity), m.reason(verdict.Reason{Message: f.Message, Hint: f.Remedy}))
		}
	})
}

// nodes is a table of the groups of nodes, and one of the nodes.
func (m *markdown) nodes(l *report.NodeReportList) {
	var changes []string
	if len(l.Items) > 0 {
		changes = l.Items[0].Node.Changes
	}
	e := firstError(l)
	m.headline(l.Verdict, e, mark("%s", nodesSummary(l.Summary)), changes)
	if e != nil && !toldByGroup(l.Summary.Groups, e) {
		m.paragraphs([]verdict.Reason{e.Reason()})
	}
	m.nodeGroups(l.Summary.Groups, e)
	if len(l.Items) > 0 {
		m.details(mark("%s", ofNodes(len(l.Items))), func() { m.eachNode(l) })
	}
	m.warnings(nodesWarnings(l))
	m.end()
}

// nodeGroups is a table of groups of nodes. e is the error of their report, or nil.
func (m *markdown) nodeGroups(groups []report.NodeGroup, e *report.Error) {
	m.table("| | nodes | why | |", len(groups), func(i int) markup {
		g := groups[i]
		reasons := make([]verdict.Reason, len(g.Reasons))
		for i, r := range g.Reasons {
			reasons[i] = verdict.Reason{Code: r.Code, Message: groupReasonText(r), Hint: r.Hint}
			if r.Hint == "" && groupTells(r, e) {
				reasons[i].Hint = e.Hint
			}
		}
		return mark("| %s | %s | %s | %s |", markdownMarks[g.Verdict], thousands(g.Nodes), m.reasons(reasons, nil), code(someNames(g.Names, g.Nodes, 1<<10)))
	}, "group")
}

// eachNode is a table of the nodes.
func (m *markdown) eachNode(l *report.NodeReportList) {
	m.table("| | node | weight |", len(l.Items), func(i int) markup {
		r := l.Items[i]
		scores := []string{}
		for _, image := range r.Images {
			if image.Score != nil {
				scores = append(scores, fmt.Sprint(*image.Score))
			}
		}
		return mark("| %s | %s | %s |", markdownMarks[r.Verdict], headline(r.Node), strings.Join(scores, ", "))
	}, "node")
}

// podReport is a table of Pods, what is to be said about each of them, and their images.
func (m *markdown) podReport(r *report.PodReport) {
	m.headline(r.Verdict, r.Error, mark("%s", counted(len(r.Pods), "Pod")+" on "+headline(r.Node)+failing(r)), r.Node.Changes)
	p := &podPrinter{report: r}
	if e := r.Error; e != nil && !p.tellsError(e) {
		m.paragraphs([]verdict.Reason{e.Reason()})
	}
	if len(r.Pods) == 0 && r.Error == nil {
		m.put("\n%s", sentence(r.NoPod().Message))
	}
	m.table("| | Pod | place | why |", len(r.Pods), func(i int) markup {
		pod := &r.Pods[i]
		why, end := shortWhy(pod)
		return mark("| %s | %s | %s | %s |", markdownMarks[pod.Verdict], code(podName(pod)),
			code(fmt.Sprintf("%s:%d", report.FileTitle(pod.File), pod.Line)), why+end)
	}, "Pod")
	for i := range r.Pods {
		if pod := &r.Pods[i]; !healthy(pod) || len(pod.Findings) > 0 {
			m.details(mark("%s %s", markdownMarks[pod.Verdict], pod.Title()), func() { m.pod(p, pod) })
		}
	}
	m.problems(r)
	m.images(r.Images)
	if p.sidecarsMatter() {
		m.support(r.Sidecars)
	}
	m.warnings(r.Warnings)
	m.end()
}

// problems are the parts of the files that could not be used: errors and warnings in the
// open, and folded what is only worth knowing.
func (m *markdown) problems(r *report.PodReport) {
	failing := failingProblems(r)
	list := func(info bool) {
		for _, problem := range r.Problems {
			if info == (problem.Severity == verdict.SeverityInfo) {
				note := ""
				if failing[report.ProblemTitle(problem)] {
					note = " (--fail-on)"
				}
				m.put("- %s%s: %s: %s", first(problem.Severity), note, code(fmt.Sprintf("%s:%d", report.FileTitle(problem.File), problem.Line)), problem.Message)
			}
		}
	}
	infos := 0
	for _, problem := range r.Problems {
		if problem.Severity == verdict.SeverityInfo {
			infos++
		}
	}
	if infos < len(r.Problems) {
		m.put("")
		list(false)
	}
	if infos > 0 {
		m.details(mark("%s", counted(infos, "remark")+" on the files"), func() { list(true) })
	}
}

// pod is what is to be said about one Pod: how it starts, its findings and its reasons.
func (m *markdown) pod(p *podPrinter, pod *report.Pod) {
	if reason := pod.Plan.OutcomeReason; reason != "" {
		m.put("%s\n", p.withoutSupport(outcomes[pod.Plan.Outcome]+reason))
	}
	for i, step := range pod.Plan.Steps {
		note := ""
		switch {
		case !step.Starts:
			note = ": never started"
		case step.Kind == sidecar.StepSidecar || step.Kind == sidecar.StepLegacy:
			note = prefixed(": ", readiness[step.Ready]) + waitText(step)
		}
		m.put("%d. %s (%s)%s", i+1, code(step.Container), stepNames[step.Kind], note)
	}
	for _, f := range pod.Findings {
		m.finding(p, pod, f)
	}
	for _, reason := range pod.Reasons {
		if p.untold(pod, reason) {
			m.put("\n%s", m.reason(withErrorHint(reason, p.report.Error)))
		}
	}
}

// finding is a remark with its remedy, whose later lines are YAML.
func (m *markdown) finding(p *podPrinter, pod *report.Pod, f sidecar.PodFinding) {
	place := fmt.Sprintf("%s:%d", report.FileTitle(pod.File), f.Line)
	if f.Container != "" {
		place += " " + f.Container
	}
	m.put("\n**%s** %s, %s: %s", f.ID, string(f.Severity), code(place), p.withoutSupport(f.Message))
	if f.Suppressed != nil {
		m.put("\nSuppressed by %s", suppressedBy(f.Suppressed))
		return
	}
	remedy := strings.Split(strings.TrimRight(f.Remedy, "\n"), "\n")
	if remedy[0] != "" {
		m.put("\nRemedy: %s", remedy[0])
	}
	if yaml := slices.DeleteFunc(remedy[1:], func(line string) bool { return line == "" }); len(yaml) > 0 {
		block := markup("\n<pre>")
		for _, line := range yaml[:min(len(yaml), markdownYAML)] {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			block += mark("\n%s%s", markup(strings.Repeat(" ", min(indent, 40))), line)
		}
		m.put("%s\n</pre>", block)
	}
}
