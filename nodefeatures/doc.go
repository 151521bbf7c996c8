// Package nodefeatures gathers what a node offers, with Node Feature
// Discovery's own sources or from a saved snapshot, and matches the rules of a
// compatibility spec against it with NFD's own evaluator, explaining every
// verdict.
//
// It does not know images, registries or flags, and it never mixes facts of
// the local machine into a snapshot that was loaded. NFD and klog are imported
// nowhere else.
package nodefeatures
