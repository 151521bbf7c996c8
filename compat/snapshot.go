package compat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

var errOtherMachine = errors.New("it is another machine's, and a snapshot is of this one; leave it out, or run this there")

// Snapshot gathers what this node offers, with what is known about its kubelet.
// Sources that fail are part of the answer; an error means that the caller's
// input cannot be used, or that the context has ended.
func Snapshot(ctx context.Context, discovery nodefeatures.Options, options kubelet.Options, now time.Time) (*nodefeatures.Snapshot, error) {
	snapshot, err := nodefeatures.Discover(ctx, discovery)
	if err != nil {
		return nil, fmt.Errorf("detecting features: %w", err)
	}
	if snapshot.Kubelet, err = kubelet.Detect(ctx, options); err != nil {
		return nil, err
	}
	if sidecar.Judge(snapshot.Kubelet, nil).OtherMachine() {
		return nil, &kubelet.GivenError{Option: "the Node object", Err: errOtherMachine}
	}
	snapshot.Created = now.UTC().Format(time.RFC3339)
	return snapshot, nil
}
