# Everything a newcomer needs; each target is one sentence in CONTRIBUTING.md.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test check format bench lock

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

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python bench/alert_to_write.py

# Needs uv; the lock names no host, so that it installs from wherever pip is configured to.
lock:
	uv pip compile --quiet --extra dev --generate-hashes --no-header \
		--no-annotate --output-file requirements.lock pyproject.toml
