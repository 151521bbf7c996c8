// Package artifact finds, reads, attaches and removes the compatibility artifacts of a container
// image, in a registry or in an OCI image layout on disk.
//
// A reader calls [Open], then [Repository.Image], then [Image.InEffect]; an author calls
// [Repository.Attach], and [Repository.Discover] and [Repository.Detach] look after what is there.
// Everything that a server or a directory hands out is checked before it is believed: digests by
// the bytes themselves, sizes by the bounds in this package, the subject of an artifact against the
// image that was asked for.
//
// The package does not parse or judge specs (package spec does), prints and logs nothing above
// debug level, and reads no clock but the one that it is given.
package artifact
