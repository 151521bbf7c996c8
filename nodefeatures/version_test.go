package nodefeatures

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"nodecompat/nodefeatures/verdict"
)

// TestVersions: versions as distributions write them are compared by their
// numbers, those that NFD reads without a note.
func TestVersions(t *testing.T) {
	tests := []struct {
		found, op, value string
		want             verdict.Verdict
		part             string // compared in place of what was found
	}{
		{"6.12.9-amd64", "Ge", "6.12.9", verdict.Compatible, ""},
		{"6.8.0-1015-aws", "Ge", "6.8", verdict.Compatible, ""},
		{"5.14.0-427.13.1.el9_4.x86_64", "Ge", "5.14", verdict.Compatible, "5.14.0"},
		{"5.14.0-427.13.1.el9_4.x86_64", "Gt", "5.14", verdict.Incompatible, "5.14.0"},
		{"5.14.0-427.13.1.el9_4.x86_64", "Lt", "5.14.0-428", verdict.Incompatible, "5.14.0"},
		{"4.18.0-553.el8_10.x86_64_debug", "Lt", "5", verdict.Compatible, "4.18.0"},
		{"4.18.0-553.el8_10.x86_64", "Le", "4.18", verdict.Compatible, "4.18.0"},
		{"6.1.0-021-generic", "Ge", "6.1", verdict.Compatible, ""},
		{"10.0.19041.1", "Gt", "10.0.19040", verdict.Compatible, "10.0.19041"},
		{"v550.54.14_rc", "Ge", "550", verdict.Compatible, "550.54.14"},
		{"2.6.32-754.el6_x", "Ge", "3", verdict.Incompatible, "2.6.32"},
		{"", "Ge", "1", verdict.Unknown, ""},
		{"el9_4", "Ge", "1", verdict.Unknown, ""},
		{"3a5f", "Ge", "1", verdict.Unknown, ""},
		{"99999999999999999999.1", "Ge", "1", verdict.Unknown, ""},
		{"5.14.0-1_2", "Ge", "word", verdict.Unknown, ""},
	}
	for _, tt := range tests {
		term := fmt.Sprintf("matchExpressions: {full: {op: %s, type: version, value: [%q]}}", tt.op, tt.value)
		for where, s := range map[string]*Snapshot{
			"{feature: kernel.version, ": own(fmt.Sprintf("{attributes: {kernel.version: {elements: {full: %q}}}}", tt.found)),
			"{feature: pci.device, ":     own(fmt.Sprintf("{instances: {pci.device: {elements: [{attributes: {full: %q}}]}}}", tt.found)),
		} {
			got := matched(t, s, rulesOf(t, rule(where+term+"}")))[0]
			x := got.Terms[0].Expressions[0]
			if got.Verdict != tt.want || x.Verdict != tt.want || *x.Found.Value != tt.found {
				t.Errorf("%s %s %s: %s", tt.found, tt.op, tt.value, summary(got))
			}
			if (x.Note == "") != (tt.part == "") || !strings.HasPrefix(x.Note, strings.TrimSuffix("compared as "+tt.part+":", "compared as :")) {
				t.Errorf("%s: note %q, want %q", tt.found, x.Note, tt.part)
			}
			if (x.Reason == nil) != (tt.want != verdict.Unknown) {
				t.Errorf("%s: reason %v", tt.found, x.Reason)
			}
		}
	}
}

// FuzzNumericPart: what is compared in place of a value begins like it, and
// whatever NFD's library reads has the same numbers.
func FuzzNumericPart(f *testing.F) {
	for _, seed := range []string{"5.14.0-427.13.1.el9_4.x86_64", "v1.2", "01.02", "1.", "1.2.3.4", "3a", "6.8.0-1015-aws"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		part := numericPart(value)
		if part == "" {
			return
		}
		if numericPart(part) != part {
			t.Errorf("%q of %q is not its own numeric part", part, value)
		}
		cut, err := semver.NewVersion(part)
		if err != nil {
			return // numbers beyond 64 bits
		}
		if whole, err := semver.NewVersion(value); err == nil &&
			(whole.Major() != cut.Major() || whole.Minor() != cut.Minor() || whole.Patch() != cut.Patch()) {
			t.Errorf("%q is %s, by the library %s", value, cut, whole)
		}
	})
}

// What a bound has behind its numbers is noted, since NFD drops it.
func TestComparedParts(t *testing.T) {
	for _, tt := range []struct {
		found  string
		wanted []string
		want   string
	}{
		{"5.14.0-284", []string{"5.14.0-427"}, "compared as 5.14.0 with 5.14.0: what follows the numbers does not count"},
		{"6.1", []string{"5.14.0+x", "6.2"}, "compared as 6.1 with 5.14.0 and 6.2: what follows the numbers does not count"},
		{"6.8.0-1015-aws", []string{"6.8"}, ""},
		{"word", []string{"5.14.0-427"}, ""},
	} {
		if got := comparedParts(tt.found, tt.wanted); got != tt.want {
			t.Errorf("%s, %v: %q, want %q", tt.found, tt.wanted, got, tt.want)
		}
	}
}
