package spec_test

import (
	"fmt"

	"nodecompat/spec"
)

// Problems have positions; with an error among them the spec cannot be used.
func ExampleParse() {
	_, problems := spec.Parse([]byte(`version: v1alpha1
compatibilities:
- rules:
  - name: kernel
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        full: {op: Ge, value: [5.10], type: version}
`))
	for _, p := range problems {
		fmt.Println(p)
	}
	fmt.Println(problems.Err() != nil)
	// Output:
	// 8:32: error: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.full.value[0]: NFD would see "5.10" as "5.1" (quote it: "5.10") [unquoted]
	// true
}
