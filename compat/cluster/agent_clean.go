package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A LeftError names what was created and could not be deleted.
type LeftError struct {
	// Objects are as kubectl names them: daemonset/compat-snapshot-x.
	Objects   []string
	namespace string
	name      string
	err       error
}

// Error names the objects.
func (e *LeftError) Error() string {
	return fmt.Sprintf("deleting %s in namespace %s: %v", strings.Join(e.Objects, ", "), e.namespace, e.err)
}

// Unwrap returns why they could not be deleted.
func (e *LeftError) Unwrap() error { return e.err }

// Code is CodeAgentLeft.
func (e *LeftError) Code() string { return CodeAgentLeft }

// Retryable is false: what is left has to be deleted.
func (e *LeftError) Retryable() bool { return false }

// Hint is the command that deletes them.
func (e *LeftError) Hint() string {
	return fmt.Sprintf("kubectl delete daemonset,pod -n %s -l %s=%s", e.namespace, instanceLabel, e.name)
}

// clean deletes what was created, in a time of its own. What is not certain to be gone is an error.
func (c *collecting) clean(ctx context.Context) *LeftError {
	if !c.maybe && len(c.created) == 0 && c.begun == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), agentClean)
	defer cancel()
	for look := 1; ; look++ {
		left, err := c.delete(ctx, look)
		if len(left) == 0 {
			return nil
		}
		if err != nil && !retryable(err) || pause(ctx, c.Poll) != nil {
			return &LeftError{Objects: left, namespace: c.Namespace, name: c.Name, err: cmp.Or(err, errStill)}
		}
	}
}

var errStill = fmt.Errorf("still there after %s", agentClean)

// delete deletes what there is, and returns what may still be there. Pods of a DaemonSet are the
// garbage collector's at first.
func (c *collecting) delete(ctx context.Context, look int) (left []string, err error) {
	if c.maybe {
		if err = c.client.Delete(ctx, "apps/v1", c.Namespace, "daemonsets", c.Name); err != nil {
			left = append(left, "daemonset/"+c.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.created)) {
		if failed := c.client.Delete(ctx, "v1", c.Namespace, "pods", name); failed != nil {
			left, err = append(left, "pod/"+name), failed
			continue
		}
		delete(c.created, name)
	}
	listing := listAll(ctx, c.client, c.pods, c.selected(), func(p *agentPod) error {
		if name := "pod/" + p.Metadata.Name; !slices.Contains(left, name) {
			left = append(left, name)
		}
		if !c.maybe || look > agentCollects {
			c.created[p.Metadata.Name] = true
		}
		return nil
	})
	if listing != nil {
		left, err = append(left, "pods that cannot be listed"), cmp.Or(err, listing)
	}
	return left, err
}
