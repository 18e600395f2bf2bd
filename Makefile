PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
# Touched when the environment is as setup.cfg and the lock say.
INSTALLED = $(VENV)/.installed
# Measuring has an environment of its own: nobody who only runs or tests needs what it compares with.
BENCH = full
BENCH_VENV = bench/.venv
BENCH_INSTALLED = $(BENCH_VENV)/.installed

PIP = $(BIN)/python -m pip --disable-pip-version-check
PYTEST = $(BIN)/python -m pytest --numprocesses auto
BENCH_PIP = $(BENCH_VENV)/bin/python -m pip --disable-pip-version-check
# No index and no path of this machine may get into a lock.
PIP_COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	--no-emit-find-links --no-emit-index-url --no-emit-trusted-host $(LOCK_FLAGS)
# A project of its own, on a free port: a running `docker compose up` is left alone.
TEST_COMPOSE = SERVER_PORT=0 docker compose --project-name user-profile-service-test --profile test

.DEFAULT_GOAL := help
.PHONY: help install run test test-slow test-all test-compose register restarts fuzz bench lint format lock clean

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## make .venv with all that running, testing and measuring needs

$(INSTALLED): setup.cfg pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, and $(PYTHON) is %d.%d: make install PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --no-deps --require-hashes --requirement requirements-dev.lock
	PYTHONWARNINGS='ignore:Editable installation' $(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

run: $(INSTALLED) ## serve in front of a local AWS; settings from the environment: SERVER_PORT=9000 make run
	@$(BIN)/python -m service local

test: $(INSTALLED) ## run the fast tests, on all cores
	$(PYTEST)

test-slow: $(INSTALLED) ## run the slow tests: processes, faults, fuzzing, properties, real time
	$(PYTEST) tests_slow

test-all: $(INSTALLED) ## run all tests that need no Docker, and demand full branch coverage
	$(PYTEST) --cov --cov-report=term tests tests_slow

test-compose: ## run the integration tests against the service's image, moto and DynamoDB Local
	@trap '$(TEST_COMPOSE) down --volumes --remove-orphans' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	$(TEST_COMPOSE) build && $(TEST_COMPOSE) run --rm -T tests \
	|| { status=$$?; $(TEST_COMPOSE) logs --no-color; exit $$status; }

register: $(INSTALLED) ## kill processes, lose replies, check every profile's history: REGISTER='--seconds 300' make register
	@$(BIN)/python -m tests_slow.register $(REGISTER)

restarts: $(INSTALLED) ## restart two processes behind a balancer, again and again: RESTARTS='--restarts 100' make restarts
	@$(BIN)/python -m tests_slow.restarts $(RESTARTS)

fuzz: $(INSTALLED) ## hold the service against its own API document, in thousands of cases: FUZZ='--cases 500' make fuzz
	@$(BIN)/python -m tests_slow.fuzz $(FUZZ)

bench: $(BENCH_INSTALLED) ## measure the CPU of a request beside an empty handler and other stacks; BENCH=quick takes a minute
	@$(BENCH_VENV)/bin/python -m bench $(BENCH)

$(BENCH_INSTALLED): setup.cfg pyproject.toml bench/requirements.lock deploy/requirements-build.lock
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_PIP) install --quiet --no-deps --require-hashes \
		--requirement bench/requirements.lock --requirement deploy/requirements-build.lock
	PYTHONWARNINGS='ignore:Editable installation' $(BENCH_PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

lint: $(INSTALLED) ## check style, types, layers and known vulnerabilities
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --ini setup.cfg
	$(BIN)/python -m tests.minimum_versions

format: $(INSTALLED) ## put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Into the image go static files of drf-spectacular-sidecar, but not the Django that it asks for; and the
# package itself, which the extra `dev` names, has no place in a lock of what it needs.
lock: $(INSTALLED) ## follow setup.cfg in the locks; LOCK_FLAGS=--upgrade takes the newest of everything
	@$(BIN)/python -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit("Locks are made on Python 3.11: what it needs suits newer ones, but not the other way round.")'
	$(PIP_COMPILE) --unsafe-package django --unsafe-package asgiref --unsafe-package sqlparse \
		--output-file requirements.lock setup.cfg
	$(PIP_COMPILE) --extra dev --unsafe-package user-profile-service --constraint requirements.lock \
		--output-file requirements-dev.lock setup.cfg
	$(PIP_COMPILE) --extra bench --unsafe-package django --unsafe-package asgiref --unsafe-package sqlparse \
		--constraint requirements-dev.lock --output-file bench/requirements.lock setup.cfg
	$(PIP_COMPILE) --all-build-deps --only-build-deps --allow-unsafe --constraint requirements-dev.lock \
		--output-file deploy/requirements-build.lock setup.cfg
	$(PIP_COMPILE) --constraint requirements-dev.lock --output-file deploy/requirements-sbom.lock \
		deploy/requirements-sbom.in

clean: ## remove all that the other targets made
	rm -rf $(VENV) $(BENCH_VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find bench service tests tests_slow -name __pycache__ -type d -prune -exec rm -rf {} +
