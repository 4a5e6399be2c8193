# Every target works from a clean clone: the virtual environment and the extension modules are made
# on the way, and once made, nothing is fetched again.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# What pip needs to know about groups came with 25.1.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

SOURCES := $(wildcard spread/*.pyx spread/*.pxd spread/*.h) setup.py
BENCH_SOURCES := $(wildcard bench/*.pyx bench/*.pxd) bench/setup_ext.py

# Short tests by themselves; what only the long ones reach counts as not covered.
CONTROL_TESTS := tests/unit/daemon/membership $(wildcard tests/unit/daemon/test_group*.py) \
    tests/unit/daemon/test_exchange.py tests/unit/daemon/test_views.py \
    tests/unit/daemon/test_network.py \
    $(wildcard tests/unit/daemon/test_control*.py) $(wildcard tests/property/test_group*.py) \
    tests/property/test_forming.py tests/property/test_membership_codec.py
CORE_TESTS := tests/ring tests/property/test_ring_core.py tests/property/test_submissions.py \
    tests/unit/test_delivery.py tests/unit/test_window.py

.PHONY: demo test lint types docs bench bench-all bench-micro bench-micro-save bench-micro-compare \
    bench-page environment wheels wheels-linux wheels-all screenshots health fuzz fuzz-asan sim soak soak-memory coverage coverage-core debug-test defects clean help

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo        a ring of three daemons, its clients, the death of a daemon, a measured rate;
##                  on a terminal (or with DEMO_ARGS=--stay) it stays until Ctrl-C, to be looked at
demo: $(VENV)/.built $(VENV)/.faces
	$(BIN)/python examples/demo.py $(DEMO_ARGS)

## make test        all tests, in three processes (WORKERS); those of a module stay together
test: $(VENV)/.built $(VENV)/.bench-built $(VENV)/.test
	$(BIN)/python -m pytest -n $(or $(WORKERS),3) --dist loadfile $(PYTEST_ARGS)

## make lint        style of Python and Cython
lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(abspath $(BIN)):$$PATH" cython-lint spread bench

## make types       types, and stubs against the compiled modules
types: $(VENV)/.built $(VENV)/.lint $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/python -m mypy.stubtest --ignore-unused-allowlist --allowlist .stubtest-allow \
	    spread._frames spread._decoder spread._node spread._reactor spread._memory_driver \
	    spread._stats spread._sessions spread._message_types \
	    spread._window spread._routes spread._member spread._packets spread._path \
	    spread._datagrams spread._faults \
	    spread._recorder spread._snapshot

## make docs        the documentation, warnings are errors
docs: $(VENV)/.built $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

## make bench       figures beside targets and limits, a quarter of an hour; writes bench/results/latest.*
bench: $(VENV)/.built $(VENV)/.bench-built $(VENV)/.bench
	$(BIN)/python -m bench $(BENCH_ARGS)

## make bench-all   all cells, 40 minutes: further links, mixes, scale, curves (BENCH_ARGS for both)
bench-all: $(VENV)/.built $(VENV)/.bench-built $(VENV)/.bench
	$(BIN)/python -m bench --all $(BENCH_ARGS)

## make bench-page  the web page with 32 daemons and 10,000 groups: times of frames (needs chromium)
bench-page: $(VENV)/.built $(VENV)/.test
	$(BIN)/python -m tests.web.frames

## make screenshots the pictures of the operations guide, docs/images (needs chromium)
screenshots: $(VENV)/.built $(VENV)/.screenshots
	$(BIN)/python -m tests.web.screenshots

## make bench-micro the parts by themselves, with pytest-benchmark
bench-micro: $(VENV)/.built $(VENV)/.bench-built $(VENV)/.bench
	$(BIN)/python -m bench.micro -- $(PYTEST_ARGS)

## make bench-micro-save, bench-micro-compare: as baseline of this kind of machine; against it
bench-micro-save bench-micro-compare: $(VENV)/.built $(VENV)/.bench-built $(VENV)/.bench
	$(BIN)/python -m bench.micro --$(@:bench-micro-%=%) $(MICRO_ARGS) -- $(PYTEST_ARGS)

## make fuzz        a million mutated handshakes, frames and configuration files
fuzz: $(VENV)/.built $(VENV)/.test
	$(BIN)/python -m tests.fuzz --target all --count $(or $(COUNT),400000)

## make health      a ring that is idle, and under full load: nothing may be found, ten minutes
health: $(VENV)/.built $(VENV)/.test
	$(BIN)/python -m pytest -q tests/netns/long_health.py $(PYTEST_ARGS)

## make sim         500 simulated rings with faults, every guarantee checked
sim: $(VENV)/.built
	$(BIN)/python -m spread.sim --seeds 1:$(or $(SEEDS),501) --jobs $(or $(JOBS),2) $(SIM_ARGS)

## make soak        fresh simulated rings until stopped, or for HOURS simulated hours
soak: $(VENV)/.built
	mkdir -p build/soak
	$(BIN)/python -m spread.sim --hours $(or $(HOURS),inf) --jobs $(or $(JOBS),2) \
	    --save build/soak $(SIM_ARGS)

## make soak-memory random daemons in memory against a model, some minutes
soak-memory: $(VENV)/.built $(VENV)/.test
	$(BIN)/python -m tests.memory.soak --count $(or $(COUNT),500)

## make fuzz-asan   the same inputs, fewer of them, under AddressSanitizer
fuzz-asan: $(VENV)/.built $(VENV)/.test
	tests/fuzz/asan.sh

## make coverage    branches of membership, groups and exchange: all of them, or it fails
coverage: $(VENV)/.built $(VENV)/.test
	$(BIN)/python -m coverage run --rcfile tests/coverage/control.ini -m pytest -q \
	    $(CONTROL_TESTS)
	$(BIN)/python -m coverage report --rcfile tests/coverage/control.ini

## make coverage-core lines of the ring's compiled core, traced in a copy: 95 %, or it fails
coverage-core: $(VENV)/.built $(VENV)/.test
	rm -rf build/coverage && mkdir -p build/coverage
	git ls-files -z spread tests pyproject.toml | xargs -0 cp --parents -t build/coverage
	cp spread/_*.so build/coverage/spread
	cd build/coverage && $(abspath $(BIN))/python tests/coverage/build.py --quiet \
	    build_ext --inplace --force --parallel 2
	cd build/coverage && $(abspath $(BIN))/python -m coverage run \
	    --rcfile tests/coverage/core.ini -m pytest -q $(CORE_TESTS)
	cd build/coverage && $(abspath $(BIN))/python -m coverage report \
	    --rcfile tests/coverage/core.ini

## make debug-test  unit and property tests with bounds checks in the compiled modules
debug-test: $(VENV)/.test
	rm -rf build/debug && mkdir -p build/debug
	git ls-files -z | xargs -0 cp --parents -t build/debug
	cd build/debug && SPREAD_DEBUG=1 $(abspath $(BIN))/python setup.py --quiet \
	    egg_info build_ext --inplace
	cd build/debug && PYTHONPATH=. $(abspath $(BIN))/python -m pytest -q tests/unit tests/property \
	    --ignore tests/unit/bench

## make defects     rules taken away in a copy, each reported by its checker; writes docs/defects.md
defects: $(VENV)/.test
	rm -rf build/defects && mkdir -p build/defects
	git ls-files -z spread tests pyproject.toml setup.py README.md LICENSE \
	    | xargs -0 cp --parents -t build/defects
	cd build/defects && SPREAD_DEFECTS=1 $(abspath $(BIN))/python setup.py --quiet \
	    build_ext --inplace
	cd build/defects && PYTHONPATH=. $(abspath $(BIN))/python -m tests.sim.defects \
	    --write $(CURDIR)/docs/defects.md

## make wheels      wheels for Linux and Windows, the sources; examined, and tried in fresh environments
wheels: wheels-linux
	PYTHON=$(abspath $(BIN))/python wheels/windows/lane.sh || test $$? = 77

## make wheels-linux the wheel for this Linux and the sources only
wheels-linux: $(VENV)/.built $(VENV)/.wheels
	$(BIN)/python -m pytest -q --noconftest -p no:cacheprovider tests/wheels
	wheels/linux.sh $(BIN)/python
	wheels/sdist.sh $(BIN)/python

## make wheels-all  also the sources with each Python that is found, Windows with more, aarch64, musl
wheels-all: wheels
	PYTHON=$(BIN)/python wheels/pythons.sh build/wheels/sdist/*.tar.gz
	wheels/cross.sh aarch64 $(BIN)/python || test $$? = 77
	wheels/cross.sh musl $(BIN)/python || test $$? = 77
	for minor in 3.12 3.13 3.14; do \
	    PYTHON=$(abspath $(BIN))/python wheels/windows/lane.sh --python $$minor \
	        || test $$? = 77 || exit 1; done

## make environment what lint, types, docs, wheels and test need, so that they can run side by side
environment: $(addprefix $(VENV)/.,built bench-built lint test docs wheels)

$(VENV)/.pip: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) "pip>=25.1" "setuptools>=77" "cython>=3.1"
	@touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.docs $(VENV)/.bench $(VENV)/.screenshots $(VENV)/.wheels: $(VENV)/.%: $(VENV)/.pip
	$(PIP_INSTALL) --group $*
	@touch $@

$(VENV)/.built: $(SOURCES) $(VENV)/.pip
	$(BIN)/python setup.py --quiet build_ext --inplace
	SPREAD_BUILT=1 $(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# What the page and the full-screen view of `spmonitor` are made with.
$(VENV)/.faces: $(VENV)/.built
	SPREAD_BUILT=1 $(PIP_INSTALL) --no-build-isolation --editable '.[web,top,metrics]'
	@touch $@

$(VENV)/.bench-built: $(BENCH_SOURCES) $(VENV)/.built
	$(BIN)/python bench/setup_ext.py --quiet build_ext --inplace --parallel 2 \
	    --build-lib build/bench --build-temp build/bench
	@touch $@

## make clean       remove what was built, and the virtual environment
clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache
	rm -f spread/*.c spread/*.so bench/*.c bench/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
