package report

import "nodecompat/nodefeatures/verdict"

// KindTestReport names the document of `compat spec test`.
const KindTestReport = "TestReport"

// A TestReport says which cases of test files hold.
type TestReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// OK is true when every case holds.
	OK    bool       `json:"ok"`
	Files []TestFile `json:"files"`
}

// A TestFile is one *.test.yaml.
type TestFile struct {
	File string `json:"file"`
	// Spec is the file of the spec, relative to File.
	Spec  string     `json:"spec"`
	OK    bool       `json:"ok"`
	Cases []TestCase `json:"cases"`
	// Updated says that --update wrote what came into the file.
	Updated bool `json:"updated"`
}

// A TestCase is what was expected of a spec on one node, and what came.
type TestCase struct {
	Name string `json:"name"`
	// Line is where the case begins in the file.
	Line int `json:"line"`
	// Features is the file of the node, relative to the test's.
	Features string `json:"features"`
	// OK is true when what came is what was expected.
	OK bool `json:"ok"`
	// Expected and Verdict are what should come, and what came.
	Expected verdict.Verdict `json:"expected"`
	Verdict  verdict.Verdict `json:"verdict"`
	// ExpectedBest is the tag that the best set should have; left out where none is expected.
	ExpectedBest *string `json:"expectedBest,omitempty"`
	// Best is the tag of the matching set with the highest weight; "" where none matches, or it has none.
	Best string `json:"best"`
	// Reasons are those of Verdict.
	Reasons []verdict.Reason `json:"reasons"`
}

// NewTestReport returns a report on no files.
func NewTestReport() *TestReport {
	return &TestReport{APIVersion: APIVersion, Kind: KindTestReport, OK: true, Files: []TestFile{}}
}

// KindSpecDiff names the document of `compat spec diff`.
const KindSpecDiff = "SpecDiff"

// A SpecDiff says on which saved nodes two specs answer differently.
type SpecDiff struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// A and B are the files of the specs.
	A string `json:"a"`
	B string `json:"b"`
	// Nodes is how many were judged, and Unchanged on how many the two answer alike.
	Nodes     int `json:"nodes"`
	Unchanged int `json:"unchanged"`
	// Changed are the others, in the order of the files.
	Changed []ChangedNode `json:"changed"`
	// Error is that of a node which could not be read; the others were judged.
	Error *Error `json:"error,omitempty"`
}

// A ChangedNode is a node on which two specs answer differently.
type ChangedNode struct {
	Name     string     `json:"name"` // that of the node, or of its file
	Snapshot string     `json:"snapshot"`
	A        SpecAnswer `json:"a"`
	B        SpecAnswer `json:"b"`
}

// A SpecAnswer is what a spec says of a node.
type SpecAnswer struct {
	Verdict verdict.Verdict `json:"verdict"`
	// Best is the tag of the matching set with the highest weight, and Weight its weight.
	Best    string           `json:"best"`
	Weight  int              `json:"weight"`
	Reasons []verdict.Reason `json:"reasons"`
}
