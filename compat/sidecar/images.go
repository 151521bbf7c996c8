package sidecar

import (
	"strconv"
	"strings"
)

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

// Images returns the images of a Pod in the order of its init containers,
// regular containers, ephemeral containers and image volumes. The same image
// is there as often as it is used.
func Images(p Pod) []ContainerImage {
	images := []ContainerImage{}
	add := func(name string, kind ImageKind, image, path string) {
		images = append(images, ContainerImage{Container: name, Kind: kind, Image: image, Path: path, Line: p.lineAt(path)})
	}
	for _, m := range append(p.members(), p.ephemeral()...) {
		kind := [...]ImageKind{ImageInit, ImageApp, ImageEphemeral}[m.role]
		if m.sidecar() {
			kind = ImageSidecar
		}
		add(m.name, kind, m.Image, join(m.path, "image"))
	}
	for i, v := range p.Spec.Volumes {
		if v.Image != nil {
			add(shorten(v.Name), ImageVolume, v.Image.Reference, join(p.Path, "volumes"+indexOf(i)+".image.reference"))
		}
	}
	return images
}

// join appends a key to a path. A key that is no word is in brackets.
func join(path, key string) string {
	if path == "" || strings.HasPrefix(key, "[") {
		return path + key
	}
	if key == "" {
		return path
	}
	return path + "." + key
}

func indexOf(i int) string { return "[" + strconv.Itoa(i) + "]" }
