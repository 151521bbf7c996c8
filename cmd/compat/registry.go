package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
)

// maxSecret bounds a password or token on standard input, in bytes.
const maxSecret = 64 << 10

// registryFlags are named as oras names them.
type registryFlags struct {
	flags         artifact.Options // as given; the secrets are still to be read
	passwordStdin bool
	tokenStdin    bool
	platform      platformFlag
	trustPolicy   string
	trustKeys     []string
	given         func(flag string) bool
}

func (f *registryFlags) add(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &f.flags
	f.given = flags.Changed
	flags.BoolVar(&o.PlainHTTP, "plain-http", false, "talk plain HTTP to the registry; on localhost that is so unless this is false, or a flag about TLS is given")
	flags.BoolVar(&o.Insecure, "insecure", false, "do not check the registry's TLS certificate")
	flags.StringVar(&o.CAFile, "ca-file", "", "trust the certificate authorities in this PEM `file`")
	flags.StringVar(&o.CertFile, "cert-file", "", "client certificate, a PEM `file`")
	flags.StringVar(&o.KeyFile, "key-file", "", "key of the client certificate, a PEM `file`")
	flags.StringVarP(&o.Username, "username", "u", "", "registry user `name`")
	flags.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input")
	flags.BoolVar(&f.tokenStdin, "identity-token-stdin", false, "read an identity token from standard input")
	flags.StringVar(&o.RegistryConfig, "registry-config", "", "credentials `file` (default: Docker's config.json)")
	excludes(cmd, "password-stdin", "identity-token-stdin")
	needs(cmd, "cert-file", "key-file")
	needs(cmd, "key-file", "cert-file")
	timeoutFlag(cmd)
}

// addTrust adds what says which artifacts count, for commands that choose among them.
func (f *registryFlags) addTrust(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.trustPolicy, "trust-policy", "", "only artifacts that this trust policy `file` accepts count, by their signatures")
	flags.StringArrayVar(&f.trustKeys, "trust-key", nil, "only artifacts signed with this public key count, a PEM `file` such as cosign.pub (repeatable: any of them)")
	excludes(cmd, "trust-policy", "trust-key")
}

// layoutFlag adds --oci-layout, with which nothing that is about a registry has a meaning.
func (f *registryFlags) layoutFlag(cmd *cobra.Command) {
	const usage = "the image is in an OCI image layout on disk: DIR[:tag][@digest]"
	cmd.Flags().BoolVar(&f.flags.OCILayout, "oci-layout", false, usage)
	annotate(cmd, "oci-layout", excluding, []string{
		"plain-http", "insecure", "ca-file", "cert-file", "username", "password-stdin", "identity-token-stdin", "registry-config",
	})
}

// addPlatform adds --platform, for commands that choose from an index.
func (f *registryFlags) addPlatform(cmd *cobra.Command, usage string) {
	cmd.Flags().Var(&f.platform, "platform", usage+": os[/arch][/variant][:os_version]")
	complete(cmd, "platform", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x")
}

// options returns what was given, with the secrets that standard input holds.
func (f *registryFlags) options(ctx context.Context, a *app) (artifact.Options, error) {
	o := f.flags
	o.TLS = f.given("plain-http") && !o.PlainHTTP
	for _, file := range []string{o.CAFile, o.CertFile, o.KeyFile, o.RegistryConfig} {
		if file == "" {
			continue
		}
		if err := checkOpens(file); err != nil {
			return o, &usageError{err}
		}
	}
	o.UserAgent = "compat/" + toolVersion()
	o.Logger = a.logger()
	o.LookupEnv = a.lookupEnv
	o.Now = a.now
	o.Dial = a.dial
	if err := f.trust(&o); err != nil {
		return o, err
	}
	if f.passwordStdin && o.Username == "" {
		return o, usagef("--password-stdin needs --username")
	}
	if o.Username != "" && !f.passwordStdin {
		return o, usagef("--username needs --password-stdin")
	}
	if f.passwordStdin || f.tokenStdin {
		secret, err := a.readFile(ctx, "-", maxSecret)
		if err != nil {
			return o, err
		}
		if len(secret) > maxSecret {
			return o, usagef("the secret on standard input is longer than %d bytes", maxSecret)
		}
		text := strings.TrimRight(string(secret), "\r\n")
		if text == "" {
			return o, usagef("standard input holds no secret")
		}
		if f.tokenStdin {
			o.IdentityToken = text
		} else {
			o.Password = text
		}
	}
	return o, nil
}

// checkOpens tries to open a file. A pipe is left to whoever reads it.
func checkOpens(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &directoryError{name}
	case !info.Mode().IsRegular():
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return file.Close()
}

// trust reads the trust policy. One that can't be used is a usage error, and never no policy.
func (f *registryFlags) trust(o *artifact.Options) error {
	if f.trustPolicy == "" && f.given("trust-policy") {
		return usagef("--trust-policy needs the name of a file")
	}
	rules, err := compat.ReadTrust(f.trustPolicy, f.trustKeys)
	if err != nil {
		return &usageError{err}
	}
	if rules != nil {
		o.Trust = rules
	}
	return nil
}

// imageFlags adds --image, and --oci-layout.
func (f *registryFlags) imageFlags(cmd *cobra.Command, image *string) {
	f.layoutFlag(cmd)
	cmd.Flags().StringVar(image, "image", "", "`reference` of the image, in place of the argument: "+imageForm)
}

// open opens the image's repository. A reference that is none is a usage error.
func (f *registryFlags) open(ctx context.Context, a *app, image string) (*artifact.Repository, error) {
	options, err := f.options(ctx, a)
	if err != nil {
		return nil, err
	}
	return openImage(ctx, image, options)
}

func openImage(ctx context.Context, image string, options artifact.Options) (*artifact.Repository, error) {
	repository, err := artifact.Open(ctx, image, options)
	if compat.IsUsage(err) {
		return nil, &usageError{err}
	}
	return repository, err
}

// operatingSystems are those that images are made for, as Go names them
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md). A
// misspelt one must not make a node look incompatible.
var operatingSystems = []string{"linux", "windows", "freebsd", "darwin", "solaris", "wasip1", "wasi"}

// platformFlag is a typed flag value.
type platformFlag struct{ value *artifact.Platform }

func (p *platformFlag) Type() string { return "platform" }

func (p *platformFlag) String() string {
	if p.value == nil {
		return ""
	}
	return artifact.FormatPlatform(*p.value)
}

func (p *platformFlag) Set(text string) error {
	platform, err := artifact.ParsePlatform(text)
	if err != nil {
		return err
	}
	if !slices.Contains(operatingSystems, platform.OS) {
		return fmt.Errorf("%q is no operating system; it is one of %s", platform.OS, strings.Join(operatingSystems, ", "))
	}
	p.value = &platform
	return nil
}

// runtimeFlag is a typed flag value.
type runtimeFlag struct{ value artifact.Runtime }

func (r *runtimeFlag) Type() string   { return "runtime" }
func (r *runtimeFlag) String() string { return r.value.String() }

func (r *runtimeFlag) Set(text string) (err error) {
	r.value, err = artifact.ParseRuntime(text)
	return err
}

// digestFlag is a typed flag value.
type digestFlag struct{ value digest.Digest }

func (d *digestFlag) Type() string   { return "digest" }
func (d *digestFlag) String() string { return d.value.String() }

func (d *digestFlag) Set(text string) error {
	parsed, err := digest.Parse(text)
	if err != nil {
		return fmt.Errorf("must be like sha256:… (64 hexadecimal digits): %w", err)
	}
	d.value = parsed
	return nil
}

// orNone is the platform asked for, or the zero value.
func (p *platformFlag) orNone() artifact.Platform {
	if p.value == nil {
		return artifact.Platform{}
	}
	return *p.value
}
