package spec

import (
	"bytes"
	"cmp"
	_ "embed" // the template is linked in
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/catalogue"
)

//go:embed new.yaml
var newSpec []byte

// modeline names the schema to yaml-language-server, which many editors ask.
const modeline = "# yaml-language-server: $schema=spec.schema.json\n"

// New returns a commented spec to start from, about which lint has nothing to say: with
// what most images ask for, or with an example of each of the features. Of a feature that
// NFD does not publish the error names the nearest.
func New(features ...string) ([]byte, error) {
	if len(features) == 0 {
		return bytes.Clone(newSpec), nil
	}
	var rules strings.Builder
	var written []*catalogue.Feature
	for _, name := range features {
		f, ok := catalogue.Lookup(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("there is no feature %q; %s", name, cmp.Or(likelyName(name, featureNames()), "`compat explain` lists all"))
		case !slices.Contains(written, f):
			written = append(written, f)
			fmt.Fprintf(&rules, "      # %s: %s.\n%s\n", f.Name, f.Meaning, indented(f.Rule(), "      "))
		}
	}
	return []byte(modeline + "# `compat explain FEATURE` says more about each.\nversion: v1alpha1\ncompatibilities:\n  - rules: # all of them must match\n" + rules.String()), nil
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(text, "\n", "\n"+by)
}
