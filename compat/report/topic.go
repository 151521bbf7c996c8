package report

// A Topic is what there is to say about a feature, an element or an operator of specs.
type Topic struct {
	// Title is its name.
	Title string
	// Text is a paragraph each.
	Text []string
	// Elements are those of a feature, a line each.
	Elements []string
	// Example is a rule, or several, in YAML.
	Example string
	// Traps are what people get wrong, a sentence or more each.
	Traps []string
}

// Words are what can be explained.
type Words struct {
	Codes               []Code
	Features, Operators []Word
}

// A Word is a feature or an operator in a list.
type Word struct{ Name, Meaning string }
