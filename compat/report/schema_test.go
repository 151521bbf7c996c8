package report_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"nodecompat/compat/artifact"
	"nodecompat/compat/derive"
	"nodecompat/compat/golden"
	"nodecompat/compat/golden/schema"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/compat/trust"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// documents are the types that compat prints, by kind.
var documents = map[string]any{
	report.KindNodeReport:     report.NodeReport{},
	report.KindNodeReportList: report.NodeReportList{},
	report.KindClusterReport:  report.ClusterReport{},
	report.KindPlaceReport:    report.PlaceReport{},
	report.KindSnapshotReport: report.SnapshotReport{},
	report.KindPodReport:      report.PodReport{},
	report.KindSnapshotDiff:   report.SnapshotDiff{},
	report.KindDiscoverReport: report.DiscoverReport{},
	report.KindAttachReport:   report.AttachReport{},
	report.KindDetachReport:   report.DetachReport{},
	report.KindLintReport:     report.LintReport{},
	report.KindDeriveReport:   report.DeriveReport{},
	report.KindGenerateReport: report.GenerateReport{},
	report.KindFailure:        report.Failure{},
	report.KindTestReport:     report.TestReport{},
	report.KindSpecDiff:       report.SpecDiff{},
	nodefeatures.SnapshotKind: nodefeatures.Snapshot{},
	trust.Kind:                trust.Policy{},

	report.KindVerdictPredicate: report.VerdictPredicate{},
}

// TestSchemas keeps the schemas in the tree equal to the types and their docs.
func TestSchemas(t *testing.T) {
	for kind, document := range documents {
		golden.Compare(t, filepath.Join("schema", kind+".json"), generate(t, kind, document, false))
	}
	if len(report.SchemaKinds()) != len(documents) {
		t.Errorf("schemas in the tree: %q, want one for each of the %d documents", report.SchemaKinds(), len(documents))
	}
}

// enumerations are the values of the types that have a closed list of them.
var enumerations = map[reflect.Type][]any{
	reflect.TypeFor[verdict.Verdict](): {verdict.Compatible, verdict.Incompatible, verdict.Unknown},
	reflect.TypeFor[nodefeatures.SourceStatus](): {
		nodefeatures.SourceOK, nodefeatures.SourcePartial, nodefeatures.SourceFailed, nodefeatures.SourceNotRun,
	},
	reflect.TypeFor[sidecar.Level](): {
		sidecar.Supported, sidecar.SupportedAlpha, sidecar.Unsupported, sidecar.Broken, sidecar.Unknown,
	},
	reflect.TypeFor[verdict.Severity](): {verdict.SeverityError, verdict.SeverityWarning, verdict.SeverityInfo},
	reflect.TypeFor[sidecar.Ready](): {
		sidecar.ReadyYes, sidecar.ReadyConditional, sidecar.ReadyWeak, sidecar.ReadyDelayOnly, sidecar.ReadyBestEffort,
		sidecar.ReadyNo, sidecar.ReadyNever,
	},
	reflect.TypeFor[report.UnlockKind](): unlockKinds(),
	reflect.TypeFor[report.AdmissionState](): {
		report.AdmissionAccepted, report.AdmissionRefused, report.AdmissionNotSent, report.AdmissionFailed,
	},
	reflect.TypeFor[report.RuleState](): ruleStates(),
	reflect.TypeFor[report.LabelProblem](): {
		report.LabelMissing, report.LabelStale, report.LabelOther, report.LabelRefused, report.LabelUnsure,
	},
	reflect.TypeFor[artifact.TrustState]():      anyList(artifact.TrustStates),
	reflect.TypeFor[artifact.SignatureFormat](): anyList(artifact.SignatureFormats),
	reflect.TypeFor[artifact.Method]():          {artifact.MethodKey, artifact.MethodCA},
	reflect.TypeFor[artifact.Rule]():            {artifact.RuleContainerd, artifact.RuleCRIO, artifact.RuleDocker, artifact.RulePlatform},
	reflect.TypeFor[derive.Confidence]():        {derive.Certain, derive.LowerBound, derive.Hint},
	reflect.TypeFor[derive.Source](): {
		derive.SourcePlatform, derive.SourceELFNote, derive.SourceABITag, derive.SourceGoBuild, derive.SourceLoader,
		derive.SourceModule, derive.SourceEnvironment, derive.SourceFile, derive.SourceBase,
	},
	reflect.TypeFor[manifest.SuppressionKind](): {manifest.SuppressedInSource, manifest.SuppressedAnnotation},
	reflect.TypeFor[sidecar.StepKind]():         {sidecar.StepInit, sidecar.StepSidecar, sidecar.StepApp, sidecar.StepLegacy},
}

func anyList[T any](values []T) (list []any) {
	for _, v := range values {
		list = append(list, v)
	}
	return list
}

func unlockKinds() []any {
	list := make([]any, len(report.UnlockKinds))
	for i, kind := range report.UnlockKinds {
		list[i] = kind
	}
	return list
}

// codeFields are the fields that have codes, by definition and name, with the places whose
// codes they have.
var codeFields = map[string][]report.Place{
	"Error.code":        {report.PlaceError},
	"ReasonCount.code":  {report.PlaceReason, report.PlaceError, report.PlaceSupport},
	"KubeletCount.code": {report.PlaceSupport},
	"GroupReason.code": {
		report.PlaceReason, report.PlaceError, report.PlaceSupport, report.PlaceWarning, report.PlaceFinding, report.PlaceManifest,
	},
	"spec.Problem.code":     {report.PlaceSpec, report.PlacePolicy},
	"manifest.Problem.code": {report.PlaceManifest},
	"sidecar.Support.code":  {report.PlaceSupport},
	"sidecar.Finding.code":  {report.PlaceSupportFinding},
	"sidecar.PodFinding.id": {report.PlaceFinding},
	"verdict.Reason.code": {
		report.PlaceReason, report.PlaceRule, report.PlaceKubelet, report.PlaceWarning, report.PlaceError, report.PlaceSpec,
		report.PlaceManifest, report.PlaceSupport, report.PlaceSupportFinding, report.PlaceFinding, report.PlaceExclusion,
	},
}

// later are the fields that every document has, and those of earlier versions lack, by definition.
// The schemas do not require them, since they are for saved documents too.
var later = map[string][]string{
	"Image":             {"selection"},
	"DiscoveredSubject": {"takenBy"},
}

func laterNames() []string { return slices.Concat(slices.Collect(maps.Values(later))...) }

// enumerateCodes lists the codes of every field that has some. The list is open, since a
// later version may have more codes in documents of the same version; closed is for tests.
func enumerateCodes(t *testing.T, definitions jsonschema.Definitions, closed bool) {
	t.Helper()
	for name, definition := range definitions {
		for p := definition.Properties.Oldest(); p != nil; p = p.Next() {
			if p.Key != "code" && p.Key != "id" {
				continue
			}
			places, ok := codeFields[name+"."+p.Key]
			if !ok {
				t.Errorf("codeFields lacks %s.%s", name, p.Key)
			}
			var codes []any
			for _, c := range report.Codes() {
				if slices.Contains(places, c.Place) && !slices.Contains(codes, any(c.Code)) {
					codes = append(codes, c.Code)
				}
			}
			p.Value.Type, p.Value.AnyOf = "", []*jsonschema.Schema{{Enum: codes}}
			if !closed {
				p.Value.AnyOf = append(p.Value.AnyOf, &jsonschema.Schema{Type: "string", Description: "a code of a later version"})
			}
		}
	}
}

// TestReportsHaveKnownCodes checks that every code of the saved reports is listed for its field.
func TestReportsHaveKnownCodes(t *testing.T) {
	reports, err := filepath.Glob("../output/testdata/*.json")
	if err != nil || len(reports) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, file := range reports {
		if strings.HasSuffix(file, ".sarif.json") {
			continue // not a document of ours
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var header struct{ Kind string }
		if err := json.Unmarshal(data, &header); err != nil {
			t.Fatal(err)
		}
		schema.Satisfied(t, generate(t, header.Kind, documents[header.Kind], true), data)
	}
}

func generate(t *testing.T, kind string, document any, closed bool) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		AllowAdditionalProperties: kind != trust.Kind, // a later version may add fields to what is printed
		Namer: func(t reflect.Type) string {
			if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "report" {
				return pkg + "." + t.Name() // several packages have a Reason
			}
			return t.Name()
		},
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if values, ok := enumerations[t]; ok {
				return &jsonschema.Schema{Type: "string", Enum: values}
			}
			return nil
		},
	}
	dirs := []string{".", "../artifact", "../manifest", "../sidecar", "../generate", "../trust", "../../nodefeatures", "../../spec"}
	if closed {
		dirs = nil // nobody reads it
	}
	for _, dir := range dirs {
		if err := r.AddGoComments("nodecompat/compat/report", dir); err != nil {
			t.Fatal(err)
		}
	}
	schema := r.ReflectFromType(reflect.TypeOf(document))
	enumerateCodes(t, schema.Definitions, closed)
	for name, definition := range schema.Definitions {
		if closed {
			break // what is printed has them
		}
		definition.Required = slices.DeleteFunc(definition.Required, func(field string) bool { return slices.Contains(later[name], field) })
	}
	schema.ID = jsonschema.ID("https://compat.invalid/v1alpha1/" + kind + ".json")
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func ruleStates() (states []any) {
	for _, s := range report.RuleStates {
		states = append(states, s)
	}
	return states
}
