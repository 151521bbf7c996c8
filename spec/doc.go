// Package spec reads image compatibility specs (v1alpha1) and NodeFeatureGroup
// objects strictly, and says everything that is wrong with them at once, with
// line and column.
//
// A spec comes from whoever can push to a registry, and Node Feature Discovery
// (NFD) reads it leniently: it drops unknown keys, re-prints unquoted numbers,
// and finds a bad operator only when it evaluates it. What this package accepts
// means the same to NFD, byte for byte, can be evaluated without an error that
// the spec alone could cause, and can neither hang nor fill the machine that
// evaluates it.
//
// The package does no I/O, knows neither registries nor nodes, and evaluates
// nothing: that is left to NFD's own evaluator in package nodefeatures.
package spec
