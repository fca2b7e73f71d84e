# `make run` and `make test` are the two commands; the rest is for those who change Takt.

export CARGO_TARGET_DIR ?= $(HOME)/.cache/takt/target
TOOLS ?= $(HOME)/.cache/takt/tools
PYTHON := $(TOOLS)/venv/bin/python
NODE_BIN := $(TOOLS)/node_modules/.bin
DENY := $(TOOLS)/bin/cargo-deny
BUF := $(TOOLS)/node_modules/@bufbuild/buf-linux-$(shell uname -m | sed s/x86_64/x64/)/bin/buf
FUZZ_SECONDS ?= 60
CRASH_SECONDS ?= 170
OUTAGE_SECONDS ?= 600
CLUSTER_SECONDS ?= 60
CASES ?= 1000000
SEEDS ?= 50

.PHONY: run test verify fix bench bench-control demo cluster crash-test cluster-test outage-test fuzz differential sim release-contract tools

run: ## the server, on loopback with data under ./takt-data; CONFIG=FILE for anything else
	cargo run --locked --release -- serve $(if $(CONFIG),--config $(CONFIG))

test: tools ## every test, with an S3 and an Azure stand-in and the OpenTelemetry SDK
	tests/services/run $(TOOLS) cargo test --workspace --locked

verify: $(DENY) $(PYTHON) $(NODE_BIN)/azurite-blob ## everything a machine can check without running the server; changes nothing
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items --locked
	cargo build --quiet --locked --workspace --bin codegen
	$(CARGO_TARGET_DIR)/debug/codegen --check
	cargo test --workspace --locked --test layers
	cargo test --workspace --locked --bin takt config::tests::every_field_has_a_reason_and_the_reference_page_is_current
	cd api/proto && $(BUF) lint && $(BUF) breaking --against released.binpb
	$(DENY) --offline check bans licenses sources
	$(TOOLS)/venv/bin/typos

fix: $(PYTHON) ## writes what verify checks, where a machine can
	cargo build --quiet --locked --workspace --bin codegen
	$(CARGO_TARGET_DIR)/debug/codegen
	UPDATE_EXPECT=1 cargo test --workspace --locked --bin takt config::tests
	cargo fmt --all
	$(TOOLS)/venv/bin/typos --write-changes

bench: ## the table of the README, on this machine; PEER=http://host:3200 asks a second server the same
	cargo build --locked --release --workspace --bin takt --bin takt-bench
	$(CARGO_TARGET_DIR)/release/takt-bench --takt $(CARGO_TARGET_DIR)/release/takt $(if $(PEER),--peer $(PEER)) $(BENCH_ARGS)

bench-control: ## the control plane's figures: long histories, large logs, a cluster with real syncs
	cargo build --locked --release --workspace --bin takt-bench-control
	$(CARGO_TARGET_DIR)/release/takt-bench-control $(BENCH_ARGS)

demo: ## sends a sample to the server of `make run` and asks for it
	cargo run --locked --release -- send tests/golden/shop-3k/shop-3k.otlp.zst --now
	cargo run --locked --release -- query '{ status = error }'

cluster: ## three voters of the control plane as processes on loopback, over ./takt-cluster
	cargo build --locked --release --workspace --bin takt
	deploy/cluster/run $(CARGO_TARGET_DIR)/release/takt

crash-test: ## kills the server at random moments and counts what is left; CRASH_SECONDS bounds it
	cargo build --locked --workspace --bin takt --bin takt-chaos $(ALSO)
	$(CARGO_TARGET_DIR)/debug/takt-chaos server --takt $(CARGO_TARGET_DIR)/debug/takt --seconds $(CRASH_SECONDS)

cluster-test: ## the control plane's cluster as processes under CLUSTER_SECONDS of faults; SEED=n makes the same faults come again
	cargo build --locked --workspace --bin takt --bin takt-chaos $(ALSO)
	$(CARGO_TARGET_DIR)/debug/takt-chaos cluster --takt $(CARGO_TARGET_DIR)/debug/takt --dir $(CARGO_TARGET_DIR)/cluster-test --seconds $(CLUSTER_SECONDS) $(if $(SEED),--seed $(SEED))

outage-test: ## a data plane without its control plane for OUTAGE_SECONDS, restarted meanwhile
	cargo build --locked --workspace --bin takt --bin takt-chaos $(ALSO)
	$(CARGO_TARGET_DIR)/debug/takt-chaos outage --takt $(CARGO_TARGET_DIR)/debug/takt --seconds $(OUTAGE_SECONDS)

fuzz: ## FUZZ_SECONDS of mutated input for each of the four readers of foreign bytes
	cargo build --locked --workspace --bin takt-fuzz $(ALSO)
	$(CARGO_TARGET_DIR)/debug/takt-fuzz --seconds $(FUZZ_SECONDS)

differential: ## CASES of random queries, each answered by the engine and by the slow evaluator; SEED is the first
	cargo build --locked --release --workspace --example differential
	$(CARGO_TARGET_DIR)/release/examples/differential $(CASES) $(SEED)

# Its own directory and flags: without `tokio_unstable` a seed would not decide everything, and with
# `takt_flaws` the log can be broken on purpose.
sim: export CARGO_TARGET_DIR := $(CARGO_TARGET_DIR)/sim
sim: export RUSTFLAGS := --cfg tokio_unstable --cfg takt_flaws
sim: ## the control-plane cluster under faults: SEEDS of them from FIRST on; SEED=n runs one again, TRACE=FILE says what happens
ifdef SEED
	cargo run --locked --profile sim --package takt-sim -- --seed $(SEED) $(if $(TRACE),--trace $(TRACE)) $(if $(FLAW),--flaw $(FLAW))
else
	cargo test --locked --profile sim --package takt-sim
	cargo run --locked --profile sim --package takt-sim -- --seeds $(SEEDS) $(if $(FIRST),--first $(FIRST)) $(if $(SIM_SECONDS),--within $(SIM_SECONDS))
endif

release-contract: $(NODE_BIN)/azurite-blob ## with each release: what later versions of the contract are held against
	cd api/proto && $(BUF) build -o released.binpb

tools: $(PYTHON) $(NODE_BIN)/azurite-blob

$(PYTHON): tests/services/requirements.txt
	python3 -m venv $(TOOLS)/venv
	$(TOOLS)/venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(NODE_BIN)/azurite-blob: tests/services/package.json tests/services/package-lock.json
	mkdir -p $(TOOLS)
	cp $^ $(TOOLS)/
	npm ci --prefix $(TOOLS) --no-audit --no-fund --loglevel=error
	touch $@

$(DENY):
	CARGO_TARGET_DIR=$(TOOLS)/build cargo install --locked --debug --root $(TOOLS) cargo-deny@0.20.2
	rm -rf $(TOOLS)/build
