package kubelet

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Detect finds out which kubelet the node runs and how it is configured. For
// the version the strongest source wins: Options.Version, the kubelet's /metrics,
// the Node object, the binary of the running process, a kubelet binary in the
// system's directories. For the gates it is Options.FeatureGates, the kubelet's
// /metrics, its /configz, then the files that were told, the process's flags,
// its drop-ins, its configuration file; without a process, the files where the
// distribution keeps them. What sources say differently is listed in
// Facts.Disagreements.
//
// A machine without a kubelet is an answer, with the reason. Detect returns an
// error only when something told can't be used, a *GivenError, or ctx ends.
func Detect(ctx context.Context, o Options) (*Facts, error) {
	t, err := readGiven(o, "")
	if err != nil {
		return nil, err
	}
	return detect(ctx, newMachine(o), t)
}

func detect(ctx context.Context, m machine, t told) (*Facts, error) {
	if otherMachine(t.machineID, m.machineID()) {
		return unknown(&Reason{
			Code:    ReasonOtherMachine,
			Message: "the Node object is another machine's (machineID differs): nothing of this machine was looked at",
			Hint:    hintConfig,
		}).with(t), nil
	}
	found, err := m.look(ctx, t)
	if err != nil {
		return nil, err
	}
	facts := found.with(t)
	if t.configz == nil && t.config != nil && found.Config.Reason != nil && found.Running {
		// The file was told, but the process has more that can't be read.
		facts.Config.Read, facts.Config.Reason = false, found.Config.Reason
	}
	return facts, ctx.Err()
}

// otherMachine tells by the machine IDs, as far as both are known, that a Node
// object is not of the machine that is looked at. On a machine that runs
// another cluster's nodes (kind) their flags would be taken for the Node's.
func otherMachine(node, here string) bool {
	plain := func(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }
	return node != "" && here != "" && plain(node) != plain(here)
}

// With returns the facts with what o tells in their place, nothing of this
// machine mixed in: Root, SearchPath and Logger are not used. f is not changed;
// nil stands for facts about which nothing is known, such as those of a
// snapshot that holds no kubelet. The error is a *GivenError.
func (f *Facts) With(o Options) (*Facts, error) {
	if f == nil {
		f = unknown(&Reason{Code: ReasonNotTold, Message: "nothing is known about the kubelet", Hint: hintTell})
	}
	t, err := readGiven(o, f.Version.Value)
	if err != nil {
		return nil, err
	}
	return f.with(t), nil
}

// unknown makes facts that say nothing, and why.
func unknown(r *Reason) *Facts {
	return &Facts{Version: Version{Reason: r}, Config: Config{Reason: r}}
}

func (f *Facts) with(t told) *Facts {
	out := &Facts{
		Version: f.Version, Running: f.Running, Config: f.Config, Live: f.Live,
		DeclaredFeatures: append([]string{}, f.DeclaredFeatures...),
		Disagreements:    append([]Disagreement{}, f.Disagreements...),
	}
	if t.live != nil {
		out.Live = t.live
	}
	if t.declared != nil {
		out.DeclaredFeatures = append([]string{}, t.declared...)
	}
	out.tellVersion(t.versions)
	out.tellConfig(t)
	out.tellGates(f.Gates, t)
	out.compareLive()
	return out
}

// tellVersion puts the first claim in the version's place. What runs is still
// the same kubelet, unless its version is known to be another one.
func (f *Facts) tellVersion(claims []Claim) {
	claims = slices.Clone(claims)
	if f.Version.Value != "" && f.Version.Origin != nil {
		claims = append(claims, Claim{Value: f.Version.Value, Given: f.Version.Given, Origin: *f.Version.Origin})
	}
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

// tellGates merges found gates with those that were told. A file that was told
// stands for the one that was found, and a /configz for all files and flags.
func (f *Facts) tellGates(found []Gate, t told) {
	layers := replace(found, t)
	var disagreements []Disagreement
	if t.configz != nil {
		seen, some := merge(layers)
		disagreements = some
		f.compareConfigz(seen, *t.configz)
		layers = []layer{*t.configz}
	}
	if t.flags != nil {
		layers = append(layers, *t.flags)
	}
	var some []Disagreement
	f.Gates, some = merge(layers)
	f.Disagreements = append(append(f.Disagreements, disagreements...), some...)
	if t.configz != nil {
		f.Config.Read, f.Config.Reason = true, nil
		f.Config.Files = append(f.Config.Files, t.configz.origin)
	}
}

// replace makes layers of what was found, with the files that were told in the
// place of those.
func replace(found []Gate, t told) []layer {
	layers := []layer{}
	for _, g := range found {
		file := g.Origin.Source == SourceConfigFile || g.Origin.Source == SourceDistribution
		if t.config != nil && file || t.dir && g.Origin.Source == SourceConfigDir {
			continue
		}
		l := newLayer(g.Origin, g.Given, map[string]bool{g.Name: g.Value})
		l.dropIn = g.Origin.Source == SourceConfigDir
		layers = append(layers, l)
	}
	if t.config != nil {
		layers = append(layers, *t.config)
	}
	return append(layers, t.dropIns...)
}

func (f *Facts) tellConfig(t told) {
	files := []Origin{}
	for _, o := range f.Config.Files {
		if o.Source == SourceConfigDir && t.dir || o.Source != SourceConfigDir && t.config != nil {
			continue
		}
		files = append(files, o)
	}
	if t.config != nil {
		files = append(files, t.config.origin)
		f.Config.Read, f.Config.Reason = true, nil
	}
	for _, l := range t.dropIns {
		files = append(files, l.origin)
	}
	f.Config.Files = files
}
