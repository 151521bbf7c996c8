package cluster

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/yaml"
)

// What an Agent is made of.
const (
	// AgentName begins the names of the objects.
	AgentName = "compat-snapshot"
	// anyImage stands for an image that nobody has named.
	anyImage = "registry.example.com/compat:latest"
	// agentContainer is the name of the container.
	agentContainer = "compat"
	// agentUser and its group own nothing.
	agentUser = 65532
	// agentRoot is where the host's files are mounted.
	agentRoot = "/host"
	// agentDetects is how long detection may take on a node.
	agentDetects = 2 * time.Minute
	// instanceLabel is the label whose value is the Agent's name.
	instanceLabel = "app.kubernetes.io/instance"
)

// agentFiles are the host's files and directories that an Agent sees, none of which it can write.
// They are those of nfd-worker, and of procfs what tells that the machine is the one that runs, and
// NVIDIA's driver. The type is given so that nothing is created where one is missing.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/deployment/components/common/worker-mounts.yaml
var agentFiles = []struct {
	name, path string
	is         corev1.HostPathType
}{
	{"sys", "/sys", corev1.HostPathDirectory},
	{"boot", "/boot", corev1.HostPathDirectory},
	{"lib", "/lib", corev1.HostPathDirectory},
	{"usr-lib", "/usr/lib", corev1.HostPathDirectory},
	{"os-release", "/etc/os-release", corev1.HostPathFile},
	{"boot-id", "/proc/sys/kernel/random/boot_id", corev1.HostPathFile},
	{"kernel-release", "/proc/sys/kernel/osrelease", corev1.HostPathFile},
	{"swaps", "/proc/swaps", corev1.HostPathFile},
	{"drivers", "/proc/driver", corev1.HostPathDirectory},
}

// An Agent is a container that prints the snapshot of the node that it runs on.
type Agent struct {
	// Image has compat as its entry point. "" leaves it open, in manifests that are printed.
	Image string
	// Namespace is where its objects are, Name what their names begin with.
	Namespace, Name string
	// Selector chooses the Nodes of a DaemonSet; nil takes all.
	Selector labels.Selector
	// Nodes are those of Pods, one each. None are those of a DaemonSet.
	Nodes []string
	// Lives is how long Pods of their own live at most; 0 is for ever.
	Lives time.Duration
}

// An agentObject is a DaemonSet, a Pod or what else is printed.
type agentObject struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        agentMeta   `json:"metadata"`
	Spec            any         `json:"spec,omitempty"`
	Rules           []agentRule `json:"rules,omitempty"`
}

// An agentRule is one of a Role.
type agentRule struct {
	APIGroups []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Verbs     []string `json:"verbs"`
}

type agentMeta struct {
	Name      string            `json:"name,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels"`
}

// agentDaemonSet is the part of a DaemonSet's spec that is given.
type agentDaemonSet struct {
	Selector metav1.LabelSelector `json:"selector"`
	Template struct {
		Metadata agentMeta      `json:"metadata"`
		Spec     corev1.PodSpec `json:"spec"`
	} `json:"template"`
}

func (a Agent) labels() map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": "compat", "app.kubernetes.io/name": AgentName, instanceLabel: a.Name}
}

func (a Agent) object(apiVersion, kind, name string, spec any) agentObject {
	return agentObject{
		TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		Metadata: agentMeta{Name: name, Namespace: a.Namespace, Labels: a.labels()}, Spec: spec,
	}
}

// daemonSet runs the agent on all nodes that the selector chooses.
func (a Agent) daemonSet() agentObject {
	spec := agentDaemonSet{Selector: metav1.LabelSelector{MatchLabels: map[string]string{instanceLabel: a.Name}}}
	spec.Template.Metadata.Labels = a.labels()
	spec.Template.Spec = a.podSpec()
	return a.object("apps/v1", "DaemonSet", a.Name, spec)
}

// podName is that of the Pod of a node, by its place in Nodes.
func (a Agent) podName(i int) string { return fmt.Sprintf("%s-%d", a.Name, i) }

// pod runs the agent on one node, which no scheduler has to choose.
func (a Agent) pod(name, node string) agentObject {
	spec := a.podSpec()
	spec.NodeName, spec.RestartPolicy = node, corev1.RestartPolicyNever
	spec.Affinity, spec.NodeSelector = nil, nil
	if seconds := int64(a.Lives / time.Second); seconds > 0 {
		spec.ActiveDeadlineSeconds = &seconds
	}
	return a.object("v1", "Pod", name, spec)
}

func (a Agent) podSpec() corev1.PodSpec {
	no, yes := false, true
	user, second := int64(agentUser), int64(1)
	recursive := corev1.RecursiveReadOnlyIfPossible
	spec := corev1.PodSpec{
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		TerminationGracePeriodSeconds: &second,
		NodeSelector:                  map[string]string{corev1.LabelOSStable: "linux"},
		Tolerations:                   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		Affinity:                      a.affinity(),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: agentContainer, Image: cmp.Or(a.Image, anyImage),
			Args: []string{"features", "--host-root", agentRoot, "--output", "json", "--timeout", agentDetects.String()},
			Env: []corev1.EnvVar{
				{Name: "NODE_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}},
			},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, Privileged: &no, ReadOnlyRootFilesystem: &yes,
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		}},
	}
	for _, f := range agentFiles {
		spec.Volumes = append(spec.Volumes, corev1.Volume{
			Name: f.name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: f.path, Type: &f.is}},
		})
		spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{
			Name: f.name, MountPath: agentRoot + f.path, ReadOnly: true, RecursiveReadOnly: &recursive,
		})
	}
	return spec
}

// affinity chooses the Nodes of a DaemonSet as the selector does.
func (a Agent) affinity() *corev1.Affinity {
	if a.Selector == nil {
		return nil
	}
	requirements, selects := a.Selector.Requirements()
	if len(requirements) == 0 || !selects {
		return nil
	}
	var term corev1.NodeSelectorTerm
	for _, r := range requirements {
		e := corev1.NodeSelectorRequirement{Key: r.Key(), Values: r.ValuesUnsorted()}
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			e.Operator = corev1.NodeSelectorOpIn
		case selection.NotEquals, selection.NotIn:
			e.Operator = corev1.NodeSelectorOpNotIn
		case selection.Exists:
			e.Operator = corev1.NodeSelectorOpExists
		case selection.DoesNotExist:
			e.Operator = corev1.NodeSelectorOpDoesNotExist
		case selection.GreaterThan:
			e.Operator = corev1.NodeSelectorOpGt
		case selection.LessThan:
			e.Operator = corev1.NodeSelectorOpLt
		}
		term.MatchExpressions = append(term.MatchExpressions, e)
	}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}},
	}}
}

// rights are the ClusterRole and the Role of who runs an Agent and reads what it prints.
func (a Agent) rights() (cluster, namespaced agentObject) {
	cluster = a.object("rbac.authorization.k8s.io/v1", "ClusterRole", AgentName, nil)
	cluster.Metadata.Namespace = ""
	cluster.Rules = []agentRule{{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get", "list"}}}
	namespaced = a.object("rbac.authorization.k8s.io/v1", "Role", AgentName, nil)
	namespaced.Rules = []agentRule{
		{APIGroups: []string{"apps"}, Resources: []string{"daemonsets"}, Verbs: []string{"create", "delete"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create", "delete", "list"}},
		{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"list"}}, // why a container does not start
	}
	return cluster, namespaced
}

// rightsHeader stands before the rights, agentHeader before what runs.
const (
	rightsHeader = `# Part 1 of 2, for an administrator, once: the rights of who runs compat cluster snapshot. After
# applying the ClusterRole and the Role, bind them to that user:
#   kubectl create clusterrolebinding compat-snapshot --clusterrole compat-snapshot --user USER
#   kubectl create rolebinding compat-snapshot -n %[1]s --role compat-snapshot --user USER
# Namespace %[1]s must admit hostPath volumes. Where Pod Security forbids them:
#   kubectl label namespace %[1]s pod-security.kubernetes.io/enforce=privileged --overwrite
`
	agentHeader = `# Part 2 of 2, to read, not to apply: compat cluster snapshot creates this itself, and deletes it again.
`
)

// Manifests are the objects of an Agent as YAML, with the rights that it takes to run it.
func (a Agent) Manifests() ([]byte, error) {
	role, namespaced := a.rights()
	var agents []agentObject
	for i, node := range a.Nodes {
		agents = append(agents, a.pod(a.podName(i), node))
	}
	if len(a.Nodes) == 0 {
		agents = append(agents, a.daemonSet())
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, rightsHeader, a.Namespace)
	if err := appendYAML(&b, role, namespaced); err != nil {
		return nil, err
	}
	b.WriteString(agentHeader)
	if a.Image == "" {
		fmt.Fprintf(&b, "# %s stands for the image of --agent-image.\n", anyImage)
	}
	if err := appendYAML(&b, agents...); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// appendYAML writes objects as documents.
func appendYAML(b *bytes.Buffer, objects ...agentObject) error {
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return fmt.Errorf("writing the %s: %w", o.Kind, err)
		}
		b.WriteString("---\n")
		b.Write(text)
	}
	return nil
}

// JSON is the object as it is sent.
func (o agentObject) JSON() ([]byte, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("writing the %s: %w", o.Kind, err)
	}
	return data, nil
}
