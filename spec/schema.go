package spec

import (
	"bytes"
	_ "embed" // the schema is linked in
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of image compatibility specs
// v1alpha1, for editors and for checks in other languages. It accepts every
// spec that Parse accepts; what it refuses, Parse refuses.
func Schema() []byte {
	return bytes.Clone(schema)
}
