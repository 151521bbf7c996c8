package report

import "nodecompat/compat/generate"

// KindGenerateReport names the document of `compat spec generate`.
const KindGenerateReport = "GenerateReport"

// A GenerateReport is a draft of what nodes have in common. Nothing in it depends on when it was
// made, or on the order of the nodes.
type GenerateReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Features are the features and elements that were asked for, sorted.
	Features []string `json:"features"`
	// Nodes are those that the draft is true of, sorted by name and file.
	Nodes []generate.Node `json:"nodes"`
	// Refused are those that it refuses, sorted so.
	Refused []generate.Node `json:"refused"`
	generate.Result
	// Error says why there is no draft; absent when there is one.
	Error *Error `json:"error,omitempty"`
}

// NewGenerateReport returns a report without a draft.
func NewGenerateReport() *GenerateReport {
	return &GenerateReport{
		APIVersion: APIVersion, Kind: KindGenerateReport, Features: []string{}, Nodes: []generate.Node{}, Refused: []generate.Node{},
		Result: generate.Result{Terms: []generate.Term{}, LeftOut: []generate.Term{}, Notes: []string{}},
	}
}
