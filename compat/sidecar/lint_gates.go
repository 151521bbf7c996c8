package sidecar

// The API server's feature gates that decide what it refuses of a Pod, with the release from
// which on they are on by default
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/features/kube_features.go).
const (
	gateRelaxedEnv        = "RelaxedEnvironmentVariableValidation" // 1.32
	gateRelaxedSearch     = "RelaxedDNSSearchValidation"           // 1.33
	gateUserNamespaces    = "UserNamespacesSupport"                // 1.33
	gateUsersAndNetwork   = "UserNamespacesHostNetworkSupport"     // off
	gateGroupsPolicy      = "SupplementalGroupsPolicy"             // 1.33
	gateSELinuxPolicy     = "SELinuxChangePolicy"                  // 1.33
	gateProcMount         = "ProcMountType"                        // 1.33
	gateResize            = "InPlacePodVerticalScaling"            // 1.33
	gatePodResources      = "PodLevelResources"                    // 1.34
	gateVolumeAttributes  = "VolumeAttributesClass"                // 1.34
	gateHostnameOverride  = "HostnameOverride"                     // 1.35
	gateRestartAll        = "RestartAllContainersOnContainerExits" // 1.36
	gateMaxUnavailable    = "MaxUnavailableStatefulSet"            // 1.37; in the first releases of 1.35, too
	gateStopSignals       = "ContainerStopSignals"                 // off
	gateComparedTaints    = "TaintTolerationComparisonOperators"   // off
	gateAffinityLabelKeys = "MatchLabelKeysInPodAffinity"          // 1.31
)
