package verdict

// A Verdict is the answer to "does this node have it?" at every level: an
// expression, a term, a rule, a set, an image, a whole report. Unknown is an
// answer of its own: a fact that could not be read is not an absent fact.
type Verdict string

// The three verdicts, as they are spelled in every output.
const (
	Compatible   Verdict = "compatible"
	Incompatible Verdict = "incompatible"
	Unknown      Verdict = "unknown"
)

// All is Kleene's AND: one incompatible decides, otherwise one unknown makes it
// unknown. Of nothing at all nothing can be said: All() is Unknown, so that no
// verdict is ever reached vacuously.
func All(verdicts ...Verdict) Verdict {
	return fold(Incompatible, Compatible, verdicts)
}

// Any is Kleene's OR: one compatible decides, otherwise one unknown makes it
// unknown. Any() is Unknown, like All().
func Any(verdicts ...Verdict) Verdict {
	return fold(Compatible, Incompatible, verdicts)
}

// fold returns decisive if it occurs, Unknown if that occurs, otherwise rest.
func fold(decisive, rest Verdict, verdicts []Verdict) Verdict {
	result := rest
	if len(verdicts) == 0 {
		result = Unknown
	}
	for _, v := range verdicts {
		switch v {
		case decisive:
			return decisive
		case rest:
		default:
			result = Unknown
		}
	}
	return result
}

// A Reason says why a verdict is what it is. Code is stable and meant for
// programs, Message is one line for people, and Hint, where there is one, says
// what to do about it.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}
