package kubelet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"nodecompat/spec/yamltree"
)

// The patterns are compiled when the first log is read, not at every start.
var (
	// journalPrefix is what journald, syslog, a container runtime (CRI) or talosctl
	// writes before a line.
	journalPrefix = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:` +
			`[A-Z][a-z]{2} [ \d]\d [\d:.]{8,15} \S+ [^\s\[\]:]+(?:\[(\d+)\])?: ` +
			`|\d{4}-\d\d-\d\dT\S+ \S+ [^\s\[\]:]+(?:\[(\d+)\])?: ` +
			`|\d{4}-\d\d-\d\dT\S+ std(?:out|err) [FP] ` +
			`|[\dA-Fa-f.:]+: )`)
	})
	// klogHeader is that of klog's text format, for messages that are no errors
	// (https://github.com/kubernetes/klog/blob/v2.130.1/internal/buffer/buffer.go).
	klogHeader = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^I\d{4} \d\d:\d\d:\d\d\.\d{6} +(\d+) [^\s\]]+:\d+\] `)
	})
)

// The messages that are looked at. What 1.36 and later call "Updated" is what
// older ones call "feature gates: ". See NewKubeletCommand and Run in
// https://github.com/kubernetes/kubernetes/blob/v1.37.0/cmd/kubelet/app/server.go,
// PrintFlags in component-base/cli/flag and SetFromMap in
// component-base/featuregate.
const (
	logVersion   = "Kubelet version"
	logEffective = "Effective KubeletConfiguration"
	logUpdated   = "Updated"
	logEnabled   = "feature gates: "
	logFlag      = "FLAG: --"
)

// mayMatter says whether a line can be one of the messages; most are not, and
// a log may be long.
func mayMatter(line []byte) bool {
	for _, word := range []string{logVersion, logEffective, `featureGates`, logEnabled, logFlag} {
		if bytes.Contains(line, []byte(word)) {
			return true
		}
	}
	return false
}

// A logLine is one message of a kubelet's log.
type logLine struct {
	pid     string // "" when it is not known
	message string
	// value returns the value of a key that belongs to the message, as JSON.
	value func(key string) (json.RawMessage, error)
	// open says that the value of the only key follows on further lines.
	open bool
}

// cutPrefix takes off what a log's keeper writes before a line, and returns the
// ID of the process in it.
func cutPrefix(line string) (rest, pid string) {
	m := journalPrefix().FindStringSubmatch(line)
	if m == nil {
		return line, ""
	}
	return line[len(m[0]):], m[1] + m[2]
}

// parseLogLine reads a line in klog's text or JSON format; ok is false when it is
// neither.
func parseLogLine(line string) (l logLine, ok bool) {
	line, pid := cutPrefix(line)
	if strings.HasPrefix(line, "{") {
		return parseJSONLine(line, pid)
	}
	m := klogHeader().FindStringSubmatch(line)
	if m == nil {
		return l, false
	}
	l = logLine{pid: m[1], message: line[len(m[0]):]}
	quoted, err := strconv.QuotedPrefix(l.message)
	if err != nil || quoted[0] != '"' {
		l.value = noValue
		return l, true
	}
	rest := strings.TrimPrefix(l.message[len(quoted):], " ")
	l.message, err = strconv.Unquote(quoted)
	l.value = func(key string) (json.RawMessage, error) { return textValue(rest, key) }
	l.open = strings.HasSuffix(rest, "=<")
	return l, err == nil
}

func noValue(key string) (json.RawMessage, error) { return nil, fmt.Errorf("%s is not in it", key) }

// textValue takes the value of key from the front of key=value pairs.
func textValue(pairs, key string) (json.RawMessage, error) {
	value, ok := strings.CutPrefix(pairs, key+"=")
	if !ok {
		return noValue(key)
	}
	if quoted, err := strconv.QuotedPrefix(value); err == nil {
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		return json.Marshal(text)
	}
	var raw json.RawMessage
	err := json.NewDecoder(strings.NewReader(value)).Decode(&raw)
	return raw, err
}

// parseJSONLine reads a line as kubelets write it with --logging-format=json
// (https://kubernetes.io/docs/concepts/cluster-administration/system-logs/#json-log-format).
func parseJSONLine(line, pid string) (l logLine, ok bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &object) != nil {
		return l, false
	}
	l.pid = pid
	l.value = func(key string) (json.RawMessage, error) {
		if raw, ok := object[key]; ok {
			return raw, nil
		}
		return noValue(key)
	}
	if text(object["msg"], &l.message) != nil {
		return l, false
	}
	l.message = strings.TrimRight(l.message, "\n")
	return l, true
}

// decode decodes the value of a key.
func (l logLine) decode(key string, into any) error {
	raw, err := l.value(key)
	if err != nil {
		return err
	}
	if err := yamltree.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return nil
}
