//go:build integration

package main_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	integrationUser     = "ci"
	integrationPassword = "correct horse: battery"
)

// integrationHtpasswd is a distribution v3 that lets nobody in without a
// password (https://distribution.github.io/distribution/about/configuration/#htpasswd).
func integrationHtpasswd(t testing.TB, dir string, port int) (argv, env []string) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(integrationPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%s:%s\n", integrationUser, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	config := integrationDistributionConfig(t, dir, port, integrationDistributionDeletes,
		fmt.Sprintf("auth:\n  htpasswd:\n    realm: test\n    path: %s\n", file))
	return []string{integrationTool(t, "distribution"), "serve", config}, integrationNoTraces
}

// integrationLogin writes a Docker configuration as `docker login` does.
func integrationLogin(t testing.TB, file, host, password string) {
	t.Helper()
	secret := base64.StdEncoding.EncodeToString([]byte(integrationUser + ":" + password))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, secret), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestIntegrationAuth reads and writes where a password is needed, with every
// way of giving it, and says what is wrong when it is.
func TestIntegrationAuth(t *testing.T) {
	t.Parallel()
	server := integrationServer{name: "htpasswd", command: integrationHtpasswd, deletes: true}
	host := server.start(t)
	repository := integrationOpen(t, host+"/private/app", integrationKinds()[0], auth.Credential{Username: integrationUser, Password: integrationPassword})
	repository.image(t, "v1", "private", integrationHost())
	image := repository.name + ":v1"

	stdin := func(s integrationSession, password string) integrationSession {
		s.compat.stdin = []byte(password + "\n")
		return s
	}
	ways := []struct {
		name string
		// login prepares a session and returns the flags that it needs.
		login func(t *testing.T, s integrationSession) (integrationSession, []string)
		code  int
	}{
		{"docker-config", func(t *testing.T, s integrationSession) (integrationSession, []string) {
			integrationLogin(t, filepath.Join(s.dir, "docker", "config.json"), host, integrationPassword)
			return s, nil
		}, 0},
		{"registry-config", func(t *testing.T, s integrationSession) (integrationSession, []string) {
			integrationLogin(t, filepath.Join(s.dir, "auth.json"), host, integrationPassword)
			return s, []string{"--registry-config", "auth.json"}
		}, 0},
		{"password-stdin", func(_ *testing.T, s integrationSession) (integrationSession, []string) {
			return stdin(s, integrationPassword), []string{"--username", integrationUser, "--password-stdin"}
		}, 0},
		{"flags-before-config", func(t *testing.T, s integrationSession) (integrationSession, []string) {
			integrationLogin(t, filepath.Join(s.dir, "docker", "config.json"), host, "wrong")
			return stdin(s, integrationPassword), []string{"--username", integrationUser, "--password-stdin"}
		}, 0},
		{"none", func(_ *testing.T, s integrationSession) (integrationSession, []string) { return s, nil }, 1},
		{"wrong-password", func(_ *testing.T, s integrationSession) (integrationSession, []string) {
			return stdin(s, "wrong"), []string{"--username", integrationUser, "--password-stdin"}
		}, 1},
		{"wrong-docker-config", func(t *testing.T, s integrationSession) (integrationSession, []string) {
			integrationLogin(t, filepath.Join(s.dir, "docker", "config.json"), host, "wrong")
			return s, nil
		}, 1},
		{"other-host", func(t *testing.T, s integrationSession) (integrationSession, []string) {
			integrationLogin(t, filepath.Join(s.dir, "docker", "config.json"), "registry.example.com", integrationPassword)
			return s, nil
		}, 1},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			s, flags := way.login(t, newIntegrationSession(t, server))
			attached := s.attach(t, way.code, image, "# "+way.name+"\n"+integrationMatching, flags...)
			report := s.validate(t, way.code, image, flags...)
			s.compat.want(t, way.code, append([]string{"show", "--plain-http", "--image", image}, flags...)...)
			if way.code == 0 {
				if report.Images[0].Artifact == nil || report.Images[0].Artifact.Digest != attached.only(t) {
					t.Errorf("attached %+v, validated with %+v", attached, report)
				}
				s.detach(t, 0, image, append([]string{"--all"}, flags...)...)
				return
			}
			for what, e := range map[string]*integrationError{
				"attach": attached.Error, "validate-node": report.Error, "the image": report.Images[0].Error,
			} {
				if e == nil || e.Code != "unauthorized" || e.Retryable {
					t.Errorf("%s: want the error unauthorized, not retryable; have %+v", what, e)
				}
			}
		})
	}
	t.Run("secrets-stay-secret", func(t *testing.T) {
		s := stdin(newIntegrationSession(t, server), integrationPassword)
		r := s.compat.want(t, 4, "validate-node", "--plain-http", "--image", image, "--username", integrationUser, "--password-stdin", "--verbose")
		output := string(r.stdout) + string(r.stderr)
		encoded := base64.StdEncoding.EncodeToString([]byte(integrationUser + ":" + integrationPassword))
		for _, secret := range []string{integrationPassword, encoded} {
			if strings.Contains(output, secret) {
				t.Errorf("the output holds the password\n%s", r)
			}
		}
	})
}
