package compat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// LintNodes adds to the report of Lint what the files say of saved nodes: sets and terms that no node
// meets, and terms that every node meets, so that they tell none from another. What is not known of a
// node counts for neither. Files with errors are left out. The error is that of the nodes.
func LintNodes(ctx context.Context, r *report.LintReport, files []File, nodes SavedNodes) error {
	subjects := parseFiles(files)
	counts := make([]termCounts, len(files))
	judged := 0
	var cache nodefeatures.Cache
	for node, err := range nodes(func(nodefeatures.Node) []string { return features(subjects) }) {
		switch {
		case err != nil:
			return err
		case node.Err != nil:
			r.Error = cmp.Or(r.Error, report.NewError(&SnapshotError{File: node.File, Err: node.Err}))
			continue
		}
		judged++
		for i := range files {
			r.Files[i].Problems = slices.DeleteFunc(r.Files[i].Problems, func(p spec.Problem) bool { return refutes(node.Snapshot, p) })
		}
		for i, image := range judgeAll(ctx, subjects, node.Snapshot.Matcher(&cache), policy{}) {
			counts[i].add(image.Sets, subjects[i].spec)
		}
	}
	for i := range files {
		problems := counts[i].problems(spec.NewLocator(files[i].Data), judged)
		file := &r.Files[i]
		file.Problems = append(file.Problems, problems...)
		slices.SortStableFunc(file.Problems, func(a, b spec.Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	return nil
}

// A tally counts the nodes that meet something, and those that don't.
type tally struct{ holds, fails int }

// termCounts has the tallies of a spec's sets and terms, by their paths.
type termCounts struct {
	paths   []string // in their order
	tallies map[string]*tally
}

func (c *termCounts) count(path string, v verdict.Verdict) {
	if c.tallies == nil {
		c.tallies = map[string]*tally{}
	}
	t := c.tallies[path]
	if t == nil {
		t = &tally{}
		c.tallies[path], c.paths = t, append(c.paths, path)
	}
	switch v {
	case verdict.Compatible:
		t.holds++
	case verdict.Incompatible:
		t.fails++
	}
}

// add counts one node.
func (c *termCounts) add(sets []report.Set, of *spec.Spec) {
	for i, set := range sets {
		at, rules := fmt.Sprintf("compatibilities[%d]", i), "rules"
		if of.Sets[i].AnyRule {
			at, rules = "spec", "featureGroupRules"
		}
		c.count(at, set.Verdict)
		for j, rule := range set.Rules {
			at := fmt.Sprintf("%s.%s[%d]", at, rules, j)
			c.terms(at, rule.Terms)
			for k, alternative := range rule.MatchAny {
				c.terms(fmt.Sprintf("%s.matchAny[%d]", at, k), alternative.Terms)
			}
		}
	}
}

func (c *termCounts) terms(at string, terms []nodefeatures.Term) {
	for i, term := range terms {
		c.count(fmt.Sprintf("%s.matchFeatures[%d]", at, i), term.Verdict)
	}
}

// problems are the warnings about what all nodes answer alike.
func (c *termCounts) problems(places spec.Locator, nodes int) spec.Problems {
	var problems spec.Problems
	warn := func(path, code, message, hint string) {
		line, column, _ := places.Place(path)
		problems = append(problems, spec.Problem{
			Severity: verdict.SeverityWarning, Code: code, Path: path, Line: max(line, 1), Column: max(column, 1), Message: message, Hint: hint,
		})
	}
	for _, path := range c.paths {
		isTerm := strings.Contains(path, "matchFeatures")
		switch t := c.tallies[path]; {
		case nodes == 0:
		case t.fails == nodes && isTerm:
			warn(path, report.CodeNoNodeMatches, fmt.Sprintf("none of the %d nodes meets this", nodes), "")
		case t.fails == nodes:
			warn(path, report.CodeNoNodeMatches, fmt.Sprintf("none of the %d nodes meets this set", nodes), "")
		case t.holds == nodes && isTerm:
			warn(path, report.CodeEveryNodeMatches, fmt.Sprintf("each of the %d nodes meets this: here it tells none from another", nodes), "leave it out only if no other nodes will ever run the image")
		}
	}
	return problems
}
