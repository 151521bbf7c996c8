// Package trust decides which compatibility artifacts of an image count: it reads trust policies,
// and verifies signatures of artifacts with the keys and certificate authorities that a policy
// names.
//
// A signature is a Sigstore bundle v0.3 with a DSSE envelope around an in-toto statement about the
// digest of the artifact's manifest, as `cosign sign` makes it. Nothing is asked of any service,
// and no file is read but the policy and those that it names.
package trust
