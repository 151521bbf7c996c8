package nodefeatures

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/source/local"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// featuresDir is where NFD's local source finds feature files. It is fixed:
// the source does not look below another root
// (https://kubernetes-sigs.github.io/node-feature-discovery/v0.19/usage/customization-guide.html#feature-files).
const featuresDir = "etc/kubernetes/node-feature-discovery/features.d"

// unreadOSRelease: the file is a symbolic link on most systems. An absolute one
// leads out of a root that is not our own, to the file of another system.
func unreadOSRelease(h host, f *nfdv1alpha1.Features) *Unreadable {
	path := h.path("etc/os-release")
	if !publishes(f, "system.osrelease") {
		return whole(tryOpen(path))
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return &Unreadable{Reason: reasonFor(path, err)}
	}
	if root, err := filepath.EvalSymlinks(h.root); err == nil && !within(root, target) {
		return &Unreadable{Reason: verdict.Reason{Code: ReasonOtherSystem, Message: path + " is a link to " + target + ", outside " + h.root}}
	}
	if info, err := os.Stat(target); err != nil || !info.Mode().IsRegular() {
		return &Unreadable{Reason: verdict.Reason{Code: ReasonSourceFailed, Message: path + " is not a file"}}
	}
	return nil
}

func within(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// unreadNodeName: NFD knows the name of the node only as it is told by the
// environment, and publishes an empty one otherwise.
func unreadNodeName(_ host, f *nfdv1alpha1.Features) *Unreadable {
	if f.Attributes[catalogue.SystemName].Elements["nodename"] != "" {
		return nil
	}
	return &Unreadable{Reason: verdict.Reason{
		Code: ReasonNodeNameNotSet, Message: "NFD takes the node's name from the environment variable NODE_NAME, which is not set",
		Hint: "set NODE_NAME to the node's name in the cluster",
	}}
}

// unreadDMI: firmware has only some of the attributes, and an absent one is
// absent; those that exist but may not be read are unread.
func unreadDMI(h host, f *nfdv1alpha1.Features) *Unreadable {
	dir := h.sys("devices/virtual/dmi/id")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return &Unreadable{Reason: reasonFor(dir, err)}
	}
	found := f.Attributes["system.dmiid"].Elements
	for _, entry := range entries {
		name := entry.Name()
		if _, ok := found[name]; ok || !publicDMI(name) {
			continue
		}
		if reason := tryOpen(filepath.Join(dir, name)); reason != nil {
			return unreadable(reason, len(found) > 0)
		}
	}
	return nil
}

// publicDMI says whether NFD publishes the attribute: it leaves out serial
// numbers and whatever else only root may read.
func publicDMI(name string) bool {
	prefix, rest, _ := strings.Cut(name, "_")
	switch prefix {
	case "bios":
		return rest == "date" || rest == "vendor" || rest == "version"
	case "board", "chassis", "product":
		return rest != "serial" && rest != "uuid"
	}
	return name == "sys_vendor"
}

// unreadLocal: without the directory nobody has placed feature files, which is
// known. Files that are unreadable or larger than NFD's bound are left out by
// it. Nothing in them is ever executed.
func unreadLocal(h host, _ *nfdv1alpha1.Features) *Unreadable {
	ours := "/" + featuresDir
	if !h.own() && !sameDirectory(ours, h.path(featuresDir)) {
		return &Unreadable{Reason: verdict.Reason{
			Code: ReasonOtherSystem, Message: "NFD reads " + ours + ", never that below " + h.root,
			Hint: "mount the host's directory at " + ours,
		}}
	}
	if _, err := os.Stat(h.path("etc")); !h.own() && err != nil {
		return &Unreadable{Reason: reasonFor(h.path("etc"), err)} // this is no system's root, or not all of it
	}
	files, err := os.ReadDir(ours)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return &Unreadable{Reason: reasonFor(ours, err)}
	}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") {
			continue
		}
		if reason := featureFileReason(filepath.Join(ours, file.Name())); reason != nil {
			return part(reason)
		}
	}
	return nil
}

func featureFileReason(path string) *verdict.Reason {
	info, err := os.Stat(path)
	if err != nil {
		reason := reasonFor(path, err)
		return &reason
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	if info.Size() > local.MaxFeatureFileSize {
		return &verdict.Reason{
			Code: ReasonSourceFailed, Message: fmt.Sprintf("%s has %d bytes; NFD reads at most %d", path, info.Size(), local.MaxFeatureFileSize),
		}
	}
	return tryOpen(path)
}

// sameDirectory says whether both are one directory, or neither exists.
func sameDirectory(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA != nil || errB != nil {
		return os.IsNotExist(errA) && os.IsNotExist(errB)
	}
	return os.SameFile(infoA, infoB)
}
