// Package placement writes into manifests which nodes Pods may run on: nodeSelector and node affinity
// in Pod templates, and the NodeFeatureRule objects that set the labels that these ask for.
//
// Lines are inserted where they belong and everything else keeps its bytes: comments, order,
// indentation, flow style. What an earlier run inserted is taken out first, so that a second one
// changes nothing. What comes out is read again, and it is an error if it is not what was meant.
//
// It is pure.
package placement
