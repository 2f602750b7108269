# make app: serve NRI Explorer; make test: every test. Both first build .venv with whatever is missing.
PORT ?= 8501
HOST ?= 127.0.0.1
PYTHON := .venv/bin/python
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check
PYTEST := $(PYTHON) -m pytest

.PHONY: setup app test test-fast
.DEFAULT_GOAL := app

setup: .venv/development.stamp

app: .venv/runtime.stamp
	$(PYTHON) -m streamlit run app.py --server.port $(PORT) --server.address $(HOST) --server.headless true --browser.gatherUsageStats false

test: test-fast
	$(PYTHON) tests/browser/chromium.py
	$(PYTEST) -m "slow or browser"

test-fast: setup
	$(PYTEST) -m "not slow and not browser" --numprocesses auto --dist worksteal

.venv/development.stamp: requirements-dev.txt requirements-ray.txt requirements-formats.txt .venv/runtime.stamp
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

.venv/runtime.stamp: requirements.txt
	@$(PYTHON) -c "" 2>/dev/null || { $(FIND_PYTHON); echo "Building .venv with $$python; the first time takes a few minutes."; "$$python" -m venv --clear .venv; }
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

# Sets $python to the first Python of at least 3.11, or stops and says what was found instead.
define FIND_PYTHON
for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && break; python=; \
done; \
if [ -z "$$python" ]; then \
	echo "NRI Explorer needs Python 3.11 or newer; found $$(python3 --version 2>/dev/null || echo none). Install one from python.org or your system's packages." >&2; \
	exit 1; \
fi
endef
