# The targets of cargo-mcp itself; the servers it writes have a Makefile of their own.
SHELL := /bin/sh
CARGO ?= cargo
.DEFAULT_GOAL := help
.PHONY: help check test test-contracts e2e snapshots bench bench-servers docs install demo

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

check: ## Check the format, run clippy and the Rust tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	INSTA_UPDATE=no $(CARGO) test --locked --workspace

test: check e2e ## Run all tests, those of generated servers too

test-contracts: ## Try a million values on what the contract comparison calls compatible
	CONTRACT_VALUES=1000000 $(CARGO) test --locked --release --package cargo-mcp-contract --test it -- property

# On make's command line LANG is a language, which neither programs nor the servers' own make may take for a locale.
NAMED := $(filter command,$(origin LANG))

e2e: ## Generate servers and drive them: LANG=python one language, ONLY=targets one stage (tests/run says which)
	MAKEFLAGS= $(if $(NAMED),LANG=C.UTF-8) tests/run $(if $(NAMED),--language $(LANG)) $(if $(ONLY),--only $(ONLY))

snapshots: ## Accept what is generated now: read the difference before you commit it
	INSTA_UPDATE=always $(CARGO) test --locked --test it -- snapshot:: help::
	@git --no-pager diff --stat -- snapshots

bench: ## Compare `new` with `cp -r` of what it writes; time updates, a fleet of 1,000, and a comparison of 1,000 tools
	$(CARGO) bench --locked --workspace --bench new --bench update --bench contract

bench-servers: ## Compare generated servers with the quick starts of their SDKs; writes docs/benchmarks.md
	$(CARGO) build --release --locked --quiet
	$$(tests/venv) tests/bench/servers.py --write docs/benchmarks.md

docs: ## Write the documentation of both crates to target/doc
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --locked --workspace --no-deps --document-private-items

install: ## Install cargo-mcp from this checkout
	$(CARGO) install --locked --path .

demo: ## Draw docs/demo.svg from a real run
	$(CARGO) build --locked --release
	$$(tests/venv) tests/demo.py
