package compat

import (
	"errors"
	"path/filepath"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/trust"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// MaxTrustPolicy is the largest trust policy that is read, in bytes.
const MaxTrustPolicy = trust.MaxPolicySize

// A TrustRules says which rule is for an image; nil where there is no policy.
type TrustRules func(artifact.Reference) *artifact.TrustRule

// ReadTrust reads a trust policy, or makes one of public keys; it is nil for neither. Its errors
// are of what the caller named, none of them means that there is no policy.
func ReadTrust(policy string, keys []string) (TrustRules, error) {
	var p *trust.Policy
	var err error
	switch {
	case policy != "":
		p, err = trust.Load(policy)
	case len(keys) > 0:
		p, err = trust.LoadKeys(keys)
	default:
		return nil, nil //nolint:nilnil // everything counts
	}
	if err != nil {
		return nil, err
	}
	return p.For, nil
}

// LintPolicy checks a trust policy, and the keys that it names from the file's folder.
func LintPolicy(r *report.LintReport, name string, data []byte) {
	_, problems := trust.Parse(data, filepath.Dir(name))
	file := report.LintFile{File: name, OK: problems.Err() == nil, Problems: append(spec.Problems{}, problems...), Source: data}
	r.Files = append(r.Files, file)
	r.OK = r.OK && file.OK
}

// describePolicy is what a report says of the rule for a repository; nil without a policy.
func describePolicy(repository *artifact.Repository) *report.Policy {
	if repository == nil || repository.Trust() == nil {
		return nil
	}
	rule := repository.Trust()
	return &report.Policy{File: rule.File, SHA256: rule.SHA256, Rule: rule.Images}
}

// policyOf is the policy that the subjects' rules are from; nil without one.
func policyOf(subjects []subject) *report.Policy {
	for _, s := range subjects {
		if p := describePolicy(s.repository); p != nil {
			p.Rule = ""
			return p
		}
	}
	return nil
}

// noTrusted is that an image has artifacts of which the trust policy accepts none; nil otherwise.
func noTrusted(err error) *artifact.NoTrustedArtifactError {
	var none *artifact.NoTrustedArtifactError
	if errors.As(err, &none) {
		return none
	}
	return nil
}

// undecided reports whether nobody knows which artifact the trust policy accepts. That is an
// answer, and no failure; what a missing artifact means has nothing to do with it.
func undecided(err error) bool {
	var many *artifact.TooManyError
	return errors.As(err, &many)
}

// missingIsCompatible warns of what a trust policy is worth with --missing=compatible.
func missingIsCompatible(subjects []subject, p policy) []verdict.Reason {
	if p.missing != verdict.Compatible || policyOf(subjects) == nil {
		return nil
	}
	return []verdict.Reason{{
		Code:    report.CodeMissingCompatible,
		Message: "--missing=compatible makes an image compatible whose signed artifact somebody deleted or hid",
		Hint:    "leave it out: an image of which the policy accepts no artifact is unknown then",
	}}
}
