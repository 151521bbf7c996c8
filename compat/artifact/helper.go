package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

var errHelper = errors.New("the credential helper gave no credentials")

// notInKeychain is what a helper says that knows nothing of a registry. Nothing else that one says
// is looked at, let alone repeated.
const notInKeychain = "credentials not found in native keychain"

// askHelper asks a credential helper for what it has under a name; nothing if it has not. The helper
// is ended with ctx.
// https://github.com/docker/docker-credential-helpers#development
func askHelper(ctx context.Context, helper, name string) (auth.Credential, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := &boundedBuffer{limit: maxToken, full: stop}
	cmd := exec.CommandContext(ctx, "docker-credential-"+helper, "get") //nolint:gosec // the user's configuration names it
	cmd.Stdin, cmd.Stdout, cmd.WaitDelay = strings.NewReader(name), out, time.Second
	err := cmd.Run()
	switch said := strings.TrimSpace(string(out.kept)); {
	case errors.As(err, new(*exec.Error)):
		return auth.EmptyCredential, err
	case err != nil && said == notInKeychain:
		return auth.EmptyCredential, nil
	case err != nil:
		return auth.EmptyCredential, errHelper
	}
	var found struct{ Username, Secret string }
	if err := json.Unmarshal(out.kept, &found); err != nil {
		return auth.EmptyCredential, errHelper
	}
	if found.Username == "<token>" {
		return auth.Credential{RefreshToken: found.Secret}, nil
	}
	return auth.Credential{Username: found.Username, Password: found.Secret}, nil
}

// A boundedBuffer keeps what is written to it up to a limit, and calls full when more comes.
type boundedBuffer struct {
	kept  []byte
	limit int
	full  func()
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.limit {
		b.full()
		return 0, errHelper
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}
