package compat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"nodecompat/compat"
	"nodecompat/nodefeatures"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// documents are the types that compat prints, by kind.
var documents = map[string]any{
	compat.KindNodeReport:     compat.NodeReport{},
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

func generate(t *testing.T, kind string, document any) []byte {
	t.Helper()
	r := &jsonschema.Reflector{AllowAdditionalProperties: true}
	for _, dir := range []string{".", "./sidecar", "../nodefeatures", "../nodefeatures/kubelet", "../spec"} {
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
