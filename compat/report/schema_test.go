package report_test

import (
	"bytes"
	"encoding/json"
	"path"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"

	"nodecompat/compat/golden"

	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"

	"nodecompat/nodefeatures/verdict"

	"nodecompat/compat/report"
)

// documents are the types that compat prints, by kind.
var documents = map[string]any{
	report.KindNodeReport:     report.NodeReport{},
	report.KindNodeReportList: report.NodeReportList{},
	report.KindPodReport:      report.PodReport{},
	report.KindSnapshotDiff:   report.SnapshotDiff{},
	report.KindDiscoverReport: report.DiscoverReport{},
	report.KindAttachReport:   report.AttachReport{},
	report.KindDetachReport:   report.DetachReport{},
	report.KindLintReport:     report.LintReport{},
	nodefeatures.SnapshotKind: nodefeatures.Snapshot{},
}

// TestSchemas keeps the schemas in the tree equal to the types and their docs.
func TestSchemas(t *testing.T) {
	for kind, document := range documents {
		golden.Compare(t, filepath.Join("schema", kind+".json"), generate(t, kind, document))
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
	reflect.TypeFor[sidecar.StepKind](): {sidecar.StepInit, sidecar.StepSidecar, sidecar.StepApp, sidecar.StepLegacy},
}

func generate(t *testing.T, kind string, document any) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		AllowAdditionalProperties: true, // a later version may add fields
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
	for _, dir := range []string{".", "../artifact", "../sidecar", "../../nodefeatures", "../../spec"} {
		if err := r.AddGoComments("nodecompat/compat/report", dir); err != nil {
			t.Fatal(err)
		}
	}
	schema := r.ReflectFromType(reflect.TypeOf(document))
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
