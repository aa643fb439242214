# Everything a newcomer needs; each target is one sentence in CONTRIBUTING.md.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test controlplane controlplane-up slack-emulator check format docs reference bench lock

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/firebreak demo

test: install
	$(BIN)/python -m pytest

# A real Kubernetes control plane, built into the cache: minutes once, then nothing.
controlplane: install
	@$(BIN)/python -m tools.controlplane build

# Leaves one running until Ctrl-C; STATE=folder keeps what is in it.
controlplane-up: controlplane
	@$(BIN)/python -m tools.controlplane up --with-parent $(if $(STATE),--state $(STATE))

# A Slack that others wrote, from npm into the cache: once.
slack-emulator: install
	@$(BIN)/python -m tools.slack_emulator fetch

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/sphinx-build -W --keep-going -n --quiet docs docs/_build

# The parts of docs/reference that are read from the code.
reference: install
	$(BIN)/python tools/reference.py

# On a real control plane where one is built (`make controlplane`); the last one takes long.
bench: install
	$(BIN)/python -m bench.alert_to_write
	$(BIN)/python -m bench.many_runbooks
	$(BIN)/python -m bench.ten_thousand_alerts

# Needs uv; the lock names no host, so that it installs from wherever pip is configured to.
lock:
	uv pip compile --quiet --extra dev --generate-hashes --no-header \
		--no-annotate --output-file requirements.lock pyproject.toml
