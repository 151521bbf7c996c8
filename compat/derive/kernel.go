package derive

import (
	"fmt"
	"strconv"
	"strings"
)

// A kernelVersion is the first two numbers of a kernel's.
type kernelVersion struct{ major, minor int }

func (v kernelVersion) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v kernelVersion) less(o kernelVersion) bool {
	return v.major < o.major || v.major == o.major && v.minor < o.minor
}

// atLeast is the expression on kernel.version.full that holds from a version on. It is the one that
// NFD evaluates rightly on every distribution: `type: version` fails on the underscore in the
// releases of RHEL, Amazon Linux and Oracle, and there are no major and minor where NFD's pattern
// does not fit (Debian 13, WSL2).
func (v kernelVersion) atLeast() Expression {
	return Expression{Element: "full", Op: "InRegexp", Value: []string{v.pattern()}}
}

// pattern is a regular expression for releases from the version on.
func (v kernelVersion) pattern() string {
	return fmt.Sprintf(`^(%s)\.|^%d\.(%s)([._-]|$)`, numbersFrom(v.major+1), v.major, numbersFrom(v.minor))
}

// numbersFrom is a regular expression for the decimal numbers from n on, without leading zeros.
func numbersFrom(n int) string {
	digits := strconv.Itoa(n)
	alternatives := []string{digits}
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] == '9' {
			continue
		}
		next := digits[:i] + atLeastDigit(digits[i]+1)
		alternatives = append(alternatives, next+strings.Repeat("[0-9]", len(digits)-1-i))
	}
	return strings.Join(append(alternatives, "[1-9]"+strings.Repeat("[0-9]", len(digits)-1)+"[0-9]+"), "|")
}

func atLeastDigit(digit byte) string {
	if digit == '9' {
		return "9"
	}
	return "[" + string(digit) + "-9]"
}

// defaults are the oldest kernels of glibc's ABI tag by architecture: what configure.ac has. Only a
// later one says something about the distribution.
// https://sourceware.org/git/?p=glibc.git;a=blob;f=configure.ac;hb=refs/tags/glibc-2.41
var defaultKernels = map[string]kernelVersion{
	"arm64": {3, 7}, "ppc64le": {3, 10}, "riscv64": {4, 15}, "loong64": {5, 19},
}

// defaultKernel is 3.2 but where an architecture came later.
func defaultKernel(architecture string) kernelVersion {
	if v, ok := defaultKernels[architecture]; ok {
		return v
	}
	return kernelVersion{3, 2}
}
