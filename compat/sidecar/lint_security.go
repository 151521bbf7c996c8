package sidecar

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
)

// podSecurity is the Pod's securityContext, and what it shares with its node.
func (l *linter) podSecurity() {
	l.hostUsers()
	l.hostProcess()
	spec := &l.pod.Spec
	if isOn(spec.ShareProcessNamespace) && spec.HostPID {
		l.refuse(l.spec("shareProcessNamespace"), "remove one of the two", "Invalid value: ShareProcessNamespace and HostPID cannot both be enabled")
	}
	s, at := spec.SecurityContext, l.spec("securityContext")
	if s == nil {
		return
	}
	l.id(at.at("runAsUser"), s.RunAsUser)
	l.id(at.at("runAsGroup"), s.RunAsGroup)
	l.id(at.at("fsGroup"), s.FSGroup)
	for i := range s.SupplementalGroups {
		l.id(at.at("supplementalGroups").item(i), &s.SupplementalGroups[i])
	}
	if s.FSGroupChangePolicy != nil {
		l.mustBeOneOf(at.at("fsGroupChangePolicy"), string(*s.FSGroupChangePolicy), "OnRootMismatch", "Always")
	}
	if s.SupplementalGroupsPolicy != nil && l.target.apiGate(gateGroupsPolicy, 33) {
		l.mustBeOneOf(at.at("supplementalGroupsPolicy"), string(*s.SupplementalGroupsPolicy), "Merge", "Strict")
	}
	if s.SELinuxChangePolicy != nil && l.target.apiGate(gateSELinuxPolicy, 33) {
		l.mustBeOneOf(at.at("seLinuxChangePolicy"), string(*s.SELinuxChangePolicy), "MountOption", "Recursive")
	}
	l.seccomp(at.at("seccompProfile"), s.SeccompProfile)
	l.appArmor(at.at("appArmorProfile"), s.AppArmorProfile)
	l.sysctls(at.at("sysctls"), s.Sysctls)
}

// hostUsers is a Pod with users of its own, which needs its own namespaces.
func (l *linter) hostUsers() {
	spec := &l.pod.Spec
	if !isFalse(spec.HostUsers) || !l.target.apiGate(gateUserNamespaces, 33) {
		return
	}
	const remedy = "remove it, or hostUsers"
	if spec.HostNetwork && !l.target.Gates[gateUsersAndNetwork] {
		l.refuse(l.spec("hostNetwork"), remedy, "Forbidden: when `hostUsers` is false")
	}
	if spec.HostPID {
		l.refuse(l.spec("hostPID"), remedy, "Forbidden: when `hostUsers` is false")
	}
	if spec.HostIPC {
		l.refuse(l.spec("hostIPC"), remedy, "Forbidden: when `hostUsers` is false")
	}
	for _, m := range append(l.containers, l.pod.EphemeralContainers()...) {
		if len(m.VolumeDevices) > 0 && !before(l.target.API, minor(35)) {
			l.refuse(placeIn(m, "volumeDevices"), remedy, "Forbidden: when `hostUsers` is false")
		}
	}
}

// security is a container's securityContext.
func (l *linter) security(m manifest.Container) {
	s := m.SecurityContext
	if s == nil {
		return
	}
	at := placeIn(m, "securityContext")
	l.id(at.at("runAsUser"), s.RunAsUser)
	l.id(at.at("runAsGroup"), s.RunAsGroup)
	l.seccomp(at.at("seccompProfile"), s.SeccompProfile)
	l.appArmor(at.at("appArmorProfile"), s.AppArmorProfile)
	if s.ProcMount != nil && l.target.apiGate(gateProcMount, 33) {
		l.mustBeOneOf(at.at("procMount"), string(*s.ProcMount), "Default", "Unmasked")
		if *s.ProcMount == corev1.UnmaskedProcMount && !isFalse(l.pod.Spec.HostUsers) && !l.leftOut(l.spec("hostUsers")) {
			l.refuse(at.at("procMount"), "give the Pod users of its own:\nhostUsers: false", "Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`")
		}
	}
	if !isFalse(s.AllowPrivilegeEscalation) {
		return
	}
	at = at.at("allowPrivilegeEscalation")
	if isOn(s.Privileged) {
		l.refuse(at, "remove it, or privileged", "Invalid value: cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
	}
	if s.Capabilities != nil && slices.Contains(s.Capabilities.Add, "CAP_SYS_ADMIN") {
		l.refuse(at, "remove it, or the capability", "Invalid value: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
	}
}

func (l *linter) seccomp(at place, profile *corev1.SeccompProfile) {
	if profile == nil {
		return
	}
	l.mustBeOneOf(at.at("type"), string(profile.Type), "Localhost", "RuntimeDefault", "Unconfined")
	if file := l.localhost(at, profile.Type == corev1.SeccompProfileTypeLocalhost, profile.LocalhostProfile); file != "" {
		l.relative(at.at("localhostProfile"), file)
	}
}

func (l *linter) appArmor(at place, profile *corev1.AppArmorProfile) {
	if profile == nil || before(l.target.API, minor(30)) {
		return
	}
	l.mustBeOneOf(at.at("type"), string(profile.Type), "Localhost", "RuntimeDefault", "Unconfined")
	isLocal := profile.Type == corev1.AppArmorProfileTypeLocalhost
	name := l.localhost(at, isLocal, profile.LocalhostProfile)
	switch at := at.at("localhostProfile"); {
	case isLocal && profile.LocalhostProfile != nil && name == "":
		l.refuse(at, "name the profile", "Required value: must be set when AppArmor type is Localhost")
	case strings.TrimSpace(name) != name:
		l.refuse(at, "remove the blanks", "Invalid value: %.100q: must not be padded with whitespace", name)
	case len(name) > 4095:
		l.refuse(at, "shorten it", "Too long: may not be more than 4095 bytes")
	}
}

// localhost returns the profile of a node that is named, which only type Localhost has, and
// has to have.
func (l *linter) localhost(at place, is bool, profile *string) string {
	switch at := at.at("localhostProfile"); {
	case is && profile == nil && !l.leftOut(at):
		l.refuse(at, "name the profile", "Required value: must be set when the type is Localhost")
	case !is && profile != nil:
		l.refuse(at, "remove it, or:\ntype: Localhost", "Invalid value: can only be set when the type is Localhost")
	case is && profile != nil:
		return *profile
	}
	return ""
}

// maxSysctl is the length of a sysctl's name, in bytes.
const maxSysctl = 253

// sysctls are kernel parameters of the Pod. Whether its node allows them is SC035.
func (l *linter) sysctls(at place, sysctls []corev1.Sysctl) {
	taken := map[string]bool{}
	for i, s := range sysctls {
		at := at.item(i).at("name")
		switch {
		case !l.required(at, s.Name):
		case !validSysctl(s.Name):
			l.refuse(at, "correct the name", "Invalid value: %.100q: must have at most %d characters, and be made of lower case words with points or slashes between", s.Name, maxSysctl)
		case taken[s.Name]:
			l.refuse(at, "keep one of the two", "Duplicate value: %q", s.Name)
		default:
			l.kubeletAllows(at, s.Name)
		}
		taken[s.Name] = true
		if before(l.target.API, minor(30)) {
			continue
		}
		switch namespace := sysctlNamespace(s.Name); {
		case namespace == "net" && l.pod.Spec.HostNetwork:
			l.refuse(at, "remove it, or hostNetwork", "Invalid value: %q: may not be specified when 'hostNetwork' is true", s.Name)
		case namespace == "ipc" && l.pod.Spec.HostIPC:
			l.refuse(at, "remove it, or hostIPC", "Invalid value: %q: may not be specified when 'hostIPC' is true", s.Name)
		}
	}
}

// validSysctl reports whether a name is made of words of lower case letters and digits, with
// dashes and underscores in them and points or slashes between.
func validSysctl(name string) bool {
	for word := range strings.SplitSeq(strings.ReplaceAll(name, "/", "."), ".") {
		other := strings.IndexFunc(word, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
		if word == "" || other >= 0 || strings.Trim(word, "-_") != word {
			return false
		}
	}
	return len(name) <= maxSysctl
}

// operatingSystem is what the Pod's os forbids.
func (l *linter) operatingSystem() {
	os := l.pod.Spec.OS
	if os == nil {
		return
	}
	l.mustBeOneOf(l.spec("os.name"), string(os.Name), "linux", "windows")
	for _, m := range append(l.containers, l.pod.EphemeralContainers()...) {
		if s := m.SecurityContext; s != nil {
			l.forbidFor(os.Name, placeIn(m, "securityContext"), containerFields(s))
		}
	}
	if s := l.pod.Spec.SecurityContext; s != nil {
		l.forbidFor(os.Name, l.spec("securityContext"), podFields(s))
	}
	if os.Name == corev1.Windows {
		l.forbid(l.spec(""), os.Name, map[string]bool{
			"hostUsers": l.pod.Spec.HostUsers != nil, "hostPID": l.pod.Spec.HostPID, "hostIPC": l.pod.Spec.HostIPC,
			"shareProcessNamespace": l.pod.Spec.ShareProcessNamespace != nil,
			"resources":             l.pod.Spec.Resources != nil && l.target.apiGate(gatePodResources, 34),
		})
	}
}

// containerFields are those of a container's securityContext that Windows does not have.
func containerFields(s *corev1.SecurityContext) map[string]bool {
	return map[string]bool{
		"windowsOptions": s.WindowsOptions != nil, "appArmorProfile": s.AppArmorProfile != nil, "seLinuxOptions": s.SELinuxOptions != nil,
		"seccompProfile": s.SeccompProfile != nil, "capabilities": s.Capabilities != nil, "readOnlyRootFilesystem": s.ReadOnlyRootFilesystem != nil,
		"privileged": s.Privileged != nil, "allowPrivilegeEscalation": s.AllowPrivilegeEscalation != nil, "procMount": s.ProcMount != nil,
		"runAsUser": s.RunAsUser != nil, "runAsGroup": s.RunAsGroup != nil,
	}
}

// podFields are those of the Pod's.
func podFields(s *corev1.PodSecurityContext) map[string]bool {
	return map[string]bool{
		"windowsOptions": s.WindowsOptions != nil, "appArmorProfile": s.AppArmorProfile != nil, "seLinuxOptions": s.SELinuxOptions != nil,
		"seccompProfile": s.SeccompProfile != nil, "fsGroup": s.FSGroup != nil, "fsGroupChangePolicy": s.FSGroupChangePolicy != nil,
		"sysctls": len(s.Sysctls) > 0, "runAsUser": s.RunAsUser != nil, "runAsGroup": s.RunAsGroup != nil,
		"supplementalGroups": s.SupplementalGroups != nil, "supplementalGroupsPolicy": s.SupplementalGroupsPolicy != nil,
		"seLinuxChangePolicy": s.SELinuxChangePolicy != nil,
	}
}

// hostProcess is a Windows container that is a process of its node: all are, or none.
func (l *linter) hostProcess() {
	host, other := false, false
	for _, m := range append(l.containers, l.pod.EphemeralContainers()...) {
		on := false
		if s := l.pod.Spec.SecurityContext; s != nil && s.WindowsOptions != nil {
			on = isOn(s.WindowsOptions.HostProcess)
		}
		if s := m.SecurityContext; s != nil && s.WindowsOptions != nil && s.WindowsOptions.HostProcess != nil {
			on = *s.WindowsOptions.HostProcess
		}
		host, other = host || on, other || !on
	}
	switch {
	case host && other:
		l.refuse(l.spec("securityContext.windowsOptions.hostProcess"), "set it for the Pod", "Invalid value: If pod contains any hostProcess containers then all containers must be HostProcess containers")
	case host && !l.pod.Spec.HostNetwork:
		l.refuse(l.spec("hostNetwork"), "set it:\nhostNetwork: true", "Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers")
	}
}

// forbidFor refuses the fields of a securityContext that an operating system does not have.
func (l *linter) forbidFor(os corev1.OSName, at place, fields map[string]bool) {
	if os == corev1.Linux {
		fields = map[string]bool{"windowsOptions": fields["windowsOptions"]}
	} else {
		delete(fields, "windowsOptions")
	}
	l.forbid(at, os, fields)
}

func (l *linter) forbid(at place, os corev1.OSName, fields map[string]bool) {
	if os != corev1.Linux && os != corev1.Windows {
		return
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if fields[field] {
			l.refuse(at.at(field), "remove it", "Forbidden: cannot be set for a %s pod", os)
		}
	}
}
