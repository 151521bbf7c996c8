// The program of `make image`. It is a module of its own, so that the certificate authorities are no dependency of
// compat. Update them: go get golang.org/x/crypto/x509roots/fallback@latest
module nodecompat/cmd/compat/packaging/image

go 1.26.0

require golang.org/x/crypto/x509roots/fallback v0.0.0-20261030153154-30a33513ff6d
