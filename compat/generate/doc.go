// Package generate drafts a spec of what nodes have in common, from their snapshots.
//
// What the nodes have becomes candidates (candidates.go and the files beside it): terms that may be
// true of all of them, the plainest first. NFD's evaluator says of each which nodes it is true of
// (judge.go); those that are not true of all nodes, or about which lint has anything to say, are
// dropped. If there are nodes to be refused, as few as will do are chosen among the others
// (choose.go). What is left becomes a commented draft (draft.go).
//
// A fact that could not be read is neither there nor absent: nothing is asked about it, and the draft
// says so. The package does no I/O, and the same nodes in any order give the same draft.
package generate
