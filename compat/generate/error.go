package generate

// The codes of the reasons for which there is no draft.
const (
	CodeNothingInCommon = "nothingInCommon"
	CodeNotToldApart    = "notToldApart"
)

// A NoDraftError says why no spec can be drafted from the nodes: they have nothing in common that a
// spec could ask for, or one that must be refused has all of it.
type NoDraftError struct{ code, message, hint string }

func (e *NoDraftError) Error() string { return e.message }

// Code is the stable code in reports.
func (e *NoDraftError) Code() string { return e.code }

// Retryable is false: the same nodes give the same answer.
func (*NoDraftError) Retryable() bool { return false }

// Hint says how to go on.
func (e *NoDraftError) Hint() string { return e.hint }
