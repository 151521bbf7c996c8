package report

import "nodecompat/nodefeatures/verdict"

// KindNodeReportList names the document of validate-node about several nodes.
const KindNodeReportList = "NodeReportList"

// A NodeReportList holds the reports on several saved nodes.
type NodeReportList struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the list was made, RFC 3339 in UTC; SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Verdict is that of all nodes, or of the best of them if that was asked for.
	Verdict verdict.Verdict `json:"verdict"`
	// Summary counts the nodes by verdict and reason.
	Summary Summary `json:"summary"`
	// Items has a report for each node, in the order of the files.
	Items []*NodeReport `json:"items"`
}

// A Summary counts nodes.
type Summary struct {
	Nodes        int `json:"nodes"`
	Compatible   int `json:"compatible"`
	Incompatible int `json:"incompatible"`
	Unknown      int `json:"unknown"`
	// Reasons counts the nodes that are not compatible by their first reason, the
	// most frequent first.
	Reasons []ReasonCount `json:"reasons"`
	// Groups has all nodes, by verdict (incompatible, unknown, compatible) and
	// reasons, the biggest group first. What was found makes no group of its own.
	Groups []NodeGroup `json:"groups"`
}

// A ReasonCount says how many nodes have the same first reason.
type ReasonCount struct {
	Verdict verdict.Verdict `json:"verdict"`
	Code    string          `json:"code"`
	Nodes   int             `json:"nodes"`
	// Node is the first of them, Message what its report says.
	Node    string `json:"node"`
	Message string `json:"message"`
}

// A NodeGroup is nodes that have the same verdict for the same reasons, whatever
// was found on each of them.
type NodeGroup struct {
	Verdict verdict.Verdict `json:"verdict"`
	// Nodes is how many they are, and Names are all of them: the file of a node
	// that has no name.
	Nodes int      `json:"nodes"`
	Names []string `json:"names"`
	// OnlyThis is how many of the nodes would be compatible if just one of the
	// reasons were gone; the others fail by more than the reasons name. Absent
	// where the nodes are compatible.
	OnlyThis *int `json:"onlyThis,omitempty"`
	// Reasons say why, most decisive first.
	Reasons []GroupReason `json:"reasons"`
}

// A GroupReason is a reason that the nodes of a group share.
type GroupReason struct {
	Code string `json:"code"`
	// Message says what was wanted, without what was found.
	Message string `json:"message"`
	// Hint is there if it is the same on all of the nodes.
	Hint string `json:"hint,omitempty"`
	// OnlyThis is how many of the nodes would be compatible if just this reason
	// were gone. Absent where the nodes are compatible.
	OnlyThis *int `json:"onlyThis,omitempty"`
	// Found counts the nodes by what they have instead, the most frequent first.
	// Empty where the message says all.
	Found []FoundCount `json:"found"`
	// FoundOther counts the nodes that have something else: of different values at
	// most 100 are told apart.
	FoundOther int `json:"foundOther,omitempty"`
}

// A FoundCount is how many nodes have a value.
type FoundCount struct {
	Value string `json:"value"`
	Nodes int    `json:"nodes"`
}

// VerdictOrder is how groups are listed: what is wrong first.
var VerdictOrder = []verdict.Verdict{verdict.Incompatible, verdict.Unknown, verdict.Compatible}
