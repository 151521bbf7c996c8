package verdict

import "testing"

// TestKleene goes through the truth tables of AND and OR with three values
// (https://en.wikipedia.org/wiki/Three-valued_logic#Kleene_and_Priest_logics).
func TestKleene(t *testing.T) {
	values := []Verdict{Incompatible, Unknown, Compatible} // AND is the least, OR the greatest
	for i, a := range values {
		for j, b := range values {
			if got, want := All(a, b), values[min(i, j)]; got != want {
				t.Errorf("All(%s, %s) is %s, want %s", a, b, got, want)
			}
			if got, want := Any(a, b), values[max(i, j)]; got != want {
				t.Errorf("Any(%s, %s) is %s, want %s", a, b, got, want)
			}
		}
		if All(a) != a || Any(a) != a {
			t.Errorf("of %s alone: %s, %s", a, All(a), Any(a))
		}
	}
	if All() != Unknown || Any() != Unknown {
		t.Errorf("of nothing: %s, %s", All(), Any())
	}
}

func TestSeverityAtLeast(t *testing.T) {
	order := []Severity{"odd", SeverityInfo, SeverityWarning, SeverityError}
	for i, a := range order {
		for j, b := range order {
			if got := a.AtLeast(b); got != (i >= j) {
				t.Errorf("%s is at least as grave as %s: %v", a, b, got)
			}
		}
	}
}
