package kubelet

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// Detect finds out which kubelet the node runs and how it is configured. For
// the version the strongest source wins: Options.Version, the kubelet's /metrics,
// the Node object, the binary of the running process, the kubelet's log, a
// kubelet binary in the system's directories. For the gates it is
// Options.FeatureGates, the kubelet's /metrics, its /configz, its /flagz, then
// the files that were given, the process's flags, its drop-ins, its configuration
// file, its log; without a process, the files where the distribution keeps them;
// at last, the cluster's ConfigMap. What sources say differently is listed in
// Facts.Disagreements.
//
// A machine without a kubelet is an answer, with the reason. Detect returns an
// error only when something given can't be used, a *GivenError, or ctx ends.
func Detect(ctx context.Context, o Options) (*Facts, error) {
	t, err := readGiven(o, "")
	if err != nil {
		return nil, err
	}
	reason := &verdict.Reason{Code: ReasonNotTold, Message: "a kubelet of this version is meant wherever it runs: nothing of this machine was looked at", Hint: hintConfig}
	if !OnLinux && !o.Anywhere {
		reason = &verdict.Reason{Code: ReasonNoKubelet, Message: "no kubelet is looked for on " + runtime.GOOS, Hint: hintTell}
	}
	if !OnLinux || o.Anywhere {
		facts := unknown(reason)
		facts.Absent = true
		return facts.with(t), nil
	}
	return detect(ctx, newMachine(o), t)
}

func detect(ctx context.Context, m machine, t given) (*Facts, error) {
	if differs := t.node.differsFrom(m.describe()); differs != "" {
		return unknown(&verdict.Reason{
			Code:    ReasonOtherMachine,
			Message: "the Node object is another machine's (" + differs + " differs): nothing of this machine was looked at",
			Hint:    hintConfig,
		}).with(t), nil
	}
	found, err := m.gather(ctx, t)
	if err != nil {
		return nil, err
	}
	facts := found.with(t)
	if t.whole() == nil && t.config != nil && found.Config.Reason != nil && found.Running {
		// The file was given, but the process has more that can't be read.
		facts.Config.Read, facts.Config.Reason = false, found.Config.Reason
	}
	return facts, ctx.Err()
}

// differsFrom names what tells that a Node object is not of the machine that is looked at, "" if
// nothing does. Where both machine IDs are known they decide. On a machine that runs another cluster's
// nodes (kind) their flags would be taken for the Node's.
func (n *NodeMachine) differsFrom(here NodeMachine) string {
	if n == nil {
		return ""
	}
	plain := func(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }
	differ := func(a, b string) bool { return a != "" && b != "" && plain(a) != plain(b) }
	switch {
	case differ(n.id, here.id):
		return "machineID"
	case n.id != "" && here.id != "":
		return ""
	case differ(n.OS, here.OS):
		return "operatingSystem"
	case differ(n.Architecture, here.Architecture):
		return "architecture"
	case differ(n.Kernel, here.Kernel):
		return "kernelVersion"
	}
	return ""
}

// With returns the facts with what o tells in their place, nothing of this
// machine mixed in: Root, SearchPath and Logger are not used. f is not changed;
// nil stands for facts about which nothing is known, such as those of a
// snapshot that holds no kubelet. The error is a *GivenError.
func (f *Facts) With(o Options) (*Facts, error) {
	if f == nil {
		f = unknown(&verdict.Reason{Code: ReasonNotTold, Message: "nothing is known about the kubelet", Hint: hintTell})
	}
	t, err := readGiven(o, f.Version.Value)
	if err != nil {
		return nil, err
	}
	return f.with(t), nil
}

// unknown makes facts that say nothing, and why.
func unknown(r *verdict.Reason) *Facts {
	return &Facts{Version: Version{Reason: r}, Config: Config{Reason: r}}
}

func (f *Facts) with(t given) *Facts {
	out := &Facts{
		Version: f.Version, Running: f.Running, Config: f.Config, Live: f.Live,
		DeclaredFeatures: append([]string{}, f.DeclaredFeatures...),
		Disagreements:    append([]Disagreement{}, f.Disagreements...),
	}
	out.Absent, out.Node = f.Absent, f.Node
	if t.node != nil {
		out.Node = t.node
	}
	if t.live != nil {
		out.Live = t.live
	}
	if t.declared != nil {
		out.DeclaredFeatures = append([]string{}, t.declared...)
	}
	stronger, weaker := t.claims(f.Version)
	out.tellVersion(stronger, weaker...)
	other := t.log.otherThan(out.Version)
	if other != nil {
		t.log = nil
	}
	out.overrideConfig(t)
	out.overrideGates(f, t)
	out.compareLive()
	out.UnsafeSysctls = t.sysctls(f)
	if other != nil && !out.Config.Read {
		out.Config.Reason = other
	}
	return out
}

// tellVersion puts the first claim in the version's place; those in weaker count
// less than what was found. What runs is still the same kubelet, unless its
// version is known to be another one.
func (f *Facts) tellVersion(claims []Claim, weaker ...Claim) {
	claims = slices.Clone(claims)
	if f.Version.Value != "" && f.Version.Origin != nil {
		claims = append(claims, Claim{Value: f.Version.Value, Given: f.Version.Given, Origin: *f.Version.Origin})
	}
	claims = append(claims, weaker...)
	if len(claims) == 0 {
		return
	}
	first := claims[0]
	f.Running = f.Running && (f.Version.Value == "" || sameRelease(f.Version.Value, first.Value))
	f.Version = Version{Value: first.Value, Given: first.Given, Origin: &first.Origin}
	others := slices.DeleteFunc(slices.Clone(claims[1:]), func(c Claim) bool { return sameRelease(c.Value, first.Value) })
	if d, ok := disagree("version", append(claims[:1:1], others...)); ok {
		f.Disagreements = append(f.Disagreements, d)
	}
	f.checkDeclared()
}

// checkDeclared notes a version that can't have declared features.
func (f *Facts) checkDeclared() {
	first := Release{Major: 1, Minor: 35, Pre: "alpha"}
	r, err := ParseRelease(f.Version.Value)
	if err != nil || len(f.DeclaredFeatures) == 0 || r.Compare(first) >= 0 {
		return
	}
	f.Disagreements = append(f.Disagreements, Disagreement{
		Fact:    "version",
		Message: fmt.Sprintf("version: %s says %s, but the node declares features, as kubelets do from 1.35 on; the former is used", f.Version.Origin, f.Version.Value),
		Claims:  []Claim{{Value: f.Version.Value, Given: f.Version.Given, Origin: *f.Version.Origin}},
	})
}

func sameRelease(a, b string) bool {
	ra, errA := ParseRelease(a)
	rb, errB := ParseRelease(b)
	return errA == nil && errB == nil && ra.Compare(rb) == 0
}
