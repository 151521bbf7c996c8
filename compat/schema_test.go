package compat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"nodecompat/compat"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"

	"nodecompat/nodefeatures/verdict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// documents are the types that compat prints, by kind.
var documents = map[string]any{
	compat.KindNodeReport:     compat.NodeReport{},
	compat.KindNodeReportList: compat.NodeReportList{},
	compat.KindPodReport:      compat.PodReport{},
	compat.KindSnapshotDiff:   compat.SnapshotDiff{},
	compat.KindDiscoverReport: compat.DiscoverReport{},
	compat.KindAttachReport:   compat.AttachReport{},
	compat.KindDetachReport:   compat.DetachReport{},
	compat.KindLintReport:     compat.LintReport{},
	nodefeatures.SnapshotKind: nodefeatures.Snapshot{},
}

// TestSchemas keeps the schemas in the tree equal to the types and their docs.
func TestSchemas(t *testing.T) {
	for kind, document := range documents {
		want := generate(t, kind, document)
		file := filepath.Join("schema", kind+".json")
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(string(want), string(compat.Schema(kind))); diff != "" {
			t.Errorf("%s is stale; run `make generate` (-want +got):\n%s", file, diff)
		}
	}
	if len(compat.SchemaKinds()) != len(documents) {
		t.Errorf("schemas in the tree: %q, want one for each of the %d documents", compat.SchemaKinds(), len(documents))
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
			if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "compat" {
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
	for _, dir := range []string{".", "../nodefeatures", "../spec"} {
		if err := r.AddGoComments("nodecompat/compat", dir); err != nil {
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

// checkSchema fails the test if a document does not satisfy its kind's schema.
func checkSchema(t *testing.T, kind string, document []byte) {
	t.Helper()
	schema, err := validator.UnmarshalJSON(bytes.NewReader(compat.Schema(kind)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("the document does not satisfy the schema of %s: %v", kind, err)
	}
}
