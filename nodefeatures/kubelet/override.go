package kubelet

import (
	"cmp"
	"fmt"
	"slices"

	"nodecompat/nodefeatures/verdict"
)

// claims are those that are made about the version: given ones, then those that
// found, the version that was found, comes before. A binary that need not be the
// one that runs says less than the log of one that did.
func (t given) claims(found Version) (stronger []Claim, weaker []Claim) {
	if t.log == nil || t.log.version == "" {
		return t.versions, nil
	}
	log := Claim{Value: t.log.version, Given: true, Origin: t.log.origin}
	if found.Origin != nil && found.Origin.Source == SourceBinary {
		return append(slices.Clone(t.versions), log), nil
	}
	return t.versions, []Claim{log}
}

// otherThan returns why a log says nothing about the kubelet of that version: it
// is of an earlier one, whose gates may have been others. A version that was given
// with an option may be a supposition, so that it does not matter.
func (l *kubeletLog) otherThan(v Version) *verdict.Reason {
	if l == nil || l.version == "" || v.Origin == nil || v.Origin.Source == SourceOption || sameRelease(l.version, v.Value) {
		return nil
	}
	return &verdict.Reason{
		Code:    ReasonOtherVersion,
		Message: fmt.Sprintf("the last start in %s is of kubelet %s, and the node's is %s", l.origin, l.version, v.Value),
		Hint:    hintConfig,
	}
}

// whole returns what the running kubelet says its files and flags came to, if it
// was asked for that.
func (t given) whole() *layer {
	if t.configz == nil && t.flagz != nil && t.flagz.whole() {
		l := t.flagz.layer()
		return &l
	}
	return t.configz
}

// command returns the flags that the kubelet itself tells, if they are better
// known than those that were found. /flagz is as good as a process's command
// line; a log's are taken when no process was found.
func (t given) command(found *Facts) *commandLine {
	if t.flagz == nil && t.log != nil && !found.Running && !found.Config.Read {
		return t.log.flags
	}
	return t.flagz
}

// base says whether the log is what the other sources are laid upon, for want of
// anything that is stronger and whole.
func (f *Facts) base(t given) bool {
	return t.whole() == nil && !f.Config.Read && t.log != nil && t.log.gates != nil
}

// overrideGates merges found gates with those that were given. A file that was given
// stands for the one that was found, and a /configz for all files and flags.
func (f *Facts) overrideGates(found *Facts, t given) {
	command := t.command(found)
	f.overrideCommand(command, t, found)
	base := f.base(t)
	passed := func(o Origin) bool { return t.overrules(o, command, base) }
	layers := replace(slices.DeleteFunc(slices.Clone(found.Gates), func(g Gate) bool { return passed(g.Origin) }), t)
	f.Config.Files = slices.DeleteFunc(f.Config.Files, passed)
	if command != nil {
		layers = append(layers, command.layer())
	}
	if base {
		layers = f.layUpon(newLayer(t.log.origin, true, t.log.gates), layers)
		f.Config.Read, f.Config.Reason = true, nil
	}
	if t.cluster != nil && t.whole() == nil && !f.Config.Read && !slices.ContainsFunc(f.Config.Files, isFile) {
		layers = f.layUpon(*t.cluster, layers)
		f.Config.Reason = clusterWide(t.cluster.origin, f.Config.Reason)
	}
	f.mergeGates(layers, t)
	f.compareWeaker(found, t, passed)
	if command != nil && !slices.Contains(f.Config.Files, command.origin) {
		f.Config.Files = append(f.Config.Files, command.origin)
	}
}

// layUpon puts a layer below all others.
func (f *Facts) layUpon(base layer, layers []layer) []layer {
	f.Config.Files = slices.Insert(f.Config.Files, 0, base.origin)
	return slices.Insert(layers, 0, base)
}

func isFile(o Origin) bool { return o.Source == SourceConfigFile || o.Source == SourceDistribution }

func clusterWide(o Origin, otherwise *verdict.Reason) *verdict.Reason {
	r := &verdict.Reason{
		Code:    ReasonClusterWide,
		Message: fmt.Sprintf("%s says what the cluster's nodes are meant to have: what this node's kubelet was started with is not known", o),
		Hint:    hintConfig,
	}
	if otherwise != nil {
		r.Hint = cmp.Or(otherwise.Hint, r.Hint)
	}
	return r
}

// mergeGates merges layers and puts what the running kubelet says, and what
// options say, above them.
func (f *Facts) mergeGates(layers []layer, t given) {
	var disagreements []Disagreement
	running := t.whole()
	if running != nil {
		seen, some := merge(slices.DeleteFunc(layers, func(l layer) bool { return l.origin == running.origin }))
		disagreements = some
		f.compareConfigz(seen, *running)
		layers = []layer{*running}
	}
	if t.flags != nil {
		layers = append(layers, *t.flags)
	}
	var some []Disagreement
	f.Gates, some = merge(layers)
	f.Disagreements = append(append(f.Disagreements, disagreements...), some...)
	if running != nil {
		f.Config.Read, f.Config.Reason = true, nil
		f.Config.Files = append(f.Config.Files, running.origin)
	}
}

// replace makes layers of what was found, with the files that were given in the
// place of those.
func replace(found []Gate, t given) []layer {
	layers := []layer{}
	for _, g := range found {
		if t.config != nil && isFile(g.Origin) || t.dir && g.Origin.Source == SourceConfigDir {
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

// overrules says whether what was found at o is better known from elsewhere:
// flags from command, guesses from a log. What the running kubelet says all of
// it came to is compared with all of it.
func (t given) overrules(o Origin, command *commandLine, base bool) bool {
	if t.whole() != nil {
		return false
	}
	switch o.Source {
	case SourceDistribution:
		return base || command != nil && !command.names(o.Path)
	case SourceArgumentsFile:
		return base && o.PID == 0 || command != nil
	case SourceProcessFlags:
		return t.flagz != nil
	}
	return false
}

func (f *Facts) overrideConfig(t given) {
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

// overrideCommand settles whether the files that a kubelet's flags name are known,
// where there was no process with which to look for them.
func (f *Facts) overrideCommand(c *commandLine, t given, found *Facts) {
	if c == nil || c.whole() || found.Running || found.Config.Read {
		return
	}
	missing, hint := "", hintConfig
	switch {
	case t.config == nil:
		missing = c.config
	case !t.dir:
		missing, hint = c.configDir, hintDropIns
	}
	if missing != "" {
		f.Config.Read, f.Config.Reason = false, &verdict.Reason{
			Code:    ReasonNotTold,
			Message: fmt.Sprintf("the kubelet reads %s, as %s says, and what is there on the node was not told", missing, c.origin),
			Hint:    hint,
		}
	}
}
