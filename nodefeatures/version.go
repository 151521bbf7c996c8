package nodefeatures

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// versionParts is how many numbers of a version count: major, minor, patch.
const versionParts = 3

// comparesVersions says whether NFD reads the value found as a version.
func comparesVersions(m *nfdv1alpha1.MatchExpression) bool {
	return m.Type == nfdv1alpha1.TypeVersion && slices.Contains([]nfdv1alpha1.MatchOp{
		nfdv1alpha1.MatchGt, nfdv1alpha1.MatchGe, nfdv1alpha1.MatchLt, nfdv1alpha1.MatchLe,
		nfdv1alpha1.MatchGtLt, nfdv1alpha1.MatchGeLe,
	}, m.Op)
}

// numericPart is what a version that Semantic Versioning does not allow begins
// with: 5.14.0 of RHEL's kernel 5.14.0-427.13.1.el9_4.x86_64. NFD ignores
// everything behind it in the versions that it does read, so it is compared in
// the same way. Empty if the value begins otherwise, or if the numbers go on as
// something that is no version, 3a5f.
//
// https://semver.org/#semantic-versioning-specification-semver
func numericPart(value string) string {
	rest := strings.TrimPrefix(value, "v")
	var parts []string
	for len(parts) < versionParts {
		digits := leadingDigits(rest)
		if digits == "" {
			break
		}
		parts = append(parts, withoutZeros(digits))
		rest = rest[len(digits):]
		if len(parts) == versionParts || len(rest) < 2 || rest[0] != '.' || !isDigit(rest[1]) {
			break
		}
		rest = rest[1:]
	}
	if len(parts) == 0 || rest != "" && !strings.ContainsRune("-+_~. ", rune(rest[0])) {
		return ""
	}
	return strings.Join(parts, ".")
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// withoutZeros drops leading zeros, which Semantic Versioning does not allow.
func withoutZeros(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}

// comparedAs is the note on a version of which only a part was compared.
func comparedAs(value, part string) string {
	return "compared as " + part + ": NFD cannot read " + value + " as a version"
}

// comparedParts is the note on a comparison that leaves out a part of what was wanted; "" if
// it leaves out nothing of that: that a kernel's build does not count misleads nobody who
// did not ask for one. NFD compares three numbers.
func comparedParts(found string, wanted []string) string {
	part := numericPart(found)
	if part == "" || !slices.ContainsFunc(wanted, behindNumbers) {
		return ""
	}
	parts := make([]string, len(wanted))
	for i, value := range wanted {
		parts[i] = numericPart(value)
	}
	return "compared as " + part + " with " + strings.Join(parts, " and ") + ": what follows the numbers does not count"
}

// behindNumbers reports whether more than numbers is in a version.
func behindNumbers(version string) bool { return strings.ContainsAny(version, "-+_~ ") }
