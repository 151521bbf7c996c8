// Command csign signs with cosign's own code: its commands sign and attest, wired as its command
// line does, without the parts that nobody needs here (key management services, other documents),
// so that it builds in a third of the time.
//
//	csign sign   --key KEY [--certificate FILE] [--certificate-chain FILE] REPO@DIGEST
//	csign attest --key KEY --predicate FILE --type URI REPO@DIGEST
//	csign verify-attestation --key PUB --type URI REPO@DIGEST
//	csign import-key-pair --key FILE.pem --output-key-prefix PREFIX
//
// verify-attestation prints a statement of the type. Keys have an empty password. There is no transparency log, as with `cosign sign
// --tlog-upload=false --use-signing-config=false`.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/signcommon"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/cosign/v3/pkg/signature"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "csign:", err)
		os.Exit(1)
	}
}

func noPassword(bool) ([]byte, error) { return nil, nil }

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("give sign, attest, verify-attestation or import-key-pair")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	key := flags.String("key", "", "private key")
	certificate := flags.String("certificate", "", "certificate of the key")
	chain := flags.String("certificate-chain", "", "certificates of its authorities")
	predicate := flags.String("predicate", "", "file with a predicate")
	predicateType := flags.String("type", "", "type of the predicate")
	prefix := flags.String("output-key-prefix", "import-cosign", "where an imported key goes")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	registry := options.RegistryOptions{AllowHTTPRegistry: true}
	ko := options.KeyOpts{KeyRef: *key, PassFunc: noPassword, SkipConfirmation: true, NewBundleFormat: true}
	if args[0] == "sign" || args[0] == "attest" {
		if err := signcommon.LoadTrustedMaterialAndSigningConfig(ctx, &ko, false, "",
			"", "", "", "", "", false, true, "", *key, false, "", "", "", "", "", ""); err != nil {
			return err
		}
	}
	switch args[0] {
	case "sign":
		o := options.SignOptions{
			Key: *key, Cert: *certificate, CertChain: *chain, Upload: true, NewBundleFormat: true, SkipConfirmation: true, Registry: registry,
		}
		return sign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, ko, o, flags.Args())
	case "attest":
		c := attest.AttestCommand{
			KeyOpts: ko, RegistryOptions: registry, PredicatePath: *predicate, PredicateType: *predicateType,
			Timeout: time.Minute, RekorEntryType: "dsse",
		}
		for _, reference := range flags.Args() {
			if err := c.Exec(ctx, reference); err != nil {
				return err
			}
		}
		return nil
	case "verify-attestation":
		return verifyAttestation(ctx, registry, *key, *predicateType, flags.Arg(0))
	case "import-key-pair":
		keys, err := cosign.ImportKeyPair(*key, noPassword)
		if err != nil {
			return err
		}
		if err := os.WriteFile(*prefix+".key", keys.PrivateBytes, 0o600); err != nil {
			return err
		}
		return os.WriteFile(*prefix+".pub", keys.PublicBytes, 0o644)
	}
	return fmt.Errorf("unknown command %s", args[0])
}

// verifyAttestation is cosign verify-attestation --insecure-ignore-tlog.
func verifyAttestation(ctx context.Context, registry options.RegistryOptions, key, predicateType, reference string) error {
	verifier, err := signature.LoadPublicKey(ctx, key)
	if err != nil {
		return err
	}
	client, err := registry.ClientOpts(ctx)
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		return err
	}
	found, _, err := cosign.VerifyImageAttestations(ctx, ref, &cosign.CheckOpts{
		RegistryClientOpts: client, SigVerifier: verifier, IgnoreTlog: true, Offline: true, NewBundleFormat: true,
		ClaimVerifier: cosign.IntotoSubjectClaimVerifier,
	}, name.Insecure)
	if err != nil {
		return err
	}
	for _, a := range found {
		raw, err := a.Payload()
		if err != nil {
			return err
		}
		var envelope struct{ Payload []byte }
		var statement struct{ PredicateType string }
		if err := json.Unmarshal(raw, &envelope); err != nil {
			return err
		}
		if err := json.Unmarshal(envelope.Payload, &statement); err != nil {
			return err
		}
		if statement.PredicateType == predicateType {
			fmt.Println(string(envelope.Payload))
			return nil
		}
	}
	return fmt.Errorf("none of the statements has the type %s", predicateType)
}
