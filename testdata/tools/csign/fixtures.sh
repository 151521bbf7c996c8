#!/bin/sh
# Makes compat/trust/testdata/cosign: an artifact of the image in testdata/layout, and what cosign's own
# code signs of it; and testdata/trust, a layout with the first of these signatures. Run it in the root of the repository, with csign, oras and olareg built as the
# integration target builds them: `COMPAT_COSIGN=1 make integration`. The private keys are thrown away.
set -eu
tools=$PWD/.cache/tools
root=$PWD
out=$root/compat/trust/testdata/cosign
work=$(mktemp -d)
host=127.0.0.1:5733
repo=$host/team/app
csign=$(ls "$tools"/csign-*) oras=$(ls "$tools"/oras-*) olareg=$(ls "$tools"/olareg-*)
"$olareg" serve --port 5733 --dir "$work/registry" >"$work/log" 2>&1 &
trap 'kill $!; rm -rf "$work"' EXIT
sleep 1
rm -rf "$out" && mkdir -p "$out"
"$oras" cp -r --from-oci-layout testdata/layout:demo --to-plain-http "$repo:v1" >/dev/null
go build -o "$work/compat" ./cmd/compat
cd "$work"
SOURCE_DATE_EPOCH=1790000000 ./compat attach -q "$repo:v1" "$root/testdata/demo/runs-anywhere.yaml" >digest
artifact=$(cat digest)
"$oras" manifest fetch --plain-http "$repo@$artifact" >"$out/artifact.json"
cp "$root/testdata/demo/runs-anywhere.yaml" "$out/spec.yaml"

# save NAME: the signature that came last, as it lies in the registry.
save() {
	"$oras" discover --plain-http --format json "$repo@$artifact" >found.json
	for d in $(grep -o '"digest": "sha256:[0-9a-f]*"' found.json | cut -d'"' -f4); do
		if [ "$d" != "$artifact" ] && ! grep -q "$d" seen 2>/dev/null; then
			echo "$d" >>seen
			"$oras" manifest fetch --plain-http "$repo@$d" >"$out/$1.manifest.json"
			layer=$(grep -o '"layers":\[{[^]]*' "$out/$1.manifest.json" | grep -o 'sha256:[0-9a-f]*')
			"$oras" blob fetch --plain-http --output "$out/$1.bundle.json" "$repo@$layer" >/dev/null
		fi
	done
}
touch seen

openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out p256.pem
openssl ecparam -name secp384r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out p384.pem
openssl ecparam -name secp521r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out p521.pem
openssl genpkey -algorithm ed25519 -out ed25519.pem
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072 -out rsa3072.pem
for k in p256 p384 p521 ed25519 rsa3072; do
	"$csign" import-key-pair --key $k.pem --output-key-prefix $k
	cp $k.pub "$out/$k.pub"
	"$csign" sign --key $k.key "$repo@$artifact"
	save $k
	if [ $k = p256 ]; then
		rm -rf "$root/testdata/trust/layout"
		mkdir -p "$root/testdata/trust"
		"$oras" cp -r --from-plain-http "$repo:v1" --to-oci-layout "$root/testdata/trust/layout:demo" >/dev/null
		rm -rf "$root/testdata/trust/layout/ingest"
		cp p256.pub "$root/testdata/trust/release.pub"
	fi
done

# A statement of another type by the same key, and a signature of the image.
echo '{"scanner":{"result":"REJECTED"}}' >predicate.json
"$csign" attest --key p256.key --predicate predicate.json --type https://acme.example/scan/v1 "$repo@$artifact"
save attestation
image=$("$oras" resolve --plain-http "$repo:v1")
"$csign" sign --key p256.key "$repo@$image"
"$oras" discover --plain-http --format json --artifact-type application/vnd.dev.sigstore.bundle.v0.3+json "$repo@$image" >found.json
d=$(grep -o '"digest": "sha256:[0-9a-f]*"' found.json | cut -d'"' -f4 | tail -1)
layer=$("$oras" manifest fetch --plain-http "$repo@$d" | grep -o '"layers":\[{[^]]*' | grep -o 'sha256:[0-9a-f]*')
"$oras" blob fetch --plain-http --output "$out/image.bundle.json" "$repo@$layer" >/dev/null

# An own certificate authority, and a leaf for one day.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out "$out/ca.pem" -days 3650 \
	-subj "/O=Acme/CN=Acme signing" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.pem -out leaf.csr -subj "/O=Acme" 2>/dev/null
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=email:builder@acme.example\n' >leaf.ext
openssl x509 -req -in leaf.csr -CA "$out/ca.pem" -CAkey ca.key -CAserial ca.srl -CAcreateserial -days 1 -extfile leaf.ext -out leaf.crt 2>/dev/null
"$csign" import-key-pair --key leaf.pem --output-key-prefix leaf
"$csign" sign --key leaf.key --certificate leaf.crt --certificate-chain "$out/ca.pem" "$repo@$artifact"
save chain
"$csign" sign --key leaf.key --certificate leaf.crt "$repo@$artifact"
save leaf
