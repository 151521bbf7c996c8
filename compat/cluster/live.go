package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
)

// How lists are read.
const (
	// pageSize is how many objects of a list are asked for at once where the server builds its whole
	// answer in memory.
	pageSize = 500
	// attempts is how often a list is begun whose token for the next page has expired.
	attempts = 3
	// maxLeases bounds the list of nfd-master's leases, in bytes: there is one.
	maxLeases = 1 << 20
	// master is the name of nfd-master's Lease.
	// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/pkg/nfd-master/nfd-master.go
	master = "nfd-master.nfd.kubernetes.io"
)

// streamsCollections is the first release whose API server sends a list as it encodes it (gate
// StreamingCollectionEncodingToJSON). Older ones answer 504 when the whole takes them too long.
var streamsCollections = kubelet.Release{Major: 1, Minor: 33}

// Options say what is read of a cluster.
type Options struct {
	// Selector chooses Nodes by their labels, as kubectl -l does; "" takes all.
	Selector string
	// Namespace is nfd-master's; "" takes that of its Lease.
	Namespace string
	// Consistent reads what the server's store has, not its cache, which may be older by
	// moments and costs the server less: a tenth with etcd 3.4.
	Consistent bool
}

// A Live is a cluster that is asked through its API server.
type Live struct {
	// Server is the URL, Version the answer to /version.
	Server  string
	Version []byte
	// Namespace is nfd-master's; "" if nobody tells it.
	Namespace string
	// NFD is false where the server knows no NodeFeature objects: none of NFD's is installed.
	NFD bool

	client  *apiserver.Client
	options Options
	paged   bool
}

// Open asks the API server for its version, and in which namespace nfd-master is.
func Open(ctx context.Context, client *apiserver.Client, o Options) (*Live, error) {
	l := &Live{Server: client.Server(), Namespace: o.Namespace, NFD: true, client: client, options: o, paged: o.Consistent}
	var group errgroup.Group
	group.Go(func() (err error) {
		l.Version, err = client.Version(ctx)
		if statusOf(err) == http.StatusForbidden { // a hardened server: lists do without
			err = nil
		}
		l.paged = l.paged || !streams(l.Version)
		return err
	})
	if o.Namespace == "" {
		group.Go(func() error {
			l.Namespace = leader(ctx, client)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	return l, nil
}

// streams reports whether an API server of that version sends lists as it encodes them.
func streams(version []byte) bool {
	api, err := kubelet.ReadAPI(kubelet.APIOptions{VersionInfo: kubelet.Document{Name: "/version", Data: version}})
	if err != nil {
		return false
	}
	release, ok := api.Release()
	return ok && release.Compare(streamsCollections) >= 0
}

// leader is the namespace of nfd-master's Lease, if there is just one: who may not read it, or has
// none, does without.
func leader(ctx context.Context, client *apiserver.Client) string {
	query := url.Values{"fieldSelector": {"metadata.name=" + master}, "resourceVersion": {"0"}}
	body, err := client.List(ctx, apiserver.Leases, query)
	if err != nil {
		return ""
	}
	defer func() { _ = body.Close() }()
	var list struct {
		Items []struct {
			Metadata struct{ Namespace string }
		}
	}
	data, err := io.ReadAll(io.LimitReader(body, maxLeases))
	if err != nil || json.Unmarshal(data, &list) != nil || len(list.Items) != 1 {
		return ""
	}
	return list.Items[0].Metadata.Namespace
}

// Nodes reads the cluster's Nodes and NodeFeature objects by one list each, and hands on a snapshot
// for each Node, or what is wrong in place of one. An error is that of a read that failed, and the
// last.
func (l *Live) Nodes(ctx context.Context, o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
	o.Namespace, o.Nodes, o.OnlyNodes, o.SomeNodes = l.Namespace, true, true, l.options.Selector != ""
	return func(yield func(nodefeatures.Loaded, error) bool) {
		for attempt := 1; ; attempt++ {
			r := &reading{live: l, ctx: ctx}
			more := r.hand(o, yield)
			switch {
			case r.err == nil || !more:
				return
			case attempt < attempts && l.again(r.err):
			default:
				yield(nodefeatures.Loaded{}, fmt.Errorf("reading the cluster's nodes: %w", r.err))
				return
			}
		}
	}
}

// LabelRules lists the cluster's NodeFeatureRule objects.
func (l *Live) LabelRules(ctx context.Context) (nodefeatures.LabelRules, error) {
	body, err := l.client.List(ctx, apiserver.NodeFeatureRules, url.Values{"resourceVersion": {"0"}})
	if err != nil {
		return nodefeatures.LabelRules{}, fmt.Errorf("reading the cluster's NodeFeatureRule objects: %w", err)
	}
	defer func() { _ = body.Close() }()
	rules, err := nodefeatures.ReadLabelRules(body)
	if err != nil {
		return rules, fmt.Errorf("reading the cluster's NodeFeatureRule objects: %w", err)
	}
	return rules, nil
}

// again reports whether a list should be begun once more: a token had expired, or the server took
// too long for the whole, which is then asked for in pages.
func (l *Live) again(err error) bool {
	switch statusOf(err) {
	case http.StatusGone:
		return true
	case http.StatusGatewayTimeout:
		was := l.paged
		l.paged = true
		return !was
	}
	return false
}

// statusOf is the HTTP status of a refusal; 0 if it is none.
func statusOf(err error) int {
	var status *apiserver.StatusError
	var told *nodefeatures.ServerError
	switch {
	case errors.As(err, &status):
		return status.Status
	case errors.As(err, &told):
		return told.Status
	}
	return 0
}

// A reading is one attempt to read all lists.
type reading struct {
	live *Live
	ctx  context.Context //nolint:containedctx // it is that of an iteration
	next string          // the token for the next page
	end  bool            // of the list at hand
	done bool            // all lists were read
	err  error           // why they were not
}

// hand hands on what the lists say, once all of them were read: until then they may have to be read
// again. More is false if nobody wants any.
func (r *reading) hand(o nodefeatures.LoadOptions, yield func(nodefeatures.Loaded, error) bool) (more bool) {
	var early []nodefeatures.Loaded // what is wrong with objects
	for loaded := range nodefeatures.LoadAll(r.ctx, r.inputs, o) {
		if !r.done {
			if status := statusOf(loaded.Err); status != 0 {
				r.err = loaded.Err
			}
			early = append(early, loaded)
			continue
		}
		for _, e := range early {
			if !yield(e, nil) {
				return false
			}
		}
		if early = nil; !yield(loaded, nil) {
			return false
		}
	}
	if !r.done && r.err == nil { // the stream broke off
		r.err = early[len(early)-1].Err
	}
	return true
}

// inputs are the pages of all lists.
func (r *reading) inputs(yield func(nodefeatures.Input, error) bool) {
	nodes := url.Values{}
	if r.live.options.Selector != "" {
		nodes.Set("labelSelector", r.live.options.Selector)
	}
	if !r.list(apiserver.Nodes, nodes, yield) {
		return
	}
	for _, collection := range []string{apiserver.NodeFeatures, apiserver.OpenShiftNodeFeatures} {
		r.done = r.list(collection, url.Values{}, yield)
		if statusOf(r.err) != http.StatusNotFound {
			return
		}
		r.err = nil
	}
	r.done, r.live.NFD = true, false
}

// list hands on the pages of a list. More is false if that failed, or nobody wants any.
func (r *reading) list(collection string, query url.Values, yield func(nodefeatures.Input, error) bool) (more bool) {
	if r.live.paged {
		query.Set("limit", strconv.Itoa(pageSize))
	} else {
		query.Set("resourceVersion", "0")
	}
	for r.next, r.end = "", false; !r.end || r.next != ""; {
		if r.next != "" {
			query.Set("continue", r.next)
		}
		body, err := r.live.client.List(r.ctx, collection, query)
		if err != nil {
			r.err = err
			if statusOf(err) != http.StatusNotFound {
				yield(nodefeatures.Input{}, err)
			}
			return false
		}
		r.end = false
		more := yield(nodefeatures.Input{Name: collection, Reader: body, EndOfList: r.endOfList}, nil)
		_ = body.Close()
		if !more {
			return false
		}
		if !r.end {
			if r.err == nil { // else the server said why
				r.err = fmt.Errorf("%s answered no list", collection)
			}
			yield(nodefeatures.Input{}, r.err)
			return false
		}
	}
	return true
}

func (r *reading) endOfList(token string) { r.end, r.next = true, token }
