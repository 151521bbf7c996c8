package derive

import (
	"cmp"
	"slices"
)

// A Confidence says how sure a need is.
type Confidence string

// The confidences, the surest first.
const (
	// Certain: the image does not start, or not wholly, without it.
	Certain Confidence = "certain"
	// LowerBound: the image says so, but nothing enforces it, or only a part of the image does.
	LowerBound Confidence = "lowerBound"
	// Hint: it may be, which a person has to decide. It becomes no rule.
	Hint Confidence = "hint"
)

// A Need is what the image asks of a node, and why.
type Need struct {
	// Name is that of the rule: RulePrefix and a few words.
	Name       string     `json:"name"`
	Confidence Confidence `json:"confidence"`
	// MatchFeatures must hold, all of them, and one of MatchAny. Both are empty where NFD publishes
	// nothing that a rule could ask for.
	MatchFeatures []Feature   `json:"matchFeatures,omitempty"`
	MatchAny      [][]Feature `json:"matchAny,omitempty"`
	// Rule is the whole rule, without its name, where it is one of the base image's own spec.
	Rule map[string]any `json:"rule,omitempty"`
	// Evidence is what in the image says so, the weightiest first.
	Evidence []Evidence `json:"evidence"`
	// Notes are what whoever reviews the rule should know.
	Notes []string `json:"notes"`
}

// RulePrefix begins the names of rules that were derived. All others are a person's.
const RulePrefix = "derived: "

// A Feature is what a rule asks of one feature of NFD.
type Feature struct {
	Feature          string       `json:"feature"`
	MatchExpressions []Expression `json:"matchExpressions"`
}

// An Expression is what is asked of one element.
type Expression struct {
	Element string   `json:"element"`
	Op      string   `json:"op"`
	Value   []string `json:"value,omitempty"`
}

// A Source is what kind of thing an evidence is.
type Source string

// The sources of evidence.
const (
	SourcePlatform    Source = "platform"    // of the index or the configuration
	SourceELFNote     Source = "elfNote"     // GNU property x86 ISA needed
	SourceABITag      Source = "abiTag"      // .note.ABI-tag
	SourceGoBuild     Source = "goBuild"     // build information of a Go program
	SourceLoader      Source = "loaderText"  // what a dynamic loader says of older CPUs
	SourceModule      Source = "module"      // a kernel module's vermagic or aliases
	SourceEnvironment Source = "environment" // a variable of the configuration
	SourceFile        Source = "file"        // that the file is there
	SourceBase        Source = "baseImage"   // the base image's own spec
)

// Evidence is what one file, or the image's configuration, says.
type Evidence struct {
	Source Source `json:"source"`
	// Path is the file's; "" for the configuration.
	Path string `json:"path,omitempty"`
	// Layer is the digest of the layer that wrote it.
	Layer string `json:"layer,omitempty"`
	// Value is what it says.
	Value string `json:"value"`
	// Files is how many files say the same; this is one of them.
	Files int `json:"files,omitempty"`
}

// MaxEvidence is how many files are named as evidence of one need; the others are counted.
const MaxEvidence = 5

// say names some of the evidence. All of it is of one kind and value; the files that
// run at the start come first.
func (d *decider) say(source Source, value string, files []seen) []Evidence {
	slices.SortStableFunc(files, func(a, b seen) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.path, b.path))
	})
	list := make([]Evidence, 0, min(len(files), MaxEvidence))
	for i, f := range files {
		if i == MaxEvidence {
			break
		}
		list = append(list, Evidence{Source: source, Path: f.path, Layer: d.layerOf(f.file), Value: value, Files: len(files)})
	}
	return list
}

// weight orders files as evidence: what starts first, and of that the C library.
func (s seen) weight() int {
	if s.libc() {
		return 2*int(s.reach) + 1
	}
	return 2 * int(s.reach)
}
