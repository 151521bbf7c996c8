package report

import (
	"time"

	"nodecompat/nodefeatures/verdict"
)

// KindPlaceReport names the document of `compat place --check`.
const KindPlaceReport = "PlaceReport"

// A PlaceReport is the answer of `compat place --check`: does the cluster have the rules that place these
// workloads, and do nodes carry the labels?
type PlaceReport struct {
	// APIVersion is "compat/v1alpha1", Kind is "PlaceReport".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the report was made, RFC 3339 in UTC; SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Verdict is compatible if all rules are there and nfd-master has set each label on some node,
	// incompatible if one is missing or has other rules, else unknown.
	Verdict verdict.Verdict `json:"verdict"`
	// Reasons says why, most decisive first.
	Reasons []verdict.Reason `json:"reasons"`
	// Server is the URL of the API server.
	Server string `json:"server"`
	// Rules are the NodeFeatureRule objects, sorted by name; behind them those of labels that the
	// workloads ask for already, and no spec.
	Rules []PlacedRule `json:"rules"`
	// Warnings are things that did not decide but should be looked at.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why there is no answer, or not to all of it.
	Error *Error `json:"error,omitempty"`
}

// A PlacedRule is a NodeFeatureRule object and the nodes that carry its label.
type PlacedRule struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	// State says what the cluster has.
	State RuleState `json:"state"`
	// Nodes is on how many nodes nfd-master has set the label; absent where that could not be read.
	Nodes *int `json:"nodes,omitempty"`
	// Others is how many more carry it, from a person or another program; left out where none does.
	Others int `json:"others,omitempty"`
}

// A RuleState says whether a cluster has an object as it should be.
type RuleState string

// The states.
const (
	RuleEqual   RuleState = "equal"
	RuleMissing RuleState = "missing"
	RuleDiffers RuleState = "differs"
	// RulePresent is that of a rule that gives a label of an earlier run: nobody says what it should be.
	RulePresent RuleState = "present"
	RuleUnknown RuleState = "unknown"
)

// RuleStates are all of them.
var RuleStates = []RuleState{RuleEqual, RuleMissing, RuleDiffers, RulePresent, RuleUnknown}

// NewPlaceReport returns a report without an answer, for err if there is one.
func NewPlaceReport(now time.Time, err error) *PlaceReport {
	r := &PlaceReport{
		APIVersion: APIVersion, Kind: KindPlaceReport, Created: now.UTC().Format(time.RFC3339), Verdict: verdict.Unknown,
		Reasons: []verdict.Reason{}, Rules: []PlacedRule{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
	if r.Error != nil {
		r.Reasons = append(r.Reasons, r.Error.Reason())
	}
	return r
}
