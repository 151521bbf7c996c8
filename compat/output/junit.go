package output

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// The elements of JUnit's XML, as far as pipelines read them. There are no times.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		ClassName string       `xml:"classname,attr"`
		File      string       `xml:"file,attr,omitempty"`
		Failure   *junitReason `xml:"failure,omitempty"`
		Error     *junitReason `xml:"error,omitempty"`
		Skipped   *junitReason `xml:"skipped,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// A junitWriter collects test cases.
type junitWriter struct {
	suite junitSuite
	names map[[2]string]int // of classes and cases: how many there are
	ids   []string          // of findings
}

// writeJUnit prints a test case for each Pod, failed when it is incompatible or --fail-on
// says so, an error when it is unknown; one for each problem of a file that is an error, or
// that --fail-on names; and one, skipped, for each finding that is suppressed.
func writeJUnit(w io.Writer, r *report.PodReport) error {
	j := newJUnitWriter("compat validate-pod")
	for i := range r.Pods {
		j.pod(&r.Pods[i])
	}
	failing := failingProblems(r)
	for _, problem := range r.Problems {
		if problem.Severity == verdict.SeverityError || failing[report.ProblemTitle(problem)] {
			j.problem(problem)
		}
	}
	j.failure(r)
	return j.write(w)
}

func newJUnitWriter(suite string) *junitWriter {
	return &junitWriter{suite: junitSuite{Name: suite}, names: map[[2]string]int{}, ids: sidecar.FindingIDs()}
}

// write prints what was collected.
func (j *junitWriter) write(w io.Writer) error {
	var document bytes.Buffer
	document.WriteString(xml.Header)
	encoder := xml.NewEncoder(&document)
	encoder.Indent("", "  ")
	if err := encoder.Encode(j.suite); err != nil {
		return err
	}
	document.WriteByte('\n')
	_, err := w.Write(document.Bytes())
	return err
}

// add counts a test case, and gives it a name that no other one has.
func (j *junitWriter) add(test junitCase) {
	test.ClassName = Printable(test.ClassName)
	test.Name, test.File = j.unique(test.ClassName, cmp.Or(Printable(test.Name), "unknown")), Printable(test.File)
	for _, reason := range []*junitReason{test.Failure, test.Error, test.Skipped} {
		if reason != nil {
			reason.Message, reason.Text = Printable(reason.Message), printableLines(reason.Text)
		}
	}
	j.suite.Tests++
	switch {
	case test.Failure != nil:
		j.suite.Failures++
	case test.Error != nil:
		j.suite.Errors++
	case test.Skipped != nil:
		j.suite.Skipped++
	}
	j.suite.Cases = append(j.suite.Cases, test)
}

func (j *junitWriter) unique(class, name string) string {
	key := [2]string{class, name}
	free := name
	for n := max(j.names[key], 1); j.names[[2]string{class, free}] > 0; {
		n++
		free = name + " #" + strconv.Itoa(n)
		j.names[key] = n
	}
	j.names[[2]string{class, free}] = 1
	return free
}

func (j *junitWriter) pod(pod *report.Pod) {
	class := cmp.Or(pod.Source, report.FileTitle(pod.File))
	name := objectName(pod)
	test := junitCase{Name: name, ClassName: class, File: class}
	reason := &junitReason{Message: string(pod.Verdict), Text: j.why(pod)}
	switch {
	case pod.Verdict == verdict.Incompatible:
		test.Failure = reason
	case pod.Verdict != verdict.Compatible:
		test.Error = reason
	case slices.ContainsFunc(pod.Reasons, func(r verdict.Reason) bool { return r.Code == report.CodeFailOn }):
		reason.Message = report.CodeFailOn
		test.Failure = reason
	}
	j.add(test)
	for _, f := range pod.Findings {
		if f.Suppressed != nil {
			j.add(junitCase{
				Name: strings.TrimRight(name+" "+f.ID+" "+f.Container, " "), ClassName: class, File: class,
				Skipped: &junitReason{Message: "suppressed by " + suppressedBy(f.Suppressed), Text: findingLine(pod, f)},
			})
		}
	}
}

// why is what is wrong with a Pod, a line each.
func (j *junitWriter) why(pod *report.Pod) string {
	var lines []string
	for _, reason := range pod.Reasons {
		if !slices.Contains(j.ids, reason.Code) || hides(pod, reason) {
			lines = append(lines, reason.Code+": "+reason.Message)
		}
	}
	for _, f := range pod.Findings {
		if f.Suppressed == nil {
			lines = append(lines, findingLine(pod, f))
		}
	}
	return strings.Join(lines, "\n")
}

func findingLine(pod *report.Pod, f sidecar.PodFinding) string {
	return fmt.Sprintf("%s:%d: %s %s: %s", report.FileTitle(pod.File), f.Line, f.ID, f.Severity, f.Message)
}

// suppressedBy says to a person what suppresses a finding.
func suppressedBy(s *manifest.Suppression) string {
	what := "the comment"
	if s.Kind == manifest.SuppressedAnnotation {
		what = "the annotation"
	}
	return fmt.Sprintf("%s in line %d%s", what, s.Line, prefixed(": ", s.Justification))
}

func (j *junitWriter) problem(p manifest.Problem) {
	file := cmp.Or(p.Source, report.FileTitle(p.File))
	test := junitCase{Name: strings.TrimRight(string(p.Code)+" "+p.Path, " "), ClassName: file, File: file}
	reason := &junitReason{Message: string(p.Code), Text: report.ProblemTitle(p)}
	if p.Severity == verdict.SeverityError && !p.Code.Refused() {
		test.Error = reason
	} else {
		test.Failure = reason
	}
	j.add(test)
}

// failingProblems are the titles of the problems that --fail-on names.
func failingProblems(r *report.PodReport) map[string]bool {
	failing := map[string]bool{}
	for _, reason := range r.Reasons {
		if _, title, ok := strings.Cut(reason.Message, ": "); ok && reason.Code == report.CodeFailOn {
			failing[title] = true
		}
	}
	return failing
}

// toldElsewhere reports whether an error is that of an image, or of a document.
func toldElsewhere(r *report.PodReport, message string) bool {
	return slices.ContainsFunc(r.Images, func(i report.Image) bool { return i.Error != nil && i.Error.Message == message }) ||
		slices.ContainsFunc(r.Problems, func(p manifest.Problem) bool { return report.ProblemTitle(p) == message })
}

// failure adds a test case where nothing else says that there is no answer.
func (j *junitWriter) failure(r *report.PodReport) {
	test := junitCase{Name: "answer", ClassName: j.suite.Name}
	switch e := r.Error; {
	case e != nil && !toldElsewhere(r, e.Message):
		test.Error = &junitReason{Message: e.Code, Text: hinted(e.Message, e.Hint)}
	case e == nil && len(r.Pods) == 0:
		test.Error = &junitReason{Message: report.CodeNoPod, Text: r.NoPod().Message}
	default:
		return
	}
	j.add(test)
}
