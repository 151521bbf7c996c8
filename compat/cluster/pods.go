package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/apiserver"
)

// MaxPods is how many Pods of a cluster are read; Kubernetes supports 150,000.
const MaxPods = 300_000

// A Running is Pods that run the same images for the same owner.
type Running struct {
	// Name is "Deployment shop/web": the kind, namespace and name of what made the Pods.
	Name string
	// Images are those of the Pods, each once: as the Pod has them, with the digest that the kubelet
	// reports where it does.
	Images []string
	// Sidecars says that the Pods have native sidecars.
	Sidecars bool
	// Nodes counts the Pods by node.
	Nodes map[string]int
}

// Running lists what runs in a namespace, "" in all, sorted by name: Pods that have a node and have not
// ended.
func (l *Live) Running(ctx context.Context, namespace string) ([]Running, error) {
	path := apiserver.Pods
	if namespace != "" {
		if !isNamespace(namespace) {
			return nil, &apiserver.ConfigurationError{What: "the namespace", Err: fmt.Errorf("%.64q is none", namespace)}
		}
		path = "/api/v1/namespaces/" + namespace + "/pods"
	}
	for attempt := 1; ; attempt++ {
		list, err := l.running(ctx, path)
		if err == nil || attempt == attempts || !l.again(err) {
			if err != nil {
				err = fmt.Errorf("reading the cluster's Pods: %w", err)
			}
			return list, err
		}
	}
}

// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
func isNamespace(name string) bool {
	ok, err := regexp.MatchString(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`, name)
	return ok && err == nil
}

func (l *Live) running(ctx context.Context, path string) ([]Running, error) {
	query := url.Values{}
	if l.paged {
		query.Set("limit", strconv.Itoa(pageSize))
	} else {
		query.Set("resourceVersion", "0")
	}
	groups := map[string]*Running{}
	pods := 0
	err := listAll(ctx, l.client, path, query, func(p *pod) error {
		if pods++; pods > MaxPods {
			return fmt.Errorf("more than the limit of %d Pods; choose a namespace with -n", MaxPods)
		}
		p.addTo(groups)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sortedGroups(groups), nil
}

func sortedGroups(groups map[string]*Running) []Running {
	list := make([]Running, 0, len(groups))
	for _, r := range groups {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Running) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Images, b.Images))
	})
	return list
}

// A pod is as much of a Pod as matters here.
type pod struct {
	Metadata struct {
		Name            string            `json:"name"`
		Namespace       string            `json:"namespace"`
		Labels          map[string]string `json:"labels"`
		OwnerReferences []struct {
			Kind       string `json:"kind"`
			Name       string `json:"name"`
			Controller bool   `json:"controller"`
		} `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct {
		NodeName       string      `json:"nodeName"`
		Containers     []container `json:"containers"`
		InitContainers []container `json:"initContainers"`
		Volumes        []struct {
			Image struct {
				Reference string `json:"reference"`
			} `json:"image"`
		} `json:"volumes"`
	} `json:"spec"`
	Status struct {
		Phase                 string            `json:"phase"`
		ContainerStatuses     []containerStatus `json:"containerStatuses"`
		InitContainerStatuses []containerStatus `json:"initContainerStatuses"`
	} `json:"status"`
}

type container struct {
	Name          string `json:"name"`
	Image         string `json:"image"`
	RestartPolicy string `json:"restartPolicy"`
}

type containerStatus struct {
	Name    string `json:"name"`
	ImageID string `json:"imageID"`
}

// addTo adds a Pod that runs to those of its owner.
func (p *pod) addTo(groups map[string]*Running) {
	if p.Spec.NodeName == "" || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
		return
	}
	r := Running{Name: p.owner(), Images: p.images(), Nodes: map[string]int{}}
	r.Sidecars = slices.ContainsFunc(p.Spec.InitContainers, func(c container) bool { return c.RestartPolicy == "Always" })
	key := r.Name + "\x00" + strings.Join(r.Images, "\x00")
	if groups[key] == nil {
		groups[key] = &r
	}
	groups[key].Nodes[p.Spec.NodeName]++
}

// owner names what made the Pod. That of a ReplicaSet is named like its Deployment, with the hash of the
// Pod's template.
func (p *pod) owner() string {
	kind, name := "Pod", p.Metadata.Name
	for _, o := range p.Metadata.OwnerReferences {
		if o.Controller && o.Kind != "Node" { // a Node owns its static Pods
			kind, name = o.Kind, o.Name
		}
	}
	if hash := p.Metadata.Labels["pod-template-hash"]; kind == "ReplicaSet" && hash != "" && strings.HasSuffix(name, "-"+hash) {
		kind, name = "Deployment", strings.TrimSuffix(name, "-"+hash)
	}
	return fmt.Sprintf("%s %s/%s", kind, p.Metadata.Namespace, name)
}

// images are those of all containers and volumes, sorted, each once.
func (p *pod) images() []string {
	ids := map[string]string{}
	for _, s := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
		ids[s.Name] = s.ImageID
	}
	var list []string
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		list = append(list, pinned(c.Image, ids[c.Name]))
	}
	for _, v := range p.Spec.Volumes {
		if v.Image.Reference != "" {
			list = append(list, v.Image.Reference)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// pinned is an image with the digest of what the kubelet pulled, if it tells: a tag may name
// another one by now. https://kubernetes.io/docs/concepts/containers/images/
func pinned(image, id string) string {
	_, digest, ok := strings.Cut(id, "@")
	if !ok || !strings.HasPrefix(digest, "sha256:") || strings.Contains(image, "@") {
		return image
	}
	return image + "@" + digest
}
