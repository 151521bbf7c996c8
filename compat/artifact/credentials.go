package artifact

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	orascredentials "oras.land/oras-go/v2/registry/remote/credentials"
)

// credentials finds who we are for the registry: what was given, else what the configuration files
// and their helpers say. Nothing is read from a helper before it is needed.
func credentials(ctx context.Context, ref Reference, o Options) (func(context.Context) (auth.Credential, error), error) {
	given := auth.Credential{Username: o.Username, Password: o.Password, RefreshToken: o.IdentityToken}
	if given != auth.EmptyCredential {
		return func(ctx context.Context) (auth.Credential, error) {
			o.noteCredentials(ctx, ref, "the options")
			return given, nil
		}, nil
	}
	var files []credentialFile
	for _, config := range o.PullSecrets {
		secret, err := readSecret(config)
		if err != nil {
			return nil, &ConfigurationError{What: "a pull secret", Err: err}
		}
		files = append(files, secret)
	}
	for _, place := range credentialPlaces(o) {
		file, err := place.open(ctx)
		switch {
		case err == nil:
			files = append(files, file)
		case place.must || !errors.Is(err, fs.ErrNotExist):
			return nil, &ConfigurationError{What: place.what, Err: err}
		}
	}
	return func(ctx context.Context) (auth.Credential, error) {
		for _, f := range files {
			id, err := f.get(ctx, f.key(ref))
			if err != nil || id != auth.EmptyCredential {
				o.noteCredentials(ctx, ref, f.what)
				return id, err
			}
		}
		o.noteCredentials(ctx, ref, "nowhere: without an account")
		return auth.EmptyCredential, nil
	}, nil
}

// noteCredentials logs where the credentials for an image come from.
func (o Options) noteCredentials(ctx context.Context, ref Reference, from string) {
	if o.Logger != nil {
		o.Logger.DebugContext(ctx, "credentials", "host", ref.host(), "from", from)
	}
}

// credentialPlace is where a file with credentials may be.
type credentialPlace struct {
	what string
	path string
	must bool // it is a mistake if there is none
}

// credentialPlaces are the files to look into, the first that knows the registry being the one that
// counts: Docker's, then podman's
// (https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md).
func credentialPlaces(o Options) []credentialPlace {
	if o.RegistryConfig != "" {
		return []credentialPlace{{"the registry configuration", o.RegistryConfig, true}}
	}
	var places []credentialPlace
	add := func(what string, parts ...string) {
		if parts[0] != "" { // a variable that is not set
			places = append(places, credentialPlace{what: what, path: filepath.Join(parts...)})
		}
	}
	home := o.variable("HOME")
	if docker := o.variable("DOCKER_CONFIG"); docker != "" {
		add("the Docker configuration", docker, "config.json")
	} else {
		add("the Docker configuration", home, ".docker", "config.json")
	}
	if file := o.variable("REGISTRY_AUTH_FILE"); file != "" {
		return append(places, credentialPlace{what: "the file that REGISTRY_AUTH_FILE names", path: file})
	}
	add("podman's auth.json", o.variable("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if config := o.variable("XDG_CONFIG_HOME"); config != "" {
		add("podman's auth.json", config, "containers", "auth.json")
	} else {
		add("podman's auth.json", home, ".config", "containers", "auth.json")
	}
	return places
}

func (o Options) variable(name string) string {
	if o.LookupEnv == nil {
		return ""
	}
	value, _ := o.LookupEnv(name)
	return value
}

// credentialFile is a file with credentials, or with the names of helpers that have them.
// https://docs.docker.com/reference/cli/docker/login/#credential-stores
type credentialFile struct {
	what    string // for a person
	names   map[string]json.RawMessage
	helpers map[string]string // by the name of the registry
	helper  string            // of all others
}

// parseCredentials reads a Docker configuration. The parser's error is not repeated: it could quote a
// secret.
func parseCredentials(what string, raw []byte) (credentialFile, error) {
	var content struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredHelpers map[string]string          `json:"credHelpers"`
		CredsStore  string                     `json:"credsStore"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		return credentialFile{}, errNotJSON
	}
	return credentialFile{what, content.Auths, content.CredHelpers, content.CredsStore}, nil
}

// readSecret reads the Docker configuration of a pull secret. It names no helpers,
// or they are not asked.
func readSecret(raw []byte) (credentialFile, error) {
	secret, err := parseCredentials("a pull secret", raw)
	if err == nil && len(secret.names) == 0 {
		err = errNotJSON
	}
	secret.helpers, secret.helper = nil, ""
	return secret, err
}

// get returns what the file, or else the helper that it names, has under a name; nothing if it has
// not.
func (f credentialFile) get(ctx context.Context, name string) (auth.Credential, error) {
	if helper := cmp.Or(f.helpers[name], f.helper); helper != "" {
		return askHelper(ctx, helper, name)
	}
	entry, ok := f.names[name]
	if !ok {
		return auth.EmptyCredential, nil
	}
	// One entry at a time: the library keeps one for each host, whatever the path.
	const alone = "alone"
	config, err := json.Marshal(map[string]any{"auths": map[string]any{alone: entry}})
	if err != nil {
		return auth.EmptyCredential, errNotJSON
	}
	store, err := orascredentials.NewMemoryStoreFromDockerConfig(config)
	if err != nil {
		return auth.EmptyCredential, errNotJSON
	}
	return store.Get(ctx, alone)
}

func (p credentialPlace) open(ctx context.Context) (credentialFile, error) {
	raw, err := readFile(ctx, p.path)
	if err != nil {
		return credentialFile{}, err
	}
	file, err := parseCredentials(p.what+" "+p.path, raw)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.path, err)
	}
	return file, err
}

var errNotJSON = errors.New("it is no JSON file of credentials")

// key is the name under which a file has credentials: that of the repository or of the nearest path
// above it, which podman writes, or else that of the registry.
func (f credentialFile) key(ref Reference) string {
	for name := ref.Registry + "/" + ref.Repository; strings.Contains(name, "/"); name = name[:strings.LastIndexByte(name, '/')] {
		if _, ok := f.names[name]; ok {
			return name
		}
	}
	server := orascredentials.ServerAddressFromHostname(ref.host())
	if _, ok := f.names[server]; ok {
		return server
	}
	if _, ok := f.names[ref.Registry]; ok { // docker.io, as podman writes it
		return ref.Registry
	}
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		if _, rest, ok := strings.Cut(name, "://"); ok && strings.HasPrefix(rest+"/", ref.host()+"/") { // as Docker once wrote it
			return name
		}
	}
	return server
}
