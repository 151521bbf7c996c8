package spec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	semver "github.com/Masterminds/semver/v3"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// numbersOfVersion is how many numbers of a version are compared: major, minor, patch.
const numbersOfVersion = 3

// maxPatternNumber bounds the numbers of what a pattern is made for.
const maxPatternNumber = 1_000_000_000_000

// anyRest is what may follow the numbers of a version that compat compares.
const anyRest = `([-+_~. ]|$)`

// noVersion holds for nothing: no version lies between the bounds.
const noVersion = `^$.`

// errNoPattern says that an expression does not compare versions.
var errNoPattern = errors.New("it compares no versions")

// VersionPattern is a regular expression that holds for a value just where compat says that an
// expression of `type: version` does: also for values that NFD cannot read as a version, of which the
// leading numbers are compared (5.14.0-427.el9_4.x86_64). The error says which operand is no version.
func VersionPattern(e *nfdv1alpha1.MatchExpression) (string, error) {
	operands := make([][]uint64, len(e.Value))
	for i, text := range e.Value {
		v, err := semver.NewVersion(text)
		if err != nil {
			return "", fmt.Errorf("reading the version %.100q: %w", text, err)
		}
		if max(v.Major(), v.Minor(), v.Patch()) > maxPatternNumber {
			return "", fmt.Errorf("reading the version %.100q: its numbers are larger than %d", text, maxPatternNumber)
		}
		operands[i] = []uint64{v.Major(), v.Minor(), v.Patch()}
	}
	least, below, err := bounds(e.Op, operands)
	if err != nil {
		return "", err
	}
	if below != nil && (zeros(below) || slices.Compare(least, below) >= 0) {
		return noVersion, nil
	}
	return strings.Join(versionAlternatives(`^v?`, least, below, 0), "|"), nil
}

// bounds are the least version that an operator takes, and the first behind it that it does not; nil
// where there is none.
func bounds(op nfdv1alpha1.MatchOp, v [][]uint64) (least, below []uint64, err error) {
	next := func(v []uint64) []uint64 { return []uint64{v[0], v[1], v[2] + 1} }
	want := 1
	if op == nfdv1alpha1.MatchGtLt || op == nfdv1alpha1.MatchGeLe {
		want = 2
	}
	if len(v) != want {
		return nil, nil, errNoPattern
	}
	switch op {
	case nfdv1alpha1.MatchGe:
		return v[0], nil, nil
	case nfdv1alpha1.MatchGt:
		return next(v[0]), nil, nil
	case nfdv1alpha1.MatchLt:
		return nil, v[0], nil
	case nfdv1alpha1.MatchLe:
		return nil, next(v[0]), nil
	case nfdv1alpha1.MatchGtLt:
		return next(v[0]), v[1], nil
	case nfdv1alpha1.MatchGeLe:
		return v[0], next(v[1]), nil
	}
	return nil, nil, errNoPattern
}

// versionAlternatives are patterns, which begin with a prefix, for the numbers of a version from the
// given one on that are at least the least and below the bound.
func versionAlternatives(prefix string, least, below []uint64, number int) []string {
	if below == nil && zeros(least) {
		return []string{prefix + missing(number) + anyRest}
	}
	if number == numbersOfVersion {
		if below != nil { // they are those of the bound
			return nil
		}
		return []string{prefix + anyRest}
	}
	var alternatives []string
	if number > 0 && zeros(least) && !zeros(below) {
		alternatives = append(alternatives, prefix+noNumber)
	}
	if number > 0 {
		prefix += `\.`
	}
	from, to := uint64(0), int64(-1)
	if least != nil {
		from = least[0]
	}
	if below != nil {
		to = int64(below[0])
	}
	if least != nil && !zeros(least[1:]) {
		var same []uint64
		if to == int64(from) {
			same = below[1:]
		}
		alternatives = append(alternatives, versionAlternatives(prefix+"0*"+strconv.FormatUint(from, 10), least[1:], same, number+1)...)
		if same != nil {
			return alternatives
		}
		from++
	}
	if to < 0 || int64(from) < to {
		last := int64(-1)
		if to >= 0 {
			last = to - 1
		}
		alternatives = append(alternatives, prefix+"0*("+numbersBetween(from, last)+")"+anyRest)
	}
	if to >= int64(from) {
		alternatives = append(alternatives, versionAlternatives(prefix+"0*"+strconv.FormatInt(to, 10), nil, below[1:], number+1)...)
	}
	return alternatives
}

// noNumber follows the last number of a version that has fewer than three.
const noNumber = `([-+_~ ]|\.([^0-9]|$)|$)`

// missing is nothing, but before the first number, which there must be.
func missing(number int) string {
	if number == 0 {
		return "[0-9]+"
	}
	return ""
}

func zeros(numbers []uint64) bool {
	return !slices.ContainsFunc(numbers, func(n uint64) bool { return n != 0 })
}

// numbersBetween is a regular expression for the decimal numbers from one to another, without leading
// zeros; a negative last one is no bound.
func numbersBetween(first uint64, last int64) string {
	var alternatives []string
	end, longer := uint64(max(last, 0)), ""
	if last < 0 {
		size := len(strconv.FormatUint(first, 10))
		end, longer = power(size)-1, "[1-9]"+anyDigits(size-1)+"[0-9]+"
	}
	for from := first; from <= end; {
		digits := 0 // at the end that are free
		for from > 0 && from%power(digits+1) == 0 && from+power(digits+1)-1 <= end {
			digits++
		}
		digit := byte(from / power(digits) % 10)
		top := digit
		for top < 9 && from+uint64(top-digit+2)*power(digits)-1 <= end {
			top++
		}
		head := ""
		if from >= power(digits+1) {
			head = strconv.FormatUint(from/power(digits+1), 10)
		}
		alternatives = append(alternatives, head+digitRange('0'+digit, '0'+top)+anyDigits(digits))
		from += uint64(top-digit+1) * power(digits)
	}
	if longer != "" {
		alternatives = append(alternatives, longer)
	}
	return strings.Join(alternatives, "|")
}

func power(digits int) uint64 {
	p := uint64(1)
	for range digits {
		p *= 10
	}
	return p
}

// NumberPattern is a regular expression that holds for a value just where NFD says that an expression
// on integers does; NFD fails on a value that is none. The error says which operand is none.
func NumberPattern(e *nfdv1alpha1.MatchExpression) (string, error) {
	operands := make([]int64, len(e.Value))
	for i, text := range e.Value {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", fmt.Errorf("reading the number %.100q: %w", text, err)
		}
		if max(n, -n) > maxPatternNumber {
			return "", fmt.Errorf("reading the number %.100q: it is larger than %d", text, maxPatternNumber)
		}
		operands[i] = n
	}
	first, last := int64(-maxPatternNumber), int64(maxPatternNumber)
	open := [2]bool{true, true}
	switch {
	case len(operands) == 1 && (e.Op == nfdv1alpha1.MatchGe || e.Op == nfdv1alpha1.MatchGt):
		first, open[0] = operands[0], false
	case len(operands) == 1 && (e.Op == nfdv1alpha1.MatchLe || e.Op == nfdv1alpha1.MatchLt):
		last, open[1] = operands[0], false
	case len(operands) == 2 && operands[0] < operands[1] && (e.Op == nfdv1alpha1.MatchGeLe || e.Op == nfdv1alpha1.MatchGtLt):
		first, last, open = operands[0], operands[1], [2]bool{}
	default:
		return "", errNoPattern
	}
	switch e.Op {
	case nfdv1alpha1.MatchGt:
		first++
	case nfdv1alpha1.MatchLt:
		last--
	case nfdv1alpha1.MatchGtLt:
		first++
		last--
	}
	return numberAlternatives(first, last, open), nil
}

// numberAlternatives are the integers from one to another, but for a bound that is open.
func numberAlternatives(first, last int64, open [2]bool) string {
	var alternatives []string
	if last >= 0 {
		most := last
		if open[1] {
			most = -1
		}
		alternatives = append(alternatives, `^\+?0*(`+numbersBetween(uint64(max(first, 0)), most)+`)$`)
		if first <= 0 {
			alternatives = append(alternatives, `^-0+$`)
		}
	}
	if first < 0 {
		most := -first
		if open[0] {
			most = -1
		}
		alternatives = append(alternatives, `^-0*(`+numbersBetween(uint64(max(1, -last)), most)+`)$`)
	}
	if first > last {
		return noVersion
	}
	return strings.Join(alternatives, "|")
}
