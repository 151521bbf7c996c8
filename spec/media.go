package spec

const (
	// ArtifactType is the OCI artifact type of a compatibility artifact, as Node Feature Discovery names it:
	// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/api/image-compatibility/v1alpha1/spec.go
	ArtifactType = "application/vnd.nfd.image-compatibility.v1alpha1"

	// MediaType is the media type of the artifact's only layer, the spec in YAML.
	MediaType = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"

	// MaxSize is the size in bytes above which a spec is refused unread.
	MaxSize = 1 << 20
)
