// Package cluster gathers what a cluster's API server, or files saved from it, say about its nodes,
// and tells which of them the scheduler considers for a Pod. It decides nothing about features.
package cluster
