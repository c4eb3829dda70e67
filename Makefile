# Everything for a fresh clone: needs Python >= 3.11, Node >= 20 with npm, and make.

PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check
# The port of each server, and whatever else `spa-auth demo --help` lists: make demo ARGS="--page-port 8000"
ARGS :=

.NOTPARALLEL:
.PHONY: help demo test lint format types unit browser bench wheel assets peers chromium clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: .venv/.demo assets wheel ## set up all, start provider, API and page; Ctrl-C stops them; other ports: ARGS="--page-port 0 ..."
	@.venv/bin/spa-auth demo $(ARGS)

test: lint types unit browser ## set up all, run every check and every test

lint: .venv/.test ## rules and layout of the code
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

format: .venv/.test ## lay out the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

types: .venv/.test ## mypy and pyright, both strict
	.venv/bin/mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/pyright

# The tests run against the installed wheel. What guards tokens, in a page and in an API, is covered to the last branch.
unit: .venv/.test assets wheel peers ## tests without a browser
	.venv/bin/pytest tests --ignore=tests/browser --cov --cov-report=
	.venv/bin/coverage report --include='*/spa_auth/e*.py,*/spa_auth/protocol/*,*/spa_auth/client/*,*/spa_auth/server/*' --fail-under=100

# A run of its own: pytest-playwright keeps an event loop running, which asyncio.run in other tests would trip over.
# On a busy machine Chromium crashes or stalls now and then: only a test that met this is run once more, and -rR names
# it. What a test asserts has to hold the first time.
browser: .venv/.test assets wheel peers chromium ## tests of real pages in Chromium
	@if [ -d tests/browser ]; then set -x; .venv/bin/pytest tests/browser --reruns 1 --only-rerun "(Page|Target) crashed" --only-rerun TimeoutError -rR; fi

bench: .venv/.test assets wheel peers chromium ## measure start-up and client in Chromium, and the validator, and print it
	PYTHONPATH=web/build .venv/bin/python tests/benchmarks/start_up.py
	PYTHONPATH=web/build:tests .venv/bin/python tests/benchmarks/bench_client.py
	.venv/bin/python tests/benchmarks/bench_validator.py

assets: .venv/.tools ## build what a page loads, into web/dist/
	@.venv/bin/python web/build/assets.py

peers: .venv/.tools
	@.venv/bin/python web/build/peer_packages.py

chromium: .venv/.test
	@.venv/bin/python web/build/chromium.py

# Builds are reproducible: another wheel means other sources.
wheel: .venv/.tools
	@.venv/bin/python web/build/assets.py wheels
	@cmp -s web/dist/spa_auth-*.whl .venv/installed.whl || { \
		$(PIP) --no-deps --force-reinstall web/dist/spa_auth-*.whl && cp web/dist/spa_auth-*.whl .venv/installed.whl; }

.venv/.tools: web/build/make_venv.sh
	@PYTHON="$(PYTHON)" web/build/make_venv.sh
	@touch $@

# The extras .venv/.demo and .venv/.test, with the wheel that declares them.
.venv/.%: .venv/.tools pyproject.toml
	@.venv/bin/python web/build/assets.py wheels
	@echo "  Python packages of the extra '$*' ..."
	@$(PIP) "$$(echo web/dist/spa_auth-*.whl)[$*]"
	@touch $@

clean: ## remove everything that was made
	rm -rf .venv web/dist web/node_modules tests/peers/node_modules .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
