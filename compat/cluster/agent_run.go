package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/kubelet"
)

// How an Agent is run.
const (
	// agentPods is how many Pods of their own there are at once, and how many logs are read.
	agentPods = 10
	// agentPoll is the time between two looks; each agentPollNodes nodes make it longer by as much.
	agentPoll      = 2 * time.Second
	agentPollNodes = 1000
	// agentPatience is how long what keeps a Pod from starting may take to pass.
	agentPatience = time.Minute
	// agentFaults is how many looks in a row may fail.
	agentFaults = 5
	// agentSend is how long the API server may take to create an object. It is not interrupted:
	// what may have been created has to be deleted.
	agentSend = 15 * time.Second
	// agentClean is how long deleting may take, whatever the time for the whole is.
	agentClean = 30 * time.Second
	// agentCollects is how many looks are left to the garbage collector, before Pods of a DaemonSet
	// are deleted one by one.
	agentCollects = 4
)

// A Collection says how an Agent is run.
type Collection struct {
	Agent
	// Now is the clock. Poll and Patience replace the usual times if they are not 0.
	Now            func() time.Time
	Poll, Patience time.Duration
	// Logger is told how far it is.
	Logger *slog.Logger
}

// A Collected is the snapshot of a node, or why there is none.
type Collected struct {
	Node     string
	Snapshot *nodefeatures.Snapshot
	Err      error
}

// An Outcome is what is said of a run beside its nodes.
type Outcome struct {
	// Others are the names of the cluster's nodes that are left out, since they are not Linux's.
	Others []string
	// Left is what was created and could not be deleted; nil if nothing is left.
	Left *LeftError
}

// Collect runs an Agent on a cluster's nodes and hands on what comes of each. What it created it
// deletes, also when it is interrupted. An error is why the run ended before its end.
func Collect(ctx context.Context, client *apiserver.Client, o Collection, each func(Collected)) (Outcome, error) {
	c := &collecting{Collection: o, client: client, each: each, waiting: map[string]*awaited{}, created: map[string]bool{}}
	c.Poll, c.Patience = cmp.Or(o.Poll, agentPoll), cmp.Or(o.Patience, agentPatience)
	var outcome Outcome
	var err error
	if c.pods, err = apiserver.InNamespace("v1", o.Namespace, "pods"); err != nil {
		return outcome, err
	}
	if outcome.Others, err = c.wanted(ctx); err != nil {
		return outcome, fmt.Errorf("reading the cluster's nodes: %w", err)
	}
	if len(c.waiting) == 0 {
		return outcome, nil
	}
	if err = c.rehearse(ctx); err == nil {
		err = c.run(ctx)
	}
	outcome.Left = c.clean(ctx)
	c.giveUp(ctx, err)
	return outcome, err
}

// collecting is a run of an Agent.
type collecting struct {
	Collection
	client  *apiserver.Client
	each    func(Collected)
	pods    string // the path of the namespace's Pods
	waiting map[string]*awaited
	set     string          // the UID of the DaemonSet
	maybe   bool            // there may be a DaemonSet
	created map[string]bool // names of Pods of their own that may be there
	begun   int             // how many of Nodes have had their turn
	running int             // how many of them have a Pod
	faults  int             // looks in a row that failed
}

// awaited is a node whose snapshot is awaited.
type awaited struct {
	node  *agentNode
	uid   string // of its Pod; "" if a DaemonSet makes it
	state string // what it waits for
	code  string // what is in its way
	since time.Time
}

// wanted finds out which nodes there are, and tells those on which no Pod would start.
func (c *collecting) wanted(ctx context.Context) (others []string, err error) {
	take := func(n *agentNode) error {
		name := n.Metadata.Name
		if _, err := apiserver.NodePath(name); err != nil {
			return err
		}
		switch unfit := n.unfit(); {
		case unfit == nil:
			c.waiting[name] = &awaited{node: n, state: "no Pod was made for it"}
		case unfit.code == CodeNodeNotLinux && len(c.Nodes) == 0:
			others = append(others, name)
		default:
			c.each(Collected{Node: name, Err: unfit})
		}
		if len(c.waiting) > nodefeatures.MaxNodes {
			return fmt.Errorf("more than the limit of %d nodes; choose some with -l", nodefeatures.MaxNodes)
		}
		return nil
	}
	if len(c.Nodes) == 0 {
		return others, c.listNodes(ctx, take)
	}
	for _, name := range c.Nodes {
		data, err := c.client.Node(ctx, name)
		if statusOf(err) == http.StatusNotFound {
			c.each(Collected{Node: name, Err: err})
			continue
		}
		n := &agentNode{}
		if err == nil {
			err = json.Unmarshal(data, n)
		}
		if err == nil && n.Metadata.Name != name {
			err = fmt.Errorf("the API server answers with another node than %s", name)
		}
		if err == nil {
			err = take(n)
		}
		if err != nil {
			return nil, err
		}
	}
	c.Nodes = slices.DeleteFunc(slices.Clone(c.Nodes), func(name string) bool { return c.waiting[name] == nil })
	return others, nil
}

// listNodes hands on the nodes that the selector chooses, page by page.
func (c *collecting) listNodes(ctx context.Context, take func(*agentNode) error) error {
	query := url.Values{"limit": {fmt.Sprint(pageSize)}}
	if c.Selector != nil {
		query.Set("labelSelector", c.Selector.String())
	}
	return listAll(ctx, c.client, apiserver.Nodes, query, take)
}

// rehearse asks whether a Pod of the agent would be admitted. Nobody would tell why a DaemonSet
// gets no Pods. Who may not create Pods may have a DaemonSet all the same.
func (c *collecting) rehearse(ctx context.Context) error {
	pod, err := c.pod(c.Name, slices.Min(slices.Collect(maps.Keys(c.waiting)))).JSON()
	if err != nil {
		return err
	}
	_, err = c.client.DryRun(ctx, "v1", c.Namespace, "pods", pod)
	switch status := statusOf(err); {
	case err == nil,
		status == http.StatusForbidden && len(c.Nodes) == 0,
		status == http.StatusBadRequest: // a webhook that takes no dry run
		return nil
	}
	return c.refused(err)
}

// refused is a refusal to create something, with a code and what to do.
func (c *collecting) refused(err error) error {
	var refused *apiserver.RefusedError
	message := fmt.Sprintf("creating the agent in namespace %s: %v", c.Namespace, err)
	switch {
	case errors.As(err, &refused):
		return &AgentError{
			code: CodeAgentRefused, err: err, message: message,
			hint: "it needs a namespace whose Pod Security admits hostPath volumes: choose another with -n, or " +
				"kubectl label namespace " + c.Namespace + " pod-security.kubernetes.io/enforce=privileged --overwrite",
		}
	case apiserver.IsForbidden(err):
		return &AgentError{
			code: apiserver.CodeForbidden, err: err, message: message,
			hint: "it takes a Role, bound to that user, which `compat cluster snapshot --print` shows: kubectl create role compat-snapshot -n " +
				c.Namespace + " --verb=create,delete,list,get --resource=daemonsets.apps,pods,pods/log,events",
		}
	}
	return fmt.Errorf("creating the agent in namespace %s: %w", c.Namespace, err)
}

// notCreated reports whether it is certain that nothing was created.
func notCreated(err error) bool {
	var refused *apiserver.RefusedError
	status := statusOf(err)
	return errors.As(err, &refused) || status >= http.StatusBadRequest && status < http.StatusInternalServerError
}

// run creates what prints the snapshots, and reads them until there are no more to come.
func (c *collecting) run(ctx context.Context) error {
	if len(c.Nodes) == 0 {
		var err error
		c.set, c.maybe, err = c.create(ctx, "apps/v1", "daemonsets", c.daemonSet())
		if err != nil {
			return c.refused(err)
		}
	}
	for all := len(c.waiting); len(c.waiting) > 0; {
		if err := c.createPods(ctx); err != nil {
			return err
		}
		if err := c.look(ctx); err != nil {
			return err
		}
		if c.Logger != nil {
			c.Logger.DebugContext(ctx, fmt.Sprintf("collected %d of %d nodes", all-len(c.waiting), all))
		}
		if len(c.waiting) == 0 || c.running < agentPods && c.begun < len(c.Nodes) {
			continue
		}
		if err := pause(ctx, c.Poll*time.Duration(1+len(c.waiting)/agentPollNodes)); err != nil {
			return fmt.Errorf("waiting for snapshots of %d of %d nodes: %w", len(c.waiting), all, err)
		}
	}
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// create creates an object and returns its UID, and whether it may be there. It is not interrupted
// once it has begun.
func (c *collecting) create(ctx context.Context, apiVersion, collection string, o agentObject) (uid string, maybe bool, err error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	data, err := o.JSON()
	if err != nil {
		return "", false, err
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), agentSend)
	defer cancel()
	stored, err := c.client.Create(sending, apiVersion, c.Namespace, collection, data)
	if err != nil {
		return "", !notCreated(err), err
	}
	var created agentPod
	if err := json.Unmarshal(stored, &created); err != nil || created.Metadata.UID == "" {
		return "", true, fmt.Errorf("the API server answers without a UID of the %s", o.Kind)
	}
	return created.Metadata.UID, true, nil
}

// createPods creates Pods of their own, as many as there may be.
func (c *collecting) createPods(ctx context.Context) error {
	for c.begun < len(c.Nodes) && c.running < agentPods {
		name, node := c.podName(c.begun), c.Nodes[c.begun]
		uid, maybe, err := c.create(ctx, "v1", "pods", c.pod(name, node))
		if maybe {
			c.created[name] = true
		}
		var refused *apiserver.RefusedError
		switch {
		case err == nil:
			c.running++
			c.waiting[node].uid = uid
		case errors.As(err, &refused):
			delete(c.waiting, node)
			c.each(Collected{Node: node, Err: c.refused(err)})
		default:
			return c.refused(err)
		}
		c.begun++
	}
	return nil
}

// selected asks for the objects of this run.
func (c *collecting) selected() url.Values {
	return url.Values{"labelSelector": {instanceLabel + "=" + c.Name}}
}

// look reads how far the Pods are, and the logs of those that have ended.
func (c *collecting) look(ctx context.Context) error {
	query := c.selected()
	query.Set("resourceVersion", "0")
	var pods []*agentPod
	err := listAll(ctx, c.client, c.pods, query, func(p *agentPod) error {
		if a := c.waiting[p.node()]; a != nil && (a.uid != "" && a.uid == p.Metadata.UID || c.set != "" && p.ownedBy(c.set)) {
			pods = append(pods, p)
		}
		return nil
	})
	if err != nil {
		if c.faults++; c.faults < agentFaults && ctx.Err() == nil && retryable(err) {
			return nil
		}
		return fmt.Errorf("reading the agent's Pods: %w", err)
	}
	c.faults = 0
	return c.judge(ctx, pods)
}

func retryable(err error) bool {
	var fault interface{ Retryable() bool }
	return errors.As(err, &fault) && fault.Retryable()
}

// judge answers for the nodes of Pods that have come to an end.
func (c *collecting) judge(ctx context.Context, pods []*agentPod) error {
	var ended []*agentPod
	for _, p := range pods {
		node := p.node()
		a := c.waiting[node]
		if a == nil {
			continue // two Pods for one node
		}
		progress := p.progress()
		a.state = progress.state
		switch {
		case progress.ended:
			ended = append(ended, p)
		case progress.failed != nil:
			c.answer(ctx, p, Collected{Err: progress.failed})
		case progress.trouble != nil:
			if c.outlasts(a, progress.trouble.code) {
				c.answer(ctx, p, Collected{Err: progress.trouble})
			}
		case progress.creating && c.outlasts(a, CodeAgentNotStarted): // of which nothing but events tells
			if text := c.warned(ctx, p); text != "" {
				c.answer(ctx, p, Collected{Err: &AgentError{code: CodeAgentNotStarted, message: join("its Pod does not start", text)}})
			}
		}
	}
	return c.readLogs(ctx, ended)
}

// outlasts reports whether the same has been in the way of a node for longer than anybody waits.
func (c *collecting) outlasts(a *awaited, code string) bool {
	if a.code != code || a.since.IsZero() {
		a.code, a.since = code, c.Now()
	}
	return c.Now().Sub(a.since) >= c.Patience
}

// warned is the last event of a Pod, if that is a warning; "" if it is none, or may not be read.
func (c *collecting) warned(ctx context.Context, p *agentPod) (text string) {
	path, err := apiserver.InNamespace("v1", c.Namespace, "events")
	if err != nil {
		return ""
	}
	type event struct {
		Type      string `json:"type"`
		Reason    string `json:"reason"`
		Message   string `json:"message"`
		Last      string `json:"lastTimestamp"` // RFC 3339 in UTC, which sorts as it is
		EventTime string `json:"eventTime"`
	}
	var last event
	query := url.Values{"fieldSelector": {"involvedObject.uid=" + p.Metadata.UID}}
	err = listAll(ctx, c.client, path, query, func(e *event) error {
		if cmp.Or(e.Last, e.EventTime) >= cmp.Or(last.Last, last.EventTime) {
			last = *e
		}
		return nil
	})
	if err != nil || last.Type != "Warning" {
		return ""
	}
	return join(line(last.Reason), last.Message)
}

// readLogs reads the logs of Pods, several at once.
func (c *collecting) readLogs(ctx context.Context, pods []*agentPod) error {
	for batch := range slices.Chunk(pods, agentPods) {
		results := make([]Collected, len(batch))
		var group errgroup.Group
		for i, p := range batch {
			group.Go(func() error {
				log, err := c.client.PodLog(ctx, c.Namespace, p.Metadata.Name, agentContainer, p.progress().previous)
				if err == nil {
					results[i].Snapshot, err = readAgentLog(ctx, log, p.node())
				}
				results[i].Err = err
				return nil
			})
		}
		group.Wait() //nolint:errcheck // none fails
		for i, p := range batch {
			if err := c.takeLog(ctx, p, results[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeLog answers for a node whose log was read. One that cannot be read is read again until nobody
// waits any more: a container that is started again may have been in the middle.
func (c *collecting) takeLog(ctx context.Context, p *agentPod, result Collected) error {
	a := c.waiting[p.node()]
	switch err := result.Err; {
	case a == nil:
		return nil
	case err == nil:
		c.describe(result.Snapshot, a.node)
	case ctx.Err() != nil:
		return ctx.Err()
	case apiserver.IsForbidden(err):
		return fmt.Errorf("reading the agent's log: %w", err)
	case !c.outlasts(a, CodeAgentLog):
		return nil
	default:
		result.Err = &AgentError{code: CodeAgentLog, message: err.Error(), err: err}
	}
	c.answer(ctx, p, result)
	return nil
}

// describe adds what the Node object tells, and a container does not see.
func (c *collecting) describe(s *nodefeatures.Snapshot, n *agentNode) {
	s.Node.Runtime = cmp.Or(s.Node.Runtime, n.Status.NodeInfo.Runtime)
	s.Kubelet = kubelet.OfNode(n.Metadata.Name, n.Status.NodeInfo.Kubelet, n.Status.DeclaredFeatures)
}

// answer hands on what came of a node, and deletes a Pod of its own.
func (c *collecting) answer(ctx context.Context, p *agentPod, result Collected) {
	result.Node = p.node()
	delete(c.waiting, result.Node)
	c.each(result)
	if !c.created[p.Metadata.Name] {
		return
	}
	c.running--
	if c.client.Delete(ctx, "v1", c.Namespace, "pods", p.Metadata.Name) == nil {
		delete(c.created, p.Metadata.Name)
	}
}

// giveUp hands on the nodes that nobody waits for any more.
func (c *collecting) giveUp(ctx context.Context, err error) {
	for _, node := range slices.Sorted(maps.Keys(c.waiting)) {
		why := err
		if ended := ctx.Err(); ended != nil {
			why = fmt.Errorf("%s: %w", c.waiting[node].state, ended)
		}
		c.each(Collected{Node: node, Err: why})
	}
}
