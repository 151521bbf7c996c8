// Package compat judges a node against the compatibility specs of images, and
// reports the answer.
//
// It gathers (artifacts from a registry, facts of the node), decides (sets,
// images, the whole), and describes the decision in a NodeReport, whose JSON is
// the product and whose text form is a function of that JSON. It does not know
// flags, terminals or exit codes, does not talk to registries itself (package
// artifact does), and does not evaluate rules itself (package nodefeatures
// does, with Node Feature Discovery's evaluator).
package compat
