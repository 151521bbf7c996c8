package nodefeatures_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

// Rules are evaluated on the facts of a saved node.
func ExampleSnapshot_Match() {
	file, err := os.Open("../testdata/nodes/node-a.json")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	parsed, problems := spec.Parse([]byte(`version: v1alpha1
compatibilities:
- rules:
  - name: an NVIDIA GPU
    matchFeatures:
    - feature: pci.device
      matchExpressions:
        vendor: {op: In, value: ["10de"]}
`))
	if err := problems.Err(); err != nil {
		log.Fatal(err)
	}
	for snapshot, err := range nodefeatures.Load(context.Background(), file, nodefeatures.LoadOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		rules, err := snapshot.Match(context.Background(), parsed.Sets[0].Rules)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(rules[0].Name, rules[0].Verdict)
	}
	// Output: an NVIDIA GPU incompatible
}
