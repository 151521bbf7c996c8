package artifact

import (
	// The digest package knows only the algorithms that are linked in.
	_ "crypto/sha256"
	_ "crypto/sha512"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	orasregistry "oras.land/oras-go/v2/registry"
)

// DefaultTag is the tag that a reference without tag and digest means.
const DefaultTag = "latest"

// dockerHub is the name under which references speak of Docker's registry; its API answers
// elsewhere.
const dockerHub = "docker.io"

// maxRepositoryLength is the length of a repository name that registries accept:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
const maxRepositoryLength = 255

var (
	// tagPattern is the distribution specification's grammar of a tag.
	tagPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`) })

	// digestShape reports whether the text after an @ is meant as a digest.
	digestShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9A-Za-z=_-]+$`) })
)

// Reference names an image in a registry, or in an OCI image layout when Layout is set.
type Reference struct {
	// Registry is host[:port] as written; Docker's names for its own registry all become docker.io.
	Registry string
	// Repository is the path below the registry, with Docker's library/ filled in.
	Repository string
	// Layout is the directory of an OCI image layout; Registry and Repository are empty then.
	Layout string
	// Tag is the tag, "" if the reference has none. Beside a digest it is only a comment: the
	// digest wins.
	Tag string
	// Digest is the digest, "" if the reference has none.
	Digest digest.Digest
}

// String is the normalised form: registry/repository[:tag][@digest], or dir[:tag][@digest].
func (r Reference) String() string {
	var b strings.Builder
	b.WriteString(r.where())
	if r.Tag != "" {
		b.WriteString(":" + r.Tag)
	}
	if r.Digest != "" {
		b.WriteString("@" + r.Digest.String())
	}
	return b.String()
}

// where is the reference without tag and digest.
func (r Reference) where() string {
	if r.Layout != "" {
		return r.Layout
	}
	return r.Registry + "/" + r.Repository
}

// name is what is asked for: the digest if there is one, else the tag, else the default tag.
func (r Reference) name() string {
	switch {
	case r.Digest != "":
		return r.Digest.String()
	case r.Tag != "":
		return r.Tag
	default:
		return DefaultTag
	}
}

// host is where the registry's API answers.
func (r Reference) host() string {
	return orasregistry.Reference{Registry: r.Registry}.Host()
}

// ParseReference reads host[:port]/repository[:tag][@digest]. A name without a host, such as nginx,
// is a [*ShortNameError], anything else that is no reference a [*ReferenceError].
func ParseReference(s string) (Reference, error) {
	head, path, hasPath := strings.Cut(s, "/")
	if strings.Contains(s, "://") {
		return Reference{}, &ReferenceError{Reference: s, Reason: "a reference has no scheme: leave out everything up to ://"}
	}
	if strings.Contains(head, "@") && hasPath {
		// Not repeated in the message: it may be user:password@host.
		return Reference{}, &ReferenceError{Reason: "the registry must be host[:port], credentials are given by flags or docker login"}
	}
	if head == "." || head == ".." || head == "" {
		return Reference{}, &ReferenceError{Reference: s, Reason: "a path is no reference: it is host[:port]/repository[:tag][@digest]"}
	}
	if host, _, _ := strings.Cut(head, "@"); strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return Reference{}, &ReferenceError{Reference: s, Reason: "the registry must be host[:port], an IPv6 address in brackets: [::1]:5000"}
	}
	if path == "" && (hasPath && isHost(head) || namesHost(head)) {
		return Reference{}, &ReferenceError{Reference: s, Reason: "the repository is missing: write " + head + "/REPOSITORY[:TAG]"}
	}
	if !hasPath || !isHost(head) {
		return Reference{}, shortName(s)
	}
	return parseFull(s, head, path)
}

// isHost reports whether the first component of a reference is a registry, by the rule that Docker
// made usual:
// https://github.com/distribution/reference/blob/v0.6.0/normalize.go#L143
func isHost(s string) bool {
	return s == "localhost" || strings.ContainsAny(s, ".:") || s != strings.ToLower(s)
}

// namesHost reports whether a reference without a slash is a registry whose repository was forgotten,
// rather than an image of Docker's: it is an address, or has a dot and a port.
func namesHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		return true
	}
	name, _, _ := strings.Cut(s, "@")
	name, port, _ := strings.Cut(name, ":")
	_, noPort := strconv.ParseUint(port, 10, 16)
	_, noAddress := netip.ParseAddr(name)
	return name == "localhost" || noAddress == nil || noPort == nil && strings.Contains(name, ".")
}

func shortName(s string) error {
	full, err := parseFull(s, dockerHub, s)
	if err != nil {
		return err
	}
	if full.Tag == "" && full.Digest == "" {
		full.Tag = DefaultTag
	}
	name, _, _ := strings.Cut(s, "@")
	name, _, _ = strings.Cut(name, ":")
	return &ShortNameError{Name: s, Full: full.String(), MayBeHost: !strings.Contains(s, "/") && strings.Contains(name, ".")}
}

func parseFull(s, host, path string) (Reference, error) {
	refuse := func(reason string) (Reference, error) {
		return Reference{}, &ReferenceError{Reference: s, Reason: reason}
	}
	ref := Reference{Registry: host}
	rest, dgst, hasDigest := strings.Cut(path, "@")
	if hasDigest {
		d, err := digest.Parse(dgst)
		if err != nil {
			return refuse("what follows @ is not a digest such as sha256:…: " + err.Error())
		}
		ref.Digest = d
	}
	name, tag, hasTag := strings.Cut(rest, ":")
	if hasTag && !tagPattern().MatchString(tag) {
		return refuse(tagProblem(tag))
	}
	ref.Tag, ref.Repository = tag, name
	ref.dockerise()
	oras := orasregistry.Reference{Registry: ref.Registry, Repository: ref.Repository}
	if err := oras.ValidateRegistry(); err != nil {
		return refuse("the registry must be host[:port]")
	}
	if len(ref.Repository) > maxRepositoryLength || oras.ValidateRepository() != nil {
		return refuse("the repository must be lower-case path components, at most 255 characters in all")
	}
	return ref, nil
}

// tagProblem says what is wrong with a text that is no tag.
func tagProblem(tag string) string {
	if tag == "" {
		return "the tag after the colon is missing"
	}
	return "the tag must be at most 128 letters, digits, dots, dashes and underscores"
}

// dockerise gives Docker's registry its one name, and its official images their library/.
func (r *Reference) dockerise() {
	if r.Registry == "index.docker.io" {
		r.Registry = dockerHub
	}
	if r.Registry == dockerHub && r.Repository != "" && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
}

// ParseLayoutReference reads DIR[:tag][@digest]. Only what follows the last colon of the last path
// component is taken for a tag. What can't be read is a [*ReferenceError].
func ParseLayoutReference(s string) (Reference, error) {
	refuse := func(reason string) (Reference, error) {
		return Reference{}, &ReferenceError{Reference: s, Reason: reason, Layout: true}
	}
	ref := Reference{Layout: s}
	if at := strings.LastIndex(s, "@"); at >= 0 && digestShape().MatchString(s[at+1:]) {
		d, err := digest.Parse(s[at+1:])
		if err != nil {
			return refuse("what follows @ is not a digest such as sha256:…: " + err.Error())
		}
		ref.Digest, ref.Layout = d, s[:at]
	}
	if colon := strings.LastIndex(ref.Layout, ":"); colon > strings.LastIndex(ref.Layout, "/") {
		ref.Tag, ref.Layout = ref.Layout[colon+1:], ref.Layout[:colon]
		if !tagPattern().MatchString(ref.Tag) {
			return refuse(tagProblem(ref.Tag))
		}
	}
	if ref.Layout == "" {
		return refuse("the directory of the layout is missing")
	}
	if strings.ContainsRune(ref.Layout, 0) {
		return refuse("the directory's name contains a NUL")
	}
	return ref, nil
}
