package catalogue

import "strings"

// An Operator is one of NFD's MatchOp, with which an expression asks about an element.
type Operator struct {
	// Name is what op says; "" is NFD's Any, an expression without an operator.
	Name string
	// Min and Max are how many values it takes; Max -1 is any number.
	Min, Max int
	// Ordered says that it compares integers or, with type: version, versions.
	Ordered bool
	// Signs are what people write for it who know other languages.
	Signs []string
	// Meaning says when it is true.
	Meaning string
	// Suits says on which elements it makes sense, and what it is on others.
	Suits string
	// Feature and Example are an expression with it, in YAML. That of Any is what to write
	// in place of it.
	Feature, Example string
	// Traps are what people get wrong about it.
	Traps []string
}

// anyName is what Any is called where a name is needed.
const anyName = "Any"

// Title is the operator's name for people.
func (o *Operator) Title() string {
	if o.Name == "" {
		return anyName
	}
	return o.Name
}

// Values says which values it takes.
func (o *Operator) Values() string {
	number := [...]string{"takes no value", "takes one value", "takes two values, the first the lesser"}
	switch {
	case o.Max < 0:
		return "takes one or more values"
	case o.Ordered:
		return number[o.Max] + ": integers, or versions with type: version"
	}
	return number[o.Max]
}

// Operators returns all of them, as people list them; Any is the last. Nothing in it may be
// changed.
func Operators() []Operator { return operators }

// LookupOperator returns an operator by its name, by Any or "", whatever the case of its
// letters, or by what it is called in other languages; ok is false if it is none.
func LookupOperator(name string) (o *Operator, ok bool) {
	for i := range operators {
		if o := &operators[i]; strings.EqualFold(o.Name, name) || strings.EqualFold(o.Title(), name) {
			return o, true
		}
	}
	return SignOperator(name)
}

// SignOperator returns the operator for which people write a sign or word of another
// language, such as >= or equals.
func SignOperator(sign string) (o *Operator, ok bool) {
	for i := range operators {
		for _, s := range operators[i].Signs {
			if strings.EqualFold(s, sign) {
				return &operators[i], true
			}
		}
	}
	return nil, false
}

// What is said of several operators.
const (
	ofValues   = "For attributes, and attributes of devices. A flag has no value: on one it is false, and so it is where the element is absent"
	ofTruth    = "For attributes that are true or false. On any other value, on a flag, and where the element is absent it is false"
	ofNumbers  = "For attributes that are integers, and versions. On a flag, and where the element is absent it is false"
	notInteger = "On a value that is no integer (with type: version, no version) NFD gives up the whole rule, and compat calls the term unknown. A version that only NFD's parser refuses, such as 5.14.0-427.el9_4, compat compares by its numbers."
	release    = "With type: version, what follows the first - is left out: 6.1.0-rc1 is 6.1.0."
	quote      = "Quote versions: 5.10 without quotes is 5.1."
)

// operators is the table (api/nfd/v1alpha1/nodefeaturerule_types.go and
// pkg/apis/nfd/nodefeaturerule/expression.go of NFD).
var operators = []Operator{
	{
		Name: "In", Min: 1, Max: -1, Signs: []string{"=", "==", "eq", "equal", "equals"},
		Meaning: "the value is one of those given, letter for letter", Suits: ofValues,
		Feature: PCIDevice, Example: `vendor: {op: In, value: ["10de", "1002"]}`,
		Traps: []string{
			"Values are text: quote what looks like a number or a truth value, since 0302 without quotes is 194.",
			"With matchName it is true if an element has one of the names: the way to ask for one of several flags.",
		},
	},
	{
		Name: "NotIn", Min: 1, Max: -1, Signs: []string{"!=", "<>", "ne"},
		Meaning: "the value is none of those given", Suits: ofValues,
		Feature: CPUModel, Example: `hypervisor: {op: NotIn, value: [vmware]}`,
		Traps: []string{
			"It is false where there is nothing to compare. Where that will do, add an alternative in matchAny with DoesNotExist.",
			"Of devices it is true as soon as one differs: on nearly every node.",
			"With matchName it is true as soon as there is any other name.",
		},
	},
	{
		Name: "InRegexp", Min: 1, Max: -1, Signs: []string{"~", "=~", "regex", "regexp", "match", "matches", "contains"},
		Meaning: "one of the regular expressions (RE2) is found in the value", Suits: ofValues,
		Feature: PCIDevice, Example: `class: {op: InRegexp, value: ["^03"]}`,
		Traps: []string{
			"It is found anywhere: write ^ and $ for the whole value.",
			`Quote with ' what has a backslash: "\b" is a control character to YAML.`,
			"RE2 has neither look-ahead nor back-references.",
		},
	},
	{
		Name:    "Exists",
		Meaning: "the element is there, whatever its value",
		Suits:   "For flags first of all, and for attributes that a node may not have",
		Feature: CPUID, Example: `AVX2: {op: Exists}`,
		Traps: []string{
			"An attribute that is false or 0 is there, too: use IsTrue or Gt.",
		},
	},
	{
		Name: "DoesNotExist", Signs: []string{"!", "notexists", "absent"},
		Meaning: "the element is not there",
		Suits:   "For flags, and attributes that a node may not have. Of devices: one of them lacks the attribute",
		Feature: LoadedModule, Example: `nouveau: {op: DoesNotExist}`,
		Traps: []string{
			"Where the node lacks the whole feature, or has no device at all, it is false as well.",
			"With matchName it is never true: that looks at names that exist.",
			"What could not be read is not absent: the term is unknown then.",
		},
	},
	{
		Name: "Gt", Min: 1, Max: 1, Ordered: true, Signs: []string{">"},
		Meaning: "the value is greater than the one given", Suits: ofNumbers,
		Feature: "memory.hugepages", Example: `hugepages-2Mi: {op: Gt, value: ["512"]}`,
		Traps: []string{notInteger, release, quote},
	},
	{
		Name: "Ge", Min: 1, Max: 1, Ordered: true, Signs: []string{">=", "gte", "geq"},
		Meaning: "the value is the one given, or greater", Suits: ofNumbers,
		Feature: KernelVersion, Example: `full: {op: Ge, type: version, value: ["5.10"]}`,
		Traps: []string{notInteger, release, quote},
	},
	{
		Name: "Lt", Min: 1, Max: 1, Ordered: true, Signs: []string{"<"},
		Meaning: "the value is less than the one given", Suits: ofNumbers,
		Feature: KernelVersion, Example: `full: {op: Lt, type: version, value: ["6.12"]}`,
		Traps: []string{notInteger, release, quote},
	},
	{
		Name: "Le", Min: 1, Max: 1, Ordered: true, Signs: []string{"<=", "lte", "leq"},
		Meaning: "the value is the one given, or less", Suits: ofNumbers,
		Feature: "cpu.topology", Example: `socket_count: {op: Le, value: ["2"]}`,
		Traps: []string{notInteger, "With type: version, 6.1 is 6.1.0: 6.1.5 is more than that.", quote},
	},
	{
		Name: "GtLt", Min: 2, Max: 2, Ordered: true,
		Meaning: "the value lies between the two given, and is neither", Suits: ofNumbers,
		Feature: KernelVersion, Example: `full: {op: GtLt, type: version, value: ["5.10", "6.12"]}`,
		Traps: []string{notInteger, "The first integer must be less than the second: NFD gives up the whole rule otherwise.", release, quote},
	},
	{
		Name: "GeLe", Min: 2, Max: 2, Ordered: true,
		Meaning: "the value lies between the two given, or is one of them", Suits: ofNumbers,
		Feature: "memory.numa", Example: `node_count: {op: GeLe, value: ["2", "4"]}`,
		Traps: []string{notInteger, "The first integer must be less than the second: NFD gives up the whole rule otherwise.", release, quote},
	},
	{
		Name: "IsTrue", Signs: []string{"true"},
		Meaning: "the value is the word true", Suits: ofTruth,
		Feature: "cpu.security", Example: `sgx.enabled: {op: IsTrue}`,
		Traps: []string{
			"y, yes, 1 and on are not true: of kernel.config write {op: In, value: [\"y\"]}.",
			"With matchName it is never true: that looks at names.",
		},
	},
	{
		Name: "IsFalse", Signs: []string{"false"},
		Meaning: "the value is the word false", Suits: ofTruth,
		Feature: "memory.swap", Example: `enabled: {op: IsFalse}`,
		Traps: []string{
			"Many elements are true or absent, such as those of cpu.security: use DoesNotExist there.",
			"With matchName it is never true: that looks at names.",
		},
	},
	{
		Meaning: "the node has the feature at all: an expression without an operator",
		Suits:   "For nothing; the example is what is mostly meant",
		Feature: CPUID, Example: `AVX2: {op: Exists}`,
		Traps: []string{
			"`AVX2: {}` is not a question whether AVX2 is there.",
			"With a value, such as {value: [\"1\"]}, NFD refuses the rule: add op: In.",
		},
	},
}
