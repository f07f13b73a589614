# `make run` starts Telpher; `make test` tests it. Both set up what they need, once.

.DEFAULT_GOAL := help
VENV := .venv/bin
PYTEST_WORKERS ?= 4

.PHONY: help run test check setup setup-dev build lock format docs screenshot screenshots clean fuzz sbom audit asan lesson \
        bench-compute bench-latency bench-transfers bench-browse bench-cancel soak

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

run: setup  ## Start Telpher: with a token in .env on Telegram, without one in the sandbox
	@exec $(VENV)/telpher run

setup:  ## Make .venv and build, so that .venv/bin/telpher works from any folder
	@tools/setup.sh run

setup-dev:  ## The same, with what the tests and checks need
	@tools/setup.sh dev

# The editable install rebuilds on import; building here first keeps parallel test workers from doing it at once.
build: setup-dev
	@$(VENV)/python -c 'import telpher'

test: build  ## Run every test
	@$(VENV)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal -q

check: build  ## Formatting, lint, strict types, import floors
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/python tools/check_floors.py

format: setup-dev  ## Format, and mend what lint can mend
	$(VENV)/ruff check --fix-only --quiet .
	$(VENV)/ruff format .

lock: setup-dev  ## Renew the lock files from pyproject.toml
	@for kind in run dev bench postgresql; do \
	  case $$kind in \
	    run) wanted="pyproject.toml --group build" ;; \
	    dev) wanted="pyproject.toml --group dev --constraint locks/run.txt" ;; \
	    *) wanted="--group $$kind --constraint locks/dev.txt" ;; \
	  esac; \
	  $(VENV)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --no-annotate \
	    --custom-compile-command "make lock" $$wanted --output-file locks/$$kind.txt || exit 1; \
	done

docs: build  ## Write anew what is derived from the code: .env.example and docs/reference.md
	@$(VENV)/python tools/derive_docs.py

screenshot: build  ## Take the README's pictures of the chat page anew (needs chromium)
	@$(VENV)/python tests/screenshots.py

screenshots: build  ## Take the tour's pictures anew, in both languages (needs chromium)
	@$(VENV)/python tests/tour_pictures.py

bench-transfers: build  ## Files into the drive: Telpher beside the tutorial's way, rclone and curl
	@$(VENV)/python -m benchmarks.transfers

bench-compute: build  ## The kernels beside numpy, C++ and others, and the machine's own limits
	@tools/setup.sh bench
	@$(VENV)/python -m benchmarks.compute

bench-browse: build  ## Pages of drives with a thousand and with 100,000 entries
	@$(VENV)/python -m benchmarks.browse

bench-latency: build  ## How soon the bot answers while all cores compute
	@$(VENV)/python -m benchmarks.latency

bench-cancel: build  ## How soon Cancel all and Retry act on a hundred files
	@$(VENV)/python -m benchmarks.cancel

lesson: build  ## Measure the lesson's figures and pictures anew, on this machine
	@$(VENV)/python tools/lesson.py

asan: build  ## The kernels' tests under AddressSanitizer and UBSan
	@tools/asan.sh

FUZZ_EXAMPLES ?= 5000

fuzz: build  ## Look for updates, drive answers and web requests that break something (FUZZ_EXAMPLES=5000)
	@TELPHER_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(VENV)/python -m pytest tests/fuzz -q

sbom: setup-dev  ## Write dist/telpher.cdx.json: what Telpher is made of, as CycloneDX
	@$(VENV)/python tools/make_sbom.py

audit: setup-dev  ## Compare the lock with the public list of known faults (needs a connection to it)
	@$(VENV)/uv tool run pip-audit --require-hashes --disable-pip --requirement locks/run.txt

clean:  ## Remove what was built; data/ stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis test-output

soak: build  ## Fifty people, faults everywhere, a kill -9 a minute: SOAK_MINUTES of it (10)
	@$(VENV)/python -m benchmarks.soak
