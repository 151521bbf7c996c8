package kubelet

import (
	"context"
	"fmt"
	"path/filepath"
)

// look gathers what the machine tells, except for what was told already: a
// configuration file or a drop-in directory that was given is not looked for.
func (m machine) look(ctx context.Context, t told) (*Facts, error) {
	p, ns, reason, err := m.find(ctx)
	if err != nil {
		return nil, err
	}
	if reason == nil {
		f := m.configuration(p, ns, t)
		f.Version, f.Running = m.processVersion(ctx, p, ns), true
		return f, ctx.Err()
	}
	f := &Facts{Version: Version{Reason: reason}}
	switch reason.Code {
	case ReasonNotRoot, ReasonInPod, ReasonSeveralKubelets: // the binary and the files could be theirs
	default:
		f = m.distribution()
		f.Version = m.binaryVersion(ctx, "", reason)
	}
	if f.Config.Reason == nil {
		f.Config.Reason = &Reason{Code: reason.Code, Message: reason.Message, Hint: hintConfig}
	}
	return f, ctx.Err()
}

// configuration reads what a process's flags, and the files that they name,
// say about feature gates.
func (m machine) configuration(p process, ns namespace, t told) *Facts {
	f := &Facts{}
	if p.program == programK3s || p.program == programKubelite {
		f.Config.Reason = &Reason{
			Code:    ReasonEmbeddedKubelet,
			Message: fmt.Sprintf("the kubelet is part of process %d (%s), whose command line does not show the kubelet's flags", p.pid, p.program),
			Hint:    hintConfig,
		}
		return f
	}
	args, err := parseFlags(p.flagArgs())
	if err != nil {
		f.Config.Reason = &Reason{Code: ReasonMalformed, Message: fmt.Sprintf("the command line of process %d: %v", p.pid, err)}
		return f
	}
	layers, reason := m.configFiles(p, ns, args, t)
	for _, l := range layers {
		f.Config.Files = append(f.Config.Files, l.origin)
	}
	f.Config.Read, f.Config.Reason = reason == nil, reason
	layers = append(layers, newLayer(Origin{Source: SourceProcessFlags, PID: p.pid}, false, args.gates))
	f.Gates, f.Disagreements = merge(layers)
	return f
}

// configFiles reads the files that a process's flags name. The reason says why
// that is not all; what could be read is returned all the same.
func (m machine) configFiles(p process, ns namespace, args flags, t told) ([]layer, *Reason) {
	root := m.root
	if ns == namespaceOther {
		root = filepath.Join(p.dir, "root")
	}
	var layers []layer
	var reason *Reason
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
			some, err := loadDropIns(root, path, Origin{Source: SourceConfigDir, PID: p.pid}, false)
			if err == nil {
				layers = append(layers, some...)
			}
			return err
		})
		if reason == nil {
			reason = r
		}
	}
	if reason == nil && ns == namespaceUnknown && len(layers) > 0 {
		reason = &Reason{
			Code:    ReasonPermissionDenied,
			Message: fmt.Sprintf("whether process %d sees the same %s as this user may not be looked at", p.pid, layers[0].origin.Path),
			Hint:    "run compat as root, or " + hintConfig,
		}
	}
	return layers, reason
}

// load reads what a process names, and turns an error into a reason.
func load(p process, name string, read func(path string) error) *Reason {
	path, err := p.path(name)
	if err == nil {
		err = read(path)
	}
	if err == nil {
		return nil
	}
	return fileReason(name, err, hintConfig)
}
