package artifact

import (
	"context"
	"os"

	"oras.land/oras-go/v2/registry/remote/auth"
	orascredentials "oras.land/oras-go/v2/registry/remote/credentials"
)

// credentials finds who we are for the registry: what was given, else the Docker configuration and its helpers. Whatever
// it finds goes only to this registry and to the token service it names: other hosts are told nothing.
func credentials(ref Reference, o Options) (auth.CredentialFunc, error) {
	given := auth.Credential{Username: o.Username, Password: o.Password, RefreshToken: o.IdentityToken}
	if given != auth.EmptyCredential {
		return auth.StaticCredential(ref.host(), given), nil
	}
	store, err := credentialStore(o.RegistryConfig)
	if err != nil {
		return nil, err
	}
	find := orascredentials.Credential(store)
	return func(ctx context.Context, host string) (auth.Credential, error) {
		if host != ref.host() {
			return auth.EmptyCredential, nil
		}
		return find(ctx, host)
	}, nil
}

// credentialStore opens the configuration file at path, or Docker's own. A user without a home directory, as a service
// has, simply has no Docker configuration: the store is empty then.
func credentialStore(path string) (orascredentials.Store, error) {
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, &ConfigurationError{What: "the registry configuration", Err: err}
		}
		store, err := orascredentials.NewStore(path, orascredentials.StoreOptions{})
		if err != nil {
			return nil, &ConfigurationError{What: "the registry configuration", Err: err}
		}
		return store, nil
	}
	store, err := orascredentials.NewStoreFromDocker(orascredentials.StoreOptions{})
	if err == nil {
		return store, nil
	}
	if homeless() {
		return orascredentials.NewMemoryStore(), nil
	}
	return nil, &ConfigurationError{What: "the Docker configuration", Err: err}
}

func homeless() bool {
	_, err := os.UserHomeDir()
	return err != nil
}
