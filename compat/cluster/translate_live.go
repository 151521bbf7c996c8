package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/apiserver"
)

// Installed asks whether a cluster has a need's object, and whether its rules are the need's. A cluster
// that does not know the kind has none.
func Installed(ctx context.Context, client *apiserver.Client, n *Need) (found, equal bool, err error) {
	var have struct {
		Spec any `json:"spec"`
	}
	err = read(ctx, client, apiserver.NodeFeatureRules+"/"+n.Name(), nil, 2*MaxObject, &have)
	if statusOf(err) == http.StatusNotFound {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("reading the NodeFeatureRule %s: %w", n.Name(), err)
	}
	var want struct {
		Spec any `json:"spec"`
	}
	if err := json.Unmarshal(n.JSON(), &want); err != nil {
		return false, false, fmt.Errorf("reading the rules of %s: %w", n.Name(), err)
	}
	return true, reflect.DeepEqual(withoutNulls(have.Spec), want.Spec), nil
}

// withoutNulls leaves out what older servers store where nothing was given.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, value any) bool { return value == nil })
		for key, value := range v {
			v[key] = withoutNulls(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// Giver is the name of a NodeFeatureRule of a cluster that gives nodes a label, or may do so by a
// template; "" if there is none.
func Giver(ctx context.Context, client *apiserver.Client, label string) (string, error) {
	giver := ""
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	err := listAll(ctx, client, apiserver.NodeFeatureRules, query, func(object *nfdv1alpha1.NodeFeatureRule) error {
		for _, rule := range object.Spec.Rules {
			if _, gives := rule.Labels[label]; gives || strings.Contains(rule.LabelsTemplate, LabelDomain) {
				giver = cmp.Or(giver, object.Name)
			}
		}
		return nil
	})
	if err != nil && statusOf(err) != http.StatusNotFound {
		return "", fmt.Errorf("looking for the NodeFeatureRule that gives the label %s: %w", label, err)
	}
	return giver, nil
}

// Labelled counts the nodes that carry a label: those on which nfd-master has set it, as its annotation
// there says, and the others.
func Labelled(ctx context.Context, client *apiserver.Client, label string) (byMaster, byOthers int, err error) {
	type node struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	query := url.Values{"labelSelector": {label + "=true"}, "limit": {strconv.Itoa(pageSize)}}
	err = listAll(ctx, client, apiserver.Nodes, query, func(n *node) error {
		if setByMaster(n.Metadata.Annotations, label) {
			byMaster++
		} else {
			byOthers++
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("counting the nodes with the label %s: %w", label, err)
	}
	return byMaster, byOthers, nil
}

// setByMaster reports whether an nfd-master has noted a label among those that it has set on a node.
// One with the flag -instance puts that in front of the annotation's name.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go
func setByMaster(annotations map[string]string, label string) bool {
	for key, labels := range annotations {
		if strings.HasSuffix(key, nfdv1alpha1.FeatureLabelsAnnotation) && slices.Contains(strings.Split(labels, ","), label) {
			return true
		}
	}
	return false
}

// PodSpecOf reads the PodSpec of the Pod or Job of a manifest as a cluster has it; nil where it has none.
func PodSpecOf(ctx context.Context, client *apiserver.Client, p *manifest.Pod) (*corev1.PodSpec, error) {
	path, err := apiserver.InNamespace(p.APIVersion, cmp.Or(p.Namespace, client.Namespace()), strings.ToLower(p.Kind)+"s", p.Meta.Name)
	if err != nil {
		return nil, err
	}
	var data json.RawMessage
	switch err := read(ctx, client, path, nil, 2*MaxObject, &data); {
	case statusOf(err) == http.StatusNotFound:
		return nil, nil //nolint:nilnil // there is none
	case err != nil:
		return nil, fmt.Errorf("reading the %s %s: %w", p.Kind, p.Name, err)
	}
	var pod corev1.Pod
	var job batchv1.Job
	if p.Kind == "Job" {
		err = json.Unmarshal(data, &job)
		return &job.Spec.Template.Spec, err
	}
	err = json.Unmarshal(data, &pod)
	return &pod.Spec, err
}

// read decodes one answer.
func read(ctx context.Context, client *apiserver.Client, path string, query url.Values, limit int64, into any) error {
	body, err := client.List(ctx, path, query)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, limit))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
