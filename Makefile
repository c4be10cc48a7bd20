# Weir. `make` alone lists what can be done. Every cargo call goes through scripts/toolchain, which
# finds or sets up a Rust that can build for WebAssembly.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RUN := scripts/toolchain exec --
CARGO := $(RUN) cargo
# Native tools and tests share one profile, so that dependencies are compiled once.
HOST := --profile host
XTASK := $(CARGO) run --quiet --package xtask $(HOST) --
# Crates without input or output: they are tested a second time as WebAssembly, under Node.
PURE := $(addprefix --package ,weir-core weir-allocation weir-ab-routing weir-experiment weir-jose weir-jwt-claims weir-fault-injection)
# The tests that need the built modules, and those that need Envoy. The load test has a target of its own, and so
# has the registry.
MODULE_TESTS := --test cases_minihost --test minihost
ENVOY_TESTS := --test cases_envoy --test envoy
NATIVE_TESTS := --test cases_native
MODULE := --package weir-module --target wasm32-wasip1
# The command line as its own tests build it. Built by itself, it would have its dependencies compiled again.
# `make test` builds everything first, and says so in WEIR_BUILT.
BUILT := [ -n "$${WEIR_BUILT:-}" ] ||
BUILD_WEIR := $(BUILT) $(CARGO) test --quiet --workspace $(HOST) --no-run --test it
WEIR := WEIR_PROGRAM=$$(realpath "$${CARGO_TARGET_DIR:-target}/host/weir")

# Many tests wait for Envoy, for clocks or for each other: two for each processor use what the others leave idle.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# Says how long each test program took, and names its slow tests.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER := $(CURDIR)/scripts/timed

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Start Envoy with all filters and sample upstreams, and show what happens
	@scripts/demo

.PHONY: install-cli
install-cli: ## Install the command line `weir` into cargo's bin directory
	@bash -c '. scripts/lib.sh && progress "building weir (the first time about three minutes)" \
	  $(CARGO) install --quiet --path cli --profile host --locked --force'

.PHONY: push
push: wasm ## Push the modules to a registry: make push REF=ghcr.io/acme/weir
	@: $${REF:?say where to, as in make push REF=ghcr.io/acme/weir}
	@$(CARGO) run --quiet --package weir-cli $(HOST) -- push dist/ "$$REF"

.PHONY: sample-image
sample-image: ## Build the sample service's image and see it answer: make sample-image IMAGE=ghcr.io/acme/weir/sample:0.1.0
	@: $${IMAGE:?say its name, as in make sample-image IMAGE=ghcr.io/acme/weir/sample:0.1.0}
	@scripts/sample-image build "$$IMAGE"
	@scripts/sample-image test "$$IMAGE"

##@ Build

.PHONY: wasm
wasm: ## Build the modules into dist/
	@$(BUILT) $(XTASK) dist

.PHONY: native
native: ## Build the native module, dist/libweir.so
	@$(BUILT) $(XTASK) dist native

.PHONY: release
release: ## What a release has, into dist/release: modules, chart, command line, SBOM, checksums, provenance
	scripts/release check
	$(MAKE) wasm native playground
	scripts/release

.PHONY: test-release
test-release: ## Use what `make release` made: digests, programs of both architectures, the image of the command line
	scripts/release test

.PHONY: schema
schema: ## Write what is generated: schema/weir.schema.json, the tables of options in docs/
	@$(BUILD_WEIR)
	@$(WEIR) $(XTASK) schema

.PHONY: book
book: ## Make the pages into a site, target/book/html, and check its links
	scripts/book exec -- cargo run --quiet --package xtask $(HOST) -- book

.PHONY: playground
playground: ## Make the playground, a page that checks and explains configurations: target/playground
	@scripts/playground build

##@ Test

.PHONY: test
test: test-build ## Everything below
	@WEIR_BUILT=1 scripts/together "test-unit test-e2e" \
	  "test-wasm test-cases test-native test-native-memory test-rules test-oci test-load"

# What all of them need, so that none waits for what another one builds.
.PHONY: test-build
test-build: wasm native
	$(CARGO) test --workspace $(HOST) --no-run
	$(CARGO) test --workspace $(HOST) --no-run $(MODULE_TESTS) $(ENVOY_TESTS) $(NATIVE_TESTS) --test load --test registry
	scripts/wasm-bindgen exec -- cargo test --target wasm32-unknown-unknown $(PURE) --lib --tests --no-run

.PHONY: test-unit
test-unit: ## Unit, property and documentation tests, natively
	$(CARGO) test --workspace $(HOST)

.PHONY: test-wasm
test-wasm: ## The pure crates as WebAssembly, under Node
	scripts/wasm-bindgen exec -- cargo test --target wasm32-unknown-unknown $(PURE) --lib --tests

.PHONY: test-cases
test-cases: wasm ## The case files against the built modules, in the mini host
	$(BUILD_WEIR)
	$(WEIR) $(CARGO) test --workspace $(HOST) $(MODULE_TESTS)

.PHONY: test-rules
test-rules: ## Prometheus' rules: checked, and each alert made to fire and not to fire
	scripts/prometheus rules

.PHONY: test-e2e
test-e2e: wasm native ## Cases, routing, failures, updates, shipped files and the demo in the real Envoy
	$(BUILD_WEIR)
	$(WEIR) ENVOY_RUNTIME=$$(scripts/envoy runtime) $(CARGO) test --workspace $(HOST) $(ENVOY_TESTS)
	$(CARGO) build --quiet --workspace $(HOST) --bin weir-upstream
	WEIR_DEMO_ONCE=1 WEIR_DEMO_UPSTREAM=$$(realpath "$${CARGO_TARGET_DIR:-target}/host/weir-upstream") scripts/demo

.PHONY: test-native
test-native: native ## The case files against the native module, in the real Envoy
	ENVOY_RUNTIME=$$(scripts/envoy runtime) $(CARGO) test --workspace $(HOST) $(NATIVE_TESTS)

.PHONY: test-native-memory
test-native-memory: native ## The native module under valgrind, with a program that plays Envoy
	scripts/native-memory

.PHONY: test-oci
test-oci: wasm ## Push to a real registry, pull back with weir and skopeo
	$(CARGO) test --workspace $(HOST) --test registry -- oci_registry:: oci_signed::

.PHONY: test-signing
test-signing: wasm ## The real cosign verifies what `weir push --sign` signed, and the other way round; needs Go, builds for minutes once
	WEIR_COSIGN=$$(scripts/cosign path) $(CARGO) test --workspace $(HOST) --test registry -- oci_cosign::

.PHONY: test-tracing
test-tracing: wasm ## The real Jaeger finds traces by their variant; needs Go, builds for minutes once
	WEIR_JAEGER=$$(scripts/jaeger path) ENVOY_RUNTIME=$$(scripts/envoy runtime) \
	  $(CARGO) test --workspace $(HOST) --test envoy -- tracing_e2e::jaeger --ignored --nocapture

.PHONY: test-versions
test-versions: wasm ## Cases in every version of Envoy; writes docs/envoy-versions.md
	scripts/envoy-versions

.PHONY: test-fresh
test-fresh: ## README's commands on a new Debian, made by debootstrap (as root; WEIR_FRESH_SUITE=trixie)
	scripts/fresh $${WEIR_FRESH_SUITE:-bookworm}

.PHONY: test-playground
test-playground: playground wasm ## The playground's answers against the program's, its page in Chromium and Firefox, and beside a real Envoy
	$(BUILD_WEIR)
	$(WEIR) scripts/playground test

.PHONY: test-nightly
test-nightly: wasm native ## What takes too long for every change: a million requests through Envoy, ordinary and hostile; fuzz; Kubernetes and control planes; the playground
	WEIR_LOAD_REQUESTS=1000000 $(MAKE) test-load
	WEIR_MEMORY_STREAMS=1000000 $(MAKE) test-native-memory
	$(BUILD_WEIR)
	$(WEIR) WEIR_HOSTILE_REQUESTS=1000000 WEIR_LOAD_REQUESTS=1000000 ENVOY_RUNTIME=$$(scripts/envoy runtime) \
	  $(CARGO) test --workspace $(HOST) --test minihost --test envoy -- hostile:: --nocapture
	$(WEIR) WEIR_E2E_USERS=10000 WEIR_E2E_VISITORS=100000 ENVOY_RUNTIME=$$(scripts/envoy runtime) \
	  $(CARGO) test --workspace $(HOST) --test envoy -- rollout_e2e:: exposures_e2e:: --nocapture
	$(MAKE) fuzz
	$(MAKE) test-kubernetes test-control-planes test-playground test-signing test-tracing

.PHONY: fuzz
fuzz: ## Coverage-guided fuzzing of every reader, WEIR_FUZZ_SECONDS each (60); installs g++ where it may
	scripts/fuzz

.PHONY: test-load
test-load: wasm native ## 100,000 requests to each shell in Envoy: right answers, flat memory (WEIR_LOAD_REQUESTS)
	ENVOY_RUNTIME=$$(scripts/envoy runtime) $(CARGO) test --workspace $(HOST) --test load -- --nocapture --test-threads 1

.PHONY: test-istio
test-istio: wasm ## Istio configures a real Envoy with wasm-plugins/, and fetches our images; Helm's chart; skipped without Go
	$(BUILD_WEIR)
	@if istiod=$$(scripts/istio path) && helm=$$(scripts/helm path); then \
	  $(WEIR) WEIR_ISTIOD=$$istiod WEIR_HELM=$$helm ENVOY_RUNTIME=$$(scripts/envoy runtime) \
	    $(CARGO) test --workspace $(HOST) --test istio && \
	  WEIR_ISTIOD=$$istiod $(CARGO) test --workspace $(HOST) --test registry -- oci_istio::; \
	elif [ $$? = 3 ]; then echo "Istio and Helm: SKIPPED, as they cannot be built here"; else exit 1; fi

.PHONY: test-kubernetes
test-kubernetes: ## A real Kubernetes API server with etcd takes our manifests; needs Go, builds for minutes once
	$(BUILD_WEIR)
	$(WEIR) WEIR_KUBERNETES=$$(scripts/kubernetes path) ETCD=$$(scripts/kubernetes etcd) \
	  $(CARGO) test --workspace $(HOST) --test kubernetes

.PHONY: test-control-planes
test-control-planes: wasm ## Envoy Gateway, and istiod with its agent, on that API server; needs Go and mount namespaces, builds for 20 minutes of CPU once
	$(BUILD_WEIR)
	$(WEIR) WEIR_KUBERNETES=$$(scripts/kubernetes path) ETCD=$$(scripts/kubernetes etcd) ENVOY=$$(scripts/envoy path) \
	  WEIR_ENVOY_GATEWAY=$$(scripts/envoy-gateway path) WEIR_ISTIO=$$(scripts/istio control-plane) \
	  $(CARGO) test --workspace $(HOST) --test control_planes -- --test-threads 1

.PHONY: bench
bench: wasm native ## Measure what a request costs in Envoy, then what a user feels of it
	ENVOY_RUNTIME=process $(CARGO) run --quiet --package weir-bench $(HOST)
	$(MAKE) bench-latency

.PHONY: bench-latency
bench-latency: wasm native ## Measure latencies through Envoy at 1,000 and 5,000 requests a second; plots target/bench/latency.svg
	@mkdir -p target/bench
	$(CARGO) build --quiet --package weir-bench $(HOST)
	# With real-time priority, where that is allowed: latencies are those of the machine's other work otherwise.
	ENVOY_RUNTIME=process $$(chrt --rr 10 true 2>/dev/null && echo chrt --rr 10) \
	  $(CARGO) run --quiet --package weir-bench $(HOST) -- --latency --plot target/bench/latency.svg

.PHONY: bench-growth
bench-growth: wasm ## What a request costs with up to 1,000 rules, experiments and faults, in fuel; plots target/bench/growth.svg
	@mkdir -p target/bench
	$(CARGO) run --quiet --package weir-bench $(HOST) -- --growth --plot target/bench/growth.svg

##@ Check

.PHONY: lint
lint: deny ## Formatting, clippy, dependencies, natively and for WebAssembly; shellcheck; workflows and gofmt where Go is
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(HOST) -- --deny warnings
	$(CARGO) clippy --workspace $(MODULE_TESTS) $(ENVOY_TESTS) $(NATIVE_TESTS) --test load --test registry --test istio --test kubernetes --test control_planes $(HOST) -- --deny warnings
	$(CARGO) clippy $(MODULE) -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --quiet --workspace --no-deps $(HOST)
	WEIR_TARGETS="wasm32-wasip1 wasm32-unknown-unknown" $(CARGO) clippy --target wasm32-unknown-unknown $(PURE) --all-targets -- --deny warnings
	scripts/shellcheck
	scripts/actionlint
	if command -v gofmt >/dev/null; then test -z "$$(gofmt -l tests | tee /dev/stderr)"; fi

.PHONY: deny
deny: ## Hold dependencies to deny.toml: licences, second versions of a crate, sources
	@$(XTASK) deny

.PHONY: drift
drift: ## Compare what is generated with what is committed
	$(BUILD_WEIR)
	$(WEIR) $(XTASK) drift
	scripts/envoy-versions check

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

##@ Clean

.PHONY: clean
clean: ## Remove what was built; the cache with toolchain and Envoy stays
	rm -rf target dist
