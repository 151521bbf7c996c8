package nodefeatures

import (
	"math/rand/v2"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// GeneratePair makes a node and sets of rules as TestConformance does, for tests of packages that
// import this one.
func GeneratePair(one, two uint64) (*Snapshot, [][]nfdv1alpha1.GroupRule) {
	g := generator{rand.New(rand.NewPCG(one, two))}
	snapshot, sets := g.snapshot(), [][]nfdv1alpha1.GroupRule{}
	for range 1 + g.IntN(3) {
		sets = append(sets, g.rules())
	}
	return snapshot, sets
}
