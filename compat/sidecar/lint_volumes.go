package sidecar

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// A volumeSet holds the volumes that containers may mount, by their names.
type volumeSet map[string]corev1.VolumeSource

// volumes checks those of the Pod, and returns them with those that a StatefulSet adds,
// which stand for the Pod's own of the same name.
func (l *linter) volumes() volumeSet {
	claims, all := map[string]bool{}, volumeSet{}
	for _, name := range claimTemplates(l.pod) {
		claims[name] = true
	}
	for i := range l.pod.Spec.Volumes {
		v, at := &l.pod.Spec.Volumes[i], l.spec("volumes"+manifest.PathIndex(i))
		if claims[v.Name] {
			continue
		}
		switch problems := validation.IsDNS1123Label(v.Name); {
		case len(problems) > 0:
			l.refuse(at.at("name"), "rename it", "%q is no name for a volume: %s", manifest.Shorten(v.Name), withoutPattern(problems))
		case v.Name != "" && hasVolume(all, v.Name):
			l.refuse(at.at("name"), "rename one of the two", "Duplicate value: %q is the name of another volume", v.Name)
		}
		all[v.Name] = v.VolumeSource
		if len(l.choice(at, v.VolumeSource, "Forbidden: may not specify more than 1 volume type")) == 1 {
			l.volume(at, v)
		}
	}
	for i, v := range l.pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && !claims[v.Name] {
			l.claimed(l.spec("volumes"+manifest.PathIndex(i)+".persistentVolumeClaim.claimName"), v.PersistentVolumeClaim.ClaimName, all)
		}
	}
	for name := range claims {
		all[name] = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
	}
	return all
}

func hasVolume(volumes volumeSet, name string) bool {
	_, ok := volumes[name]
	return ok
}

// volume is about the source of a volume. Those of storage vendors are not checked.
func (l *linter) volume(at place, v *corev1.Volume) {
	switch {
	case v.ConfigMap != nil:
		at = at.at("configMap")
		l.required(at.at("name"), v.ConfigMap.Name)
		l.mode(at.at("defaultMode"), v.ConfigMap.DefaultMode)
		l.items(at, v.ConfigMap.Items)
	case v.Secret != nil:
		at = at.at("secret")
		l.required(at.at("secretName"), v.Secret.SecretName)
		l.mode(at.at("defaultMode"), v.Secret.DefaultMode)
		l.items(at, v.Secret.Items)
	case v.DownwardAPI != nil:
		at = at.at("downwardAPI")
		l.mode(at.at("defaultMode"), v.DownwardAPI.DefaultMode)
		for i := range v.DownwardAPI.Items {
			l.downwardFile(at.at("items").item(i), &v.DownwardAPI.Items[i])
		}
	case v.Projected != nil:
		l.projected(at.at("projected"), v.Projected)
	case v.HostPath != nil:
		l.hostPath(at.at("hostPath"), v.HostPath)
	case v.EmptyDir != nil:
		if size := v.EmptyDir.SizeLimit; size != nil && size.Sign() < 0 {
			l.refuse(at.at("emptyDir.sizeLimit"), "remove it, or raise it", "Forbidden: SizeLimit field must be a valid resource quantity")
		}
	case v.PersistentVolumeClaim != nil:
		l.required(at.at("persistentVolumeClaim.claimName"), v.PersistentVolumeClaim.ClaimName)
	case v.NFS != nil:
		at = at.at("nfs")
		l.required(at.at("server"), v.NFS.Server)
		if l.required(at.at("path"), v.NFS.Path) && !strings.HasPrefix(v.NFS.Path, "/") {
			l.refuse(at.at("path"), "write all of the path", "Invalid value: %.100q: must be an absolute path", v.NFS.Path)
		}
	case v.CSI != nil:
		l.csi(at.at("csi"), v.CSI)
	case v.Image != nil:
		l.required(at.at("image.reference"), v.Image.Reference)
		l.oneOf(at.at("image.pullPolicy"), string(v.Image.PullPolicy), "Always", "IfNotPresent", "Never")
	case v.Ephemeral != nil:
		l.ephemeralVolume(at, v)
	}
}

// items are the keys of a ConfigMap or Secret that become files.
func (l *linter) items(at place, items []corev1.KeyToPath) {
	for i, item := range items {
		at := at.at("items").item(i)
		l.required(at.at("key"), item.Key)
		l.file(at.at("path"), item.Path)
		l.mode(at.at("mode"), item.Mode)
	}
}

func (l *linter) hostPath(at place, source *corev1.HostPathVolumeSource) {
	if !l.required(at.at("path"), source.Path) {
		return
	}
	l.noBacksteps(at.at("path"), source.Path)
	if source.Type != nil {
		l.oneOf(at.at("type"), string(*source.Type), "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
	}
}

// claimed refuses the name of a claim that the Pod itself makes.
func (l *linter) claimed(at place, name string, volumes volumeSet) {
	volume, ok := strings.CutPrefix(name, l.pod.Meta.Name+"-")
	if ok && l.pod.Kind == "Pod" && l.pod.Meta.Name != "" && volumes[volume].Ephemeral != nil {
		l.refuse(at, "name another claim", "Invalid value: %.100q: must not reference a PVC that gets created for an ephemeral volume", name)
	}
}

func (l *linter) csi(at place, source *corev1.CSIVolumeSource) {
	if l.required(at.at("driver"), source.Driver) {
		l.syntax(at.at("driver"), source.Driver, csiDriverProblems(source.Driver))
	}
	if ref := source.NodePublishSecretRef; ref != nil && l.required(at.at("nodePublishSecretRef.name"), ref.Name) {
		l.reference(at.at("nodePublishSecretRef.name"), ref.Name)
	}
}

func csiDriverProblems(driver string) []string {
	if len(driver) > validation.DNS1123LabelMaxLength {
		return []string{validation.MaxLenError(validation.DNS1123LabelMaxLength)}
	}
	return validation.IsDNS1123Subdomain(strings.ToLower(driver))
}

// ephemeralVolume is one whose claim is made with the Pod.
func (l *linter) ephemeralVolume(at place, v *corev1.Volume) {
	template, claim := v.Ephemeral.VolumeClaimTemplate, at.at("ephemeral.volumeClaimTemplate")
	if template == nil {
		l.refuse(claim, "write the claim that is to be made", "Required value")
		return
	}
	if l.pod.Kind == "Pod" && l.pod.Meta.Name != "" {
		l.reference(at.at("name"), l.pod.Meta.Name+"-"+v.Name)
	}
	l.labels(claim.at("metadata.labels"), template.Labels)
	l.annotations(claim.at("metadata.annotations"), template.Annotations)
	if other := template.ObjectMeta; !reflect.DeepEqual(other, metav1.ObjectMeta{Labels: other.Labels, Annotations: other.Annotations}) {
		l.refuse(claim.at("metadata"), "keep labels and annotations, the claim is named after the Pod", "Forbidden: cannot be set, but for labels and annotations")
	}
	l.claim(claim.at("spec"), &template.Spec)
}

// claim is a PersistentVolumeClaim that is made.
func (l *linter) claim(at place, spec *corev1.PersistentVolumeClaimSpec) {
	modes := at.at("accessModes")
	if len(spec.AccessModes) == 0 {
		l.refuse(modes, "say how it is used:\naccessModes: [ReadWriteOnce]", "Required value: at least 1 access mode is required")
	}
	for i, mode := range spec.AccessModes {
		l.mustBeOneOf(modes.item(i), string(mode), "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
	}
	if len(spec.AccessModes) > 1 && slices.Contains(spec.AccessModes, corev1.ReadWriteOncePod) &&
		slices.ContainsFunc(spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool { return m != corev1.ReadWriteOncePod }) {
		l.refuse(modes, "keep ReadWriteOncePod, or remove it", "Forbidden: may not use ReadWriteOncePod with other access modes")
	}
	storage := at.at("resources.requests.storage")
	switch size, ok := spec.Resources.Requests[corev1.ResourceStorage]; {
	case !ok:
		l.refuse(storage, "say how much:\nresources:\n  requests:\n    storage: 1Gi", "Required value")
	case size.Sign() <= 0:
		l.refuse(storage, "raise it", "Invalid value: %q: must be greater than zero", size.String())
	}
	if spec.StorageClassName != nil {
		l.reference(at.at("storageClassName"), *spec.StorageClassName)
	}
	if spec.VolumeAttributesClassName != nil && l.target.apiGate(gateVolumeAttributes, 34) {
		l.reference(at.at("volumeAttributesClassName"), *spec.VolumeAttributesClassName)
	}
	if spec.VolumeMode != nil {
		l.mustBeOneOf(at.at("volumeMode"), string(*spec.VolumeMode), "Block", "Filesystem")
	}
	l.labelSelector(at.at("selector"), spec.Selector)
}

// projected is a volume that is put together from several sources.
func (l *linter) projected(at place, volume *corev1.ProjectedVolumeSource) {
	l.mode(at.at("defaultMode"), volume.DefaultMode)
	taken := map[string]bool{}
	once := func(at place, path string) {
		if path != "" && taken[path] {
			l.refuse(at, "rename one of the two", "Invalid value: %.100q: conflicting duplicate paths", path)
		}
		taken[path] = true
	}
	keys := func(at place, name string, items []corev1.KeyToPath) {
		l.required(at.at("name"), name)
		l.items(at, items)
		for i, item := range items {
			once(at.at("items").item(i).at("path"), item.Path)
		}
	}
	for i := range volume.Sources {
		s, at := &volume.Sources[i], at.at("sources").item(i)
		l.choice(at, *s, "Forbidden: may not specify more than 1 volume type per source")
		if s.ConfigMap != nil {
			keys(at.at("configMap"), s.ConfigMap.Name, s.ConfigMap.Items)
		}
		if s.Secret != nil {
			keys(at.at("secret"), s.Secret.Name, s.Secret.Items)
		}
		if s.DownwardAPI != nil {
			for i := range s.DownwardAPI.Items {
				at := at.at("downwardAPI.items").item(i)
				l.downwardFile(at, &s.DownwardAPI.Items[i])
				once(at.at("path"), s.DownwardAPI.Items[i].Path)
			}
		}
		if s.ServiceAccountToken != nil {
			l.token(at.at("serviceAccountToken"), s.ServiceAccountToken)
		}
	}
}

// token is a service account's.
func (l *linter) token(at place, token *corev1.ServiceAccountTokenProjection) {
	l.file(at.at("path"), token.Path)
	if s := token.ExpirationSeconds; s != nil && (*s < 600 || *s > 1<<32) {
		l.refuse(at.at("expirationSeconds"), "correct it:\nexpirationSeconds: 3600", "Invalid value: %d: may not specify a duration less than 10 minutes, or larger than 2^32 seconds", *s)
	}
}

// mounts are the volumeMounts of a container.
func (l *linter) mounts(m manifest.Container, volumes volumeSet) {
	taken := map[string]bool{}
	for i := range m.VolumeMounts {
		mount, at := &m.VolumeMounts[i], placeIn(m, "volumeMounts"+manifest.PathIndex(i))
		l.volumeNamed(at.at("name"), mount.Name, volumes)
		switch {
		case mount.MountPath == "":
			l.refuse(at.at("mountPath"), "say where", "Required value: the mount has no path")
		case taken[mount.MountPath]:
			l.refuse(at.at("mountPath"), "mount one of the two elsewhere", "Invalid value: %.100q: must be unique", mount.MountPath)
		}
		taken[mount.MountPath] = true
		l.mount(at, m, mount)
	}
	l.devices(m, volumes)
}

// volumeNamed refuses the name of a volume that the Pod does not have.
func (l *linter) volumeNamed(at place, name string, volumes volumeSet) {
	switch {
	case name == "":
		l.refuse(at, "say which volume", "Required value: it names no volume")
	case !hasVolume(volumes, name) && !l.leftOut(l.spec("volumes"), l.document("spec.volumeClaimTemplates")):
		remedy := "add the volume to the Pod's volumes"
		if near := verdict.Nearest(name, slices.Sorted(maps.Keys(volumes))); near != "" {
			remedy = "did you mean " + near + "?"
		}
		l.refuse(at, remedy, "Not found: the Pod has no volume %q", manifest.Shorten(name))
	}
}

// mount is how a volume is mounted.
func (l *linter) mount(at place, m manifest.Container, mount *corev1.VolumeMount) {
	l.relative(at.at("subPath"), mount.SubPath)
	l.relative(at.at("subPathExpr"), mount.SubPathExpr)
	if mount.SubPath != "" && mount.SubPathExpr != "" {
		l.refuse(at.at("subPathExpr"), "keep one of the two", "Invalid value: %.100q: subPathExpr and subPath are mutually exclusive", mount.SubPathExpr)
	}
	shared := mount.MountPropagation != nil && *mount.MountPropagation != corev1.MountPropagationNone
	if shared {
		propagation, at := *mount.MountPropagation, at.at("mountPropagation")
		l.mustBeOneOf(at, string(propagation), "None", "HostToContainer", "Bidirectional")
		if propagation == corev1.MountPropagationBidirectional && (m.SecurityContext == nil || !isOn(m.SecurityContext.Privileged)) && !l.leftOut(placeIn(m, "securityContext")) {
			l.refuse(at, "make the container privileged, or choose HostToContainer", "Forbidden: Bidirectional mount propagation is available only to privileged containers")
		}
	}
	if recursive := mount.RecursiveReadOnly; recursive != nil && !before(l.target.API, minor(31)) {
		at := at.at("recursiveReadOnly")
		l.mustBeOneOf(at, string(*recursive), "Disabled", "IfPossible", "Enabled")
		needs := *recursive == corev1.RecursiveReadOnlyEnabled || *recursive == corev1.RecursiveReadOnlyIfPossible
		switch {
		case needs && !mount.ReadOnly:
			l.refuse(at, "mount it read-only:\nreadOnly: true", "Forbidden: may only be specified when readOnly is true")
		case needs && shared:
			l.refuse(at, "remove mountPropagation", "Forbidden: may only be specified when mountPropagation is None or not specified")
		}
	}
}

// devices are the volumeDevices of a container, which are no mounts.
func (l *linter) devices(m manifest.Container, volumes volumeSet) {
	names, paths := map[string]bool{}, map[string]bool{} // that are taken
	for _, mount := range m.VolumeMounts {
		names[mount.Name], paths[mount.MountPath] = true, true
	}
	for i, device := range m.VolumeDevices {
		at := placeIn(m, "volumeDevices"+manifest.PathIndex(i))
		l.volumeNamed(at.at("name"), device.Name, volumes)
		if source, ok := volumes[device.Name]; ok && source.PersistentVolumeClaim == nil && source.Ephemeral == nil && !l.leftOut(l.spec("volumes")) {
			l.refuse(at.at("name"), "mount it in volumeMounts", "Invalid value: %q: can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode", manifest.Shorten(device.Name))
		}
		if names[device.Name] {
			l.refuse(at.at("name"), "use the volume once", "Invalid value: %q: must be unique, and not in volumeMounts", manifest.Shorten(device.Name))
		}
		l.required(at.at("devicePath"), device.DevicePath)
		l.noBacksteps(at.at("devicePath"), device.DevicePath)
		if device.DevicePath != "" && paths[device.DevicePath] {
			l.refuse(at.at("devicePath"), "choose another path", "Invalid value: %.100q: must be unique, and not in volumeMounts", device.DevicePath)
		}
		names[device.Name], paths[device.DevicePath] = true, true
	}
}
