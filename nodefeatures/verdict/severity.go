package verdict

// A Severity says how grave a problem or a finding is.
type Severity string

// The severities, the gravest first.
const (
	SeverityError   Severity = "error"   // it is refused, or something will not start
	SeverityWarning Severity = "warning" // it is hardly what the author meant, or will go wrong later
	SeverityInfo    Severity = "info"
)
