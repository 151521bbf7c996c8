package nodefeatures

import (
	"errors"
	"fmt"
	"io/fs"

	"nodecompat/nodefeatures/verdict"
)

// The codes of this package's reasons. They are stable: programs branch on
// them.
const (
	// ReasonFileMissing: a file or directory that the feature comes from does not exist.
	ReasonFileMissing = "fileMissing"
	// ReasonNotPermitted: a file that the feature comes from may not be read by this user.
	ReasonNotPermitted = "notPermitted"
	// ReasonSourceFailed: NFD's source failed, or a file could not be read for another reason.
	ReasonSourceFailed = "sourceFailed"
	// ReasonNotThisArchitecture: NFD detects the feature on other architectures only.
	ReasonNotThisArchitecture = "notThisArchitecture"
	// ReasonOtherSystem: NFD would describe the running machine, and the root that was given belongs to another.
	ReasonOtherSystem = "otherSystem"
	// ReasonNeedsLinux: this machine does not run Linux, where NFD's sources look.
	ReasonNeedsLinux = "needsLinux"
	// ReasonNodeNameNotSet: NFD takes the node's name from $NODE_NAME, which is not set.
	ReasonNodeNameNotSet = "nodeNameNotSet"
	// ReasonSourceNotRun: the feature was not looked at, nobody asked for it.
	ReasonSourceNotRun = "sourceNotRun"
	// ReasonNotInSnapshot: the snapshot does not have the feature, nor does it say why.
	ReasonNotInSnapshot = "notInSnapshot"
	// ReasonUnknownFeature: neither the snapshot nor any source of this NFD has a feature of that name.
	ReasonUnknownFeature = "unknownFeature"
	// ReasonFeatureAbsent: the feature could have been read, but the node has none; NFD then matches nothing.
	ReasonFeatureAbsent = "featureAbsent"
	// ReasonNoDevice: the feature was read and lists no device at all.
	ReasonNoDevice = "noDevice"
	// ReasonNotEvaluable: NFD's evaluator refuses the expression, or the value that it met.
	ReasonNotEvaluable = "notEvaluable"
	// ReasonVariableUnknown: the variable depends on an earlier rule that is unknown.
	ReasonVariableUnknown = "variableUnknown"
	// ReasonTemplateFailed: the rule matches, but its varsTemplate could not be expanded.
	ReasonTemplateFailed = "templateFailed"
	// ReasonInvalidRule: the rule is empty somewhere and would match, or crash, anything.
	ReasonInvalidRule = "invalidRule"
	// ReasonTwoWorkers: workers in several namespaces made NodeFeature objects for the node.
	ReasonTwoWorkers = "twoWorkers"
	// ReasonPassedOver: a NodeFeature object names no node.
	ReasonPassedOver = "objectPassedOver"
	// ReasonNoNodeFeature: there is a Node object, and no NodeFeature object for it.
	ReasonNoNodeFeature = "noNodeFeature"
	// ReasonNoNode: there are Node objects, and none for NodeFeature objects.
	ReasonNoNode = "noNode"
)

// reasonFor says why reading path failed.
func reasonFor(path string, err error) verdict.Reason {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return verdict.Reason{Code: ReasonFileMissing, Message: path + " does not exist"}
	case errors.Is(err, fs.ErrPermission):
		return verdict.Reason{
			Code: ReasonNotPermitted, Message: path + " may not be read by this user",
			Hint: "run as root, or as a user who may read it",
		}
	}
	return verdict.Reason{Code: ReasonSourceFailed, Message: fmt.Sprintf("reading %s: %v", path, err)}
}
