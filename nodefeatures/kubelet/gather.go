package kubelet

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"nodecompat/nodefeatures/verdict"
)

// gather gathers what the machine tells, except for what was given already: a
// configuration file or a drop-in directory that was given is not looked for.
func (m machine) gather(ctx context.Context, t given) (*Facts, error) {
	p, ns, reason, err := m.find(ctx)
	if err != nil {
		return nil, err
	}
	if reason == nil {
		version := m.processVersion(ctx, p, ns)
		f := m.configuration(p, ns, t, cmp.Or(version.Value, t.version()))
		f.Version, f.Running = version, true
		return f, ctx.Err()
	}
	f := &Facts{Version: Version{Reason: reason}}
	switch reason.Code {
	case ReasonNotRoot, ReasonInPod, ReasonSeveralKubelets: // the binary and the files could be theirs
	default:
		version := m.binaryVersion(ctx, "", reason)
		f = m.distribution(rulesFor(cmp.Or(t.version(), version.Value)))
		f.Version = version
	}
	f.Absent = reason.Code == ReasonNoKubelet
	if f.Config.Reason == nil {
		f.Config.Reason = &verdict.Reason{Code: reason.Code, Message: reason.Message, Hint: hintConfig}
	}
	return f, ctx.Err()
}

// configuration reads what a process's flags, and the files that they name,
// say about feature gates. version is the kubelet's, "" when it is not known.
func (m machine) configuration(p process, ns namespace, t given, version string) *Facts {
	root := m.root
	if ns == namespaceOther {
		root = filepath.Join(p.dir, "root")
	}
	f := &Facts{}
	own := argumentsOf(p, root)
	args := own
	if t.flagz != nil { // it also tells the flags that a process hides
		args = arguments{flags: t.flagz.flags}
	}
	if args.gates == nil {
		f.Config.Reason = args.reason
		return f
	}
	layers, reason := configFiles(p, root, args.flags, t, rulesFor(version))
	if reason == nil && ns == namespaceUnknown && len(layers) > 0 {
		reason = &verdict.Reason{
			Code:    ReasonPermissionDenied,
			Message: fmt.Sprintf("whether process %d sees the same %s as this user may not be looked at", p.pid, layers[0].origin.Path),
			Hint:    "run compat as root, or " + hintConfig,
		}
	}
	if reason == nil {
		reason = args.reason
	}
	for _, l := range layers {
		f.Config.Files = append(f.Config.Files, l.origin)
	}
	f.Config.Read, f.Config.Reason = reason == nil, reason
	if f.Config.Read && t.flagz == nil {
		f.UnsafeSysctls = allowedSysctls(layers, own.sysctls)
	}
	if own.gates != nil { // with a /flagz, only to be compared with it
		layers = append(layers, newLayer(own.origin, false, own.gates))
	}
	f.Gates, f.Disagreements = merge(layers)
	if t.flagz != nil && !t.flagz.whole() && own.gates != nil && own.reason == nil {
		f.Disagreements = append(f.Disagreements, differ(all(t.flagz.layer()), all(newLayer(own.origin, false, own.gates)))...)
	}
	return f
}

// configFiles reads the files that a process's flags name. The reason says why
// that is not all; what could be read is returned all the same.
func configFiles(p process, root string, args flags, t given, rules dropInRules) ([]layer, *verdict.Reason) {
	var layers []layer
	var reason *verdict.Reason
	if args.config != "" && t.config == nil {
		origin := Origin{Source: SourceConfigFile, PID: p.pid}
		reason = load(p, args.config, func(path string) error {
			origin.Path = path
			l, err := loadConfig(root, path, origin, false)
			if err == nil {
				layers = append(layers, l)
			}
			return err
		})
	}
	if args.configDir != "" && !t.dir {
		r := load(p, args.configDir, func(path string) error {
			some, err := loadDropIns(root, path, Origin{Source: SourceConfigDir, PID: p.pid}, false, rules)
			if err == nil {
				layers = append(layers, some...)
			}
			return err
		})
		reason = cmp.Or(reason, r)
	}
	return layers, reason
}

// load reads what a process names, and turns an error into a reason.
func load(p process, name string, read func(path string) error) *verdict.Reason {
	path, err := p.path(name)
	if err == nil {
		err = read(path)
	}
	if err == nil {
		return nil
	}
	return fileReason(name, err, hintConfig)
}
