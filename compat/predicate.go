package compat

import (
	"slices"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// Predicate reduces a report on a node, or on Pods, to what can be signed and shown to others. With
// includeNode it also names the node, and says what was found there. It is nil for other documents.
func Predicate(document any, includeNode bool) *report.VerdictPredicate {
	switch r := document.(type) {
	case *report.NodeReport:
		return newPredicate(r.Created, r.Verdict, r.Reasons, r.Images, r.Policy, r.Node, includeNode)
	case *report.PodReport:
		return newPredicate(r.Created, r.Verdict, r.Reasons, r.Images, r.Policy, r.Node, includeNode)
	}
	return nil
}

func newPredicate(
	created string, v verdict.Verdict, reasons []verdict.Reason, images []report.Image, policy *report.Policy, node report.Node, includeNode bool,
) *report.VerdictPredicate {
	p := &report.VerdictPredicate{
		APIVersion: report.APIVersion, Kind: report.KindVerdictPredicate, Created: created, Verdict: v,
		Codes: codesOf(reasons), Images: []report.PredicateImage{},
		Node: report.PredicateNode{OS: node.OS, Architecture: node.Architecture},
	}
	if policy != nil {
		p.PolicySHA256 = policy.SHA256
	}
	for _, i := range images {
		entry := report.PredicateImage{Digest: i.Digest, Platform: i.Platform, Verdict: i.Verdict, Score: i.Score, Codes: codesOf(i.Reasons)}
		if i.ManifestDigest != i.Digest {
			entry.ManifestDigest = i.ManifestDigest
		}
		if i.Artifact != nil {
			entry.ArtifactDigest = i.Artifact.Digest
		}
		p.Images = append(p.Images, entry)
	}
	if includeNode {
		p.Node.Name, p.Node.Kernel, p.Node.Kubelet, p.Node.Runtime = node.Name, node.Kernel, node.Kubelet, node.Runtime
		p.Reasons = reasons
	}
	return p
}

// codesOf are the codes of reasons, each once.
func codesOf(reasons []verdict.Reason) []string {
	codes := []string{}
	for _, r := range reasons {
		if !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	return codes
}
