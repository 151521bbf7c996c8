package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// Exit codes, the same in every output format. No verdict uses 1 or 2, which
// wrappers such as ssh, kubectl exec and timeout return as well.
const (
	exitOK           = 0 // compatible; done
	exitFailure      = 1 // failure: registry, network, authentication, malformed artifact, timeout, interrupt
	exitUsage        = 2 // usage error
	exitIncompatible = 3 // incompatible; lint found errors
	exitUnknown      = 4 // unknown: no artifact, or facts missing
)

// An exitError ends the program with a code after everything was printed.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitWith is nil for code 0.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code}
}

// A usageError is a mistake on the command line: exit code 2, nothing on
// standard output.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// ranError marks what a command's own code returned. What is not marked came
// from cobra before any of it ran, and is a usage error: cobra's errors for
// unknown commands, arguments and missing required flags have no type.
type ranError struct{ err error }

func (e *ranError) Error() string { return e.err.Error() }
func (e *ranError) Unwrap() error { return e.err }

// verdictCode is the exit code of a report.
func verdictCode(v verdict.Verdict, failed bool) int {
	switch {
	case v == verdict.Incompatible:
		return exitIncompatible
	case failed:
		return exitFailure
	case v == verdict.Compatible:
		return exitOK
	default:
		return exitUnknown
	}
}

// documentCode is the exit code of the run that made a report.
func documentCode(document any) int {
	switch d := document.(type) {
	case *report.NodeReport:
		return verdictCode(d.Verdict, d.Error != nil)
	case *report.NodeReportList:
		return verdictCode(d.Verdict, documentError(d) != nil)
	case *report.PodReport:
		return verdictCode(exitVerdict(d), d.Error != nil)
	case *report.ClusterReport:
		return verdictCode(d.Verdict, d.Error != nil)
	case *report.PlaceReport:
		return verdictCode(d.Verdict, false) // what the cluster does not tell is unknown
	case *report.SnapshotReport:
		if d.Complete() {
			return exitOK
		}
	}
	return exitFailure
}

// exitVerdict is the verdict that the exit code tells: --fail-on makes it incompatible,
// unless something failed.
func exitVerdict(r *report.PodReport) verdict.Verdict {
	if r.Error == nil && r.FailsOn() {
		return verdict.Incompatible
	}
	return r.Verdict
}

// documentError is the first error of a report; nil if there is none.
func documentError(document any) *report.Error {
	switch d := document.(type) {
	case *report.NodeReport:
		return d.Error
	case *report.PodReport:
		return d.Error
	case *report.ClusterReport:
		return d.Error
	case *report.NodeReportList:
		for _, r := range d.Items {
			if r.Error != nil {
				return r.Error
			}
		}
	}
	return nil
}

// finish prints what err has to say to a person and returns the exit code.
func (p process) finish(command string, err error) int {
	var (
		exit  *exitError
		usage *usageError
		ran   *ranError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &usage), !errors.As(err, &ran):
		p.complain(err)
		fmt.Fprintf(p.err, "compat: see `%s --help`\n", command)
		return exitUsage
	default:
		p.complain(err)
		return errorExit(err)
	}
}

// errorExit is the exit code of what went wrong in a command.
func errorExit(err error) int {
	var malformed *compat.MalformedSpecError
	var noDraft *compat.NoDraftError
	switch {
	case errors.Is(err, artifact.ErrNoArtifact), errors.As(err, new(*artifact.TooManyError)), errors.As(err, new(*compat.IndexUnreadError)):
		return exitUnknown
	case errors.As(err, &malformed):
		return exitIncompatible // as lint says it
	case errors.As(err, &noDraft), compat.CannotPlace(err):
		return exitIncompatible
	default:
		return exitFailure
	}
}

// complain prints an error and, on a second line, what to do about it.
func (p process) complain(err error) { p.explain(describe(err)) }

func (p process) explain(e *report.Error) {
	fmt.Fprintf(p.err, "compat: %s\n", onlyPrintable(e.Message))
	if e.Hint != "" {
		fmt.Fprintf(p.err, "compat: hint: %s\n", onlyPrintable(e.Hint))
	}
}

// onlyPrintable keeps the lines of a message, and nothing else that is not
// printable: what a registry or a file says can be in it.
func onlyPrintable(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = output.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// describe is compat.NewError with a hint for the errors that the command line
// can do something about.
func describe(err error) *report.Error {
	e := report.NewError(err)
	var short *artifact.ShortNameError
	var reference *artifact.ReferenceError
	switch {
	case errors.As(err, &short):
		full := short.Full
		if short.MayBeHost {
			full = "HOST[:PORT]/REPOSITORY[:TAG]"
		}
		e.Hint = cmp.Or(fileHint(short.Name), "give the full name: "+full)
	case errors.As(err, &reference) && reference.Reference != "" && !reference.Layout:
		e.Hint = fileHint(reference.Reference)
	}
	addHint(e)
	return e
}

// fileHint says how a file or directory is given that stands where an image should; "" if there
// is none of that name.
func fileHint(name string) string {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return name + " is a file here: `compat validate-node --spec FILE` judges a spec, `compat validate-pod FILE` and " +
			"`compat validate-cluster -f FILE` judge workloads; `--features FILE` takes a snapshot"
	}
	dir, _, _ := strings.Cut(strings.SplitN(name, "@", 2)[0], ":")
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err == nil {
		return dir + " is an OCI image layout here: give --oci-layout"
	}
	return ""
}

// addHint says how to go on, where the error itself does not.
func addHint(e *report.Error) {
	if e.Hint == "" {
		e.Hint = report.ErrorRemedy(e.Code)
	}
}
