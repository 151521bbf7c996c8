package report

// The codes of this package's documents that no other package gives. They are an API:
// programs branch on them, and none is ever renamed.
const (
	// Reasons of an image.
	CodeSetMatches       = "setMatches"
	CodeNoSetMatches     = "noSetMatches"
	CodeFactsUnknown     = "factsUnknown"
	CodeNoSetSelected    = "noSetSelected"
	CodeNoArtifact       = "noArtifact"
	CodePlatformUnknown  = "platformUnknown" // also a warning
	CodePlatformNotFound = "platformNotFound"
	CodePlatformMismatch = "platformMismatch"

	// The reason of a rule that --strict decided.
	CodeStrict = "strict"

	// Reasons of a Pod and of a PodReport.
	CodeStartOrder = "startOrder"
	CodeNoPod      = "noPod"

	// Warnings.
	CodeShadowed      = "shadowed"
	CodeWhatIfElement = "whatIfElement"
	CodeWhatIfValue   = "whatIfValue"
	CodeWhatIfPart    = "whatIfPart"
	CodeWhatIfAbsent  = "whatIfAbsent"

	// Errors.
	CodeFailure       = "failure"
	CodeMalformedSpec = "malformedSpec"

	// The problem of a file that could not be read.
	CodeUnreadable = "unreadable"
)
