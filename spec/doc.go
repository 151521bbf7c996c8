// Package spec reads image compatibility specs (v1alpha1) and NodeFeatureGroup
// objects strictly, and says everything that is wrong with them at once, with
// line and column.
//
// A spec comes from whoever can push to a registry, and Node Feature Discovery
// (NFD) reads it leniently: it drops unknown keys, re-prints unquoted numbers,
// and finds a bad operator only when it evaluates it. What this package accepts
// means the same to NFD, can be evaluated without an error that the spec alone
// could cause, and can neither hang nor fill the machine that evaluates it.
//
// # YAML
//
// The document is YAML (or JSON) in UTF-8, of one document. Refused are unknown
// and duplicate keys, tags, merge keys, and unquoted text that NFD would see as
// another text, such as 5.10 (5.1), 0200 (128), yes (true). Where Go's NFD types
// print null for what is absent (vars, matchFeatures, matchAny,
// matchExpressions, matchName), the word null is accepted; an empty value never is.
//
// # Bounds
//
// Beyond NFD, bounds are set on what a small spec could make a node spend: see
// MaxSize, MaxDepth, yamltree.MaxValues, MaxRegexpCost, MaxNameTerms and the MaxTemplate constants.
//
// # varsTemplate
//
// A varsTemplate may use a safe part of Go's template language:
//
//   - text, comments, `if`, `else`, `with`, `break`, `continue`, variables;
//   - fields: .DOMAIN.FEATURE is the list of the feature's elements that matched,
//     and an element has the fields Name and Value, or a device's attributes;
//   - `range` over a feature's elements, and within it over the attributes of
//     an element; no deeper, and never over a number;
//   - printing values: not elements, lists or everything;
//   - the functions and, or, not, empty, default, coalesce, len, index, eq, ne,
//     lt, le, gt, ge, lower, upper, trim, trimAll, trimPrefix, trimSuffix, trunc,
//     contains, hasPrefix, hasSuffix, toString, atoi, int, int64, add, sub, mul,
//     max, min, and replace of a literal by one that is not longer.
//
// For example:
//
//	varsTemplate: |
//	  {{- range .pci.device }}
//	  card-{{ .vendor }}-{{ .device }}=true
//	  {{- end }}
//
// Everything else is refused when the spec is parsed; define, printf, repeat,
// until, join, list are examples.
//
// The package does no I/O, knows neither registries nor nodes, and evaluates
// nothing: that is left to NFD's own evaluator in package nodefeatures.
package spec
