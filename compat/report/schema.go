package report

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed schema/*.json
var schemas embed.FS

// SchemaKinds lists the kinds of documents that compat prints, and of the trust policy that it
// reads, sorted.
func SchemaKinds() []string {
	entries, err := schemas.ReadDir("schema")
	if err != nil {
		panic(err) // the embedded directory is part of the program
	}
	kinds := make([]string, len(entries))
	for i, e := range entries {
		kinds[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	slices.Sort(kinds)
	return kinds
}

// Schema returns the JSON Schema (draft 2020-12) of one of SchemaKinds. It is
// generated from the Go types; nil for any other name.
func Schema(kind string) []byte {
	data, err := schemas.ReadFile(path.Join("schema", kind+".json"))
	if err != nil {
		return nil
	}
	return data
}
