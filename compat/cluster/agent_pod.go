package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// The codes of why there is no snapshot of a node.
const (
	CodeNodeNotReady      = "nodeNotReady"
	CodeNodeNotLinux      = "nodeNotLinux"
	CodeAgentRefused      = "agentRefused"      // the API server does not create its Pod
	CodeAgentNotScheduled = "agentNotScheduled" // its Pod gets no node
	CodeAgentImage        = "agentImage"        // its image is not pulled
	CodeAgentNotStarted   = "agentNotStarted"   // its container does not start
	CodeAgentFailed       = "agentFailed"       // its container ended with an error
	CodeAgentLog          = "agentLog"          // what it wrote cannot be read, or is no snapshot
	CodeAgentLeft         = "agentLeft"         // what was created could not be deleted
)

// An AgentError says why there is no snapshot of a node.
type AgentError struct {
	code, message, hint string
	err                 error
}

// Error says what the cluster says.
func (e *AgentError) Error() string { return e.message }

// Unwrap returns what went wrong, if that is an error.
func (e *AgentError) Unwrap() error { return e.err }

// Code is one of the constants.
func (e *AgentError) Code() string { return e.code }

// Retryable reports whether another run may succeed as things are.
func (e *AgentError) Retryable() bool {
	switch e.code {
	case CodeNodeNotLinux, CodeAgentRefused, CodeAgentFailed, apiserver.CodeForbidden:
		return false
	}
	return true
}

// Hint says what may help, where the code alone does not tell.
func (e *AgentError) Hint() string { return e.hint }

// An agentPod is as much of a Pod of ours as matters.
type agentPod struct {
	Metadata struct {
		Name            string `json:"name"`
		UID             string `json:"uid"`
		OwnerReferences []struct {
			UID string `json:"uid"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct {
		NodeName string `json:"nodeName"`
		Affinity struct {
			NodeAffinity struct {
				Required struct {
					Terms []struct {
						MatchFields []struct {
							Key    string   `json:"key"`
							Values []string `json:"values"`
						} `json:"matchFields"`
					} `json:"nodeSelectorTerms"`
				} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
			} `json:"nodeAffinity"`
		} `json:"affinity"`
	} `json:"spec"`
	Status struct {
		Phase      string `json:"phase"`
		Reason     string `json:"reason"`
		Message    string `json:"message"`
		Conditions []struct {
			Type    string `json:"type"`
			Status  string `json:"status"`
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"conditions"`
		Containers []struct {
			State     agentState `json:"state"`
			LastState agentState `json:"lastState"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

// An agentState is that of a container.
type agentState struct {
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Running    *struct{} `json:"running"`
	Terminated *struct {
		ExitCode int    `json:"exitCode"`
		Reason   string `json:"reason"`
		Message  string `json:"message"`
	} `json:"terminated"`
}

// node is the node that the Pod is for: a DaemonSet's controller says it by affinity, and the
// scheduler then binds the Pod.
func (p *agentPod) node() string {
	if p.Spec.NodeName != "" {
		return p.Spec.NodeName
	}
	for _, term := range p.Spec.Affinity.NodeAffinity.Required.Terms {
		for _, field := range term.MatchFields {
			if field.Key == "metadata.name" && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}

// ownedBy reports whether a DaemonSet made the Pod.
func (p *agentPod) ownedBy(uid string) bool {
	for _, o := range p.Metadata.OwnerReferences {
		if o.UID == uid {
			return true
		}
	}
	return false
}

// An agentProgress is how far a Pod has come.
type agentProgress struct {
	// ended says that its container ended well: its log can be read, with previous where it was
	// started again.
	ended, previous bool
	// failed is why there will be no snapshot.
	failed *AgentError
	// trouble is what may pass, state what it waits for, creating that nothing more is known.
	trouble  *AgentError
	state    string
	creating bool
}

// progress reports how far a Pod has come.
func (p *agentPod) progress() agentProgress {
	if len(p.Status.Containers) > 0 {
		c := p.Status.Containers[0]
		for _, s := range []agentState{c.State, c.LastState} {
			if t := s.Terminated; t != nil {
				if t.ExitCode == 0 && p.Status.Reason == "" {
					return agentProgress{ended: true, previous: c.State.Running != nil, state: "its log is to be read"}
				}
				text := fmt.Sprintf("it ended with exit code %d (%s)", t.ExitCode, line(t.Reason))
				return agentProgress{failed: &AgentError{code: CodeAgentFailed, message: join(text, p.Status.Reason, t.Message)}}
			}
		}
		if w := c.State.Waiting; w != nil && p.Status.Phase != "Failed" {
			return waits(w.Reason, w.Message)
		}
	}
	switch {
	case p.Status.Phase == "Failed":
		return agentProgress{failed: &AgentError{code: CodeAgentFailed, message: join("the kubelet ended its Pod", p.Status.Reason, p.Status.Message)}}
	case len(p.Status.Containers) > 0:
		return agentProgress{state: "it runs"}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			text := join("its Pod is not scheduled", c.Reason, c.Message)
			return agentProgress{trouble: &AgentError{code: CodeAgentNotScheduled, message: text}, state: text}
		}
	}
	return agentProgress{state: "its Pod is not started yet", creating: true}
}

// waits is what a container's reason for waiting means. The words are the kubelet's:
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/images/types.go
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kuberuntime/kuberuntime_container.go
func waits(reason, message string) agentProgress {
	text := join("its container waits", reason, message)
	trouble := &AgentError{code: CodeAgentNotStarted, message: text}
	switch reason {
	case "", "ContainerCreating", "PodInitializing", "CrashLoopBackOff":
		return agentProgress{state: text, creating: true}
	case "InvalidImageName", "ErrImageNeverPull":
		return agentProgress{failed: &AgentError{code: CodeAgentImage, message: text}}
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		trouble.code = CodeAgentImage
	}
	return agentProgress{trouble: trouble, state: text}
}

// join makes one line of what, a reason and what is said of it, any of which may be missing.
func join(what string, parts ...string) string {
	for _, part := range parts {
		if part = line(part); part != "" {
			what += ": " + part
		}
	}
	return what
}

// maxLine bounds what a cluster says that gets into a message, in bytes.
const maxLine = 512

// line makes one short line of a text.
func line(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + " …"
	}
	return text
}

// readAgentLog reads the one snapshot in a log. What the program warned of stands before it: the
// log has both of its streams.
func readAgentLog(ctx context.Context, log []byte, node string) (*nodefeatures.Snapshot, error) {
	begin := []byte("{\n")
	data := log
	if !bytes.HasPrefix(data, begin) {
		_, rest, found := bytes.Cut(log, append([]byte("\n"), begin...))
		if !found {
			return nil, fmt.Errorf("its log has no snapshot: %q", line(string(log[:min(len(log), maxLine)])))
		}
		data = append(begin, rest...)
	}
	var header struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(data, &header, lenient); err != nil {
		return nil, fmt.Errorf("its log has no snapshot: %w", err)
	}
	if header.Kind != nodefeatures.SnapshotKind || header.APIVersion != nodefeatures.SnapshotAPIVersion {
		return nil, fmt.Errorf("its log has a %.64q of %.64q, and no snapshot", header.Kind, header.APIVersion)
	}
	var snapshot *nodefeatures.Snapshot
	for s, err := range nodefeatures.Load(ctx, bytes.NewReader(data), nodefeatures.LoadOptions{}) {
		if err == nil && snapshot != nil {
			err = errors.New("it has more than one")
		}
		if err != nil {
			return nil, fmt.Errorf("its log has no snapshot: %w", err)
		}
		snapshot = s
	}
	switch {
	case snapshot == nil:
		return nil, errors.New("its log has no snapshot")
	case snapshot.Node.Name != node:
		return nil, fmt.Errorf("its log has the snapshot of another node, %.64q", snapshot.Node.Name)
	case len(snapshot.Changes) > 0:
		return nil, errors.New("its log has the snapshot of a node as it might be")
	}
	return snapshot, nil
}

// An agentNode is as much of a Node as matters.
type agentNode struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Status struct {
		NodeInfo struct {
			OS      string `json:"operatingSystem"`
			Runtime string `json:"containerRuntimeVersion"`
			Kubelet string `json:"kubeletVersion"`
		} `json:"nodeInfo"`
		DeclaredFeatures []string `json:"declaredFeatures"`
		Conditions       []struct {
			Type    string `json:"type"`
			Status  string `json:"status"`
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"conditions"`
	} `json:"status"`
}

// unfit is why no Pod starts on a node; nil if one may.
func (n *agentNode) unfit() *AgentError {
	if os := cmp.Or(n.Status.NodeInfo.OS, "linux"); os != "linux" {
		return &AgentError{code: CodeNodeNotLinux, message: "its operating system is " + line(os)}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == "Ready" && c.Status != "True" {
			return &AgentError{code: CodeNodeNotReady, message: join("the node is not ready", c.Reason, c.Message)}
		}
	}
	return nil
}
