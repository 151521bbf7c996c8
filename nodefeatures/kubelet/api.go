package kubelet

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// maxVersionInfo bounds an answer to /version, in bytes.
const maxVersionInfo = 64 << 10

// API is what is known about a cluster's API server, which takes the Pod before
// a kubelet does. All of it is given. In a cluster with several API servers it
// is one of them.
type API struct {
	// Version is the API server's gitVersion as its source spells it, or a
	// given one, which may be shorter (1.34); ParseAPIVersion reads both.
	Version Version `json:"version"`
	// Emulated is the release that the server behaves as, as MAJOR.MINOR, when
	// that is another than Version's; "" otherwise
	// (https://kubernetes.io/docs/concepts/cluster-administration/compatibility-version/).
	Emulated string `json:"emulated,omitempty"`
	// Gates are the feature gates that were given to be set explicitly, sorted by name.
	Gates []Gate `json:"gates"`
	// Live is what the server's own /metrics say about all gates; nil when they
	// were not given.
	Live *Live `json:"live,omitempty"`
	// Disagreements lists the facts that two sources tell differently.
	Disagreements []Disagreement `json:"disagreements"`
}

// APIOptions say what was given about the API server.
type APIOptions struct {
	// Version is its version, as given with --api-version: v1.36.3, or 1.36; or
	// with the option that VersionOption names.
	Version, VersionOption string
	// FeatureGates is what its --feature-gates says: A=true,B=false.
	FeatureGates string
	// VersionInfo is its answer to /version, or what kubectl version -o json prints.
	VersionInfo Document
	// Metrics is its answer to /metrics.
	Metrics Document
}

// The options that tell facts about the API server, as the command line names them.
const (
	optionAPIVersion     = "--api-version"
	optionAPIGates       = "--api-feature-gates"
	optionAPIVersionInfo = "--api-version-file"
	optionAPIMetrics     = "--api-metrics"
)

// ReadAPI reads what was given about an API server. When that is nothing, it
// returns an API that says so. For the version the strongest source wins:
// Version, VersionInfo, Metrics. The error is a *GivenError.
func ReadAPI(o APIOptions) (*API, error) {
	r := apiReader{api: &API{Gates: []Gate{}, Disagreements: []Disagreement{}}}
	for _, one := range []struct {
		option string
		read   func(APIOptions) error
	}{
		{cmp.Or(o.VersionOption, optionAPIVersion), r.readVersion},
		{cmp.Or(o.VersionInfo.Option, optionAPIVersionInfo), r.readVersionInfo},
		{optionAPIMetrics, r.readMetrics},
		{optionAPIGates, r.readGates},
	} {
		if err := one.read(o); err != nil {
			return nil, &GivenError{Option: one.option, Err: err}
		}
	}
	r.decide()
	return r.api, nil
}

// ParseAPIVersion reads an API server's version, of which the patch level, and
// what a vendor appended, may be missing: 1.36, v1.36, v1.36.3, v1.30.5-gke.1443001; also the line that
// --version prints.
func ParseAPIVersion(s string) (Release, error) {
	s = printedVersion(s)
	r, err := ParseRelease(s)
	if err == nil {
		return r, nil
	}
	if r, short := ParseRelease(s + ".0"); short == nil {
		return r, nil
	}
	return r, fmt.Errorf("%.64q is not a Kubernetes version such as v1.36.3 or 1.36", s)
}

// printedVersion is the version in the line that --version prints, "Kubernetes v1.36.3", or one alone.
func printedVersion(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "Kubernetes ") }

// An apiReader gathers what is given about an API server.
type apiReader struct {
	api      *API
	versions []Claim // strongest first
	emulated string  // by what /version says
}

func (r *apiReader) readVersion(o APIOptions) error {
	if o.Version == "" {
		return nil
	}
	if _, err := ParseAPIVersion(o.Version); err != nil {
		return err
	}
	r.claim(printedVersion(o.Version), Origin{Source: SourceOption, Detail: cmp.Or(o.VersionOption, optionAPIVersion)})
	return nil
}

func (r *apiReader) claim(version string, origin Origin) {
	r.versions = append(r.versions, Claim{Value: version, Given: true, Origin: origin})
}

func (r *apiReader) readVersionInfo(o APIOptions) error {
	if o.VersionInfo.Data == nil {
		return nil
	}
	info, err := parseVersionInfo(o.VersionInfo.Data)
	if err != nil {
		return err
	}
	if info.emulated != "" {
		version, _ := ParseRelease(info.gitVersion)
		emulated, _ := ParseAPIVersion(info.emulated)
		if version.Major != emulated.Major || version.Minor != emulated.Minor {
			r.emulated = info.emulated
		}
	}
	r.claim(info.gitVersion, Origin{Source: SourceVersion, Path: o.VersionInfo.Name, Detail: cmp.Or(o.VersionInfo.Option, optionAPIVersionInfo)})
	return nil
}

func (r *apiReader) readMetrics(o APIOptions) error {
	if o.Metrics.Data == nil {
		return nil
	}
	m, err := parseMetrics(o.Metrics.Data)
	if err != nil {
		return err
	}
	origin := Origin{Source: SourceMetrics, Path: o.Metrics.Name, Detail: optionAPIMetrics}
	r.api.Live = m.live(origin)
	if m.version != "" {
		r.claim(m.version, origin)
	}
	return nil
}

func (r *apiReader) readGates(o APIOptions) error {
	gates, err := ParseGates(o.FeatureGates)
	if err != nil {
		return err
	}
	r.api.Gates, _ = merge([]layer{newLayer(Origin{Source: SourceOption, Detail: optionAPIGates}, true, gates)})
	return nil
}

// decide settles the version, in the way that the kubelet's is.
func (r *apiReader) decide() {
	f := &Facts{Gates: r.api.Gates, Live: r.api.Live}
	f.tellVersion(agreeing(r.versions))
	f.compareLive()
	r.api.Version = f.Version
	for _, d := range f.Disagreements {
		d.Message = "API server: " + d.Message
		r.api.Disagreements = append(r.api.Disagreements, d)
	}
	switch o := f.Version.Origin; {
	case o == nil:
		r.api.Version.Reason = &verdict.Reason{Code: ReasonNotTold, Message: "nothing is known about the API server", Hint: hintAPI}
	case o.Source != SourceOption:
		r.api.Emulated = r.emulated
	}
}

// agreeing leaves out the claims that a first one without a patch level agrees with.
func agreeing(claims []Claim) []Claim {
	if len(claims) == 0 {
		return claims
	}
	first, _ := ParseAPIVersion(claims[0].Value)
	if _, err := ParseRelease(claims[0].Value); err == nil {
		return claims
	}
	others := slices.DeleteFunc(slices.Clone(claims[1:]), func(c Claim) bool {
		r, err := ParseAPIVersion(c.Value)
		return err == nil && r.Major == first.Major && r.Minor == first.Minor
	})
	return append(claims[:1:1], others...)
}

// Release returns the release that the API server behaves as; false when it is
// not known.
func (a *API) Release() (Release, bool) {
	if a == nil {
		return Release{}, false
	}
	if emulated, err := ParseAPIVersion(a.Emulated); err == nil {
		return emulated, true
	}
	r, err := ParseAPIVersion(a.Version.Value)
	return r, err == nil
}

// Gate returns a gate that is set explicitly, and whether it is known to be.
func (a *API) Gate(name string) (Gate, bool) {
	if a == nil {
		return Gate{}, false
	}
	return (&Facts{Gates: a.Gates}).Gate(name)
}

// Effective returns the value of a gate that is in effect, as far as it was
// given: set explicitly, or reported by the server itself.
func (a *API) Effective(name string) (Gate, bool) {
	if a == nil {
		return Gate{}, false
	}
	return (&Facts{Gates: a.Gates, Live: a.Live}).Effective(name)
}

// versionInfo is an API server's answer to /version.
type versionInfo struct {
	gitVersion string
	emulated   string // MAJOR.MINOR, "" when the server does not tell
}

// versionJSON is the JSON of it. minor is not looked at: vendors write 29+
// (https://pkg.go.dev/k8s.io/apimachinery/pkg/version#Info).
type versionJSON struct {
	GitVersion     string       `json:"gitVersion"`
	EmulationMajor string       `json:"emulationMajor"`
	EmulationMinor string       `json:"emulationMinor"`
	ServerVersion  *versionJSON `json:"serverVersion"` // kubectl version -o json
}

func parseVersionInfo(data []byte) (versionInfo, error) {
	if len(data) > maxVersionInfo {
		return versionInfo{}, fmt.Errorf("%d bytes: at most %d are read", len(data), maxVersionInfo)
	}
	var v versionJSON
	if err := yamltree.Unmarshal(data, &v); err != nil {
		return versionInfo{}, fmt.Errorf("it is not an answer to /version: %w", err)
	}
	if v.ServerVersion != nil {
		v = *v.ServerVersion
	}
	if _, err := ParseRelease(v.GitVersion); err != nil {
		return versionInfo{}, fmt.Errorf("gitVersion: %w", err)
	}
	info := versionInfo{gitVersion: v.GitVersion}
	if v.EmulationMajor == "" && v.EmulationMinor == "" {
		return info, nil
	}
	major, errMajor := strconv.ParseUint(v.EmulationMajor, 10, 16)
	minor, errMinor := strconv.ParseUint(v.EmulationMinor, 10, 16)
	if err := errors.Join(errMajor, errMinor); err != nil {
		return info, fmt.Errorf("emulation version: %w", err)
	}
	info.emulated = fmt.Sprintf("%d.%d", major, minor)
	return info, nil
}
