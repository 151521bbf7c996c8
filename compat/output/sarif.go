package output

import (
	"cmp"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// The objects of SARIF 2.1.0, as far as they are used
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), with what GitHub's
// code scanning demands of them
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name          string            `json:"name"`
		Version       string            `json:"version,omitempty"`
		Rules         []sarifDescriptor `json:"rules"`
		Notifications []sarifDescriptor `json:"notifications"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Descriptor sarifReference  `json:"descriptor"`
		Level      string          `json:"level"`
		Message    sarifText       `json:"message"`
		Locations  []sarifLocation `json:"locations,omitempty"`
	}
	sarifReference struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions"` // of all results or of none
	}
	sarifSuppression struct {
		Kind          string        `json:"kind"`
		Justification string        `json:"justification,omitempty"`
		Location      sarifLocation `json:"location"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
)

// writeSARIF prints what is wrong as SARIF, which code hosts show beside the lines: findings,
// problems of the files, and reasons that are neither, as results; what was not looked at, and
// what failed, as notifications.
func writeSARIF(w io.Writer, r *report.PodReport, tool string) error {
	s := newSARIFWriter(r)
	s.failures()
	for i := range r.Pods {
		s.pod(&r.Pods[i])
	}
	for _, problem := range r.Problems {
		s.problem(problem)
	}
	for _, warning := range r.Warnings {
		s.note(warning.Code, verdict.SeverityWarning, warning.Message)
	}
	return s.write(w, tool)
}

// writeLintSARIF prints the problems of specs as SARIF.
func writeLintSARIF(w io.Writer, r *report.LintReport, tool string) error {
	s := newSARIFWriter(&report.PodReport{})
	s.specs = true
	for _, f := range r.Files {
		for _, p := range f.Problems {
			at := sarifPlace{file: f.File, line: p.Line, column: p.Column, path: p.Path}
			s.result(p.Code, p.Severity, hinted(p.Message, p.Hint), at, p.Path, p.Message)
		}
	}
	if r.Error != nil {
		s.failure(r.Error.Code, r.Error.Message, r.Error.Hint)
	}
	return s.write(w, tool)
}

func newSARIFWriter(r *report.PodReport) *sarifWriter {
	return &sarifWriter{report: r, notes: []sarifNotification{}, results: []sarifResult{}, failed: map[string]bool{}, fingerprints: map[string]int{}, codes: codesByName()}
}

// write prints what was collected.
func (s *sarifWriter) write(w io.Writer, tool string) error {
	rules := s.descriptors(len(s.results), func(i int) (*string, *int) { return &s.results[i].RuleID, &s.results[i].RuleIndex })
	notes := s.descriptors(len(s.notes), func(i int) (*string, *int) { return &s.notes[i].Descriptor.ID, &s.notes[i].Descriptor.Index })
	return writeDocument(w, FormatJSON, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:        sarifTool{sarifDriver{Name: "compat", Version: tool, Rules: rules, Notifications: notes}},
			Invocations: []sarifInvocation{{ExecutionSuccessful: len(s.failed) == 0, ToolExecutionNotifications: s.notes}},
			ColumnKind:  "unicodeCodePoints",
			Results:     s.results,
		}},
	})
}

// A sarifWriter collects results and notifications.
type sarifWriter struct {
	report       *report.PodReport
	specs        bool // the results are problems of specs
	codes        map[string][]report.Code
	results      []sarifResult
	notes        []sarifNotification
	failed       map[string]bool // messages of failures
	fingerprints map[string]int  // how often each was there so far
}

// A sarifPlace is a place in a file, and the template that the file was rendered from.
type sarifPlace struct {
	file, source string
	line, column int
	object       string // "Deployment default/web", "" for none
	container    string
	path         string
}

var sarifLevels = map[verdict.Severity]string{verdict.SeverityError: "error", verdict.SeverityWarning: "warning", verdict.SeverityInfo: "note"}

func sarifLevel(severity verdict.Severity) string { return cmp.Or(sarifLevels[severity], "warning") }

// severityOf is how grave a verdict is that is not compatible.
func severityOf(v verdict.Verdict) verdict.Severity {
	if v == verdict.Unknown {
		return verdict.SeverityWarning
	}
	return verdict.SeverityError
}

func (s *sarifWriter) result(id string, severity verdict.Severity, message string, at sarifPlace, identity ...string) *sarifResult {
	id = codeName(id)
	location, related := at.locations()
	s.results = append(s.results, sarifResult{
		RuleID: id, Level: sarifLevel(severity), Message: sarifText{Text: cmp.Or(printableLines(message), id)},
		Locations: []sarifLocation{location}, RelatedLocations: related,
		PartialFingerprints: s.fingerprint(id, at, identity), Suppressions: []sarifSuppression{},
	})
	return &s.results[len(s.results)-1]
}

func (s *sarifWriter) note(id string, severity verdict.Severity, message string, at ...sarifPlace) {
	id = codeName(id)
	note := sarifNotification{Descriptor: sarifReference{ID: id}, Level: sarifLevel(severity), Message: sarifText{Text: cmp.Or(printableLines(message), id)}}
	for _, place := range at {
		location, _ := place.locations()
		note.Locations = append(note.Locations, location)
	}
	s.notes = append(s.notes, note)
}

// pod adds the findings of a Pod, and the reasons that none of them and no problem tells.
func (s *sarifWriter) pod(pod *report.Pod) {
	at := sarifPlace{file: pod.File, source: pod.Source, line: pod.Line, object: objectName(pod)}
	for _, f := range pod.Findings {
		here := at
		here.line, here.column, here.container, here.path = f.Line, f.Column, f.Container, f.Path
		result := s.result(f.ID, f.Severity, f.Message+"\n"+f.Remedy, here, inContainer(f.Container, f.Path))
		if by := f.Suppressed; by != nil {
			there := at
			there.line, there.column, there.path = by.Line, by.Column, by.Path
			location, _ := there.locations()
			result.Suppressions = append(result.Suppressions, sarifSuppression{Kind: "inSource", Justification: Printable(by.Justification), Location: location})
		}
	}
	told := s.images(pod, at)
	helpers := waitedFor(pod.Plan.Steps)
	for _, reason := range pod.Reasons {
		here := at
		if reason.Code == report.CodeStartOrder && len(helpers) > 0 {
			here.line, here.container, here.path = helpers[0].Line, helpers[0].Container, helpers[0].Path
			helpers = helpers[1:]
		}
		switch {
		case told[reason.Message] || s.elsewhere(pod, reason):
		case s.isFailure(reason.Code):
			s.failure(reason.Code, reason.Message, reason.Hint)
		default:
			s.result(reason.Code, s.severity(pod, reason), withHint(reason), here, here.container)
		}
	}
}

// images adds why images are not compatible, and returns the reasons of the Pod that say the same. An
// image that could not be fetched is no result.
func (s *sarifWriter) images(pod *report.Pod, at sarifPlace) (told map[string]bool) {
	told = map[string]bool{}
	images := s.report.ImagesByReference()
	for _, used := range pod.Images {
		image := images[used.Reference]
		if image == nil || image.Verdict == verdict.Compatible {
			continue
		}
		at.line, at.column, at.container, at.path = used.Line, used.Column, used.Container, used.Path
		for _, reason := range image.Reasons {
			reason = used.Reason(reason)
			told[reason.Message] = true
			if image.Error == nil {
				s.result(reason.Code, severityOf(image.Verdict), withHint(reason), at, used.Container, used.Image)
			}
		}
	}
	return told
}

// waitedFor are the steps of which each is a reason of --require start-order.
func waitedFor(steps []sidecar.Step) []sidecar.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s sidecar.Step) bool {
		return s.Kind != sidecar.StepSidecar && s.Kind != sidecar.StepLegacy || s.Ready == sidecar.ReadyYes
	})
}

// elsewhere reports whether a reason is told by something else than a result of its own.
func (s *sarifWriter) elsewhere(pod *report.Pod, reason verdict.Reason) bool {
	return pod.Verdict == verdict.Compatible || reason.Code == report.CodeFailOn || tells(pod, reason, s.report)
}

// isFailure reports whether a code is that of an error, and nothing else.
func (s *sarifWriter) isFailure(code string) bool {
	meanings := s.codes[code]
	return len(meanings) > 0 && mainMeaning(meanings).Place == report.PlaceError
}

// severity is how grave a reason is that is about no image.
func (s *sarifWriter) severity(pod *report.Pod, reason verdict.Reason) verdict.Severity {
	if support := s.report.Sidecars; support != nil && string(support.Code) == reason.Code {
		return severityOf(support.Verdict())
	}
	return severityOf(pod.Verdict)
}

func (s *sarifWriter) problem(p manifest.Problem) {
	at := sarifPlace{file: p.File, source: p.Source, line: p.Line, column: p.Column, path: p.Path}
	if p.Code.LeftOut() {
		s.note(string(p.Code), p.Severity, p.Message, at)
		return
	}
	s.result(string(p.Code), p.Severity, p.Message, at, withoutItems(p.Path), p.Message)
}

// maxLocations is the number of places of a notification.
const maxLocations = 10

// failures adds what could not be found out at all.
func (s *sarifWriter) failures() {
	for i := range s.report.Images {
		if e := s.report.Images[i].Error; e != nil {
			s.failure(e.Code, e.Message, e.Hint, s.uses(s.report.Images[i].Reference)...)
		}
	}
	switch e := s.report.Error; {
	case e != nil:
		s.failure(e.Code, e.Message, e.Hint)
	case len(s.report.Pods) == 0:
		s.note(report.CodeNoPod, verdict.SeverityWarning, s.report.NoPod().Message)
	}
}

// failure adds one, once.
func (s *sarifWriter) failure(code, message, hint string, at ...sarifPlace) {
	if !s.failed[message] {
		s.failed[message] = true
		s.note(code, verdict.SeverityError, hinted(message, hint), at...)
	}
}

// uses are the places where an image is used.
func (s *sarifWriter) uses(reference string) []sarifPlace {
	var places []sarifPlace
	for i := range s.report.Pods {
		pod := &s.report.Pods[i]
		for _, used := range pod.Images {
			if used.Reference == reference && len(places) < maxLocations {
				places = append(places, sarifPlace{
					file: pod.File, source: pod.Source, line: used.Line, column: used.Column, object: objectName(pod),
					container: used.Container, path: used.Path,
				})
			}
		}
	}
	return places
}

// locations are the place, and where a template was rendered to. Nobody knows which line
// of a template has become which, so that its first one stands for all.
func (p sarifPlace) locations() (primary sarifLocation, related []sarifLocation) {
	primary = sarifLocation{Physical: physical(p.file, p.line, p.column), Logical: p.logical()}
	if p.source != "" {
		rendered := primary
		rendered.Message, rendered.Logical = &sarifText{Text: "as it was rendered"}, nil
		related = []sarifLocation{rendered}
		primary.Physical = physical(p.source, 1, 1)
	}
	return primary, related
}

func physical(file string, line, column int) sarifPhysical {
	line = max(line, 1)
	return sarifPhysical{sarifArtifact{fileURI(file)}, sarifRegion{StartLine: line, StartColumn: max(column, 1), EndLine: line}}
}

func (p sarifPlace) logical() []sarifLogical {
	if p.object == "" {
		return nil
	}
	whole := strings.TrimSuffix(p.object+" "+p.path, " ")
	return []sarifLogical{{Name: Printable(cmp.Or(p.container, p.object)), FullyQualifiedName: Printable(whole)}}
}

// objectName names the object of a Pod, whatever file and line it is in.
func objectName(pod *report.Pod) string {
	name := cmp.Or(pod.Name, "without a name")
	if pod.Namespace != "" {
		name = pod.Namespace + "/" + name
	}
	return pod.Kind + " " + name
}

// fileURI is the URI of a file: relative where its name is, percent-encoded (RFC 3986).
func fileURI(name string) string {
	name = path.Clean(report.FileTitle(name))
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i] = encodeSegment(segment)
	}
	encoded := strings.Join(segments, "/")
	if path.IsAbs(name) {
		return "file://" + encoded
	}
	return encoded
}

// encodeSegment leaves only what is reserved nowhere.
func encodeSegment(segment string) string {
	encoded := strings.ReplaceAll(url.QueryEscape(segment), "+", "%20")
	return strings.ReplaceAll(encoded, "%7E", "~")
}

// printableLines is Printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func withHint(r verdict.Reason) string { return hinted(r.Message, r.Hint) }

func hinted(message, hint string) string { return strings.TrimSuffix(message+"\n"+hint, "\n") }
