package compat

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// Bounds on a saved report.
const (
	// MaxReport is its size in bytes.
	MaxReport = 256 << 20
	// maxReportValues is how many values it has, more or less: an empty one takes a
	// hundred times its size in memory.
	maxReportValues = 6_000_000
)

// ReadReport reads a report that was saved, as JSON or YAML: a *report.NodeReport,
// *report.NodeReportList or *report.PodReport. It is strict: a field that this version
// does not know, one that is there twice and a verdict that is none are errors, which
// name it.
func ReadReport(data []byte) (any, error) {
	if len(data) > MaxReport {
		return nil, fmt.Errorf("more than %d MiB", MaxReport>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] != '{' {
		var err error
		if data, err = reportJSON(data); err != nil {
			return nil, err
		}
	}
	if bytes.Count(data, []byte{','}) > maxReportValues {
		return nil, fmt.Errorf("more than %d values", maxReportValues)
	}
	var header struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(data, &header); err != nil {
		if isNDJSON(data) {
			return nil, errors.New("more than one report: what validate-node -o ndjson prints is not read; save what it prints with -o json")
		}
		return nil, reportError(err)
	}
	document, check, err := newReport(header.APIVersion, header.Kind)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, document, json.RejectUnknownMembers(true)); err != nil {
		return nil, reportError(err)
	}
	if err := check(); err != nil {
		return nil, err
	}
	return document, nil
}

// isNDJSON reports whether another object follows the first.
func isNDJSON(data []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	return d.SkipValue() == nil && d.PeekKind() == jsontext.KindBeginObject
}

// reportJSON converts YAML.
func reportJSON(data []byte) ([]byte, error) {
	root, err := yamltree.Parse(data)
	if err != nil {
		return nil, err
	}
	return root.JSON(true)
}

// newReport returns an empty report of a kind, and what checks the values of one that was
// read.
func newReport(apiVersion, kind string) (document any, check func() error, err error) {
	kinds := []string{report.KindNodeReport, report.KindNodeReportList, report.KindPodReport, report.KindClusterReport}
	switch {
	case apiVersion == "" && kind == "":
		return nil, nil, errors.New("no report: it has neither apiVersion nor kind")
	case apiVersion != report.APIVersion:
		return nil, nil, fmt.Errorf("apiVersion %.60q is not known, only %s", apiVersion, report.APIVersion)
	case kind == report.KindNodeReport:
		r := &report.NodeReport{}
		return r, func() error { return checkVerdict("verdict", r.Verdict) }, nil
	case kind == report.KindNodeReportList:
		l := &report.NodeReportList{}
		return l, func() error { return checkList(l) }, nil
	case kind == report.KindPodReport:
		r := &report.PodReport{}
		return r, func() error { return checkVerdict("verdict", r.Verdict) }, nil
	case kind == report.KindClusterReport:
		r := &report.ClusterReport{}
		return r, func() error { return checkVerdict("verdict", r.Verdict) }, nil
	}
	return nil, nil, fmt.Errorf("kind %.60q is no report: %s are", kind, strings.Join(kinds, ", "))
}

func checkVerdict(field string, v verdict.Verdict) error {
	if !slices.Contains(report.VerdictOrder, v) {
		return fmt.Errorf("%s: %.60q is no verdict", field, string(v))
	}
	return nil
}

func checkList(l *report.NodeReportList) error {
	for i, r := range l.Items {
		field := fmt.Sprintf("items[%d]", i)
		if r == nil {
			return fmt.Errorf("%s is null", field)
		}
		if err := checkVerdict(field+".verdict", r.Verdict); err != nil {
			return err
		}
	}
	return checkVerdict("verdict", l.Verdict)
}

// reportError says what is wrong in the words of this program.
func reportError(err error) error {
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic) && errors.Is(semantic.Err, json.ErrUnknownName):
		return fmt.Errorf("unknown field %s", fieldPath(semantic.JSONPointer))
	case errors.As(err, &semantic):
		return fmt.Errorf("%s can't be %s", fieldPath(semantic.JSONPointer), jsonKinds[semantic.JSONKind])
	case errors.As(err, &syntax) && errors.Is(syntax.Err, jsontext.ErrDuplicateName):
		return fmt.Errorf("the field %s is there twice", fieldPath(syntax.JSONPointer))
	case errors.As(err, &syntax) && syntax.Err != nil:
		return fmt.Errorf("not JSON, at byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return err
}

// jsonKinds are what a value is.
var jsonKinds = map[jsontext.Kind]string{
	jsontext.KindNull: "null", jsontext.KindTrue: "true", jsontext.KindFalse: "false", jsontext.KindString: "a text",
	jsontext.KindNumber: "this number", jsontext.KindBeginObject: "an object", jsontext.KindBeginArray: "an array",
}

// fieldPath spells a JSON pointer: items[3].node.name.
func fieldPath(pointer jsontext.Pointer) string {
	var path strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			path.WriteString("[" + token + "]")
		case path.Len() > 0:
			path.WriteString("." + token)
		default:
			path.WriteString(token)
		}
	}
	if path.Len() == 0 {
		return "the document"
	}
	return fmt.Sprintf("%.200q", path.String())
}
