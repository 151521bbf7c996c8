package artifact

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Platform is an operating system, an architecture and what narrows them down, as the OCI image
// specification has it.
type Platform = ocispec.Platform

var (
	platformWord  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`) })
	architectures = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x", "x86_64", "aarch64"}
)

// ParsePlatform reads os[/arch][/variant][:os_version], as oras does, and behind the operating
// system the features asked for of it, as containerd does: linux(+erofs)/amd64. A missing
// architecture is this program's own; names such as x86_64 and aarch64 become Go's. The error is a
// [*ReferenceError].
func ParsePlatform(s string) (Platform, error) {
	refuse := func(reason string) (Platform, error) {
		return Platform{}, &ReferenceError{Reference: s, Reason: reason, platform: true}
	}
	spec, version, hasVersion := strings.Cut(s, ":")
	spec, features, ok := cutFeatures(spec)
	parts := strings.Split(spec, "/")
	if !ok || len(parts) > 3 {
		return refuse("want os[(+feature)][/arch][/variant][:os_version]")
	}
	if hasVersion {
		parts = append(parts, version)
	}
	for _, part := range parts {
		if !platformWord().MatchString(part) {
			return refuse("want os[/arch][/variant][:os_version], each of letters, digits, dots, dashes and underscores")
		}
	}
	if hasVersion {
		parts = parts[:len(parts)-1]
	}
	p := Platform{OS: parts[0], Architecture: runtime.GOARCH, OSVersion: version, OSFeatures: features}
	if len(parts) == 1 && slices.Contains(architectures, strings.ToLower(p.OS)) {
		return refuse(fmt.Sprintf("%s is an architecture: write linux/%s", p.OS, p.OS))
	}
	if len(parts) > 1 {
		p.Architecture = parts[1]
	}
	if len(parts) > 2 {
		p.Variant = parts[2]
	}
	return NormalizePlatform(p), nil
}

// cutFeatures takes (+FEATURE…) out of a platform; ok is false if that is not well formed.
func cutFeatures(s string) (rest string, features []string, ok bool) {
	before, after, found := strings.Cut(s, "(")
	if !found {
		return s, nil, true
	}
	list, after, closed := strings.Cut(after, ")")
	if !closed || !strings.HasPrefix(list, "+") || (after != "" && after[0] != '/') {
		return s, nil, false
	}
	features = strings.Split(list[1:], "+")
	for _, f := range features {
		if !platformWord().MatchString(f) {
			return s, nil, false
		}
	}
	return before + after, features, true
}

// HostPlatform is the platform of the containers that run on this machine, normalised: that of Linux,
// which Macs run them in too.
func HostPlatform() Platform {
	return NormalizePlatform(Platform{OS: "linux", Architecture: runtime.GOARCH})
}

// FormatPlatform writes a platform the way [ParsePlatform] reads it; the zero platform is "".
func FormatPlatform(p Platform) string {
	s := p.OS
	if len(p.OSFeatures) > 0 {
		s += "(+" + strings.Join(p.OSFeatures, "+") + ")"
	}
	if p.Architecture != "" {
		s += "/" + p.Architecture
	}
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	if p.OSVersion != "" {
		s += ":" + p.OSVersion
	}
	return s
}

// NormalizePlatform gives an operating system and an architecture their one spelling, and drops the
// variant that is the architecture's default, as containerd does: linux/x86_64/v1 is linux/amd64,
// linux/arm is linux/arm/v7.
// https://github.com/containerd/platforms/blob/v1.0.0-rc.1/database.go
func NormalizePlatform(p Platform) Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	p.OSFeatures = normalizeFeatures(p.OS, p.OSFeatures)
	switch p.Architecture {
	case "i386":
		p.Architecture, p.Variant = "386", ""
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	p.Variant = normalizeVariant(p.Architecture, p.Variant)
	return p
}

// normalizeFeatures sorts features, each once. That of every Windows that runs containers says
// nothing: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
func normalizeFeatures(os string, features []string) []string {
	list := slices.DeleteFunc(slices.Clone(features), func(f string) bool { return f == "" || os == "windows" && f == "win32k" })
	slices.Sort(list)
	if list = slices.Compact(list); len(list) == 0 {
		return nil
	}
	return list
}

func normalizeVariant(architecture, variant string) string {
	switch {
	case architecture == "amd64" && variant == "v1":
		return ""
	case architecture == "arm64" && slices.Contains([]string{"8", "v8", "v8.0"}, variant):
		return ""
	case architecture == "arm64" && (variant == "9" || variant == "v9.0"):
		return "v9"
	case architecture == "arm" && variant == "":
		return "v7"
	case architecture == "arm" && len(variant) == 1:
		return "v" + variant
	default:
		return variant
	}
}

// runnable lists the platforms whose images run on p, the best first, as containerd's Only does:
// https://github.com/containerd/platforms/blob/v1.0.0-rc.1/compare.go
// Unlike containerd it stays within the architecture: that amd64 also runs 386 is not taken for a
// match, because a spec's author speaks about one architecture. What runtimes take is in runtime.go.
func runnable(p Platform) []Platform {
	p = NormalizePlatform(p)
	variants := []string{p.Variant}
	switch p.Architecture {
	case "amd64":
		variants = lowerVariants(p.Variant, 1)
	case "arm":
		variants = lowerVariants(p.Variant, 5)
	case "arm64":
		variants = arm64Variants(p.Variant)
	}
	list := make([]Platform, 0, len(variants))
	for _, v := range variants {
		q := p
		q.Variant = v
		list = append(list, NormalizePlatform(q))
	}
	return list
}

// lowerVariants is vN, vN-1, … down to the lowest; a variant of another form stands alone.
func lowerVariants(variant string, lowest int) []string {
	list := []string{variant}
	n, err := strconv.Atoi(strings.TrimPrefix(variant, "v"))
	if err != nil || n > 99 {
		return list
	}
	for n--; n >= lowest; n-- {
		list = append(list, "v"+strconv.Itoa(n))
	}
	return list
}

// arm64Variants counts v9.N down to v9, then on from v8.(N+5), which Armv9.N includes, down to the
// baseline v8.
// https://developer.arm.com/documentation/102378/0201/Armv8-x-and-Armv9-x-extensions-and-features
func arm64Variants(variant string) []string {
	major, minor, _ := strings.Cut(cmp.Or(variant, "v8"), ".")
	n, err := strconv.Atoi(cmp.Or(minor, "0"))
	if err != nil || n < 0 || n > 99 || (major != "v8" && major != "v9") {
		return []string{variant}
	}
	var list []string
	if major == "v9" {
		for i := n; i >= 0; i-- {
			list = append(list, fmt.Sprintf("v9.%d", i))
		}
		n += 5
	}
	for i := n; i >= 0; i-- {
		list = append(list, fmt.Sprintf("v8.%d", i))
	}
	return list
}

// PlatformMatches reports whether an image for have is what a container runtime would take on a
// machine that is want: the same system and architecture, and a variant that the machine's
// includes.
func PlatformMatches(want, have Platform) bool {
	_, ok := platformMatcher(want).rank(ocispec.Descriptor{Platform: &have})
	return ok
}
