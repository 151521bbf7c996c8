package trust

// The codes of problems that only policies have; the others are those of package spec.
const (
	CodeImagesPattern   = "imagesPattern"   // a pattern that matches no repository, or that names a tag
	CodeAmbiguousRules  = "ambiguousRules"  // two patterns, equally specific, that match the same repository
	CodeInvalidKey      = "invalidKey"      // no public key or certificate that can be used
	CodeKeyUnreadable   = "keyUnreadable"   // the file of a key or of certificates can't be read
	CodeNotSupported    = "notSupported"    // what a later version will read
	CodeDuplicateSigner = "duplicateSigner" // one key, or one name, twice in a rule
	CodeThreshold       = "threshold"       // less than 1, or more than there are signers
	CodeMaxAge          = "maxAge"          // no duration, none that is positive, or one that nothing proves
	CodeTooManyRules    = "tooManyRules"    // more than MaxRules, or more than MaxSigners in one
)
