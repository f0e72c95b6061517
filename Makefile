# Two commands matter: `make run` and `make test`. Each installs what it needs first.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# PostgreSQL in it runs as a user of its own where we are root, who has to read it whatever this shell's mask is.
PIP := umask 022; $(BIN)/python -m pip --disable-pip-version-check
STAMPS := $(VENV)/.stamps
WORKERS ?= 3
ALONE := tests/links tests/browser/test_paths.py tests/browser/test_janus.py
OHIF_VERSION := 3.12.10
OHIF_SHA256 := fbabd410be33e5b9898931b725229b9da9553aac339914b5c29796d3aa5d4b2d
OHIF := $(VENV)/ohif-$(OHIF_VERSION)
SIGNALING_PEERS := tests/bench/signaling/peers/node_modules/.package-lock.json

# The product starts hundreds of times in its tests: it is compiled once, whatever the surroundings ask for.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-again proof check peers bench screenshots build lock clean

run: $(STAMPS)/app web/static/.vite/manifest.json
	@exec $(BIN)/python -m web run --demo

test: $(STAMPS)/dev $(STAMPS)/test-system web/static/.vite/manifest.json
	@npm test --silent
	@$(BIN)/pytest $(ALONE) --cache-clear; alone=$$?; \
	  $(BIN)/pytest -n $(WORKERS) --dist worksteal $(addprefix --ignore=,$(ALONE)); \
	  all=$$(($$alone | $$?)); [ $$all -eq 0 ] || { [ $$all -eq 1 ] && $(MAKE) --no-print-directory test-again; }

# What is promised of what was answered for, tried: a few minutes, or hours with LONG=1. Each proof is a command of its
# own (`python -m tests.proof.NAME`); what they found is in docs/reliability.md, and each run in .proof/results.jsonl.
proof: $(STAMPS)/dev web/static/.vite/manifest.json
	@$(BIN)/python -m tests.proof

# Calls over bad lines have clocks of their own, and five browsers take the whole machine: they come first, one after
# the other.
# Real clocks, browsers and processes share two cores: what failed in the crowd is asked once more alone, and named.
# More than ten failures, or one that fails alone too, are red.
test-again:
	@$(BIN)/python -m tests.again

check: $(STAMPS)/dev web/static/.vite/manifest.json
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@npm run check --silent
	@$(BIN)/pytest tests/house -m "not matrix"

bench: $(STAMPS)/dev $(STAMPS)/test-system $(STAMPS)/bench-system $(SIGNALING_PEERS) web/static/.vite/manifest.json
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.pages
	@$(BIN)/python -m tests.bench.region
	@$(BIN)/python -m tests.bench.file
	@$(BIN)/python -m tests.bench.deliveries
	@$(BIN)/python -m tests.bench.images
	@$(BIN)/python -m tests.bench.thin_link
	@$(BIN)/python -m tests.bench.signaling
	@$(BIN)/python -m tests.bench.signaling.coming
	@$(BIN)/python -m tests.bench.calls
	@$(BIN)/python -m tests.bench.forwarding
	@$(BIN)/python -m tests.bench.recording
	@$(BIN)/python -m tests.bench.notes

peers: $(STAMPS)/dev $(STAMPS)/test-system $(STAMPS)/bench-system $(OHIF)/index.html web/static/.vite/manifest.json
	@$(BIN)/pytest tests/peers

screenshots: $(STAMPS)/dev $(STAMPS)/test-system web/static/.vite/manifest.json
	@$(BIN)/python -m tests.browser.screenshots

build: web/static/.vite/manifest.json

lock:
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --output-file requirements/app.txt pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --extra dev --constraint requirements/app.txt --output-file requirements/dev.txt pyproject.toml

$(STAMPS)/venv:
	@echo "Making the Python environment…"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	@umask 022; $(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/app: requirements/app.txt pyproject.toml | $(STAMPS)/venv $(STAMPS)/system
	@echo "Installing Python packages (about a minute the first time)…"
	@$(PIP) install --quiet --require-hashes --requirement requirements/app.txt
	@$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/app
	@echo "Installing the tools for tests and checks…"
	@$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

$(STAMPS)/system: | $(STAMPS)/venv
	@./packages.sh fonts && touch $@

$(STAMPS)/test-system: | $(STAMPS)/venv
	@./packages.sh browser && ./packages.sh peers && touch $@

$(STAMPS)/bench-system: packages.sh | $(STAMPS)/venv
	@./packages.sh bench && touch $@

$(OHIF)/index.html: | $(STAMPS)/venv
	@echo "Fetching OHIF to try our DICOMweb with (48 MB, 208 MB on disk)…"
	@npm pack --silent --pack-destination $(VENV) @ohif/app@$(OHIF_VERSION) >/dev/null
	@echo "$(OHIF_SHA256)  $(VENV)/ohif-app-$(OHIF_VERSION).tgz" | sha256sum --check --quiet
	@mkdir -p $(OHIF) && tar xzmf $(VENV)/ohif-app-$(OHIF_VERSION).tgz -C $(OHIF) --strip-components=2 package/dist
	@rm $(VENV)/ohif-app-$(OHIF_VERSION).tgz

$(SIGNALING_PEERS): tests/bench/signaling/peers/package-lock.json
	@echo "Installing the servers that ours is measured beside…"
	@npm ci --prefix tests/bench/signaling/peers --no-audit --no-fund --loglevel=error
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json
	@echo "Installing front-end packages…"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/static/.vite/manifest.json: node_modules/.package-lock.json vite.config.ts tsconfig.json $(shell find web/assets -type f 2>/dev/null)
	@echo "Building the front end…"
	@npm run build --silent
	@touch $@

clean:
	rm -rf $(VENV) node_modules web/static
