package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"nodecompat/nodefeatures/apiserver"
)

// maxPage bounds a page of Nodes, in bytes.
const maxPage = 512 << 20

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

// Labelled counts the nodes that carry a need's label.
func Labelled(ctx context.Context, client *apiserver.Client, n *Need) (int, error) {
	count := 0
	query := url.Values{"labelSelector": {n.Label() + "=true"}, "limit": {strconv.Itoa(pageSize)}}
	for {
		var page struct {
			Metadata struct{ Continue string }
			Items    []struct{}
		}
		if err := read(ctx, client, apiserver.Nodes, query, maxPage, &page); err != nil {
			return 0, fmt.Errorf("counting the nodes with the label %s: %w", n.Label(), err)
		}
		if count += len(page.Items); page.Metadata.Continue == "" {
			return count, nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
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
