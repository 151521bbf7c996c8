package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// A fix is a change of a node, or of an image, after which a workload would fit.
type fix struct {
	kind   report.UnlockKind
	change string
}

// together is a fix that needs all of several, each once; nil if there are none.
func together(fixes []fix) *fix {
	if len(fixes) == 0 {
		return nil
	}
	slices.SortFunc(fixes, func(a, b fix) int {
		return cmp.Or(cmp.Compare(slices.Index(report.UnlockKinds, a.kind), slices.Index(report.UnlockKinds, b.kind)), cmp.Compare(a.change, b.change))
	})
	fixes = slices.Compact(fixes)
	changes := make([]string, len(fixes))
	for i, f := range fixes {
		changes[i] = f.change
	}
	return &fix{fixes[len(fixes)-1].kind, strings.Join(changes, "; and ")}
}

// fixOf is what would make a node compatible that is not; nil where no such change is known.
func fixOf(images []*kindImage, support sidecar.Support, sidecars bool) *fix {
	var all []fix
	for _, image := range images {
		if image.Verdict == verdict.Compatible {
			continue
		}
		if !image.fixable {
			return nil
		}
		all = append(all, image.fixes...)
	}
	if sidecars && support.Verdict() != verdict.Compatible {
		all = append(all, fix{report.UnlockKubelet, sidecarChange(support)})
	}
	return together(all)
}

// sidecarChange is what makes a node run native sidecars.
func sidecarChange(s sidecar.Support) string {
	switch s.Code {
	case sidecar.CodeKubeletTooOld, sidecar.CodeGateUnknownDefaultOff:
		return "a kubelet of 1.29 or newer"
	case sidecar.CodeGateOff:
		return "the kubelet's feature gate SidecarContainers switched on"
	case sidecar.CodeVersionUnknown:
		return "the kubelet's version told"
	}
	return "native sidecars: " + s.Message
}

// fixesOfImage are the changes that an image needs. ok is false where none of a node helps.
func fixesOfImage(image report.Image) (fixes []fix, ok bool) {
	for _, reason := range image.Reasons {
		switch reason.Code {
		case report.CodePlatformMismatch, report.CodePlatformNotFound, report.CodeNoManifestForRuntime:
			return []fix{{report.UnlockImage, fmt.Sprintf("push a manifest for the nodes' platform: %s", reason.Message)}}, true
		case report.CodeGPUDriverTooOld, report.CodeGPURequirementUnknown:
			fixes = append(fixes, fix{report.UnlockDriver, cmp.Or(reason.Hint, reason.Message)})
		case report.CodeNoSetMatches, report.CodeFactsUnknown:
		default:
			return nil, false
		}
	}
	if compatible := report.BestSet(image.Sets); compatible != nil {
		return fixes, len(fixes) > 0
	}
	nearest := -1
	var needed []fix
	for _, set := range image.Sets {
		missing, n := fixesOfSet(set)
		if nearest < 0 || n < nearest || n == nearest && dearest(missing) < dearest(needed) {
			needed, nearest = missing, n
		}
	}
	if len(fixes) == 0 {
		return needed, nearest > 0
	}
	return append(fixes, needed...), nearest > 0
}

// dearest is the place of the dearest change among UnlockKinds.
func dearest(fixes []fix) int {
	most := 0
	for _, f := range fixes {
		most = max(most, slices.Index(report.UnlockKinds, f.kind))
	}
	return most
}

// fixesOfSet are the changes that a set needs, and how many terms fail.
func fixesOfSet(s report.Set) (fixes []fix, failed int) {
	for i, r := range s.Rules {
		if r.Verdict == verdict.Compatible {
			continue
		}
		missing, n := fixesOfRule(r)
		if s.Match == "any" { // the cheapest rule is enough
			if i == 0 || n < failed {
				fixes, failed = missing, n
			}
			continue
		}
		fixes, failed = append(fixes, missing...), failed+n
	}
	return fixes, failed
}

func fixesOfRule(r nodefeatures.Rule) (fixes []fix, failed int) {
	fixes, failed = fixesOfTerms(r.Terms)
	fewest := -1
	var needed []fix
	for _, a := range r.MatchAny {
		missing, n := fixesOfTerms(a.Terms)
		if fewest < 0 || n < fewest {
			needed, fewest = missing, n
		}
	}
	if fewest > 0 {
		fixes, failed = append(fixes, needed...), failed+fewest
	}
	if failed == 0 { // the rule as such has no answer
		return []fix{{report.UnlockNFD, fmt.Sprintf("rule %q cannot be evaluated", r.Name)}}, 1
	}
	return fixes, failed
}

func fixesOfTerms(terms []nodefeatures.Term) (fixes []fix, failed int) {
	for _, t := range terms {
		if t.Verdict == verdict.Compatible {
			continue
		}
		fixes, failed = append(fixes, fixesOfTerm(t)...), failed+1
	}
	return fixes, failed
}

// fixesOfTerm are the changes that a term needs: one, or one for each of its expressions.
func fixesOfTerm(t nodefeatures.Term) []fix {
	switch {
	case unpublished(t.Reason):
		return []fix{{report.UnlockNFD, "let NFD publish " + t.Feature + mayFit}}
	case t.Reason != nil && t.Reason.Code == nodefeatures.ReasonUnknownFeature && t.Reason.Hint != "":
		return []fix{{report.UnlockSpec, t.Feature + ": " + t.Reason.Hint}}
	}
	kind := unlockKind(t.Feature)
	device := t.Device != nil || t.Devices != nil
	var fixes []fix
	for _, e := range t.Expressions {
		switch {
		case e.Verdict == verdict.Compatible:
		case e.Miswritten:
			fixes = append(fixes, fix{report.UnlockSpec, report.Want(t.Feature, e) + ": " + e.Hint})
		case device: // all of it are one change
		case unpublished(e.Reason):
			fixes = append(fixes, fix{report.UnlockNFD, "let NFD publish " + t.Feature + mayFit})
		case kind == report.UnlockModule && !e.MatchName && e.Op == "Exists":
			fixes = append(fixes, fix{kind, "load the module " + e.Name})
		default:
			fixes = append(fixes, fix{kind, report.Want(t.Feature, e)})
		}
	}
	switch {
	case len(fixes) > 0:
		return fixes
	case device:
		return []fix{{kind, report.WantDevice(t)}}
	}
	return []fix{{kind, report.WhyTerm(t).General()}}
}

// mayFit ends a change that only tells more.
const mayFit = ", which then may tell that it fits"

// unpublished reports whether a reason says that a fact is not among those that NFD publishes of the
// node, which its configuration may keep back.
func unpublished(r *verdict.Reason) bool {
	return r != nil && r.Code == nodefeatures.ReasonNotInSnapshot
}

// unlockKinds are the kinds of changes by feature; others are hardware.
var unlockKinds = map[string]report.UnlockKind{
	catalogue.LoadedModule:  report.UnlockModule,
	catalogue.EnabledModule: report.UnlockKernel,
	catalogue.KernelVersion: report.UnlockKernel,
	catalogue.KernelConfig:  report.UnlockKernel,
	"kernel.selinux":        report.UnlockBoot,
	"kernel.kvm":            report.UnlockBoot,
	"cpu.cstate":            report.UnlockBoot,
	"cpu.pstate":            report.UnlockBoot,
	"cpu.security":          report.UnlockBoot,
	"cpu.topology":          report.UnlockBoot,
	catalogue.Hugepages:     report.UnlockBoot,
	"memory.swap":           report.UnlockBoot,
	catalogue.OSRelease:     report.UnlockOS,
	catalogue.LocalLabel:    report.UnlockNFD,
	"local.feature":         report.UnlockNFD,
	catalogue.RuleMatched:   report.UnlockNFD,
}

func unlockKind(feature string) report.UnlockKind {
	if kind, ok := unlockKinds[feature]; ok {
		return kind
	}
	return report.UnlockHardware
}

// An unlocker counts the nodes that fixes would gain.
type unlocker map[fix]*[]string

// of are the names of the nodes that a fix gains, to add to; nil for none.
func (u unlocker) of(f *fix) *[]string {
	if f == nil {
		return nil
	}
	if u[*f] == nil {
		u[*f] = new([]string)
	}
	return u[*f]
}

// sorted lists the fixes, those of most nodes first, of equals the cheapest.
func (u unlocker) sorted(workload string) []report.Unlock {
	list := make([]report.Unlock, 0, len(u))
	for f, names := range u {
		list = append(list, report.Unlock{Workload: workload, Kind: f.kind, Change: f.change, Nodes: len(*names), Names: *names})
	}
	slices.SortFunc(list, func(a, b report.Unlock) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(slices.Index(report.UnlockKinds, a.Kind), slices.Index(report.UnlockKinds, b.Kind)),
			cmp.Compare(a.Change, b.Change))
	})
	return list
}
