package output

import (
	"slices"
	"strings"

	"nodecompat/compat/report"
)

// A note is what several plans say, and the Pods that it holds for.
type note struct {
	label, text string
	pods        []string
}

// notes prints what the plans do not promise, and what is to be known of Jobs, once
// however many Pods it holds for. What holds for some Pods only is said with their names,
// if the plan of one of them is shown.
func (p *podPrinter) notes() {
	first := true
	for _, n := range collectNotes(p.report, p.style.All) {
		text := n.text
		if len(n.pods) < len(p.report.Pods) {
			text += " (" + someNames(n.pods, len(n.pods), p.room(1)) + ")"
		}
		if first {
			p.blank()
			first = false
		}
		p.wrap(0, n.label, text)
	}
}

// collectNotes returns the notes in the order in which they come first.
func collectNotes(r *report.PodReport, all bool) []*note {
	var list []*note
	byText := map[[2]string]*note{}
	shown := map[*note]bool{}
	add := func(pod *report.Pod, label, text string) {
		key := [2]string{label, text}
		n := byText[key]
		if n == nil {
			n = &note{label: label, text: text}
			byText[key], list = n, append(list, n)
		}
		n.pods = append(n.pods, podName(pod))
		shown[n] = shown[n] || all || !healthy(pod)
	}
	for i := range r.Pods {
		pod := &r.Pods[i]
		if pod.Plan.Job != nil {
			for _, text := range pod.Plan.Job.Notes {
				add(pod, "Job: ", text)
			}
		}
		for _, text := range pod.Plan.Notes {
			add(pod, "· ", text)
		}
	}
	return slices.DeleteFunc(list, func(n *note) bool {
		return strings.TrimSpace(n.text) == "" || !shown[n] && len(n.pods) < len(r.Pods)
	})
}
