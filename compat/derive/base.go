package derive

import (
	"encoding/json"
	"errors"
	"fmt"

	"nodecompat/spec"
	"nodecompat/spec/yamltree"
)

// Base returns the rules of the base image's own spec, which its images need as well. origin says
// where the spec is from. A spec of several sets is an error: they are alternatives, between which a
// person has to choose.
func Base(origin string, content []byte) ([]Need, error) {
	if _, problems := spec.Parse(content); problems.Err() != nil {
		return nil, problems.Err()
	}
	root, err := yamltree.Parse(content)
	if err != nil {
		return nil, err
	}
	sets := root.Deref().Get("compatibilities").Deref().Content
	if len(sets) != 1 {
		return nil, fmt.Errorf("it has %d alternative sets of rules: choose one of them by hand", len(sets))
	}
	raw, err := sets[0].Deref().Get("rules").JSON(false)
	if err != nil {
		return nil, err
	}
	var rules []map[string]any
	if err := json.Unmarshal(raw, &rules); err != nil {
		return nil, err
	}
	needs := make([]Need, len(rules))
	for i, rule := range rules {
		name, ok := rule["name"].(string)
		if !ok {
			return nil, errors.New("a rule has no name")
		}
		delete(rule, "name")
		needs[i] = Need{
			Name: RulePrefix + "base: " + name, Confidence: Certain, Rule: rule, Notes: []string{},
			Evidence: []Evidence{{Source: SourceBase, Value: "the spec of the base image, " + origin}},
		}
	}
	return needs, nil
}
