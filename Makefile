# Each target is a line that a person could type.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
FUZZTIME ?= 30s
DEADCODE := golang.org/x/tools/cmd/deadcode@v0.45.0
ROOM ?= compat compat/report compat/output
MIN ?= 0
export CGO_ENABLED ?= 0

.PHONY: build test lint deadcode bench fuzz mutate integration generate demo release image

build: ## one static binary: bin/compat
	go build -trimpath -ldflags='-s -w' -o bin/compat ./cmd/compat

test: ## everything that needs nothing but Go
	CGO_ENABLED=1 go test -race -timeout=20m ./...

lint: ## style, package boundaries, forbidden calls; its cache remembers paths, so each checkout has its own
	GOLANGCI_LINT_CACHE=$(CURDIR)/.cache/golangci-lint go run $(GOLANGCI) run --allow-parallel-runners ./...

deadcode: ## functions that the program never calls, on either architecture
	GOBIN=$(CURDIR)/bin go install $(DEADCODE)
	test -z "$$(for arch in amd64 arm64; do GOARCH=$$arch bin/deadcode ./cmd/compat; done | sort | uniq -d | tee /dev/stderr)"

bench: ## side by side with nfd, and Go benchmarks
	go test -tags=integration -run='^$$' -bench=. -benchmem ./...

fuzz: ## every fuzz target, FUZZTIME each
	./testdata/fuzz.sh $(FUZZTIME)

mutate: ## faults in ROOM that its own tests do not notice; SINCE=origin/main: in changed lines, at most 5 minutes
	go -C testdata/tools/mutate run . -since=$(SINCE) -min=$(MIN) $(ROOM)

integration: build ## real registries, the real oras and nfd, on loopback
	go test -tags=integration -run='^TestIntegration' -count=1 -parallel=12 -timeout=30m ./cmd/compat

generate: ## schemas, command reference, golden files
	go test ./spec ./nodefeatures/catalogue ./compat/report ./compat/output ./compat/sidecar ./cmd/compat -update

demo: build ## the main job, on an OCI layout in this directory
	./testdata/demo.sh

release: ## what is published: bin/release, and bin/image, an OCI layout; of a commit only
	.ci/release

image: ## bin/image: an OCI layout of linux/amd64 and arm64, without a container engine
	for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch go build -buildvcs=true -trimpath -ldflags='-s -w' -o bin/compat-linux-$$arch ./cmd/compat || exit 1; done
	go -C cmd/compat/packaging/image run . $(CURDIR)/bin/image linux/amd64=$(CURDIR)/bin/compat-linux-amd64 linux/arm64=$(CURDIR)/bin/compat-linux-arm64
