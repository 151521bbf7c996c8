package kubelet

import (
	"encoding/json"
	"slices"
	"strings"

	"nodecompat/spec/yamltree"
)

// flagSysctls and keySysctls name the kernel parameters that a kubelet lets Pods set beside
// those that are safe (https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/).
const (
	flagSysctls = "allowed-unsafe-sysctls"
	keySysctls  = "allowedUnsafeSysctls"
)

// parseSysctls reads those of a configuration that parseConfig took; nil when it has none.
// What is no list of names a kubelet does not start with.
func parseSysctls(data []byte) []string {
	js, err := yamltree.JSON(data)
	var doc map[string]json.RawMessage
	if err != nil || json.Unmarshal(js, &doc) != nil {
		return nil
	}
	var names []string
	if json.Unmarshal(doc[keySysctls], &names) != nil {
		return nil
	}
	return names
}

// configzSysctls is parseSysctls for an answer to /configz, which has all that is set.
func configzSysctls(data []byte) []string {
	var answer map[string]json.RawMessage
	if json.Unmarshal(data, &answer) != nil {
		return nil
	}
	return parseSysctls(answer["kubeletconfig"])
}

// splitSysctls adds the names that a flag lists, which may be there more than once.
func splitSysctls(names []string, value string) []string {
	return append(slices.Clip(names), strings.Split(value, ",")...)
}

// allowedSysctls is what layers, weakest first, and then the flag come to: the last one that
// says something.
func allowedSysctls(layers []layer, flag []string) []string {
	allowed := []string{}
	for _, l := range layers {
		if l.sysctls != nil {
			allowed = l.sysctls
		}
	}
	if flag != nil {
		allowed = flag
	}
	return allowed
}

// sysctls are those that are allowed, as far as that is known with what was given.
func (t given) sysctls(found *Facts) []string {
	switch {
	case t.configz != nil:
		return allowedSysctls([]layer{*t.configz}, nil)
	case t.config != nil && t.config.origin.Source == SourceConfigFile && t.flagz == nil && t.cluster == nil:
		return allowedSysctls(append([]layer{*t.config}, t.dropIns...), nil)
	case t.config != nil, t.dir, t.flagz != nil, t.log != nil, t.cluster != nil:
		return nil
	}
	return found.UnsafeSysctls
}
