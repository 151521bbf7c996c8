package nodefeatures

import "runtime"

// A NeedsLinuxError says that this machine cannot be looked at, because it does not run Linux.
type NeedsLinuxError struct{}

func (*NeedsLinuxError) Error() string {
	return "this machine (" + runtime.GOOS + ") cannot be looked at: features are detected on Linux only"
}

// Code is the stable code of the error.
func (*NeedsLinuxError) Code() string { return ReasonNeedsLinux }

// Retryable is false: no other run here succeeds.
func (*NeedsLinuxError) Retryable() bool { return false }

// Hint says what to do instead.
func (*NeedsLinuxError) Hint() string {
	return "save a node with `compat features` on it; `compat validate-node --features FILE` judges that"
}
