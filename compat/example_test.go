package compat_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// A saved node is judged against a spec; without Snapshot it would be this host.
func ExampleValidateNode() {
	file, err := os.Open("../testdata/nodes/node-a.json")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	request := compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: []byte(`
version: v1alpha1
compatibilities:
- tag: new
  rules:
  - name: kernel
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        major: {op: Ge, value: ["99"]}
`)}}}
	for snapshot, err := range nodefeatures.Load(context.Background(), file, nodefeatures.LoadOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		request.Snapshot = snapshot
	}
	r, err := compat.ValidateNode(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Verdict)
	fmt.Println(r.Reasons[0].Message)
	// Output:
	// incompatible
	// set 1 (new): rule "kernel": kernel.version major: wanted >= 99, found 6
}

// A Pod is judged for a kubelet of a version, without looking at its images.
func ExampleValidatePod() {
	manifest, err := os.ReadFile("../testdata/demo/web.yaml")
	if err != nil {
		log.Fatal(err)
	}
	r, err := compat.ValidatePod(context.Background(), compat.PodRequest{
		NodeRequest: compat.NodeRequest{Kubelet: kubelet.Options{Version: "v1.27.16"}},
		Manifests:   []compat.File{{Name: "web.yaml", Data: manifest}},
		NoImages:    true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(output.SummaryLine(r))
	for _, step := range r.Pods[0].Plan.Steps {
		fmt.Println(step.Container, step.Kind, step.Starts)
	}
	// Output:
	// incompatible: 1 Pod: Deployment web (web.yaml:1): the node does not run this Pod's native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init
	// migrate init true
	// proxy sidecar true
	// agent sidecar false
	// web app false
}
