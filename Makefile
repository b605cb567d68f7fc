# Everything here makes its own virtual environment first; nothing is installed outside it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format docs bench clean

demo: $(VENV)/.runtime
	mkdir -p demo
	$(BIN)/python cli.py --content examples/images/chelsea.jpg \
		--style examples/images/starry_night.jpg --size 512 --output demo/chelsea_starry_night.png

test: $(VENV)/.develop
	$(BIN)/python -m pytest -q --numprocesses 2 --dist worksteal --durations 25

lint: $(VENV)/.develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --strict --follow-imports silent tests/typing/strict_user_script.py

format: $(VENV)/.develop
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The pages of docs/ and the reference, in site/; a broken link is an error.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# OPENBLAS_* settings, where a machine has them, hold NumPy's matrix product back.
bench: $(VENV)/.develop
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python benchmarks/layers.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/load_weights.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/scaling.py

$(VENV)/.runtime: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.develop: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@

$(VENV)/.docs: $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf $(VENV) demo dist site
