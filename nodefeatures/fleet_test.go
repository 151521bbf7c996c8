package nodefeatures

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"
)

// TestWriteFleet writes generated nodes and rules for the proof on a real nfd-master
// (cmd/compat/integration_cluster_test.go): COMPAT_FLEET=DIR,NODES,SPECS. A node's file has its
// features, a rule list's is the body of a spec's set.
func TestWriteFleet(t *testing.T) {
	text, ok := os.LookupEnv("COMPAT_FLEET")
	if !ok {
		t.Skip("COMPAT_FLEET says where")
	}
	dir, counts, _ := strings.Cut(text, ",")
	first, second, _ := strings.Cut(counts, ",")
	nodes, err := strconv.Atoi(first)
	must(t, err)
	specs, err := strconv.Atoi(second)
	must(t, err)
	g := generator{rand.New(rand.NewPCG(7, 11))}
	for i := range nodes {
		data, err := json.Marshal(g.published())
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("node-%03d.json", i)), data, 0o600))
	}
	for i := range specs {
		rules := g.rules()
		for slices.ContainsFunc(rules, func(r nfdv1alpha1.GroupRule) bool { return RefersBack(&r) || r.VarsTemplate != "" }) {
			rules = g.rules()
		}
		for j := range rules {
			rules[j].Vars = nil
		}
		data, err := yaml.Marshal(rules)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("rules-%03d.yaml", i)), data, 0o600))
	}
}

// published are features as an API server stores them: those that rules may ask for are all there, and
// none lacks its elements, which the CRD refuses.
func (g generator) published() *nfdv1alpha1.Features {
	f := &g.snapshot().Features
	for name, set := range f.Flags {
		if set.Elements == nil {
			f.Flags[name] = nfdv1alpha1.NewFlagFeatures()
		}
	}
	for name, set := range f.Attributes {
		if set.Elements == nil {
			f.Attributes[name] = nfdv1alpha1.NewAttributeFeatures(map[string]string{})
		}
	}
	for name, set := range f.Instances {
		if set.Elements == nil {
			f.Instances[name] = nfdv1alpha1.InstanceFeatureSet{Elements: []nfdv1alpha1.InstanceFeature{}}
			continue
		}
		for i := range set.Elements {
			if set.Elements[i].Attributes == nil {
				set.Elements[i].Attributes = map[string]string{}
			}
		}
	}
	for _, name := range []string{"cpu.cpuid", "kernel.config", "pci.device", "vendor.mixed", "kernel.loadedmodule"} {
		_, flags := f.Flags[name]
		_, attributes := f.Attributes[name]
		if _, instances := f.Instances[name]; !flags && !attributes && !instances {
			f.Flags[name] = nfdv1alpha1.NewFlagFeatures("z")
		}
	}
	return f
}
