package report_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/artifact"
	"nodecompat/compat/golden"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/kubelet"
)

// TestCodesDocument keeps the documentation of codes equal to the table.
func TestCodesDocument(t *testing.T) {
	var buf bytes.Buffer
	buf.WriteString(`# Codes

Made from the table in compat/report by ` + "`make generate`; `compat explain CODE`" + ` prints the same.

Codes are for programs. None is ever renamed or given another meaning, and a later version may have more: accept those
that you don't know.
`)
	last := report.Place("")
	for _, c := range report.Codes() {
		if c.Place != last {
			last = c.Place
			fmt.Fprintf(&buf, "\n## %s%s\n\nIn %s.\n\n| code | meaning | remedy |\n|---|---|---|\n", strings.ToUpper(string(c.Place[:1])), c.Place[1:], c.Fields)
		}
		name := "`" + c.Code + "`"
		if c.Place == report.PlaceFinding {
			name = fmt.Sprintf("[%s](../../../compat/sidecar/findings.md#%s)", name, strings.ToLower(c.Code))
		}
		fmt.Fprintf(&buf, "| %s | %s | %s |\n", name, cell(c.Meaning), cell(c.Remedy))
	}
	golden.Compare(t, "../../cmd/compat/docs/codes.md", buf.Bytes())
}

// cell escapes what Markdown would take for its own.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

// upperCase are the codes that were spelled so before there was a rule.
var upperCase = []sidecar.Code{
	sidecar.CodeVersionUnknown, sidecar.CodeGateUnrecognized, sidecar.CodeKubeletTooOld, sidecar.CodeGateAlphaEnabled,
	sidecar.CodeGateOff, sidecar.CodeGateUnknownDefaultOff, sidecar.CodeBetaDefaultOn, sidecar.CodeGateUnknownDefaultOn,
	sidecar.CodeGateLocked, sidecar.CodeGA, sidecar.CodeGateRemoved, sidecar.CodeGAGateRemoved, sidecar.CodeAPITooOld,
	sidecar.CodeAPIGateOff, sidecar.CodeGateBlocksUpgrade, sidecar.CodeGateMisspelt, sidecar.CodeSourcesDisagree,
	sidecar.CodeConfigNotRead, sidecar.CodeVersionSkew, sidecar.CodeAPINotChecked, sidecar.CodeAPIGateAssumed,
	sidecar.CodeAPIBroken, sidecar.CodePinPods, sidecar.CodeBugAlpha, sidecar.CodeBugStatus, sidecar.CodeBugTermination,
	sidecar.CodeBugStuckCreated, sidecar.CodeBugOOMScore, sidecar.CodeBugNamedPort, sidecar.CodeBugStartupRace,
	sidecar.CodeBugHostPort, sidecar.CodeBugKubeletRestart, sidecar.CodeBugInitSkipped, sidecar.CodeBugEphemeralStorage,
}

// TestCodes checks what every row of the table must be.
func TestCodes(t *testing.T) {
	word, finding := regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`), regexp.MustCompile(`^SC\d{3}$`)
	spelled, rows := map[string]string{}, map[[2]string]bool{}
	for _, c := range report.Codes() {
		if !word.MatchString(c.Code) && !finding.MatchString(c.Code) && !slices.Contains(upperCase, sidecar.Code(c.Code)) {
			t.Errorf("%s is not lowerCamelCase", c.Code)
		}
		if other, ok := spelled[strings.ToLower(c.Code)]; ok && other != c.Code {
			t.Errorf("%s and %s differ only in case", other, c.Code)
		}
		if row := [2]string{c.Code, string(c.Place)}; rows[row] {
			t.Errorf("%s is there twice as %s", c.Code, c.Place)
		}
		spelled[strings.ToLower(c.Code)], rows[[2]string{c.Code, string(c.Place)}] = c.Code, true
		for _, text := range []string{c.Meaning, c.Remedy} {
			if strings.ContainsAny(text, "\n") || strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text {
				t.Errorf("%s: %q is not a line without a full stop", c.Code, text)
			}
		}
		if c.Meaning == "" || c.Fields == "" {
			t.Errorf("incomplete: %+v", c)
		}
	}
}

func TestLookUpCode(t *testing.T) {
	var places []report.Place
	for _, c := range report.LookUpCode("TOOLARGE") {
		if c.Code != artifact.CodeTooLarge {
			t.Errorf("found %s", c.Code)
		}
		places = append(places, c.Place)
	}
	if want := []report.Place{report.PlaceKubelet, report.PlaceWarning, report.PlaceError, report.PlaceSpec, report.PlacePolicy}; !slices.Equal(places, want) {
		t.Errorf("tooLarge stands in %q, want %q", places, want)
	}
	if found := report.LookUpCode("sc001"); len(found) != 1 || found[0].Meaning != "warning: nothing makes the app wait for a sidecar" {
		t.Errorf("sc001 is %+v", found)
	}
	if found := report.LookUpCode("SC029"); found != nil {
		t.Errorf("SC029 is %+v", found)
	}
	if remedy := report.ErrorRemedy(kubelet.ReasonPermissionDenied); remedy != "" {
		t.Errorf("the remedy for an error is that of another place: %q", remedy)
	}
	if remedy := report.ErrorRemedy(artifact.CodeTimeout); remedy != "give it more time with --timeout" {
		t.Errorf("the remedy for a timeout is %q", remedy)
	}
}
