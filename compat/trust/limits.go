package trust

// Bounds on policies and signatures.
const (
	// MaxPolicySize is the largest policy that is read, in bytes.
	MaxPolicySize = 256 << 10

	// MaxKeyFile is the largest file with a key or certificates that is read, in bytes.
	MaxKeyFile = 64 << 10

	// MaxRules is the number of rules of a policy, MaxSigners that of signers of one rule, and
	// MaxPattern the length of a pattern, in bytes.
	MaxRules   = 100
	MaxSigners = 32
	MaxPattern = 512

	// MaxAuthorities is the number of certificates in a file of certificate authorities.
	MaxAuthorities = 20

	// MaxSubjects is the number of subjects of a statement, and MaxCertificates that of
	// certificates in a bundle.
	MaxSubjects     = 32
	MaxCertificates = 10

	// minRSA and maxRSA are the sizes of RSA keys, in bits. Verifying with a larger one costs too
	// much.
	minRSA = 2048
	maxRSA = 8192
)
