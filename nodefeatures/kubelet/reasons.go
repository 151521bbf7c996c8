package kubelet

// The codes of a Reason.
const (
	ReasonNoKubelet         = "noKubelet"           // neither a kubelet process nor a kubelet binary was found
	ReasonKubeletNotRunning = "kubeletNotRunning"   // no kubelet process: its flags are not known
	ReasonSeveralKubelets   = "severalKubelets"     // several kubelet processes, none of which is this machine's for sure
	ReasonOtherMachine      = "otherMachine"        // the Node object that was given is another machine's
	ReasonNotRoot           = "notRoot"             // the process or the file does not belong to root
	ReasonWritableByOthers  = "writableByOthers"    // others than root may write the binary, or put another in its place
	ReasonInPod             = "inPod"               // the process, or compat itself, runs in a Pod
	ReasonOtherNamespace    = "otherMountNamespace" // the process lives in another mount namespace than compat
	ReasonHostRoot          = "hostRoot"            // the machine's root is mounted elsewhere: nothing of it is executed
	ReasonEmbeddedKubelet   = "embeddedKubelet"     // the kubelet is part of a larger process that keeps its flags elsewhere
	ReasonExecution         = "executionFailed"     // the binary did not answer --version
	ReasonUnexpectedOutput  = "unexpectedOutput"    // the binary's answer is not a version
	ReasonPermissionDenied  = "permissionDenied"    // this user may not read it
	ReasonNotFound          = "notFound"            // the file that was named does not exist
	ReasonTooLarge          = "tooLarge"            // the file exceeds the bound that the message states
	ReasonUnreadable        = "unreadable"          // the file can't be read for another reason
	ReasonMalformed         = "malformed"           // the file or flag is not what a kubelet would accept
	ReasonClusterWide       = "clusterWide"         // what is known holds for the cluster's nodes, not for this one
	ReasonOtherVersion      = "otherVersion"        // the log's last start is of another version of the kubelet
	ReasonNotTold           = "notTold"             // nothing was given, and there was no machine to look at
)
