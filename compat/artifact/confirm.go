package artifact

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// firstPoll is the wait before a registry is asked again for what it did not list at once; it
	// doubles up to lastPoll.
	firstPoll = 50 * time.Millisecond
	lastPoll  = time.Second

	// pollsBeforePush is how often an artifact may be missing from the list before its manifest is
	// pushed again.
	pollsBeforePush = 3
)

// confirm waits until a registry that keeps the list itself lists the artifact, and still does a
// moment later. Lists can lag behind, and a registry can lose entries: olareg v0.1.2 updates its
// list from an old copy when several manifests come at once. Pushing the same manifest again
// changes nothing but that it is listed.
func (g *registry) confirm(ctx context.Context, p *packed, seen func(referrers) bool) error {
	wait := firstPoll
	for missed := 0; ; {
		listed, err := g.listedTwice(ctx, p, seen)
		if err != nil || listed {
			return err
		}
		if err := g.clock.sleep(ctx, wait+rand.N(wait), "the registry to list the artifact"); err != nil {
			return err
		}
		wait = min(2*wait, lastPoll)
		if missed++; missed%pollsBeforePush != 0 {
			continue
		}
		if _, err := g.putManifest(ctx, whatUpload, p.desc.Digest.String(), p.desc.MediaType, p.raw); err != nil {
			return err
		}
	}
}

func (g *registry) listedTwice(ctx context.Context, p *packed, seen func(referrers) bool) (bool, error) {
	list, err := g.referrers(ctx, p.subject.Digest)
	if err != nil || !seen(list) {
		return false, err
	}
	if err := g.clock.sleep(ctx, g.window/8, "the registry's list to last"); err != nil {
		return false, err
	}
	list, err = g.referrers(ctx, p.subject.Digest)
	return err == nil && seen(list), err
}
