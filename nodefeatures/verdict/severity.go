package verdict

import "slices"

// A Severity says how grave a problem or a finding is.
type Severity string

// The severities, the gravest first.
const (
	SeverityError   Severity = "error"   // it is refused, or something will not start
	SeverityWarning Severity = "warning" // it is hardly what the author meant, or will go wrong later
	SeverityInfo    Severity = "info"
)

// AtLeast reports whether a severity is as grave as another one, or graver. What is no
// severity is less grave than all.
func (s Severity) AtLeast(other Severity) bool {
	order := []Severity{SeverityInfo, SeverityWarning, SeverityError}
	return slices.Index(order, s) >= slices.Index(order, other)
}
