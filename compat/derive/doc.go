// Package derive reads a container image and drafts what it asks of the nodes that run it: a
// compatibility spec with its evidence.
//
// The layers are streamed, from the base to the top, and nothing is unpacked, executed or kept but
// what may be evidence ([filesystem]). What the entrypoint reaches counts more than what lies about
// (start.go). Evidence becomes needs in decide.go, and these a commented spec in draft.go.
//
// An image is hostile: everything is bounded by the constants in limits.go, and goes by a context.
package derive
