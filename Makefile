PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
# Stamps: $(VENV) holds exactly the packages of its lock; the service is installed there too.
LOCKED = $(VENV)/.locked
INSTALLED = $(VENV)/.installed
# The benchmark has its own environment, because it installs the stacks that it compares with.
BENCH = full
BENCH_VENV = bench/.venv
BENCH_INSTALLED = $(BENCH_VENV)/.installed
# So has the generator of the documentation's site.
DOCS_VENV = docs/.venv
DOCS_LOCKED = $(DOCS_VENV)/.locked
# The generators and checkers of clients: those of npm, and that of Python, whose versions it pins.
CLIENTS_VENV = clients/.venv
CLIENTS_INSTALLED = $(CLIENTS_VENV)/.installed
NODE_INSTALLED = clients/node_modules/.installed
COGNITO_CLIENTS_INSTALLED = tests_slow/javascript/node_modules/.installed
# This environment has the lowest versions that setup.cfg allows.
LOWEST_VENV = .venv-lowest
LOWEST_INSTALLED = $(LOWEST_VENV)/.installed

PYTEST = $(BIN)/python -m pytest --numprocesses auto --dist worksteal
# Many slow tests wait: half as many workers again as cores.
SLOW_PYTEST = $(PYTEST) --numprocesses $(shell $(PYTHON) -c 'import os; print(3 * os.cpu_count() // 2)')
# $(call environment,FOLDER,LOCKS): make a virtual environment with exactly the packages of the locks.
# --no-deps: a lock is complete; some versions of pip would resolve it again and miss hashes.
# --no-compile: what is imported is compiled then; all 10,000 modules would take half a minute.
define environment
@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, and $(PYTHON) is %d.%d: make install PYTHON=..." % sys.version_info[:2])'
$(PYTHON) -m venv --clear $(1)
$(1)/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --require-hashes \
	$(addprefix --requirement ,$(2))
@$(1)/bin/python -m pip check
endef

# $(call package,FOLDER): install the service there in editable mode.
define package
PYTHONWARNINGS='ignore:Editable installation' $(1)/bin/python -m pip --disable-pip-version-check \
	install --quiet --no-build-isolation --no-deps --editable .
@$(1)/bin/python -m pip check
endef

# One version of each package for Python 3.11 and later. A lock contains no index and no local path.
UV_COMPILE = $(BIN)/uv pip compile --quiet --no-config --python $(BIN)/python \
	--universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --custom-compile-command 'make lock'
# The image is named by what is in it; = and not := so that only `image` asks git. As LATEST_IMAGE,
# other images derive from it.
LATEST_IMAGE = user-profile-service
REPOSITORY = $(LATEST_IMAGE)
PLATFORM =
IMAGE_VERSION = $(shell sed -n 's/^version = //p' setup.cfg)
IMAGE_REVISION = $(shell git describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null || echo unknown)
IMAGE_NAME = $(REPOSITORY):$(IMAGE_VERSION)-$(IMAGE_REVISION)

# A separate project on free ports does not disturb a running `docker compose up`.
TEST_COMPOSE = SERVER_PORT=0 AWS_PORT=0 FEDERATION_DOMAIN=http://local-aws:5000 docker compose --project-name user-profile-service-test --profile test

.DEFAULT_GOAL := help
.PHONY: help install run dev test test-slow test-all test-lowest test-compose test-browser test-clients clients example linearizability restarts fuzz bench lint format lock clean release attack pin-images image deploy register settings docs

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-17s%s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## make .venv with everything that running and testing need

$(LOCKED): requirements-dev.lock
	$(call environment,$(VENV),$<)
	@touch $@

$(INSTALLED): setup.cfg pyproject.toml $(LOCKED)
	$(call package,$(VENV))
	@touch $@

run: $(INSTALLED) ## serve with a local AWS, which keeps its data in .local: SERVER_PORT=9000 AWS_PORT=9002 FRESH=1 make run
	@$(BIN)/python -m service local $(if $(filter-out 0,$(FRESH)),--fresh) $(if $(AWS_PORT),--aws-port $(AWS_PORT))

dev: $(INSTALLED) ## as run, and restart when the code changes
	@$(if $(filter-out 0,$(FRESH)),rm -f .local/aws.jsonl;) $(BIN)/watchfiles --target-type command '$(BIN)/python -m service local$(if $(AWS_PORT), --aws-port $(AWS_PORT))' local_aws service

example: $(INSTALLED) ## serve the page of examples/web on http://localhost:5173, with a local AWS
	@$(BIN)/python examples/web/serve.py

test: $(INSTALLED) ## run the fast tests, on all cores
	$(PYTEST)

# No other test runs beside these: they compare latencies, or need thousands of connections within seconds.
LATENCIES = tests_slow/attacks/test_side_by_side.py tests_slow/attacks/test_work_bounds.py
CONNECTIONS = tests_slow/attacks/test_slow_readers.py
BESIDE_OTHERS = $(addprefix --ignore ,$(LATENCIES) $(CONNECTIONS))
define alone
$(PYTEST) $(CONNECTIONS)
$(BIN)/python -m pytest $(LATENCIES)
endef

test-slow: $(INSTALLED) ## run the slow tests: processes, faults, fuzzing, property-based tests, real time
	$(SLOW_PYTEST) $(BESIDE_OTHERS) tests_slow
	$(alone)

test-all: $(INSTALLED) ## run all tests that need no Docker, and require full branch coverage
	$(SLOW_PYTEST) --cov --cov-report=term $(BESIDE_OTHERS) tests tests_slow
	$(alone)

test-lowest: $(LOWEST_INSTALLED) ## run the fast tests with the lowest versions that setup.cfg allows
	$(LOWEST_VENV)/bin/python -m pytest --numprocesses 2

$(LOWEST_INSTALLED): setup.cfg pyproject.toml requirements-lowest.lock
	$(call environment,$(LOWEST_VENV),requirements-lowest.lock)
	$(call package,$(LOWEST_VENV))
	@touch $@

image: ## build the image of this revision, and tag it; REPOSITORY=...amazonaws.com/user-profile-service PLATFORM=linux/arm64
	docker build $(if $(PLATFORM),--platform $(PLATFORM)) --build-arg VERSION=$(IMAGE_VERSION) \
		--build-arg REVISION=$(IMAGE_REVISION) --tag $(IMAGE_NAME) --tag $(LATEST_IMAGE) .
	@echo $(IMAGE_NAME)

deploy: ## create or update the stacks on AWS, after showing what changes: make deploy Image=... DomainName=...
	@deploy/deploy.sh

# The tests of races have the machine to themselves.
test-compose: ## run the integration tests against the service's image, that of the local AWS, and DynamoDB Local
	@trap '$(TEST_COMPOSE) down --volumes --remove-orphans' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	$(TEST_COMPOSE) build && $(TEST_COMPOSE) run --rm -T tests --numprocesses 2 --dist worksteal tests/contracts tests/end_to_end \
	&& $(TEST_COMPOSE) run --rm -T --no-deps tests tests_slow/race tests_slow/linearizability \
	|| { status=$$?; $(TEST_COMPOSE) logs --no-color; exit $$status; }

test-browser: $(INSTALLED) ## test the page of /docs, the example, the client and passkeys in a Chromium, which must be installed
	$(BIN)/python -m pytest tests_slow/browser

test-clients: $(INSTALLED) $(NODE_INSTALLED) $(COGNITO_CLIENTS_INSTALLED) $(CLIENTS_INSTALLED) ## check the OpenAPI document with generators of clients, the TypeScript client, and clients of Cognito; needs Node 20 or newer
	$(PYTEST) tests_clients
	cd tests_slow/javascript && PYTHON=$(CURDIR)/$(BIN)/python node --test

clients: $(INSTALLED) $(NODE_INSTALLED) ## generate the TypeScript client anew from the OpenAPI document
	@$(BIN)/python -m tools.clients

$(NODE_INSTALLED): clients/package.json clients/package-lock.json clients/.npmrc
	npm ci --prefix clients
	@touch $@

# Without install scripts: none of these packages needs one.
$(COGNITO_CLIENTS_INSTALLED): tests_slow/javascript/package.json tests_slow/javascript/package-lock.json
	npm ci --prefix tests_slow/javascript --ignore-scripts
	@touch $@

$(CLIENTS_INSTALLED): clients/requirements.lock
	$(call environment,$(CLIENTS_VENV),$<)
	@touch $@

linearizability: $(INSTALLED) ## check that profiles stay linearizable while processes are killed and replies lost: LINEARIZABILITY='--seconds 300' make linearizability
	@$(BIN)/python -m tests_slow.linearizability $(LINEARIZABILITY)

restarts: $(INSTALLED) ## restart two processes behind a load balancer repeatedly: RESTARTS='--restarts 100' make restarts
	@$(BIN)/python -m tests_slow.rolling_restarts $(RESTARTS)

fuzz: $(INSTALLED) ## check the service against its OpenAPI document with schemathesis: FUZZ='--cases 500' make fuzz
	@$(BIN)/python -m tests_slow.fuzz $(FUZZ)

attack: $(INSTALLED) ## run hostile clients against the service, beside a well-behaved one: ATTACK='-k paths' make attack
	$(BIN)/python -m pytest -p no:cacheprovider tests_slow/attacks $(ATTACK)

bench: $(BENCH_INSTALLED) ## measure the CPU time of a request, compared with an empty handler and other stacks; BENCH=quick takes a minute
	@$(BENCH_VENV)/bin/python -m bench $(BENCH)

$(BENCH_INSTALLED): setup.cfg pyproject.toml bench/requirements.lock deploy/requirements-build.lock
	$(call environment,$(BENCH_VENV),bench/requirements.lock deploy/requirements-build.lock)
	$(call package,$(BENCH_VENV))
	@touch $@

# The dependency bot updates tags and digests from then on.
pin-images: ## append the digests of the public images to their tags; needs Docker and their registry
	@for image in $$(grep -hoE '(python|amazon/dynamodb-local):[A-Za-z0-9._-]+' Dockerfile docker-compose.yml | sort -u); do \
		digest=$$(docker buildx imagetools inspect "$$image" --format '{{.Manifest.Digest}}') || exit 1; \
		sed -i -E "s|$$image(@sha256:[0-9a-f]+)?|$$image@$$digest|" Dockerfile docker-compose.yml || exit 1; \
	done

lint: $(INSTALLED) ## check style, types, layers and known vulnerabilities
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --ini setup.cfg
	$(BIN)/python -m tests.minimum_versions

settings: $(INSTALLED) ## write config.ini and docs/settings.md anew from the definitions in service/config
	@$(BIN)/python -m tools.settings

docs: $(DOCS_LOCKED) ## build the documentation as a site in site/, and check its links
	@$(PYTHON) -m tools.site build/pages
	$(DOCS_VENV)/bin/zensical build --clean --strict

$(DOCS_LOCKED): docs/requirements.lock
	$(call environment,$(DOCS_VENV),$<)
	@touch $@

format: $(INSTALLED) ## put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The image contains static files of drf-spectacular-sidecar, but not Django, which that package requires
# (deploy/pip-check.txt). The lowest versions are resolved from scratch: uv prefers the versions of an
# existing lock, which would hide a lowered bound.
lock: $(LOCKED) ## update the locks from setup.cfg; LOCK_FLAGS=--upgrade takes the newest versions
	$(UV_COMPILE) $(LOCK_FLAGS) --no-emit-package django --no-emit-package asgiref --no-emit-package sqlparse \
		--output-file requirements.lock setup.cfg
	$(UV_COMPILE) $(LOCK_FLAGS) --extra dev --constraint requirements.lock --output-file requirements-dev.lock setup.cfg
	$(UV_COMPILE) --extra dev --resolution lowest-direct --upgrade --output-file requirements-lowest.lock setup.cfg
	$(UV_COMPILE) $(LOCK_FLAGS) --extra bench --constraint requirements-dev.lock --output-file bench/requirements.lock setup.cfg
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(UV_COMPILE) $(LOCK_FLAGS) --constraint requirements-dev.lock --output-file deploy/requirements-build.lock -
	$(BIN)/python -c 'import configparser; c = configparser.ConfigParser(interpolation=None); c.read("setup.cfg"); print(c["options.extras_require"]["local"])' \
		| $(UV_COMPILE) $(LOCK_FLAGS) --constraint requirements-dev.lock --output-file deploy/requirements-local-aws.lock -
	$(UV_COMPILE) $(LOCK_FLAGS) --output-file clients/requirements.lock clients/requirements.in
	$(UV_COMPILE) $(LOCK_FLAGS) --constraint requirements-dev.lock --output-file deploy/requirements-sbom.lock \
		deploy/requirements-sbom.in
	$(UV_COMPILE) $(LOCK_FLAGS) --constraint requirements-dev.lock --output-file docs/requirements.lock \
		docs/requirements.in
	$(BIN)/python -m tests.locks

release: $(INSTALLED) ## run all checks, set the version, date the changelog, commit and tag: make release VERSION=1.2.3
	@$(BIN)/python -m tools.release $(VERSION)

clean: ## remove everything that the other targets made
	rm -rf $(VENV) $(BENCH_VENV) $(CLIENTS_VENV) $(DOCS_VENV) $(LOWEST_VENV) clients/node_modules bench/peers/node_sdk/node_modules tests_slow/javascript/node_modules .cache .local build dist site *.egg-info .coverage .coverage.* .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find bench local_aws service tests tests_clients tests_slow tools -name __pycache__ -type d -prune -exec rm -rf {} +
