# make demo    compose a small catalogue, tag it, show what was found
# make test    pass the tests
# make check   the one check: format, lint, types, tests, wheel
# make bench    the main job and the published models beside their peers: ratios (forty minutes)
# make bench-features    every front end beside its reference: time, memory, ratio
# make bench-scale    the main job on 100,000 short tracks, plans of a million: memory, time, workers (two hours)
# make bench-report    the report of 100,000 tracks in headless Chromium: seconds to write and to load
# make bench-index    100,000 tracks into OpenSearch, PostgreSQL and a file: seconds (make servers)
# make chaos ROUNDS=24 SEED=1    real runs, in each of which one process is killed, against an undisturbed one
# make fuzz CASES=5000 SEED=1    broken files of every format through reading and the job; what is found, in work/fuzz
# make reproduce DATA=../shared/data    the papers' figures beside ours, into models/RESULTS.md
# make flink    Flink and Beam's job server from Maven Central, into work/flink (150 MB), for tests/engines
# make prism    Beam's Prism from the Go module proxy, into work/prism, for the same tests
# make nights    three nights of a schedule on Flink and a storage emulator, with diff as the gate (make flink)
# make servers    OpenSearch and PostgreSQL into work/servers (200 MB), for tests/indexing
# make airflow    Airflow in work/airflow, for the tests of the DAG (2.3 GB)
# make audit    known vulnerabilities of what the lock pins, asked of PyPI
# make lock    renew the locks from pyproject.toml
# make train-default DATA=../shared/data    train the shipped bundle from scratch
# make card DATA=../shared/data    measure it again and rewrite its card

PYTHON ?=
DATA ?= ../shared/data
WORK ?= work/train-default
ROUNDS ?= 24
SEED ?= 1
CASES ?= 5000
BIN = .venv/bin
BEAM = $(shell sed -n 's/^apache-beam\(\[gcp\]\)\?==\([0-9.]*\).*/\2/p' requirements.lock)

.PHONY: demo test check static bench bench-features reproduce lock train-default card bench-scale bench-report bench-index chaos fuzz flink servers prism nights airflow audit

demo: .venv/.complete
	$(BIN)/moodscribe demo --folder demo-out

# In the order of the folders, but trainings first: xdist's own leaves files of few long tests, of whole jobs, for the end.
# Three processes for two cores: tests wait for processes of their own. Those on Flink skip where it cannot be had.
# What is compiled is kept, even where that is turned off: hundreds of processes are started.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/.complete
	-@sh deploy/flink/fetch.sh work/flink
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: static test

static: .venv/.complete
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel .

.venv/.complete: requirements.lock requirements-uv.lock pyproject.toml deploy/venv.sh
	@sh deploy/venv.sh $(PYTHON)

reproduce: .venv/.complete
	$(BIN)/python -m pipelines.reproduce --data $(DATA) --work work/reproduce

bench: .venv/.complete
	$(BIN)/python -m tests.bench

bench-features: .venv/.complete
	$(BIN)/python -m tests.bench_features

bench-scale: .venv/.complete
	$(BIN)/python -m tests.scale

bench-report: .venv/.complete
	$(BIN)/python -m tests.bench_report

bench-index: .venv/.complete
	$(BIN)/python -m tests.bench_index

chaos: .venv/.complete
	$(BIN)/python -m tests.faults.chaos --rounds $(ROUNDS) --seed $(SEED)

fuzz: .venv/.complete
	$(BIN)/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

flink:
	sh deploy/flink/fetch.sh work/flink

servers: .venv/.complete
	sh tests/servers/fetch.sh work/servers $(BIN)/python

prism:
	GOBIN=$(CURDIR)/work/prism go install github.com/apache/beam/sdks/v2/go/cmd/prism@v$(BEAM)

nights: .venv/.complete
	$(BIN)/python -m tests.engines.nights

AIRFLOW = apache-airflow==3.3.2 apache-airflow-providers-google==22.8.0 \
	apache-airflow-providers-cncf-kubernetes==10.25.0 apache-airflow-providers-apache-beam==6.3.1

airflow: .venv/.complete
	$(BIN)/python -m venv --clear work/airflow
	work/airflow/bin/python -m pip install --quiet --disable-pip-version-check $(AIRFLOW)

audit:
	sh deploy/audit.sh

lock: .venv/.complete
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --python-version 3.11 \
		--extra essentia --extra files --extra opensmile --extra openvino --extra train --group dev pyproject.toml -o requirements.lock
	echo "uv==$$($(BIN)/uv --version | cut -d ' ' -f 2)" | \
		$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate - -o requirements-uv.lock
	sh deploy/image/locks.sh $(BIN)/uv

train-default: .venv/.complete
	$(BIN)/python -m pipelines.training.default --data $(DATA) --work $(WORK) --output models/bundles/default

card: .venv/.complete
	$(BIN)/python -m pipelines.training.default --data $(DATA) --work $(WORK) --output models/bundles/default \
		--stage calibrate checks card
