package kubelet

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLog bounds a kubelet's log, in bytes. One that says much more was not
// started for a long time, or is more than one kubelet's.
const MaxLog = 64 << 20

// A kubeletLog is what the last start of a kubelet says in its log.
type kubeletLog struct {
	origin  Origin
	version string
	// gates are all that are set, nil when the log does not tell: those of the
	// effective configuration, which kubelets log from 1.37 on, else the ones that
	// they log with -v=1. Among the latter is what AllAlpha and AllBeta came to.
	gates map[string]bool
	flags *commandLine // as logged with -v=1, nil when they were not
}

// parseLog reads a kubelet's log. A kubelet logs what matters at its start, so
// that of several starts the last one counts, also when it says less.
//
// Some of a log's words are others': a message of a container may be in it. They
// are believed only at the beginning of a line, behind a header, where klog
// writes no value of a message; an error with a line break in it could still
// forge one. That is one reason why a log is weaker than files.
func parseLog(data []byte, origin Origin) (*kubeletLog, error) {
	if len(data) > MaxLog {
		return nil, fmt.Errorf("%d bytes: at most %d are read", len(data), MaxLog)
	}
	var r logReader
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if r.block == nil && !mayMatter(line) {
			continue
		}
		if err := r.line(strings.TrimRight(string(line), "\r\n")); err != nil && r.start.err == nil {
			r.start.err = fmt.Errorf("line %d: %w", number, err)
		}
	}
	if r.block != nil {
		r.start.cut = true
	}
	return r.start.settle(origin)
}

// A logStart is what one start of a kubelet says.
type logStart struct {
	pid       string
	version   string
	effective map[string]bool
	enabled   map[string]bool
	flags     map[string]string
	cut       bool  // the effective configuration is not all there
	err       error // the first thing that is not as a kubelet writes it
	filled    bool
}

// A logReader reads a log line by line.
type logReader struct {
	start logStart
	block *logBlock // the effective configuration, while it is being read
}

// A logBlock is a value of several lines: klog writes each after a tab, and " >"
// at the end
// (https://github.com/kubernetes/klog/blob/v2.130.1/internal/serialize/keyvalues.go).
type logBlock struct {
	prefixPID string
	data      []byte
}

func (r *logReader) line(line string) error {
	if r.block != nil {
		if taken, err := r.inBlock(line); taken || err != nil {
			return err
		}
	}
	l, ok := parseLogLine(line)
	if !ok {
		return nil
	}
	switch {
	case l.message == logVersion:
		r.begin(l.pid, r.start.version != "")
		return r.version(l)
	case l.message == logEffective:
		r.begin(l.pid, true)
		return r.effective(l, line)
	case l.message == logUpdated:
		var gates map[string]bool
		if _, err := l.value("featureGates"); err != nil {
			return nil //nolint:nilerr // something else was updated
		}
		r.begin(l.pid, false)
		if err := l.decode("featureGates", &gates); err != nil {
			return err
		}
		r.start.enabled = orEmpty(gates)
	case strings.HasPrefix(l.message, logEnabled):
		r.begin(l.pid, false)
		gates, err := parseEnabled(strings.TrimPrefix(l.message, logEnabled))
		if err != nil {
			return err
		}
		r.start.enabled = gates
	case strings.HasPrefix(l.message, logFlag):
		return r.flag(l.pid, strings.TrimPrefix(l.message, logFlag))
	}
	return nil
}

// begin begins another start if the process is another one or, since in a
// container it is always process 1, if again says so.
func (r *logReader) begin(pid string, again bool) {
	if r.start.filled && (again || r.start.pid != pid) {
		r.start = logStart{}
	}
	r.start.pid, r.start.filled = pid, true
}

func (r *logReader) version(l logLine) error {
	var version string
	if err := l.decode("kubeletVersion", &version); err != nil {
		return err
	}
	if _, err := ParseRelease(version); err != nil {
		return err
	}
	r.start.version = version
	return nil
}

// flag takes a flag's line. They come in one go, sorted, before anything else but
// the effective configuration.
func (r *logReader) flag(pid, line string) error {
	name, quoted, _ := strings.Cut(line, "=")
	_, seen := r.start.flags[name]
	r.begin(pid, seen || r.start.version != "" || r.start.enabled != nil)
	if name != flagGates && name != flagConfig && name != flagConfigDir {
		return nil
	}
	value, err := strconv.Unquote(quoted)
	if err != nil {
		return fmt.Errorf("the flag --%s has the value %.64s, which is not quoted", name, quoted)
	}
	if r.start.flags == nil {
		r.start.flags = map[string]string{}
	}
	r.start.flags[name] = value
	return nil
}

// effective takes the configuration, or begins to.
func (r *logReader) effective(l logLine, line string) error {
	if l.open {
		_, pid := cutPrefix(line)
		r.block = &logBlock{prefixPID: pid}
		return nil
	}
	var config string
	if err := l.decode("config", &config); err != nil {
		return err
	}
	return r.configuration([]byte(config))
}

// inBlock takes a line of the effective configuration. It does not take one that
// belongs to something else, which ends the configuration before its end.
func (r *logReader) inBlock(line string) (bool, error) {
	content, pid := cutPrefix(line)
	if after, escaped := strings.CutPrefix(content, "#011"); escaped { // as rsyslog writes a tab
		content = "\t" + after
	}
	switch {
	case strings.HasPrefix(content, "\t"):
		if len(r.block.data)+len(content) > maxConfigFile {
			r.block, r.start.cut = nil, true
			return true, fmt.Errorf("the effective configuration has more than %d bytes", maxConfigFile)
		}
		r.block.data = append(append(r.block.data, content[1:]...), '\n')
		return true, nil
	case strings.TrimSpace(content) == ">":
		data := r.block.data
		r.block = nil
		return true, r.configuration(data)
	case pid != r.block.prefixPID: // of another process, in between
		return true, nil
	}
	r.block, r.start.cut = nil, true
	return false, nil
}

func (r *logReader) configuration(data []byte) error {
	set, err := parseConfig(data, isConfiguration)
	if err != nil {
		return fmt.Errorf("reading the effective configuration: %w", err)
	}
	gates := map[string]bool{}
	for name, value := range set {
		if value == nil {
			return fmt.Errorf("feature gate %.64q is null", name)
		}
		gates[name] = *value
	}
	r.start.effective = gates
	return nil
}

// settle says what a start comes to.
func (s *logStart) settle(origin Origin) (*kubeletLog, error) {
	if s.err != nil {
		return nil, s.err
	}
	l := &kubeletLog{origin: origin, version: s.version, gates: s.effective}
	if l.gates == nil {
		l.gates = s.enabled
	}
	var err error
	if s.flags != nil {
		l.flags, err = newCommandLine(s.flags, origin)
	}
	if l.gates == nil && l.flags != nil && l.flags.whole() {
		l.gates = l.flags.gates
	}
	switch {
	case l.gates != nil:
		return l, nil // a line that was left out does not matter
	case s.cut:
		return nil, errors.New("the effective configuration is cut off")
	case s.version == "" && s.flags == nil:
		return nil, fmt.Errorf("no start of a kubelet is in it: neither %q nor, with -v=1, %q or %q", logVersion, logEnabled, logFlag)
	}
	return l, err
}

// parseEnabled reads a set of gates as Go prints it: &{map[A:true B:false]}.
func parseEnabled(s string) (map[string]bool, error) {
	list, begins := strings.CutPrefix(strings.TrimPrefix(s, "&"), "{map[")
	list, ends := strings.CutSuffix(list, "]}")
	if !begins || !ends {
		return nil, fmt.Errorf("%.64q is not a set of feature gates", s)
	}
	gates := map[string]bool{}
	for pair := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(pair, ":")
		if name == "" || value != "true" && value != "false" {
			return nil, fmt.Errorf("%.64q is not a feature gate with its value", pair)
		}
		gates[name] = value == "true"
	}
	return gates, nil
}

// orEmpty returns gates that are known, even if there are none.
func orEmpty(gates map[string]bool) map[string]bool {
	if gates == nil {
		return map[string]bool{}
	}
	return gates
}
