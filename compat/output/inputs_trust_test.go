package output_test

import (
	"testing"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// policy is the trust policy of the scenarios.
var policy = report.Policy{File: "policy.yaml", SHA256: "11", Rule: "registry.test:5000/**"}

func signers(names ...string) []artifact.Signer {
	var list []artifact.Signer
	for _, name := range names {
		list = append(list, artifact.Signer{Name: name, Method: artifact.MethodKey, Fingerprint: "sha256:22", Signature: digest.Digest("sha256:33")})
	}
	list[len(list)-1].Method = artifact.MethodCA
	return list
}

// trusts are what a policy makes of artifacts, one of each state.
func trusts() []artifact.Trust {
	return []artifact.Trust{
		{State: artifact.FromTheFuture, Why: "its date, 2099-01-01T00:00:00Z, is in the future"},
		{State: artifact.Unsigned, Why: "it has no signature"},
		{State: artifact.BadSignature, Why: "no signature of it counts: it is by no key of the policy; \x1b[31mit signs another digest"},
		{State: artifact.Trusted, Signers: signers("release", "corp")},
		{State: artifact.NotChecked},
		{State: artifact.TooOld, Why: "it is of 2020-01-01T00:00:00Z, which is older than the policy's maxAge of 8760h0m0s"},
		{State: artifact.Refused, Why: "no rule of the policy is for the image"},
		{State: artifact.TooManySignatures, Why: "it has more than 100 signatures"},
		{State: artifact.Unchecked},
	}
}

// trustScenarios are written by hand: a signature is never twice the same.
var trustScenarios = []scenario{
	{"node_trust", func(*testing.T) any {
		r := report.NewNodeReport(now, nil)
		r.Verdict, r.Policy = verdict.Compatible, &report.Policy{File: policy.File, SHA256: policy.SHA256}
		states := trusts()
		image := report.Image{
			Reference: "registry.test:5000/app:1", Digest: "sha256:0", Verdict: verdict.Compatible, Policy: &policy,
			Artifact:   &report.Artifact{Digest: "sha256:3", Subject: "sha256:0", On: string(artifact.OnManifest), Created: day1, Trust: &states[3]},
			Candidates: []report.Artifact{}, Reasons: []verdict.Reason{}, Sets: []report.Set{},
		}
		for i := range states {
			image.Candidates = append(image.Candidates, report.Artifact{Digest: "sha256:3", Subject: "sha256:0", On: string(artifact.OnManifest), Trust: &states[i]})
		}
		unchecked := image
		unchecked.Artifact = &report.Artifact{Digest: "sha256:4", Subject: "sha256:0", On: string(artifact.OnManifest), Trust: &states[8]}
		none := image
		none.Artifact, none.Candidates, none.Verdict = nil, []report.Artifact{}, verdict.Unknown
		none.Reasons = []verdict.Reason{{Code: artifact.CodeNoTrustedArtifact, Message: "the trust policy accepts none", Hint: "its author signs it"}}
		r.Images = []report.Image{image, unchecked, none}
		return r
	}, []string{"json", "txt", "md"}},
	{"discover_trust", func(*testing.T) any {
		r := report.NewDiscoverReport("registry.test:5000/app:1", nil)
		r.Policy = &policy
		s := report.DiscoveredSubject{Target: report.Target{Digest: "sha256:0", On: string(artifact.OnManifest)}, TakenBy: []string{}}
		for i, trust := range trusts() {
			a := report.DiscoveredArtifact{Digest: "sha256:" + string(rune('0'+i)), Created: day1, State: string(artifact.StateUntrusted), Tags: []string{}, Trust: &trust}
			switch trust.State {
			case artifact.Trusted:
				a.State = string(artifact.StateInEffect)
			case artifact.NotChecked:
				a.State, a.Trust = string(artifact.StateMissing), nil
			}
			s.Artifacts = append(s.Artifacts, a)
		}
		r.Subjects = append(r.Subjects, s)
		return r
	}, []string{"json", "txt", "table.txt", "color.txt"}},
	{"discover_signatures", func(*testing.T) any {
		r := report.NewDiscoverReport("registry.test:5000/app:1", nil)
		r.Subjects = append(r.Subjects, report.DiscoveredSubject{
			Target: report.Target{Digest: "sha256:0", On: string(artifact.OnManifest)}, TakenBy: []string{},
			Artifacts: []report.DiscoveredArtifact{
				{Digest: "sha256:1", Created: day1, State: string(artifact.StateInEffect), Tags: []string{}, Signatures: []report.Signature{
					{Digest: "sha256:2", Format: artifact.FormatBundle},
					{Digest: "sha256:3", Format: artifact.FormatBundle},
					{Digest: "sha256:4", Format: artifact.FormatNotation},
					{Digest: "sha256:5", Format: artifact.FormatUnknown},
				}},
				{Digest: "sha256:6", Created: day1, State: string(artifact.StateOlder), Tags: []string{}},
			},
		})
		return r
	}, []string{"json", "txt", "table.txt"}},
	{"detach_signatures", func(*testing.T) any {
		r := report.NewDetachReport("registry.test:5000/app:1", nil)
		r.Policy = &policy
		r.Detached = []report.Detached{{
			Target: report.Target{Digest: "sha256:1", On: string(artifact.OnManifest)},
			Removed: []artifact.Removed{
				{Digest: "sha256:2", Deleted: true, Signatures: []digest.Digest{"sha256:3", "sha256:4"}},
				{Digest: "sha256:5", SignaturesLeft: []digest.Digest{"sha256:6"}},
				{Digest: "sha256:7", Deleted: true, SignaturesUnread: "listing them: no answer"},
			},
		}}
		r.Warnings = []verdict.Reason{{Code: artifact.CodeUntrustedArtifact, Message: "artifact sha256:8 is left alone: it has no signature"}}
		return r
	}, []string{"json", "txt"}},
}
