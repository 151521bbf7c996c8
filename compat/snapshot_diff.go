package compat

import (
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// DiffSnapshots compares the features of two nodes: all of them, or only those
// that are named, whole or up to a dot (kernel). A name of which neither node nor
// this NFD has heard is a nodefeatures.UnknownFeatureError.
func DiffSnapshots(a, b *nodefeatures.Snapshot, only ...string) (*report.SnapshotDiff, error) {
	only = slices.Clone(only)
	known := slices.Concat(a.FeatureNames(), b.FeatureNames())
	for i, name := range only {
		only[i] = strings.ToLower(strings.TrimSuffix(name, "."))
		if !slices.ContainsFunc(known, func(feature string) bool { return within(feature, only[i]) }) {
			return nil, nodefeatures.NewUnknownFeatureError(only[i], append(sourceNames(known), known...))
		}
	}
	diff := &report.SnapshotDiff{
		APIVersion: report.APIVersion, Kind: report.KindSnapshotDiff, A: a.Node, B: b.Node, Differences: []nodefeatures.Difference{},
	}
	for _, x := range nodefeatures.Diff(a, b) {
		if len(only) == 0 || slices.ContainsFunc(only, func(name string) bool { return within(x.Feature, name) }) {
			diff.Differences = append(diff.Differences, x)
		}
	}
	return diff, nil
}

// within reports whether a feature is the named one, or one of the named source.
func within(feature, name string) bool {
	return feature == name || strings.HasPrefix(feature, name+".")
}

// sourceNames are the parts of the features' names before the dot.
func sourceNames(features []string) []string {
	names := make([]string, len(features))
	for i, feature := range features {
		names[i], _, _ = strings.Cut(feature, ".")
	}
	return names
}
