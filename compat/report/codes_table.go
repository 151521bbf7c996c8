package report

import (
	"nodecompat/compat/artifact"
	"nodecompat/compat/cluster"
	"nodecompat/compat/generate"
	"nodecompat/compat/manifest"
	"nodecompat/compat/placement"
	"nodecompat/compat/sidecar"
	"nodecompat/compat/trust"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/spec"
)

// A codeRow is a code with its meaning and remedy in one place.
type codeRow struct{ code, meaning, remedy string }

// codeTables has the codes of every place; those of findings on Pods are in
// compat/sidecar/findings.md.
var codeTables = []struct {
	place  Place
	fields string
	rows   []codeRow
}{
	{PlaceReason, "`reasons[].code` of a report, an image or a Pod", reasonCodes},
	{PlaceExclusion, "`workloads[].excluded[].reason.code` of a ClusterReport", exclusionCodes},
	{PlaceRule, "`reason.code` of rules, terms, expressions, sources and differences", ruleCodes},
	{PlaceKubelet, "`reason.code` of a kubelet and of its version and configuration", kubeletCodes},
	{PlaceWarning, "`warnings[].code`", warningCodes},
	{PlaceError, "`error.code` and `reasons[].code` of a report or an image", errorCodes},
	{PlaceSpec, "`problems[].code` of a LintReport or an AttachReport; warnings in `warnings[].code` of a report, too", specCodes},
	{PlacePolicy, "`problems[].code` of a LintReport on a trust policy", policyCodes},
	{PlaceManifest, "`problems[].code` of a PodReport, and `reasons[].code` where it decides", manifestCodes},
	{PlaceSupport, "`sidecars.code`, and `reasons[].code` where it decides", supportCodes},
	{PlaceSupportFinding, "`sidecars.findings[].code`", supportFindingCodes},
}

var reasonCodes = []codeRow{
	{CodeSetMatches, "a set of the spec matches the node; of several, the one with the highest weight is named", ""},
	{CodeNoSetMatches, "no set of the spec matches; for each of them, the message names the first term that fails", "use a node that has what is wanted; `-o text` shows every term that fails"},
	{CodeFactsUnknown, "whether a set matches is not known: a fact could not be read, or a term not evaluated", "the reasons of the terms say which, and how it can be read"},
	{CodeNoSetSelected, "the spec has no set with one of the tags of --tags", "give one of the tags that the hint lists"},
	{CodeNoArtifact, "nothing is attached to the image, or nothing that is about it", "attach a spec with `compat attach`, or say with --missing what that means"},
	{artifact.CodeNoTrustedArtifact, "there are artifacts, and the trust policy accepts none of them; the message says why not the newest", "sign the artifact with a key of the policy (`cosign sign --key KEY REPOSITORY@DIGEST`); `compat discover` with the policy shows all"},
	{artifact.CodeCandidatesTooMany, "with a trust policy: more artifacts are attached than are looked at, so that nobody knows which one counts; --missing does not apply", "remove what does not belong there with `compat detach`, or use the digest of a signed one with --artifact"},
	{artifact.CodeSignaturesTooMany, "with a trust policy: an artifact has more signatures than are read, and those are not enough; an older one is not taken in its place, and --missing does not apply", "remove what is attached to the artifact and is no signature of yours"},
	{CodePlatformUnknown, "the node's architecture is not known, and nothing is attached to the image's index", "name the platform with --platform"},
	{CodePlatformNotFound, "the image has no manifest for the platform", "choose one of its platforms with --platform, or build the image for this one"},
	{CodeIndexUnread, "whether the image has a manifest for the platform is not known: a part of its index is gone, malformed or beyond the bounds", "name the platform's manifest by its digest, or push an index that names the platform of each entry"},
	{CodeNoManifestForRuntime, "the node's container runtime finds no manifest in the image's index that it takes there; it need not take all that the CPU runs", "push a manifest for the node's platform without a variant (linux/amd64), or name the one that it runs by its digest"},
	{CodeManifestUnknown, "which manifest of the index the node's container runtime takes is not known: it hangs on the runtime's version or the CPU's level", "tell the runtime with --runtime, save the node with `compat features`, or name the platform with --platform"},
	{CodePlatformMismatch, "the image is for another operating system or architecture than the node's", "use a node of the image's platform, or an image for the node's"},
	{CodeGPUDriverTooOld, "the node's NVIDIA driver or GPU is not what the image's NVIDIA_REQUIRE_* variables demand (or its CUDA_VERSION, if it is old): NVIDIA's container toolkit refuses to start it, or CUDA fails in it", "install the branch of the driver that the hint names, use an image for an older CUDA, or a node with the GPU that is wanted"},
	{CodeGPURequirementUnknown, "whether the node's NVIDIA driver or GPU is what the image's NVIDIA_REQUIRE_* variables demand is not known; with --require gpu-driver", "make /proc/driver/nvidia/version readable (--host-root in a container), or run gpu-feature-discovery"},
	{CodeGPUNotFound, "the image asks for GPUs, and the node has no NVIDIA device that is seen; it may run on the CPU; with --require gpu-driver", "use a node with an NVIDIA GPU, if the image needs one"},
	{CodeImageConfigUnread, "the image's configuration could not be read: whether it asks for a GPU is not known; with --require gpu-driver", "try again; the message has the cause"},
	{CodeStartOrder, "with --require start-order: a container starts before a helper that comes before it is ready", "give the helper a startupProbe that succeeds when it is ready (`compat explain SC001`)"},
	{CodeFailOn, "with --fail-on: there is a finding that is as grave, or has the id; the verdict stays as it is", "correct it, or suppress it where it is meant so: `# compat-ignore: SC001`"},
	{CodePodOS, "the Pod's spec.os.name is another operating system than the node's: the kubelet rejects it", "use a node with that operating system; a nodeSelector kubernetes.io/os makes the scheduler do so"},
	{cluster.ReasonNodeSelector, "the Pod's nodeSelector asks for another kubernetes.io/os or kubernetes.io/arch than the node has: its kubelet rejects the Pod", "use a node that has it"},
	{cluster.ReasonNodeAffinity, "every term of the Pod's required node affinity asks for another kubernetes.io/os or kubernetes.io/arch than the node has: its kubelet rejects the Pod", "use a node that has it"},
	{CodeTooFewNodes, "fewer candidates run the workload than are wanted (--min-nodes); the groups say why not on the others", "unlock names what would make more nodes fit"},
	{CodeNoCandidates, "the scheduler considers none of the cluster's nodes for the workload", "see excluded, and the workload's nodeSelector, affinity and tolerations"},
	{CodeNoNodes, "the cluster, or what was chosen of it, has no nodes", "look at -l and at the files of --features"},
	{CodeWhatIfNoNode, "no node has the labels of --what-if-selector: what would be after the change is not known", "correct the labels"},
	{CodeLabelsDiffer, "with --verify-labels: a label of nodes is not what nfd-master should make of the cluster's NodeFeatureRule objects", "labels.differences tells which, and why"},
	{CodeNoPod, "no Pod and no workload was found in the files, or nothing runs", "`problems[]` says what was left out of them"},
	{CodeRulesPlaced, "place --check: the NodeFeatureRule objects are there, and nodes have their labels", ""},
	{CodeRulesMissing, "place --check: the cluster has no NodeFeatureRule of that name, or none that gives a label that a workload asks for, or does not know the kind", "apply what `compat place` prints; NFD must be installed first"},
	{CodeRulesDiffer, "place --check: the cluster's NodeFeatureRule has other rules", "apply what `compat place` prints again"},
	{CodeNodesNoLabel, "place --check: nfd-master has set the label on no node: it has not set it yet, was told not to (-deny-label-ns, -label-whitelist, disableLabels), or no node has what is needed", "wait: nfd-master labels about 26 nodes a second; `compat validate-cluster` says which nodes should have it, and why not"},
	{CodeNothingPlaced, "place --check: neither --spec nor an image that was looked at has a spec: there are no rules", "attach one with `compat attach`, or give a spec with --spec"},
}

var exclusionCodes = []codeRow{
	{cluster.ReasonNotReady, "the Node's condition Ready is not True; of bare images and specs only, since a Pod is kept away by a taint", "look at the node: kubectl describe node"},
	{cluster.ReasonCordoned, "the Node is unschedulable", "kubectl uncordon, or a toleration for node.kubernetes.io/unschedulable"},
	{cluster.ReasonTaint, "the Node has a taint that the Pod does not tolerate; bare images tolerate none", "a toleration, if the Pod is meant to run there"},
	{cluster.ReasonNodeSelector, "the Node lacks a label of the Pod's nodeSelector", ""},
	{cluster.ReasonNodeAffinity, "no term of the Pod's required node affinity matches the Node", ""},
	{cluster.ReasonNodeName, "the Pod names another node", ""},
}

var ruleCodes = []codeRow{
	{CodeStrict, "with --strict: a fact that the rule hangs on is not known, which counts as no", "make the fact readable, or leave out --strict"},
	{nodefeatures.ReasonFileMissing, "a file or directory that the feature is read from does not exist", "in a container, mount the host's, and say where with --host-root"},
	{nodefeatures.ReasonNotPermitted, "a file that the feature is read from may not be read by this user", "run as root, or as a user who may read it"},
	{nodefeatures.ReasonSourceFailed, "NFD's source failed, or a file that it reads is of no use", ""},
	{nodefeatures.ReasonNotThisArchitecture, "NFD detects the feature on other architectures only", ""},
	{nodefeatures.ReasonOtherSystem, "NFD would describe the running machine, and --host-root belongs to another", "run compat on that machine"},
	{nodefeatures.ReasonNodeNameNotSet, "NFD takes the node's name from $NODE_NAME, which is not set", "set NODE_NAME to the node's name in the cluster"},
	{nodefeatures.ReasonSourceNotRun, "the feature was not looked at: nothing asked for it, or the snapshot was made without it", "save the node again with `compat features`"},
	{nodefeatures.ReasonNotInSnapshot, "the snapshot does not have the feature, nor does it say why", "save the node with `compat features`, which notes what could not be read"},
	{nodefeatures.ReasonUnknownFeature, "neither the node nor this NFD has a feature of that name", "correct the name; the hint has the nearest one"},
	{nodefeatures.ReasonFeatureAbsent, "the node has no such feature; NFD then matches nothing, not even DoesNotExist", ""},
	{nodefeatures.ReasonNoDevice, "the feature was read, and the node has no such device at all", ""},
	{nodefeatures.ReasonNotEvaluable, "NFD cannot evaluate the expression on what the node has", "correct the expression; `compat spec lint` finds most of these"},
	{nodefeatures.ReasonVariableUnknown, "the variable depends on an earlier rule that is unknown", "see the reason of that rule"},
	{nodefeatures.ReasonTemplateFailed, "the rule matches, but its varsTemplate could not be expanded", "correct the template"},
	{nodefeatures.ReasonInvalidRule, "the rule is empty somewhere: NFD would match any node, or crash", "`compat spec lint` says where"},
}

// What is to be done about a kubelet of which something is not known.
const (
	tellVersion       = "tell the version with --kubelet-version or --node-file"
	tellConfiguration = "tell the configuration with --kubelet-config or --feature-gates"
	tellKubelet       = tellVersion + ", the configuration with --kubelet-config or --feature-gates"
)

var kubeletCodes = []codeRow{
	{kubelet.ReasonNoKubelet, "neither a kubelet process nor a kubelet's binary was found", tellKubelet},
	{kubelet.ReasonKubeletNotRunning, "no kubelet runs: its configuration was found, its flags are not known", tellConfiguration},
	{kubelet.ReasonSeveralKubelets, "several kubelets run, and none of them is this machine's for sure", tellKubelet},
	{kubelet.ReasonOtherMachine, "the Node object that was given is another machine's: nothing of this one was looked at", tellConfiguration},
	{kubelet.ReasonNotRoot, "the process or the file does not belong to root, and is not believed", tellKubelet},
	{kubelet.ReasonWritableByOthers, "others than root may write the kubelet's binary, or put another in its place: it is not executed", tellVersion},
	{kubelet.ReasonInPod, "the process, or compat itself, runs in a Pod: what is found is not the node's kubelet", "run compat on the node, or " + tellKubelet},
	{kubelet.ReasonOtherNamespace, "the process lives in another mount namespace than compat: its binary is not executed", tellVersion},
	{kubelet.ReasonHostRoot, "the machine's root is mounted below --host-root: nothing there is executed", tellVersion},
	{kubelet.ReasonEmbeddedKubelet, "the kubelet is part of a larger process, which hides its version or its flags", tellKubelet},
	{kubelet.ReasonExecution, "the kubelet's binary did not answer --version", tellVersion},
	{kubelet.ReasonUnexpectedOutput, "the kubelet's binary answered --version with something else", tellVersion},
	{kubelet.ReasonPermissionDenied, "this user may not read a file, or not look at the process", "run compat as root, or " + tellKubelet},
	{kubelet.ReasonNotFound, "a file that was named, by the kubelet's flags for example, does not exist", tellKubelet},
	{kubelet.ReasonTooLarge, "a file exceeds the bound that the message states", tellKubelet},
	{kubelet.ReasonUnreadable, "a file cannot be read, for another reason", tellKubelet},
	{kubelet.ReasonMalformed, "a file or flag is not what a kubelet would accept", "correct it, or " + tellKubelet},
	{kubelet.ReasonClusterWide, "what is known holds for the cluster's nodes, not for this one", tellConfiguration},
	{kubelet.ReasonOtherVersion, "the last start in the log is of another version of the kubelet", tellConfiguration},
	{kubelet.ReasonNotTold, "it was not told, and there was no machine to look at", tellKubelet},
}

var warningCodes = []codeRow{
	{CodeShadowed, "what is attached to the index is not used for platforms that have artifacts of their own", "`compat attach --all-platforms`, or remove those with `compat detach --platform`"},
	{CodeJudgedHere, "the images of Pods were judged by this machine, which runs no kubelet, or not the one that is meant", "choose the node with --features or --node, or leave images out with --no-images"},
	{CodePlatformUnknown, "the platform of the node or the image is not known: they were not compared", "name the node's with --platform"},
	{kubelet.ReasonOtherMachine, "the Node object is another machine's: only its kubelet was judged by it, the images by this host", "save what the node offers with `compat features`, and give that with --features"},
	{artifact.CodeTimeout, "the kubelet could not be looked for in the time given", "give it more time with --timeout"},
	{artifact.CodeCanceled, "looking for the kubelet was interrupted", ""},
	{nodefeatures.ReasonTwoWorkers, "NFD workers in several namespaces describe the node, as when NFD moved and left its objects; features in which they differ are unknown", "delete the objects that no worker keeps, or say with --nfd-namespace where nfd-master runs"},
	{nodefeatures.ReasonPassedOver, "a NodeFeature object has no label that names its node: NFD assigns it to none", "label it nfd.node.kubernetes.io/node-name"},
	{nodefeatures.ReasonNoNodeFeature, "the cluster has the node, and NFD no NodeFeature object for it", "run nfd-worker there"},
	{nodefeatures.ReasonNoNode, "NodeFeature objects describe nodes that the cluster does not have, so NFD passes them over", "let nfd-gc remove them"},

	{CodeWhatIfElement, "a what-if names an element that NFD does not publish", "correct the name; the hint has the nearest one"},
	{CodeWhatIfValue, "a what-if gives an element a value that NFD never publishes", "correct the value, as the hint says"},
	{CodeWhatIfPart, "a what-if changes one part of the kernel's version, and the others stay as they are", "set kernel.version.full, which changes all parts"},
	{CodeWhatIfAbsent, "a what-if takes away what the node does not have", ""},
	{CodeWhatIfNoNode, "no node has the labels of --what-if-selector: nothing was changed", "correct the labels"},

	{CodeNoPod, "place: no Pod and no workload was found in the files: nothing is changed", ""},
	{CodeNoArtifact, "place: nothing is attached to the image, or nothing that is about it: there is no rule for it", "attach a spec with `compat attach`, or give it with --spec"},
	{CodeImmutableTemplate, "place --check: the cluster has the Pod or Job, placed otherwise, and the API server refuses to change that; or whether it has it could not be found out", "delete it first, or place it before it is created"},
	{CodePlacementDropped, "place: a label or rule of an earlier run is taken out, since neither the images nor --spec ask for it now", "give the spec again with --spec"},
	{CodeLabelledByOthers, "place --check: nodes carry a label that nfd-master has not set there: a person has, or another program", "take it away: Pods come to these nodes, whatever they have"},
	{CodeSetDropped, "place: a set of the spec is left out, since no node can match it: it asks for variables that its earlier rules do not set so", "correct the set, or take it out"},

	{CodeWindowsBuild, "the image is for a build of Windows that the node's does not run without Hyper-V isolation", "use the image for the node's release of Windows"},
	{CodeOSFeatures, "the manifest needs features of the operating system (os.features) that the one who takes it does not look for", "push a manifest without them as well, and name that by its digest"},
	{CodeFallback32Bit, "the runtime takes a manifest for 32-bit programs on a 64-bit node: they start only where the CPU and the kernel run them", "push a manifest for the node's architecture"},
	{CodeEmulated, "the reference is of a manifest for another architecture, which runtimes take without a look at it: it ends with an exec format error, unless the node emulates that (binfmt_misc)", "use an image for the node's architecture"},

	{CodeGPURequirementUnknown, "whether the node's NVIDIA driver or GPU is what the image's NVIDIA_REQUIRE_* variables demand is not known; it does not decide", "make /proc/driver/nvidia/version readable (--host-root in a container), or run gpu-feature-discovery"},
	{CodeGPUNotFound, "the image asks for GPUs, and the node has no NVIDIA device that is seen; it may run on the CPU; it does not decide", "use a node with an NVIDIA GPU, if the image needs one"},
	{CodeImageConfigUnread, "the image's configuration could not be read: whether it asks for a GPU is not known; it does not decide", "try again; the message has the cause"},

	{artifact.CodeNoTag, "the reference has no tag: latest is taken", "name the tag or the digest"},
	{artifact.CodeTagMismatch, "the tag is gone or means another digest than the reference's, which is taken", "correct the reference if the tag is what you mean"},
	{artifact.CodeTagUnchecked, "whether the tag still means the reference's digest could not be found out; the digest is taken", ""},
	{artifact.CodeDigestHeader, "the registry names another digest than that of what it sent", "tell the registry's operator; a reference by digest is verified"},
	{artifact.CodeNestedIndex, "an index within the image's index is gone, is none, or lies too deep, and is left out", ""},
	{artifact.CodeNoPlatform, "entries of the image's index don't name their platform, or their media type: left out, or their configuration was not to be read", "push the index with the media type and the platform of each entry"},
	{artifact.CodeReferrersTagIsSubject, "the registry takes the tag for the list of artifacts for the image itself, so that none are listed", ""},
	{artifact.CodeCreatedMoved, "the creation time was moved, so that it is later than that of the artifact in effect", "check the clock, or SOURCE_DATE_EPOCH"},
	{artifact.CodeUntrustedArtifact, "the trust policy does not accept an artifact: it is passed over, or left alone by detach", "`compat discover` with the policy shows all"},
	{artifact.CodeNoTrustedArtifact, "place: the trust policy accepts none of the image's artifacts: there is no rule for it", "sign the artifact, or give a spec with --spec"},
	{artifact.CodeFromTheFuture, "an artifact says that it was made in the future: until then it comes before every newer one", "remove it with `compat detach --artifact`, unless it is only a clock that was wrong"},
	{artifact.CodeSignaturesUnread, "discover: what signatures an artifact has could not be found out", "try again; with a trust policy it is an error"},
	{CodeMissingCompatible, "--missing=compatible together with a trust policy: whoever can delete or hide an artifact makes the image compatible", "leave it out"},
	{artifact.CodeForeignSubject, "a listed artifact is about another image: it is passed over", "`compat discover` lists what is attached"},
	{artifact.CodeArtifactNotFound, "a listed artifact is gone: it is passed over", "`compat discover` lists what is attached"},
	{artifact.CodeMalformedReferrers, "a list of artifacts, or an entry of one, is not what it must be, and is left out", "push what is named there again, or remove it"},
	{artifact.CodeMalformedArtifact, "the artifact that was in effect is not what it must be: the new one comes before it", "attach with --replace, or remove it with `compat detach`"},
	{artifact.CodeBlobNotFound, "the spec of the artifact that was in effect is gone: the new artifact comes before it", "attach with --replace, or remove it with `compat detach`"},
	{artifact.CodeTooLarge, "the artifact that was in effect is larger than compat takes: the new one comes before it", "attach with --replace, or remove it with `compat detach`"},
}

// errorCodes has the errors. Their remedies are also the hints of errors that bring none.
var errorCodes = []codeRow{
	{CodeFailure, "something else went wrong: the message says what", ""},
	{CodeMalformedManifest, "a document of a manifest cannot be read: nothing is known about its Pods", "correct it: problems[] says where; a template has to be rendered first"},
	{CodeMalformedSnapshot, "a saved node cannot be read: nothing is known about it", "save it again with `compat features`, or `kubectl get nodefeatures -A -o json`"},
	{CodeMalformedSpec, "the spec cannot be evaluated", "`compat spec lint` lists every problem of a spec file"},

	{cluster.CodeNotTranslated, "the spec, or a rule of it, has no equal in NodeFeatureRule objects: the message says which, and why", "the hint says what to change; else place the workload by hand"},
	{placement.CodeNotInPlace, "a part of the manifest cannot be changed where it is written, such as a YAML alias", "write it out there, or take `compat place --patch`"},
	{cluster.CodeNodeNotReady, "cluster snapshot: the node is not ready, so no Pod starts there", "look at the node: kubectl describe node"},
	{cluster.CodeNodeNotLinux, "cluster snapshot: the node that was named does not run Linux", "leave it out: NFD detects nothing there"},
	{cluster.CodeAgentRefused, "cluster snapshot: the API server, a policy, a quota or a webhook is against the agent's Pod", "choose a namespace that admits hostPath volumes with -n, or label it pod-security.kubernetes.io/enforce=privileged"},
	{cluster.CodeAgentNotScheduled, "cluster snapshot: the scheduler finds no room for the agent's Pod on the node", "name the node with --nodes, which asks no scheduler"},
	{cluster.CodeAgentImage, "cluster snapshot: the node cannot pull the agent's image", "check --agent-image, and that the namespace's default service account may pull it (imagePullSecrets)"},
	{cluster.CodeAgentNotStarted, "cluster snapshot: the agent's container does not start; the message has what the kubelet says", "look at the node; a directory of the host that is missing cannot be mounted"},
	{cluster.CodeAgentFailed, "cluster snapshot: the agent's container ended with an error, or the kubelet ended its Pod", "the message has its last words; try its image with docker run"},
	{cluster.CodeAgentLog, "cluster snapshot: what the agent's container wrote cannot be read, or is no snapshot of the node", "check that --agent-image has compat, of this version, as its entry point"},
	{cluster.CodeAgentLeft, "cluster snapshot: an object that was created could not be deleted", "delete it: the hint has the command"},
	{CodeNoNodes, "cluster snapshot: the cluster, or what -l chooses of it, has no Linux nodes", "look at -l"},
	{CodeSnapshotFile, "cluster snapshot: a snapshot could not be written, or another file has its name", "remove the file, or choose another directory with --output-dir"},

	{CodeNoCommonPlatform, "the images of a Pod have no operating system and architecture in common: no node runs it", "build the images for the same platforms"},

	{generate.CodeNothingInCommon, "the nodes have nothing in common that a spec could ask for, in the features that were named", "name other features, or single elements: `--feature kernel.config.XFS_FS`"},
	{generate.CodeNotToldApart, "a node that must be refused has all that the others have in common, as far as is known", "name more features; `compat features diff` shows what differs"},

	{artifact.CodeInvalidReference, "the reference is not HOST[:PORT]/REPOSITORY[:TAG][@DIGEST], or with --oci-layout DIR[:TAG][@DIGEST]", ""},
	{artifact.CodeShortName, "the reference has no registry, as in nginx for docker.io/library/nginx", ""},
	{artifact.CodeInvalidPlatform, "the platform is not OS[/ARCH][/VARIANT][:OS_VERSION]", ""},
	{artifact.CodeImageNotFound, "there is no such image", "check the name and the tag; a private image may need `docker login HOST` first"},
	{artifact.CodePlatformNotFound, "the image has no manifest for the platform", "choose one of the image's platforms with --platform"},
	{artifact.CodeArtifactNotFound, "there is no such artifact", "`compat discover` lists what is attached"},
	{artifact.CodeBlobNotFound, "a part of what was asked for is gone, such as an artifact's spec", "the artifact is incomplete: attach its spec again, or remove it with `compat detach`"},
	{artifact.CodeNoArtifact, "nothing is attached to the image, or nothing that is about it", ""},
	{artifact.CodeForeignSubject, "the artifact that was asked for is about another image", ""},
	{artifact.CodeNoTrustedArtifact, "there are artifacts, and the trust policy accepts none of them", "`compat discover` with the policy shows why"},
	{artifact.CodeUntrustedArtifact, "the trust policy does not accept the artifact that was asked for by its digest", "sign it with a key of the policy (`cosign sign --key KEY REPOSITORY@DIGEST`), or ask without the policy"},
	{artifact.CodeCandidatesTooMany, "with a trust policy: more artifacts are attached than are looked at, so that nobody knows which one counts", "remove what does not belong there with `compat detach`"},
	{artifact.CodeSignaturesTooMany, "with a trust policy: an artifact has more signatures than are read, and those are not enough", "remove what is attached to the artifact and is no signature of yours"},

	{artifact.CodeUnauthorized, "the server wants credentials, or others (401)", "log in with `docker login HOST`, or give --username and --password-stdin"},
	{artifact.CodeForbidden, "the credentials do not allow this (403)", "log in with credentials that may do this (`docker login HOST`), or give --username and --password-stdin"},
	{artifact.CodeRateLimited, "the registry takes no more requests for now (429)", "try again after a while, or give a --timeout longer than the registry asks to wait; many registries allow more after `docker login HOST`"},
	{artifact.CodeRegistryError, "the registry answered with a status that cannot be gone on from", "try again later; if it stays so, the registry's operator can tell why"},
	{artifact.CodeNetwork, "no answer: the connection failed or broke off", "check the host, the port and the network; if the connection broke off half-way, try again"},
	{artifact.CodeCertificate, "no authority that is trusted has signed the server's certificate", "trust the registry's certificate authority with --ca-file, or skip the check with --insecure"},
	{artifact.CodeCertificateExpired, "the server's certificate has expired, or is not valid yet", "check this machine's clock; otherwise the registry's operator must renew the certificate"},
	{artifact.CodeCertificateName, "the server's certificate is for another name", "use a name that the certificate is for, or have it made out to this one"},
	{artifact.CodeClientCertificate, "the server ended the TLS handshake, mostly for want of a certificate of ours", "give the certificate that the registry wants with --cert-file and --key-file"},
	{artifact.CodeHTTPResponse, "the server answered in plain HTTP to HTTPS", "the registry speaks plain HTTP; if that is intended, give --plain-http"},
	{artifact.CodeHTTPSExpected, "the server seems to want HTTPS, and was asked in plain HTTP", "leave out --plain-http; for a registry on localhost give --plain-http=false"},
	{artifact.CodeTooManyRedirects, "there were too many redirects, or one that may not be followed, such as from HTTPS to HTTP", "check the name of the host: it, or a proxy in front of it, sends requests around"},
	{nodefeatures.ReasonNeedsLinux, "this machine does not run Linux, so what it offers is not known", "save a node with `compat features` on it; `compat validate-node --features FILE` judges that"},
	{artifact.CodeTimeout, "it took longer than the time given", "give it more time with --timeout"},
	{artifact.CodeCanceled, "it was interrupted", "run it again; what was done is not undone"},

	{artifact.CodeMalformedImage, "the image's manifest, index or configuration is not what it must be", "check the name; what answers there may be no registry, or a proxy may change its answers"},
	{artifact.CodeMalformedReferrers, "the list of the image's artifacts is not what it must be", "the registry, or a proxy in front of it, does not list artifacts as it should: tell its operator"},
	{artifact.CodeMalformedArtifact, "the artifact, or its spec, is not what it must be", "`compat discover` lists what is attached: detach this one, or use another with --artifact"},
	{artifact.CodeTooLarge, "what was sent exceeds the bound that the message states", "this is more than compat takes from a registry: `compat discover` lists what is attached, `compat detach` removes it"},
	{artifact.CodeLayout, "the directory is no OCI image layout, or cannot be read or written", "`--oci-layout` takes DIR[:tag][@digest], DIR being an OCI image layout"},
	{artifact.CodeConfiguration, "a file with certificates or credentials cannot be used", ""},

	{artifact.CodeNotListed, "the artifact was pushed, but not seen listed in the time given", "look with `compat discover`, and attach it again if it is not there"},
	{artifact.CodeNotReadable, "the artifact was pushed and is listed, but the registry does not give it back", "detach it with --artifact, and tell the registry's operator"},
	{artifact.CodeImmutableTag, "the registry does not let the tag change that lists the artifacts", "exclude tags that begin with sha256- from its rule for immutable tags"},
	{artifact.CodeDeleteRefused, "artifacts could not be deleted; all else that was asked for is done", "the registry's operator may have to allow deletion"},
	{artifact.CodeClockBehind, "the artifact in effect is dated so late that nothing newer can take its place", "check the clocks; `compat discover` lists what is attached"},

	{CodeKubernetesConfiguration, "the kubeconfig, a URL or a name of a node cannot be used", "name a kubeconfig with --kubeconfig"},
	{CodeAPIServer, "the API server or the kubelet answered with another status than 200", ""},
	{kubelet.ReasonNotFound, "the API server has no such node, or the kubelet no such page (404)", ""},
}

// policyCodes has what is wrong with trust policies.
var policyCodes = []codeRow{
	{spec.CodeTooLarge, "the policy has more than 256 KiB, or too many values", ""},
	{spec.CodeNotUTF8, "the policy has another encoding than UTF-8, or a NUL", "save it as UTF-8"},
	{spec.CodeSyntax, "the policy is not YAML", ""},
	{spec.CodeEmpty, "there is no document, or nothing in it", ""},
	{spec.CodeMultipleDocuments, "there are several documents", "keep one document in a file"},
	{spec.CodeTooDeep, "the policy is nested too deep", ""},
	{spec.CodeAlias, "anchors and aliases are not accepted in a policy", "write the value out"},
	{spec.CodeTag, "explicit tags such as !!str are not accepted", "leave the tag out"},
	{spec.CodeVersion, "the policy has another version than compat/v1alpha1", "write `apiVersion: compat/v1alpha1`"},
	{spec.CodeUnknownKey, "a policy has no such key there", "correct the key; the hint has the nearest one"},
	{spec.CodeDuplicateKey, "a key occurs twice", "keep one of them"},
	{spec.CodeMissingKey, "a key is missing, or two are there of which one belongs", ""},
	{spec.CodeWrongType, "a value of another type, or another word, is needed", ""},
	{spec.CodeNull, "there is nothing where a value is needed", "add the value, or leave the key out"},
	{spec.CodeUnquoted, "a number, or a word that means something in YAML, where text is needed", "put it in quotes"},
	{spec.CodeEmptyList, "a list without an entry", "add one"},
	{trust.CodeImagesPattern, "no image can match the pattern: it names a tag, or no registry", "write host[:port]/repository; * stands for anything within a part, ** for anything"},
	{trust.CodeAmbiguousRules, "two patterns match the same image, and none is more specific", "make one of them more specific, or join them"},
	{trust.CodeInvalidKey, "no public key or certificate authority that is accepted: ECDSA P-256, P-384 or P-521, Ed25519, RSA of 2048 to 8192 bits", "write it in PEM"},
	{trust.CodeKeyUnreadable, "the file of a key or authority can't be read: it must be a regular one, of 64 KiB at most", "name it from the policy's folder"},
	{trust.CodeNotSupported, "what a later version may read: identities, logs, time stamps", "sign with a key, or with a certificate of an own authority"},
	{trust.CodeDuplicateSigner, "the same key, or the same name, stands twice in a rule", "name it once"},
	{trust.CodeThreshold, "the threshold is no number from 1 to that of the signers", ""},
	{trust.CodeMaxAge, "the maxAge is no duration above zero, or proves nothing, since there are no signers", "write it in hours, as 8760h for a year"},
	{trust.CodeTooManyRules, "there are more rules, or signers in a rule, than are read", ""},
}

var specCodes = []codeRow{
	{CodeNoNodeMatches, "none of the nodes of spec lint --features meets the set or term", "look which node was meant to: `compat validate-node --spec FILE --features FILE -o text`"},
	{CodeEveryNodeMatches, "each of the nodes of spec lint --features meets the term", "leave it out only if no other nodes will ever run the image"},
	{spec.CodeTooLarge, "the document has more than 1 MiB", "shorten it: no reader takes more"},
	{spec.CodeNotUTF8, "the document has another encoding than UTF-8, or a NUL", "save it as UTF-8"},
	{spec.CodeSyntax, "the document is not YAML", ""},
	{spec.CodeEmpty, "there is no document, or nothing in it", ""},
	{spec.CodeMultipleDocuments, "there are several documents: NFD would read the first and drop the others", "keep one document in a file"},
	{spec.CodeTooDeep, "the document is nested deeper than the message says", ""},
	{spec.CodeAlias, "an anchor contains itself, or aliases expand to too much", "write the values out"},
	{spec.CodeMergeKey, "merge keys (<<) are not accepted", "write the keys out, or use an alias for a whole value"},
	{spec.CodeTag, "explicit tags such as !!str are not accepted", "leave the tag out"},
	{spec.CodeTooManyProblems, "there are more problems than are listed", "correct these and look again"},

	{spec.CodeWrongKind, "a Kubernetes object that is not accepted here", "write a spec, which has the keys version and compatibilities, or a NodeFeatureGroup"},
	{spec.CodeVersion, "the spec has another version than v1alpha1", "write `version: v1alpha1`"},
	{spec.CodeUnknownKey, "NFD knows no such key, and would drop it silently", "correct the key; the hint has the nearest one"},
	{spec.CodeDuplicateKey, "a key occurs twice", "keep one of them"},
	{spec.CodeMissingKey, "a key is missing; the name of a spec's rule is only a warning", "add the key"},
	{spec.CodeWrongType, "a value of another type is needed, a list instead of a mapping for example", ""},
	{spec.CodeNull, "there is nothing where a value is needed", "add the value, or leave the key out"},
	{spec.CodeUnquoted, "NFD would see another text than is written, such as 5.1 for 5.10", "put it in quotes"},

	{spec.CodeEmptyList, "a list or mapping that needs entries has none", "add one, or leave the key out"},
	{spec.CodeNoMatcher, "a rule, an alternative or a term has no matcher: it would match every node", "add matchFeatures, matchAny, matchExpressions or matchName"},
	{spec.CodeFeatureName, "the feature is not of the form DOMAIN.FEATURE", "write both, as in kernel.version"},
	{spec.CodeOp, "NFD has no such operator, or there is none", "write one of NFD's operators"},
	{spec.CodeValueCount, "the operator takes more or fewer values", ""},
	{spec.CodeType, "the type is not version, or the operator takes none", "write `type: version`, or leave it out"},
	{spec.CodeOperand, "a value is no integer or no version, or the first is not less than the second", ""},
	{spec.CodeRegexp, "a value is no regular expression in the syntax of RE2", ""},
	{spec.CodeRegexpTooLarge, "a pattern, or all patterns together, are too large to be compiled on a node", "write smaller patterns, without large repetitions"},
	{spec.CodeTooManyTerms, "one rule matches names in more terms than NFD evaluates in reasonable time", "list the names in one term, with op: In"},
	{spec.CodeTemplate, "a varsTemplate cannot work", ""},
	{spec.CodeTemplateUnsafe, "a varsTemplate uses more than the part of the language whose cost is bounded", "use another function; the message names this one"},
	{spec.CodeTemplateCost, "a varsTemplate exceeds the bound that the message states", "use shorter templates and loops, or fewer alternatives in matchAny"},

	{spec.CodeAlwaysTrue, "an expression that every node with the feature meets", "give it the operator that you mean"},
	{spec.CodeNotCompared, "a part of a version that NFD leaves out when it compares", "write MAJOR.MINOR.PATCH"},
	{spec.CodeModuleSpelling, "a module's name that is spelled with _ where the module is loaded and with - where it is built in", "name both: matchName: {op: In, value: [vfio_pci, vfio-pci]}"},
	{spec.CodeUnanchored, "a pattern without ^ that also matches within other values", "begin it with ^, and end it with $ for the whole value"},
	{spec.CodeNearlyAlways, "an expression that nearly every node meets, and hardly as it is meant", "to ask that a name is absent, use DoesNotExist in matchExpressions; of devices it cannot be asked"},
	{spec.CodeNeverTrue, "an expression that no node can meet", "correct it, as the hint says"},
	{spec.CodeNeverEqual, "a value or pattern that the element never equals", "write it as NFD publishes it"},
	{spec.CodeUnknownElement, "this NFD does not publish the element in that feature", "correct the name; the hint has the nearest one"},
	{spec.CodeAbsentIsFalse, "a NotIn, which is false as well where the node has no such element", "where an absence will do, add an alternative in matchAny with op: DoesNotExist"},
	{spec.CodeAlwaysFails, "an expression that NFD can hardly answer but with an error", "use another operator, or `type: version` for versions"},
	{spec.CodeUnknownFeature, "this NFD does not publish the feature: the term is unknown on every node", "correct the name; the hint has the nearest one"},
	{spec.CodeWeightRange, "the weight is outside 0 to 100", "choose one within"},
	{spec.CodeDuplicateName, "two rules of one set have the same name", "rename one of them"},
	{spec.CodeUnsetVariable, "no earlier rule of the set sets the variable", "set it in an earlier rule, with vars or varsTemplate"},
	{spec.CodeDuplicateExpression, "an earlier expression of the same rule says the same", "keep one of the two"},
	{spec.CodeContradiction, "an earlier expression, which holds together with this one, excludes it", "remove one of the two, or make them alternatives in matchAny"},
	{spec.CodeVersionParts, "lower bounds on major and minor, each by itself: a newer major can have a smaller minor", "write two alternatives in matchAny: the major with its minors, and newer majors"},
	{spec.CodeTemplateFeature, "a varsTemplate reads a feature that its rule does not match", "match the feature in the same rule, spelled as in the template"},
}

var manifestCodes = []codeRow{
	{string(manifest.ProblemSyntax), "the document is neither YAML nor JSON", ""},
	{string(manifest.ProblemTemplate), "the document is a template ({{ … }}) that is not rendered", "render it first, with `helm template` for example"},
	{string(manifest.ProblemTooBig), "the file or a document exceeds the bound that the message states", "split the file"},
	{string(manifest.ProblemNotObject), "the document has no kind: it is no Kubernetes object", ""},
	{string(manifest.ProblemSpec), "the document is a compatibility spec, and no Kubernetes object", "give it to `compat validate-node --spec FILE`, or to `compat place --spec FILE` beside the workloads"},
	{string(manifest.ProblemKindSkipped), "objects of this kind have no Pods, or compat does not know the kind; the message says which", "give the Pods that its controller makes"},
	{string(manifest.ProblemBestEffort), "not a kind of Kubernetes' own; what looks like a Pod template in it is taken for one", "check the Pods that its controller makes"},
	{string(manifest.ProblemInjected), "a value is a placeholder that another program fills in when the Pod is created", "check the live Pod as well"},
	{string(manifest.ProblemRemovedAPI), "no Kubernetes release that has native sidecars serves this apiVersion", "write the apiVersion that servers have now"},
	{string(manifest.ProblemNoSuchAPI), "no Kubernetes release serves the kind with this apiVersion", "correct the apiVersion; the message has the likely one"},
	{string(manifest.ProblemNoTemplate), "the workload has no PodSpec", "add it"},
	{string(manifest.ProblemUnknownKey), "the API server knows no such field, and refuses it when asked to be strict, as kubectl does", "correct the key; the message has the nearest one"},
	{string(manifest.ProblemNewerKey), "compat knows no such field, and the API server is newer than what it knows", "look the field up in that release; its meaning was not considered"},
	{string(manifest.ProblemDuplicateKey), "a key occurs twice; the last value was taken", "keep one of them"},
	{string(manifest.ProblemWrongType), "a value of another type is needed: the API server refuses this one", "correct the value"},
	{string(manifest.ProblemNonStringKey), "a key is no text", "write a text"},
	{string(manifest.ProblemTooManyProblems), "there are more problems than are listed", "correct these and look again"},
	{string(manifest.ProblemUnknownSuppression), "a compat-ignore names no finding", "correct the id; the message has the nearest one"},
	{string(manifest.ProblemUnusedSuppression), "a compat-ignore suppresses nothing", "remove it, or put it on the finding's line or directly above"},
	{string(manifest.ProblemTooManyContainers), "the Pod has more containers than are looked at, and is left out", ""},
}

const (
	gateOn     = "set the feature gate SidecarContainers, or upgrade to 1.29 or newer"
	gateRemove = "remove SidecarContainers from the kubelet's --feature-gates and featureGates"
)

var supportCodes = []codeRow{
	{string(sidecar.CodeVersionUnknown), "the kubelet's version is not known", tellVersion},
	{string(sidecar.CodeGateUnrecognized), "broken: a kubelet before 1.28 does not start when the feature gate is named", gateRemove},
	{string(sidecar.CodeKubeletTooOld), "unsupported: a kubelet before 1.28 takes sidecars for init containers, and the Pod stays in Init", "use nodes with Kubernetes 1.29 or newer"},
	{string(sidecar.CodeGateAlphaEnabled), "supported as alpha: 1.28 with the feature gate on starts sidecars in order, but does not end them so", "use nodes with Kubernetes 1.29 or newer"},
	{string(sidecar.CodeGateOff), "unsupported: the feature gate is off, and the kubelet rejects the Pod", gateOn},
	{string(sidecar.CodeGateUnknownDefaultOff), "unsupported, as far as is known: the feature gate is off by default in 1.28", tellConfiguration},
	{string(sidecar.CodeBetaDefaultOn), "supported: the feature gate is on, as it is by default in 1.29 to 1.32", ""},
	{string(sidecar.CodeGateUnknownDefaultOn), "supported, as far as is known: the feature gate is on by default in 1.29 to 1.32", tellConfiguration},
	{string(sidecar.CodeGateLocked), "broken: 1.33 to 1.36 do not start with the feature gate off", gateRemove},
	{string(sidecar.CodeGA), "supported: the kubelet always runs native sidecars, from 1.33 on", ""},
	{string(sidecar.CodeGateRemoved), "broken: from 1.37 on the kubelet does not start when the feature gate is named", gateRemove},
	{string(sidecar.CodeGAGateRemoved), "supported: the kubelet always runs native sidecars, and from 1.37 on has no feature gate for them", ""},
	{string(sidecar.CodeAPITooOld), "unsupported: the API server does not know the field, and refuses the Pod or drops it", "upgrade the control plane to 1.29 or newer"},
	{string(sidecar.CodeAPIGateOff), "unsupported: the API server has the feature gate off, and drops the field or refuses the Pod", "set the feature gate SidecarContainers on the API server, the controller manager and the scheduler"},
}

const (
	upgradeKubelet = "upgrade the kubelet; the remedy names the releases with the fix"
	upgradeControl = "upgrade the control plane; the remedy names the releases with the fix"
)

var supportFindingCodes = []codeRow{
	{string(sidecar.CodeGateUnrecognized), "a kubelet before 1.28 does not start when the feature gate is named, or not again", gateRemove},
	{string(sidecar.CodeGateLocked), "1.33 to 1.36 do not start with the feature gate off, or not again", gateRemove},
	{string(sidecar.CodeGateRemoved), "from 1.37 on the kubelet does not start when the feature gate is named, or not again", gateRemove},
	{string(sidecar.CodeGateBlocksUpgrade), "the feature gate is named, and with it no kubelet from 1.37 on starts", gateRemove},
	{string(sidecar.CodeGateMisspelt), "a feature gate is nearly called SidecarContainers: it has no effect, or stops the kubelet", "correct the name"},
	{string(sidecar.CodeKubeletTooOld), "the API server says no, and the kubelet would as well: it is older than 1.28", "use nodes with Kubernetes 1.29 or newer"},
	{string(sidecar.CodeGateOff), "the API server says no, and the kubelet would as well: its feature gate is off", gateOn},
	{string(sidecar.CodeGateUnknownDefaultOff), "the API server says no, and the kubelet would as well: the feature gate is off by default in 1.28", tellConfiguration},
	{string(sidecar.CodeAPITooOld), "the API server does not know the field, but the kubelet does not start anyway", "upgrade the control plane to 1.29 or newer"},
	{string(sidecar.CodeAPIGateOff), "the API server has the feature gate off, but the kubelet does not start anyway", "set the feature gate SidecarContainers on the API server, the controller manager and the scheduler"},
	{string(sidecar.CodeAPINotChecked), "nothing is known about the API server and the scheduler, and with the feature gate off they say no", "tell its version with --api-version, and its gates with --api-feature-gates"},
	{string(sidecar.CodeAPIGateAssumed), "the API server's feature gate is not known: the default was taken for it", "tell it with --api-feature-gates"},
	{string(sidecar.CodeAPIBroken), "the API server would not start with the feature gate that was told", "remove SidecarContainers from its --feature-gates"},
	{string(sidecar.CodePinPods), "the cluster takes such Pods, and the scheduler does not avoid this node, which does not run them", "keep them on nodes that do, with a node selector or affinity"},
	{string(sidecar.CodeSourcesDisagree), "two sources tell a fact differently; the message says which is used", ""},
	{string(sidecar.CodeConfigNotRead), "a part of the configuration could not be read, and the answer is assumed for it", tellConfiguration},
	{string(sidecar.CodeVersionSkew), "Kubernetes does not support this kubelet with this API server", "bring them within https://kubernetes.io/releases/version-skew-policy/"},
	{string(sidecar.CodeBugAlpha), "1.28 does not end sidecars in order, nor starts them so again when the sandbox is made anew", upgradeKubelet},
	{string(sidecar.CodeBugStatus), "with restartPolicy Never or OnFailure, the status of a restarted sidecar stays terminated", upgradeKubelet},
	{string(sidecar.CodeBugTermination), "sidecars may not end gracefully in a Pod that never got past its init containers", upgradeKubelet},
	{string(sidecar.CodeBugStuckCreated), "an init container may stay in Created after a hiccup of the container runtime", upgradeKubelet},
	{string(sidecar.CodeBugOOMScore), "the out-of-memory score of sidecars is not adjusted", upgradeKubelet},
	{string(sidecar.CodeBugNamedPort), "a Service cannot use a named port of a sidecar", upgradeControl},
	{string(sidecar.CodeBugStartupRace), "with restartPolicy Never, a startupProbe that fails once leaves the app waiting for ever", upgradeKubelet},
	{string(sidecar.CodeBugHostPort), "the scheduler does not see host ports of sidecars: two Pods may get the same", upgradeControl},
	{string(sidecar.CodeBugKubeletRestart), "after a restart of the kubelet, an app whose sidecar has a startupProbe is not restarted", upgradeKubelet},
	{string(sidecar.CodeBugInitSkipped), "init containers may be skipped when the Pod's sandbox is made anew", upgradeKubelet},
	{string(sidecar.CodeBugEphemeralStorage), "ephemeral-storage limits of sidecars are not enforced", upgradeKubelet},
}
