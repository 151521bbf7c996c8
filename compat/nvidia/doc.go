// Package nvidia reads what the environment of an image demands of NVIDIA's driver and GPUs, as
// NVIDIA's container toolkit reads it, and compares that with what is known of a node. It does no
// I/O.
package nvidia
