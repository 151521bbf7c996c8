package output

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"nodecompat/compat/artifact"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// A sarifDescriptor describes what results or notifications have in common.
type sarifDescriptor struct {
	ID            string             `json:"id"`
	Short         sarifText          `json:"shortDescription"`
	Full          sarifText          `json:"fullDescription"`
	Help          sarifText          `json:"help"`
	Configuration sarifConfiguration `json:"defaultConfiguration"`
	Properties    sarifProperties    `json:"properties"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifProperties struct {
	Tags     []string `json:"tags"`
	Severity string   `json:"problem.severity"`
}

// maxDescription is the length of a description, and maxCode that of a code, in characters.
const (
	maxDescription = 1_024
	maxCode        = 255
)

// codeName is a code as it stands in SARIF; a report that was read can have anything.
func codeName(code string) string {
	return cmp.Or(cut(Printable(strings.TrimSpace(code)), maxCode), "unknown")
}

func cut(text string, length int) string {
	if utf8.RuneCountInString(text) <= length {
		return text
	}
	return string([]rune(text)[:length-1]) + "…"
}

// codesByName are all codes but those of findings, with each of their meanings.
func codesByName() map[string][]report.Code {
	codes := map[string][]report.Code{}
	for _, c := range report.Codes() {
		if c.Place != report.PlaceFinding {
			codes[c.Code] = append(codes[c.Code], c)
		}
	}
	return codes
}

// descriptors describes the codes of n results or notifications, each once and sorted, and
// tells each of them the index of its own.
func (s *sarifWriter) descriptors(n int, of func(i int) (id *string, index *int)) []sarifDescriptor {
	var ids []string
	for i := range n {
		id, _ := of(i)
		ids = append(ids, *id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for i := range n {
		id, index := of(i)
		*index, _ = slices.BinarySearch(ids, *id)
	}
	list := make([]sarifDescriptor, len(ids))
	for i, id := range ids {
		list[i] = s.describe(id)
	}
	return list
}

// describe says what a code means.
func (s *sarifWriter) describe(id string) sarifDescriptor {
	severity, tag := defaultSeverity(id), "node"
	var short, full, help, markdown string
	if text, ok := sidecar.DescribeFinding(id); ok {
		severity, tag = text.Severity, "manifest"
		short, full, help, markdown = text.Short, text.Full, text.Help, text.Markdown
	} else if meanings := s.codes[id]; len(meanings) > 0 {
		c := mainMeaning(meanings)
		if i := slices.IndexFunc(meanings, func(c report.Code) bool { return c.Place == report.PlaceSpec }); s.specs && i >= 0 {
			c, tag = meanings[i], "spec"
		}
		if c.Place == report.PlaceManifest {
			tag = "manifest"
		}
		short, full = c.Meaning, strings.TrimSpace(sentence(c.Meaning)+" "+sentence(c.Remedy))
		help, markdown = full+"\n\nIn "+c.Fields+".", codePage(meanings)
	} else {
		short, full = "a code that this version of compat does not have", "The report has a code that this version of compat does not have."
		help, markdown = full, full
	}
	level := sarifLevel(severity)
	return sarifDescriptor{
		ID:            id,
		Short:         sarifText{Text: cut(plainText(upperFirst(short)), maxDescription)},
		Full:          sarifText{Text: cut(plainText(full), maxDescription)},
		Help:          sarifText{Text: plainText(help), Markdown: markdown},
		Configuration: sarifConfiguration{level},
		Properties:    sarifProperties{Tags: []string{"kubernetes", tag}, Severity: strings.Replace(level, "note", "recommendation", 1)},
	}
}

// mainMeaning is what a code means where results and notifications have it.
func mainMeaning(meanings []report.Code) report.Code {
	for _, place := range []report.Place{report.PlaceReason, report.PlaceManifest, report.PlaceSupport, report.PlaceError, report.PlaceWarning} {
		if i := slices.IndexFunc(meanings, func(c report.Code) bool { return c.Place == place }); i >= 0 {
			return meanings[i]
		}
	}
	return meanings[0]
}

// defaultSeverity is how grave what has a code usually is, if it is no finding.
func defaultSeverity(code string) verdict.Severity {
	warnings := []string{
		report.CodeFactsUnknown, report.CodeNoSetSelected, report.CodeNoArtifact, report.CodePlatformUnknown, report.CodeNoPod,
		artifact.CodeNoTrustedArtifact, artifact.CodeCandidatesTooMany, artifact.CodeSignaturesTooMany,
		string(sidecar.CodeVersionUnknown), string(manifest.ProblemRemovedAPI), string(manifest.ProblemNewerKey),
		string(manifest.ProblemNotObject), string(manifest.ProblemSpec), string(manifest.ProblemUnknownSuppression),
	}
	notes := []string{string(manifest.ProblemKindSkipped), string(manifest.ProblemBestEffort), string(manifest.ProblemUnusedSuppression)}
	switch {
	case slices.Contains(warnings, code):
		return verdict.SeverityWarning
	case slices.Contains(notes, code):
		return verdict.SeverityInfo
	}
	return verdict.SeverityError
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return upperFirst(text) + "."
}

func upperFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	word, _, _ := strings.Cut(text, " ")
	if strings.ContainsFunc(word[min(size, len(word)):], unicode.IsUpper) { // startupProbe
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// plainText is a line of Markdown without its marks.
func plainText(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "`", "")) }

// The indexes of a path that change when something else is added to a list.
var (
	itemIndex      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(items\[\d+\]\.?)+`) })
	containerIndex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|\.)((?:initC|ephemeralC|c)ontainers)\[\d+\]`) })
)

func withoutItems(path string) string { return itemIndex().ReplaceAllString(path, "") }

// inContainer identifies a path by the name of its container.
func inContainer(container, path string) string {
	path = withoutItems(path)
	if container != "" {
		path = containerIndex().ReplaceAllString(path, "$1$2")
	}
	return container + "\x00" + path
}

// fingerprint tells results from each other by what they are about, not by the line that it
// is in; those that say the same of the same are counted. GitHub looks only at a hash of
// the line, which its upload action adds: where the line is not known, it is ours.
func (s *sarifWriter) fingerprint(id string, at sarifPlace, identity []string) map[string]string {
	name := at.file
	if at.source != "" {
		name = at.source
	}
	whole := strings.Join(append([]string{fileURI(name), at.object, id}, identity...), "\x00")
	sum := sha256.Sum256([]byte(whole))
	hash := hex.EncodeToString(sum[:16])
	s.fingerprints[hash]++
	hash += ":" + strconv.Itoa(s.fingerprints[hash])
	prints := map[string]string{"compat/v1": hash}
	if at.source != "" {
		prints["primaryLocationLineHash"] = hash
	}
	return prints
}
