package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
	"nodecompat/spec"
)

// The header of a policy.
const (
	APIVersion = "compat/v1alpha1"
	Kind       = "TrustPolicy"
)

// A Policy says which compatibility artifacts of which images count.
type Policy struct {
	// APIVersion is "compat/v1alpha1", Kind is "TrustPolicy".
	APIVersion string `json:"apiVersion" jsonschema:"enum=compat/v1alpha1"`
	Kind       string `json:"kind" jsonschema:"enum=TrustPolicy"`
	// Rules are for the images of one pattern each. Of those that match an image, the one with the
	// most specific pattern decides: the most literal characters, then the fewest **, then the
	// fewest *. Two that are equally specific and match the same image are an error. Of an image
	// that none matches no artifact counts.
	Rules []Rule `json:"rules" jsonschema:"minItems=1,maxItems=100"`

	file   string
	sha256 string
}

// A Rule says whose signatures an artifact needs. It has either signers or accept.
type Rule struct {
	// Images is host[:port]/repository without a tag; * stands for anything within a part, ** for
	// anything. Only "**" matches images in OCI layouts.
	Images string `json:"images" jsonschema:"minLength=1,maxLength=512"`
	// Signers are those of whom Threshold must have signed the artifact's manifest.
	Signers []Signer `json:"signers,omitempty" jsonschema:"minItems=1,maxItems=32"`
	// Threshold is how many different signers are needed: 1 if it is absent.
	Threshold int `json:"threshold,omitempty" jsonschema:"minimum=1"`
	// MaxAge is how old an artifact may be by its org.opencontainers.image.created, which is signed
	// with it, as 8760h; absent for any age.
	MaxAge string `json:"maxAge,omitempty" jsonschema:"pattern=^[0-9.hms]+$"`
	// Accept is "anything", which asks for no signature, or "nothing".
	Accept string `json:"accept,omitempty" jsonschema:"enum=anything,enum=nothing"`

	line    int
	signers []*signer
	maxAge  time.Duration
}

// A Signer is somebody who signs artifacts: with a key, or with certificates of an own authority.
type Signer struct {
	// Name is that in reports.
	Name string `json:"name" jsonschema:"minLength=1,maxLength=128"`
	// Key is a public key (ECDSA P-256, P-384 or P-521, Ed25519, RSA of 2048 bits or more): the
	// name of a PEM file, from the policy's folder, or the PEM itself.
	Key string `json:"key,omitempty" jsonschema:"minLength=1"`
	// CA is a PEM file with certificate authorities, or the PEM itself. The signer's certificate
	// must be issued by one of them for signing code, and have Subject as an alternative name.
	CA      string `json:"ca,omitempty" jsonschema:"minLength=1"`
	Subject string `json:"subject,omitempty" jsonschema:"minLength=1"`
	// Time is "now", which is the default: the certificate must be valid when the signature is
	// verified.
	Time string `json:"time,omitempty" jsonschema:"enum=now"`
}

// What Accept says.
const (
	acceptAnything = "anything"
	acceptNothing  = "nothing"
)

// A PolicyError says why a policy can't be used.
type PolicyError struct {
	File     string
	Problems spec.Problems // with at least one error
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("the trust policy %s: %v", e.File, e.Problems.Err())
}

// Hint says how to see everything that is wrong.
func (e *PolicyError) Hint() string { return "`compat trust lint` lists every problem of a policy" }

// Load reads a policy and the files that it names. One that can't be used is a [*PolicyError]; a
// file that can't be read is another error.
func Load(file string) (*Policy, error) {
	data, err := readRegular(file, MaxPolicySize)
	if err != nil {
		return nil, fmt.Errorf("reading the trust policy %s: %w", file, err)
	}
	p, problems := Parse(data, filepath.Dir(file))
	if problems.Err() != nil {
		return nil, &PolicyError{File: file, Problems: problems}
	}
	p.file = file
	return p, nil
}

// KeyFile is a public key that was named on the command line.
type KeyFile struct {
	Name string
	Data []byte
}

// LoadKeys makes the policy of which one signature by any of the keys is enough, for all images.
func LoadKeys(files []string) (*Policy, error) {
	rule := Rule{Images: everything, Threshold: 1}
	hash := sha256.New()
	for _, file := range files {
		if file == "" {
			return nil, errors.New("--trust-key needs the name of a file")
		}
		data, err := readRegular(file, MaxKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the public key %s: %w", file, err)
		}
		public, err := parseKey(data)
		if err != nil {
			return nil, fmt.Errorf("reading the public key %s: %w", file, err)
		}
		hash.Write(data)
		rule.Signers = append(rule.Signers, Signer{Name: filepath.Base(file), Key: file})
		rule.signers = append(rule.signers, &signer{name: filepath.Base(file), key: public, ids: []string{public.fingerprint}})
	}
	return &Policy{APIVersion: APIVersion, Kind: Kind, Rules: []Rule{rule}, sha256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// For is the policy's rule for an image.
func (p *Policy) For(ref artifact.Reference) *artifact.TrustRule {
	t := &artifact.TrustRule{File: p.file, SHA256: p.sha256}
	rule := p.rule(name(ref))
	switch {
	case rule == nil:
		t.Nothing = "no rule of the policy is for the image"
		return t
	case rule.Accept == acceptNothing:
		t.Nothing = "the policy accepts nothing for " + rule.Images
	}
	t.Images, t.Anything = rule.Images, rule.Accept == acceptAnything
	t.Threshold, t.MaxAge = rule.Threshold, rule.maxAge
	signers := rule.signers
	t.Verify = func(bundle []byte, d digest.Digest, now time.Time) ([]artifact.Signer, error) {
		return verify(signers, bundle, d, now)
	}
	return t
}

// rule is the most specific one that matches a name; nil if none does. The parser made sure that it
// is the only one.
func (p *Policy) rule(name string) *Rule {
	var best *Rule
	for i := range p.Rules {
		r := &p.Rules[i]
		if matches(r.Images, name) && (best == nil || specificityOf(r.Images).compare(specificityOf(best.Images)) > 0) {
			best = r
		}
	}
	return best
}

var errNotRegular = errors.New("it is not a regular file")

// readRegular reads a regular file of at most limit bytes: neither a pipe nor a device can make the
// reader wait.
func readRegular(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err // the caller names the file
		}
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return data, err
}

// isPEM reports whether a text is a key or certificate itself, and no name of a file.
func isPEM(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") }
