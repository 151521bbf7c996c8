package kubelet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxLabels bounds the labels of one sample.
const maxLabels = 64

// parseSample reads a line of the Prometheus text format that has labels:
// name{label="value",…} value [timestamp]
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
func parseSample(line string) (map[string]string, float64, error) {
	_, rest, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "{")
	if !ok {
		return nil, 0, errors.New("a sample without labels")
	}
	labels := map[string]string{}
	for {
		rest = strings.TrimLeft(rest, " \t")
		if after, closed := strings.CutPrefix(rest, "}"); closed {
			value, err := parseSampleValue(after)
			return labels, value, err
		}
		name, value, after, err := cutLabel(rest)
		if err != nil {
			return nil, 0, err
		}
		if _, twice := labels[name]; twice || len(labels) == maxLabels {
			return nil, 0, fmt.Errorf("label %.64q is there twice, or one too many", name)
		}
		labels[name] = value
		rest = strings.TrimLeft(after, " \t")
		if next, more := strings.CutPrefix(rest, ","); more {
			rest = next
		} else if !strings.HasPrefix(rest, "}") {
			return nil, 0, fmt.Errorf("neither , nor } after label %.64q", name)
		}
	}
}

// cutLabel takes name="value" off the front.
func cutLabel(s string) (name, value, rest string, err error) {
	name, s, ok := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	s, quoted := strings.CutPrefix(strings.TrimLeft(s, " \t"), `"`)
	if !ok || !quoted || name == "" {
		return "", "", "", errors.New("a label that is not name=\"value\"")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return name, b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteString(unescape(s[i]))
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", "", fmt.Errorf("label %.64q does not end", name)
}

// unescape returns what a backslash and c stand for.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case '\\', '"':
		return string(c)
	}
	return "\\" + string(c)
}

func parseSampleValue(s string) (float64, error) {
	fields := strings.Fields(s)
	if len(fields) != 1 && len(fields) != 2 { // the second is a timestamp
		return 0, errors.New("a sample without a value")
	}
	return strconv.ParseFloat(fields[0], 64)
}
