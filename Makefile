# Every target installs first what it needs; an installation that is complete costs a fraction of a second.
DURATION ?= 60
STRATEGY ?= v2
PAIRS ?= BTC-USDC,ETH-USDC
SEED ?= 1
SECONDS := 60
RATE ?= 10
FAULTS ?= mild
KILLS ?= 20
comma := ,
BOTS ?= 5
VENV := .venv/bin
# The end-to-end tests wait more than they compute: more of them at once than there are cores.
PYTEST := $(VENV)/python -m pytest -n 4 --dist worksteal
PYTHON ?= $(or $(VIRTUAL_ENV),$(CONDA_PREFIX),.venv)/bin/python
UV := $(firstword $(wildcard .bootstrap/bin/uv) uv)
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock"
OURS := benchmarks controllers fuzz hummingbot scripts setup.py test vest_simulator workbench
# A name on PATH can be a shim that only complains, so each candidate is run.
INSTALLER_PYTHON = $(shell for python in .venv/bin/python python3.12 python3 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && echo $$python && break; done)

.DEFAULT_GOAL := help
.PHONY: help install bench client run picture errors soak reliability kill fleet test lint coverage fuzz dist dist-install install-into uninstall-from upstream simulator lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

install:  ## virtual environment, locked dependencies, Hummingbot's home
	@test -n "$(INSTALLER_PYTHON)" || { echo "make: no Python found: install Python 3.12 and run this again." >&2; exit 1; }
	@$(INSTALLER_PYTHON) -m workbench.install
	@cp workbench/vest-perpetual workbench/hbot $(VENV)/

run: install  ## the main job: trade on the simulated venue, then compare (DURATION, STRATEGY, PAIRS, SEED, PRICES)
	@$(VENV)/python -m workbench.main_job --duration $(DURATION) --strategy $(STRATEGY) --pairs $(PAIRS) --seed $(SEED) \
		$(if $(PRICES),--prices "$(PRICES)")

picture: install  ## docs/make-run.svg, the README's picture, from a run of now
	@$(VENV)/python -m workbench.picture

errors: install  ## docs/errors.md, the venue's error codes in the connector's words
	@$(VENV)/python -m workbench.error_page

soak: install  ## hours of trading under mild faults (HOURS or MINUTES, RATE, FAULTS, SEED), or SEEDS=1000 random lives
	@$(if $(SEEDS),$(PYTEST) -q test/end_to_end/test_random.py -m "not slow" --seeds 0-$$(($(SEEDS) - 1)),\
		$(VENV)/python -m workbench.soak --hours $(or $(HOURS),$(if $(MINUTES),0,1)) --minutes $(or $(MINUTES),0) \
		--rate $(RATE) --faults $(FAULTS) --seed $(SEED))

reliability: install  ## the fault matrix and the random lives, and docs/reliability.md from what they injected and lost
	@$(PYTEST) -q --evidence .runs/evidence.json -k "test_c or random_life" test/hummingbot test/end_to_end
	@$(VENV)/python -m workbench.reliability .runs/evidence.json docs/reliability.md

kill: install  ## the client killed in mid-trade and restarted, again and again (KILLS, STRATEGY=v2 or churn, SEED)
	@$(VENV)/python -m workbench.kill_job --kills $(KILLS) --strategy $(STRATEGY) --seed $(SEED)

fleet: install  ## several clients on one venue, driven over MQTT by a real broker, mosquitto (BOTS, DURATION, SEED)
	@$(VENV)/python -m workbench.fleet --bots $(BOTS) --duration $(DURATION) --seed $(SEED)

test: install  ## every test, four at a time, end-to-end runs included (ARGS="-k words" chooses)
	@$(PYTEST) $(ARGS) test

lint: install  ## flake8 and isort with Hummingbot's settings
	@status=0; $(VENV)/python -m flake8 $(wildcard $(OURS)) || status=1; \
	$(VENV)/python -m isort --quiet --check-only --diff $(wildcard $(OURS)) || status=1; exit $$status

coverage: install  ## branch coverage of the connector by its unit tests, 95 % at least (ARGS=test: of all, by every test)
	@$(VENV)/python -m coverage erase
	@$(VENV)/python -m coverage run -m pytest -q -n 4 --dist worksteal $(or $(ARGS),test/hummingbot)
	@$(VENV)/python -m coverage combine --quiet
	@$(VENV)/python -m coverage html --quiet
	@$(if $(ARGS),$(VENV)/python -m coverage report)
	@$(VENV)/python -m coverage report --include='hummingbot/*' --fail-under=95

bench: install  ## what the connector costs beside its peers, a few minutes (PARTS=depth,…; WRITE=1: docs/performance.md too)
	@$(VENV)/python -m benchmarks $(subst $(comma), ,$(PARTS)) $(if $(WRITE),--write docs/performance.md)

fuzz: install  ## atheris looks for frames and answers that the decoders cannot stand, each for SECONDS
	@$(VENV)/python -m fuzz.fuzz_frames -max_total_time=$(SECONDS)
	@$(VENV)/python -m fuzz.fuzz_answers -max_total_time=$(SECONDS)

dist: install  ## the wheel, to be installed beside Hummingbot
	@rm -rf dist
	@words=$$($(VENV)/python -m build --wheel --no-isolation 2>&1) || { echo "$$words" >&2; exit 1; }; ls dist/*.whl

dist-install: dist  ## the wheel into the active environment, or PYTHON=/path/to/environment/bin/python
	@$(VENV)/python -m workbench.wheel "$(PYTHON)" dist/*.whl

install-into:  ## the connector into a source clone: HUMMINGBOT_DIR=/path (LINK=1 links instead of copying)
	@$(INSTALLER_PYTHON) -m workbench.overlay install-into "$(HUMMINGBOT_DIR)" $(if $(LINK),--link)

uninstall-from:  ## take out again what install-into laid in: HUMMINGBOT_DIR=/path
	@$(INSTALLER_PYTHON) -m workbench.overlay uninstall-from "$(HUMMINGBOT_DIR)"

upstream:  ## a pull request in a clone of Hummingbot's repository: HUMMINGBOT_DIR=/path
	@$(INSTALLER_PYTHON) -m workbench.upstream "$(HUMMINGBOT_DIR)"

client: install  ## Hummingbot's full-screen client in this terminal, in the home .hummingbot/
	@$(VENV)/python -m workbench.terminal

simulator: install  ## the simulated venue, a paper exchange (PRICES, START, SPEED, AT_END, MIRROR, SYMBOLS, STATE, PORT)
	@$(VENV)/python -m vest_simulator $(foreach file,$(PRICES),--prices "$(file)") $(if $(START),--start $(START)) \
		$(if $(SPEED),--speed $(SPEED)) $(if $(AT_END),--at-end $(AT_END)) $(if $(MIRROR),--mirror "$(MIRROR)") \
		$(if $(STATE),--state "$(STATE)") $(if $(SYMBOLS),--symbols "$(SYMBOLS)") \
		$(if $(PORT),--port "$(PORT)")

lock: install  ## resolve requirements/*.in anew into requirements/*.txt
	@for name in hummingbot development build uv; do echo "requirements/$$name.txt"; done
	@$(COMPILE) --no-deps requirements/hummingbot.in -o requirements/hummingbot.txt
	@$(COMPILE) --no-emit-package hummingbot requirements/development.in -o requirements/development.txt
	@$(COMPILE) -c requirements/development.txt requirements/build.in -o requirements/build.txt
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt

clean:  ## remove what the other targets made; keys, settings, databases and logs in .hummingbot stay
	@rm -rf .venv .bootstrap .hummingbot-incoming .install.lock .install.log .runs build dist *.egg-info \
		.coverage .coverage.* htmlcov .pytest_cache .hypothesis .fuzz-*
	@rm -rf .hummingbot/hummingbot .hummingbot/hummingbot-*.dist-info .hummingbot/bin .hummingbot/.installed .hummingbot/.lock
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
