package kubelet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"nodecompat/spec/yamltree"
)

// Bounds on what running components answer, in bytes.
const (
	// MaxMetrics bounds an answer to /metrics. A kubelet's has some hundred
	// kilobytes, an API server's in a large cluster tens of megabytes.
	MaxMetrics = 64 << 20
	// MaxConfigz bounds an answer to /configz; real ones have a few kilobytes.
	MaxConfigz = maxConfigFile
)

// maxSeries bounds the feature gates of one /metrics; 1.37 has less than 200.
const maxSeries = 10_000

// A Document is something that was given, and where it came from.
type Document struct {
	Name string // for messages: the file's name, or the URL
	Data []byte // nil: nothing was given
	// Option is the command-line option that it comes from, where that is not the
	// one that gives such documents.
	Option string
}

// Live is what a running component says about all of its feature gates, set
// explicitly or not, AllAlpha and AllBeta taken into account: the series
// kubernetes_feature_enabled of its /metrics
// (https://kubernetes.io/docs/reference/instrumentation/metrics/).
type Live struct {
	Given  bool   `json:"given"` // given, not detected
	Origin Origin `json:"origin"`
	// On and Off are the names of the gates, sorted. A gate that is in neither
	// is unknown to the component, or to its /metrics.
	On  []string `json:"on"`
	Off []string `json:"off"`
}

// Gate returns what the component says about a gate, and whether it says anything.
func (l *Live) Gate(name string) (Gate, bool) {
	if l == nil {
		return Gate{}, false
	}
	on := slices.Contains(l.On, name)
	return Gate{Name: name, Value: on, Given: l.Given, Origin: l.Origin}, on || slices.Contains(l.Off, name)
}

// The metrics that are looked at.
const (
	metricFeature = "kubernetes_feature_enabled"
	metricBuild   = "kubernetes_build_info"
)

// metrics is what a component's /metrics tell.
type metrics struct {
	version string // gitVersion, "" when they do not tell it
	gates   map[string]bool
}

// live makes a Live of them, nil when they tell of no gate.
func (m metrics) live(origin Origin) *Live {
	if len(m.gates) == 0 {
		return nil
	}
	l := &Live{Given: true, Origin: origin, On: []string{}, Off: []string{}}
	for name, on := range m.gates {
		if on {
			l.On = append(l.On, name)
		} else {
			l.Off = append(l.Off, name)
		}
	}
	slices.Sort(l.On)
	slices.Sort(l.Off)
	return l
}

// parseMetrics reads the two families of a component's /metrics that matter.
// Lines of other families are not looked at.
func parseMetrics(data []byte) (metrics, error) {
	m := metrics{gates: map[string]bool{}}
	if len(data) > MaxMetrics {
		return m, fmt.Errorf("%d bytes: at most %d are read", len(data), MaxMetrics)
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		var err error
		switch {
		case bytes.HasPrefix(line, []byte(metricFeature+"{")):
			err = m.feature(string(line))
		case bytes.HasPrefix(line, []byte(metricBuild+"{")):
			err = m.build(string(line))
		}
		if err != nil {
			return m, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if len(m.gates) == 0 && m.version == "" {
		return m, errors.New("neither " + metricFeature + " nor " + metricBuild + " is in it: it is not a Kubernetes component's /metrics")
	}
	return m, nil
}

func (m *metrics) feature(line string) error {
	labels, value, err := parseSample(line)
	name := labels["name"]
	switch {
	case err != nil:
		return err
	case name == "":
		return errors.New(metricFeature + " without a name")
	case value != 0 && value != 1:
		return fmt.Errorf("feature gate %.64q is %v, which is neither 0 nor 1", name, value)
	case len(m.gates) == maxSeries:
		return fmt.Errorf("more than %d feature gates", maxSeries)
	}
	if before, ok := m.gates[name]; ok && before != (value == 1) {
		return fmt.Errorf("feature gate %.64q is both on and off", name)
	}
	m.gates[name] = value == 1
	return nil
}

func (m *metrics) build(line string) error {
	labels, _, err := parseSample(line)
	if err != nil {
		return err
	}
	version := labels["git_version"]
	if _, err := ParseRelease(version); err != nil {
		return err
	}
	if m.version != "" && m.version != version {
		return fmt.Errorf("it tells two versions: %s and %s", m.version, version)
	}
	m.version = version
	return nil
}

// parseConfigz reads the feature gates of a kubelet's answer to /configz: what
// its file, its drop-ins and its flags came to. Of gates that nobody set it
// says nothing
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-base/configz/configz.go).
func parseConfigz(data []byte) (map[string]bool, error) {
	if len(data) > MaxConfigz {
		return nil, fmt.Errorf("%d bytes: at most %d are read", len(data), MaxConfigz)
	}
	var answer map[string]json.RawMessage
	if err := yamltree.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("it is not an answer to /configz: %w", err)
	}
	config, ok := answer["kubeletconfig"]
	if !ok {
		return nil, errors.New("it is not a kubelet's answer to /configz: kubeletconfig is not in it")
	}
	set, err := parseConfig(config, maybeConfiguration)
	if err != nil {
		return nil, err
	}
	gates := map[string]bool{}
	for name, value := range set {
		if value == nil {
			return nil, fmt.Errorf("feature gate %.64q is null", name)
		}
		gates[name] = *value
	}
	return gates, nil
}

// maybeConfiguration is for the answers of kubelets that do not say what they are,
// as up to 1.28 at least.
func maybeConfiguration(apiVersion, kind string) error {
	if apiVersion == "" && kind == "" {
		return nil
	}
	return isConfiguration(apiVersion, kind)
}

// compareLive notes the gates that are set otherwise than what the running
// kubelet says is in effect: it was started with something else.
func (f *Facts) compareLive() {
	for _, g := range f.Gates {
		live, ok := f.Live.Gate(g.Name)
		if !ok || live.Value == g.Value {
			continue
		}
		claims := []Claim{live.claim(), g.claim()}
		if g.Origin.Source == SourceOption {
			slices.Reverse(claims)
		}
		d, _ := disagree(g.Name, claims)
		f.Disagreements = append(f.Disagreements, d)
	}
}

func (g Gate) claim() Claim {
	return Claim{Value: strconv.FormatBool(g.Value), Given: g.Given, Origin: g.Origin}
}
