package report

import (
	"strings"

	"nodecompat/compat/sidecar"
)

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
	CodeIndexUnread      = "indexUnread"

	// Reasons of an image by its node's runtime.
	CodeNoManifestForRuntime = "noManifestForRuntime"
	CodeManifestUnknown      = "manifestUnknown"

	// Reasons of an image that asks for a GPU; all but the first also warnings.
	CodeGPUDriverTooOld       = "gpuDriverTooOld"
	CodeGPURequirementUnknown = "gpuRequirementUnknown"
	CodeGPUNotFound           = "gpuNotFound"
	CodeImageConfigUnread     = "imageConfigUnread"

	// The reason of a rule that --strict decided.
	CodeStrict = "strict"

	// Reasons of a Pod and of a PodReport.
	CodeStartOrder = "startOrder"
	CodePodOS      = "podOSNotSupported"
	CodeNoPod      = "noPod" // also a warning
	CodeFailOn     = "failOn"

	// Reasons of a workload and of a ClusterReport.
	CodeTooFewNodes  = "tooFewNodes"
	CodeNoCandidates = "noCandidates"
	CodeNoNodes      = "noNodes"
	CodeLabelsDiffer = "labelsDiffer"

	// Warnings.
	CodeJudgedHere    = "judgedHere"
	CodeShadowed      = "shadowed"
	CodeWhatIfElement = "whatIfElement"
	CodeWhatIfValue   = "whatIfValue"
	CodeWhatIfPart    = "whatIfPart"
	CodeWhatIfAbsent  = "whatIfAbsent"
	CodeWhatIfNoNode  = "whatIfNoNode" // also a reason of a ClusterReport
	CodeWindowsBuild  = "windowsBuild"
	CodeOSFeatures    = "osFeatures"
	CodeFallback32Bit = "fallback32Bit"
	CodeEmulated      = "emulated"

	// CodeMissingCompatible warns of a flag that takes from a trust policy what it is good for.
	CodeMissingCompatible = "missingCompatible"

	// Warnings of place.
	CodeImmutableTemplate = "immutableTemplate"
	CodePlacementDropped  = "placementDropped"
	CodeLabelledByOthers  = "labelledByOthers"
	CodeSetDropped        = "setDropped"

	// An error of place.
	CodeNoCommonPlatform = "noCommonPlatform"

	// Reasons of place --check.
	CodeRulesPlaced   = "rulesPlaced"
	CodeRulesMissing  = "rulesMissing"
	CodeRulesDiffer   = "rulesDiffer"
	CodeNodesNoLabel  = "nodesNoLabel"
	CodeNothingPlaced = "nothingPlaced"

	// An error of cluster snapshot.
	CodeSnapshotFile = "snapshotFile"

	// Errors.
	CodeFailure           = "failure"
	CodeMalformedSpec     = "malformedSpec"
	CodeMalformedManifest = "malformedManifest"
	CodeMalformedSnapshot = "malformedSnapshot"

	// Problems that a spec has only with certain nodes.
	CodeNoNodeMatches    = "noNodeMatches"
	CodeEveryNodeMatches = "everyNodeMatches"

	// Errors of nodefeatures/apiserver, which no package of documents imports.
	CodeKubernetesConfiguration = "kubernetesConfiguration"
	CodeAPIServer               = "apiServer"
)

// A Place is where in a document a code stands, in words.
type Place string

// The places.
const (
	PlaceReason         Place = "reason"
	PlaceExclusion      Place = "reason why a node is no candidate"
	PlaceRule           Place = "reason of a rule, term or source"
	PlaceKubelet        Place = "reason about the kubelet"
	PlaceWarning        Place = "warning"
	PlaceError          Place = "error"
	PlaceSpec           Place = "problem of a spec"
	PlacePolicy         Place = "problem of a trust policy"
	PlaceManifest       Place = "problem of a manifest"
	PlaceSupport        Place = "support of native sidecars"
	PlaceSupportFinding Place = "finding on native sidecars"
	PlaceFinding        Place = "finding on a Pod"
)

// A Code is what a code means in one place.
type Code struct {
	Code  string
	Place Place
	// Fields are the fields of documents that are the place.
	Fields string
	// Meaning is one line, Remedy another that says what to do about it; "" where nothing is
	// to be done, or the message says it.
	Meaning, Remedy string
}

// Codes returns every code that a document can have, once for each of its places and in the
// order of those.
func Codes() []Code {
	var codes []Code
	for _, t := range codeTables {
		for _, r := range t.rows {
			codes = append(codes, Code{r.code, t.place, t.fields, r.meaning, r.remedy})
		}
	}
	for _, id := range sidecar.FindingIDs() {
		codes = append(codes, Code{Code: id, Place: PlaceFinding, Fields: "`pods[].findings[].id`, and `reasons[].code` where it decides", Meaning: sidecar.FindingTitle(id)})
	}
	return codes
}

// LookUpCode returns what a code means in each of its places, whatever the case of its
// letters; nil if there is no such code.
func LookUpCode(name string) []Code {
	var found []Code
	for _, c := range Codes() {
		if strings.EqualFold(c.Code, name) {
			found = append(found, c)
		}
	}
	return found
}

// ErrorRemedy returns what to do about an error, by its code; "" where the table says nothing.
func ErrorRemedy(code string) string {
	for _, r := range errorCodes {
		if r.code == code {
			return r.remedy
		}
	}
	return ""
}
