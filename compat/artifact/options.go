package artifact

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Options say how to reach a registry or a layout. The zero value means a registry with TLS, the
// system's certificate authorities and no credentials.
type Options struct {
	// OCILayout makes the reference DIR[:tag][@digest], an OCI image layout on disk.
	OCILayout bool
	// PlainHTTP speaks HTTP instead of HTTPS. So it is for a registry on localhost or a loopback
	// address, unless TLS or another option about TLS is given.
	PlainHTTP bool
	// TLS speaks HTTPS even to a registry on localhost.
	TLS bool
	// Insecure does not verify the registry's certificate.
	Insecure bool
	// CAFile is a PEM file of the certificate authorities to trust instead of the system's.
	CAFile string
	// CertFile and KeyFile are PEM files of the certificate and key to show to the registry.
	CertFile, KeyFile string
	// Username and Password are credentials for the registry; with them the Docker configuration is
	// not looked at.
	Username, Password string
	// IdentityToken is an OAuth2 refresh token for the registry's token service; with it the Docker
	// configuration is not looked at.
	IdentityToken string
	// RegistryConfig is a file to read instead of the Docker configuration. It must exist.
	RegistryConfig string
	// PullSecrets are Docker configurations (config.json), as imagePullSecrets hold
	// them, to look into before any file.
	PullSecrets [][]byte
	// LookupEnv looks up an environment variable, as os.LookupEnv does: those that say where Docker
	// and podman keep credentials (DOCKER_CONFIG, REGISTRY_AUTH_FILE, HOME, XDG_RUNTIME_DIR,
	// XDG_CONFIG_HOME). Nil means that there are none, so that no such file is found.
	LookupEnv func(string) (string, bool)
	// UserAgent is what the requests say about their sender.
	UserAgent string
	// Dial makes the connections to a registry and its token service. Nil takes the system's network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now tells how much of a context's time is left: what that is too short for is not begun. Nil
	// begins everything, and lets the context end it.
	Now func() time.Time
	// Trust is the rule of a trust policy for what is opened; nil where there is no policy, and
	// everything that is attached counts. With a policy there must be a Now, which is the clock of
	// trust: the process's own, whatever documents are dated with.
	Trust func(Reference) *TrustRule
	// Sleep waits between two tries, or returns the error of the context when that ends. Nil takes
	// the system's timers.
	Sleep func(context.Context, time.Duration) error
	// Logger gets requests and where credentials come from at debug level, and what is waited for at
	// info level; no secrets. Nil is silent.
	Logger *slog.Logger
}

// speaksHTTP reports whether a registry is asked in plain HTTP.
func (o Options) speaksHTTP(host string) bool {
	aboutTLS := o.TLS || o.Insecure || o.CAFile != "" || o.CertFile != "" || o.KeyFile != ""
	return o.PlainHTTP || !aboutTLS && isLoopback(host)
}

// isLoopback reports whether host, which may have a port, is this machine by its name or address.
func isLoopback(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	ip, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// Repository is where an image and its artifacts live. Its methods can be used concurrently.
type Repository struct {
	ref   Reference
	store store
	clock clock
	trust *TrustRule    // nil without a policy
	slots chan struct{} // of requests about signatures
}

// Open reads the reference and the files that the options name. No request is made, and no
// credential helper run, before it is needed. Errors: [*ReferenceError], [*ShortNameError],
// [*ConfigurationError], [*LayoutError].
func Open(ctx context.Context, reference string, o Options) (*Repository, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	clock := clock{now: o.Now, pause: o.Sleep, log: o.Logger}
	if o.Trust != nil && o.Now == nil {
		return nil, &ConfigurationError{What: "the trust policy", Err: errors.New("there is no clock")}
	}
	if o.OCILayout {
		ref, err := ParseLayoutReference(reference)
		if err != nil {
			return nil, err
		}
		l, err := openLayout(ref, clock)
		if err != nil {
			return nil, err
		}
		l.lenient = o.Trust != nil
		return newRepository(ref, l, clock, o), nil
	}
	ref, err := ParseReference(reference)
	if err != nil {
		return nil, err
	}
	g, err := openRegistry(ctx, ref, o, clock)
	if err != nil {
		return nil, err
	}
	return newRepository(ref, g, clock, o), nil
}

func newRepository(ref Reference, s store, clock clock, o Options) *Repository {
	r := &Repository{ref: ref, store: s, clock: clock, slots: make(chan struct{}, parallelChecks)}
	if o.Trust != nil {
		// Where there is a policy, no rule is none that accepts anything.
		if r.trust = o.Trust(ref); r.trust == nil {
			r.trust = &TrustRule{Nothing: "no rule of the policy is for the image"}
		}
	}
	return r
}

// Reference is what was opened, normalised.
func (r *Repository) Reference() Reference { return r.ref }

// Close drops idle connections. The repository can still be used.
func (r *Repository) Close() { r.store.close() }

// Warning is something that the user should know and that stops nothing.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
