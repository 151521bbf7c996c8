package kubelet

import "slices"

// A side is what one source, or several together, say about gates.
type side struct {
	gates []Gate
	rest  *Claim // what it claims of a gate that is not in gates; nil: nothing, there may be more
}

// differ lists the gates of which two sides say different things; the first is
// the one that is used.
func differ(used, other side) []Disagreement {
	var disagreements []Disagreement
	names := map[string]bool{}
	for _, g := range slices.Concat(used.gates, other.gates) {
		if names[g.Name] {
			continue
		}
		names[g.Name] = true
		first, ok := used.claim(g.Name)
		second, also := other.claim(g.Name)
		if !ok || !also {
			continue
		}
		if d, ok := disagree(g.Name, []Claim{first, second}); ok {
			disagreements = append(disagreements, d)
		}
	}
	return disagreements
}

func (s side) claim(name string) (Claim, bool) {
	for _, g := range s.gates {
		if g.Name == name {
			return g.claim(), true
		}
	}
	if s.rest == nil {
		return Claim{}, false
	}
	return *s.rest, true
}

// notSet is the value of a claim that a gate is not set at all.
const notSet = "not set"

// seen is the side of gates that were found or given, which are all if Config.Read.
func (f *Facts) seen(gates []Gate) side {
	s := side{gates: gates}
	if f.Config.Read {
		s.rest = &Claim{Value: notSet, Origin: f.wholeConfig()}
	}
	return s
}

// all is the side of a layer that says of every gate whether it is set.
func all(l layer) side {
	gates, _ := merge([]layer{l})
	return side{gates, &Claim{Value: notSet, Given: l.given, Origin: l.origin}}
}

// compareConfigz notes the gates that the running kubelet's configuration has
// otherwise than the files and flags that were seen.
func (f *Facts) compareConfigz(seen []Gate, configz layer) {
	f.Disagreements = append(f.Disagreements, differ(all(configz), f.seen(seen))...)
}

// compareWeaker notes what the sources say otherwise that were passed over, or
// only lie below others.
func (f *Facts) compareWeaker(found *Facts, t given, passed func(Origin) bool) {
	var others []side
	for _, g := range found.Gates {
		if passed(g.Origin) {
			others = append(others, side{gates: []Gate{g}})
		}
	}
	if t.log != nil && t.log.gates != nil {
		others = append(others, all(newLayer(t.log.origin, true, t.log.gates)))
	}
	if t.log != nil && t.log.flags != nil {
		gates, _ := merge([]layer{t.log.flags.layer()})
		others = append(others, side{gates: gates})
	}
	if t.cluster != nil {
		others = append(others, all(*t.cluster))
	}
	for _, other := range others {
		for _, d := range differ(f.seen(f.Gates), other) {
			if !f.noted(d) {
				f.Disagreements = append(f.Disagreements, d)
			}
		}
	}
}

// noted says whether what a disagreement's weaker source claims is given already,
// or need not be: a log may hold a gate as a flag and as what it came to.
func (f *Facts) noted(d Disagreement) bool {
	weaker := d.Claims[len(d.Claims)-1]
	if weaker.Origin == d.Claims[0].Origin {
		return true
	}
	return slices.ContainsFunc(f.Disagreements, func(o Disagreement) bool {
		return o.Fact == d.Fact && slices.Contains(o.Claims, weaker)
	})
}

// wholeConfig is the origin to name for what is not set anywhere: the last of
// the files that were read.
func (f *Facts) wholeConfig() Origin {
	if n := len(f.Config.Files); n > 0 {
		return f.Config.Files[n-1]
	}
	return Origin{Source: SourceProcessFlags}
}
