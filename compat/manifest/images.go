package manifest

// A ContainerImage is one image that a Pod uses.
type ContainerImage struct {
	// Container is the container's name, or the volume's.
	Container string    `json:"container"`
	Kind      ImageKind `json:"kind"`
	// Image is the reference as it is written; it can be short, or empty where
	// the manifest leaves it to something else.
	Image string `json:"image"`
	// Path is where the reference is in the document.
	Path string `json:"path"`
	Line int    `json:"line"`
	// Column counts characters from 1; left out where it is not known.
	Column int `json:"column,omitempty"`
}

// An ImageKind says what uses an image.
type ImageKind string

// The kinds of users.
const (
	ImageInit      ImageKind = "init"
	ImageSidecar   ImageKind = "sidecar"
	ImageApp       ImageKind = "app" // a regular container, helper or not
	ImageEphemeral ImageKind = "ephemeral"
	ImageVolume    ImageKind = "volume"
)

// injected reports an image that another program fills in: Istio's webhook that of its
// proxy (https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/).
func injected(container, image string) bool {
	return image == "auto" && (container == "istio-proxy" || container == "istio-init" || container == "istio-validation")
}

// Images returns the images of a Pod in the order of its init containers,
// regular containers, ephemeral containers and image volumes. The same image
// is there as often as it is used. Those that were refused, or that another program fills
// in, are left out: there is a problem for each.
func Images(p Pod) []ContainerImage {
	images := []ContainerImage{}
	add := func(name string, kind ImageKind, image, path string) {
		if p.Refused(path) || injected(name, image) {
			return
		}
		line, column := p.PlaceAt(path)
		images = append(images, ContainerImage{Container: name, Kind: kind, Image: image, Path: path, Line: line, Column: column})
	}
	for _, m := range append(p.Containers(), p.EphemeralContainers()...) {
		kind := [...]ImageKind{ImageInit, ImageApp, ImageEphemeral}[m.Role]
		if m.IsSidecar() {
			kind = ImageSidecar
		}
		add(m.ShortName, kind, m.Image, JoinPath(m.Path, "image"))
	}
	for i, v := range p.Spec.Volumes {
		if v.Image != nil {
			add(Shorten(v.Name), ImageVolume, v.Image.Reference, JoinPath(p.Path, "volumes"+PathIndex(i)+".image.reference"))
		}
	}
	return images
}
