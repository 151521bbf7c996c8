package spec

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A KernelVersion is the first numbers of a kernel's release; the third is 0 where the release has
// none, or where it does not count.
type KernelVersion struct{ Major, Minor, Patch int }

// maxKernelNumber bounds the numbers of a kernel's version: no kernel has a larger one.
const maxKernelNumber = 1_000_000

// ParseKernelVersion reads the numbers that a release such as 6.1.0-28-amd64 begins with. It is not
// ok without a major and a minor one.
func ParseKernelVersion(release string) (v KernelVersion, ok bool) {
	numbers := [3]int{}
	for i := range numbers {
		end := strings.IndexFunc(release, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(release)
		}
		n, err := strconv.Atoi(release[:end])
		if err != nil || n > maxKernelNumber {
			return KernelVersion{numbers[0], numbers[1], 0}, i == 2
		}
		numbers[i] = n
		if release = release[end:]; !strings.HasPrefix(release, ".") {
			return KernelVersion{numbers[0], numbers[1], numbers[2]}, i > 0
		}
		release = release[1:]
	}
	return KernelVersion{numbers[0], numbers[1], numbers[2]}, true
}

func (v KernelVersion) String() string {
	if v.Patch > 0 {
		return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// Compare is negative where v comes before o, positive where it comes after.
func (v KernelVersion) Compare(o KernelVersion) int {
	return cmp.Or(cmp.Compare(v.Major, o.Major), cmp.Compare(v.Minor, o.Minor), cmp.Compare(v.Patch, o.Patch))
}

// AtLeast is a regular expression for the element full of kernel.version, which holds from a version
// on. It is what NFD evaluates rightly on every distribution: `type: version` fails on the underscore
// in the releases of RHEL, Amazon Linux and Oracle, and there are no major and minor where NFD's
// pattern does not fit (Debian 13, WSL2).
func (v KernelVersion) AtLeast() string {
	later := fmt.Sprintf(`^(%s)\.`, numbersFrom(v.Major+1))
	if v.Patch == 0 {
		return later + fmt.Sprintf(`|^%d\.(%s)([._-]|$)`, v.Major, numbersFrom(v.Minor))
	}
	return later + fmt.Sprintf(`|^%[1]d\.(%[2]s)([._-]|$)|^%[1]d\.%[3]d\.(%[4]s)([._-]|$)`,
		v.Major, numbersFrom(v.Minor+1), v.Minor, numbersFrom(v.Patch))
}

// AtMost is such a regular expression for the releases of a version, whatever their third number is,
// and all before it.
func (v KernelVersion) AtMost() string {
	same := fmt.Sprintf(`^%d\.(%s)([._-]|$)`, v.Major, numbersTo(v.Minor))
	if v.Major == 0 {
		return same
	}
	return fmt.Sprintf(`^(%s)\.|`, numbersTo(v.Major-1)) + same
}

// numbersFrom is a regular expression for the decimal numbers from n on, without leading zeros.
func numbersFrom(n int) string {
	digits := strconv.Itoa(n)
	alternatives := []string{digits}
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] == '9' {
			continue
		}
		alternatives = append(alternatives, digits[:i]+digitRange(digits[i]+1, '9')+anyDigits(len(digits)-1-i))
	}
	return strings.Join(append(alternatives, "[1-9]"+anyDigits(len(digits)-1)+"[0-9]+"), "|")
}

// numbersTo is a regular expression for the decimal numbers up to n, without leading zeros.
func numbersTo(n int) string {
	digits := strconv.Itoa(n)
	alternatives := []string{digits}
	for i := len(digits) - 1; i >= 0; i-- {
		lowest := byte('0')
		if i == 0 && len(digits) > 1 {
			lowest = '1'
		}
		if digits[i] > lowest {
			alternatives = append(alternatives, digits[:i]+digitRange(lowest, digits[i]-1)+anyDigits(len(digits)-1-i))
		}
	}
	for length := len(digits) - 1; length > 1; length-- {
		alternatives = append(alternatives, "[1-9]"+anyDigits(length-1))
	}
	if len(digits) > 1 {
		alternatives = append(alternatives, "[0-9]")
	}
	return strings.Join(alternatives, "|")
}

func digitRange(from, to byte) string {
	if from == to {
		return string(from)
	}
	return "[" + string(from) + "-" + string(to) + "]"
}

func anyDigits(n int) string { return strings.Repeat("[0-9]", n) }
