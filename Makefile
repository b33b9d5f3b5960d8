# Shorthands for people and CI. CMake does the work; `make help` lists the targets.
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Tests of real processes mostly wait.
TEST_JOBS ?= $(shell expr $(JOBS) + 2)
BUILD := build/$(PRESET)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev configure build demo test test-release check smoke load full soak fuzz bench bench-long bench-cluster bench-corpus bench-crash bench-peers \
        install package format lint clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  PRESET=release|ci|dev|asan|tsan chooses the build (now $(PRESET), in $(BUILD)); PREFIX and DESTDIR, where to install."

setup: ## Install the Debian packages that are missing (as root or with sudo)
	@.ci/setup .ci/packages.txt

setup-dev: ## Also install what lint, fuzzers and browser tests need
	@.ci/setup .ci/packages.txt .ci/packages-dev.txt

configure: setup
	@cmake --preset $(PRESET) --log-level=WARNING > /dev/null

build: configure ## Build everything
	@cmake --build --preset $(PRESET) --parallel $(JOBS)

demo: build ## Run a small dataset from start to search
	@tests/demo/demo.sh $(BUILD)

check: setup ## Check format and layers, without a build
	@.ci/clang_format check
	@.ci/check_layers

test: check build ## Check, build and run the tests
	@TMPDIR="$$(.ci/test_folder)" ctest --preset $(PRESET) --parallel $(TEST_JOBS)

smoke: build ## Run 100 documents through a node and check what it leaves; FILES=DIR for your own, RESTORE=FILE on a backup
	@BUILD=$(BUILD) FILES="$(FILES)" RESTORE="$(RESTORE)" tests/plan/run smoke

load: build ## The same with 1,000 documents
	@BUILD=$(BUILD) FILES="$(FILES)" tests/plan/run load

full: build ## The same with 21,000 documents
	@BUILD=$(BUILD) FILES="$(FILES)" tests/plan/run full

test-release: ## Build, test, demo and package in a fresh RELEASE of Debian (bookworm, trixie); as root, half an hour
	@tests/release/run "$(RELEASE)"

soak: build ## The long versions of the random tests (two hours)
	@MILLRACE_OPERATIONS=1000000 $(BUILD)/tests/model/model_test
	@MILLRACE_INTERLEAVINGS=all $(BUILD)/tests/interleaving/interleaving_test
	@MILLRACE_ROUNDS=300 $(BUILD)/tests/actors/actors_test --gtest_filter='*whatever_dies*'
	@MILLRACE_WORKBOOK_ROWS=450000 $(BUILD)/tests/runtime/extraction/extraction_test --gtest_filter='long_workbook*'
	@MILLRACE_KILLS=200 $(BUILD)/tests/faults/faults_test
	@MILLRACE_KILL_STEP_MS=10 $(BUILD)/tests/faults/start_faults_test --gtest_filter='first_start*'
	@MILLRACE_SCANNED_PAGES=3000 $(BUILD)/tests/integration/long_documents_test --gtest_filter='*scan*'
	@MILLRACE_SECONDS=3600 $(BUILD)/tests/cluster/cluster_losses_test --gtest_filter='random_nodes*'

fuzz: setup-dev ## Run each fuzzer for a minute (clang); FUZZ_SECONDS=N
	@cmake --preset fuzz --log-level=WARNING > /dev/null
	@cmake --build --preset fuzz --parallel $(JOBS)
	@tests/fuzz/run

bench: ## Build for release and measure
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/run
	@bench/queue

bench-long: ## The queue over 10 million jobs a scenario (an hour)
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/queue --jobs 10000000 --submit 1000000

bench-cluster: ## How throughput grows with nodes, how long a killed node's documents wait, and a newcomer for work
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/cluster

bench-corpus: ## What becomes of the documents in FILES=DIR, and how much of their text is read
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/corpus "$(FILES)"

bench-crash: ## What a parser's crash costs the documents beside it
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/crash

bench-peers: ## Speed beside poppler, pdftotext and tesseract on the documents in FILES=DIR
	@$(MAKE) --no-print-directory build PRESET=release
	@bench/peers "$(FILES)"

install: build ## Install below PREFIX (/usr/local), or DESTDIR/PREFIX
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

package: ## Build a Debian package in build/release
	@$(MAKE) --no-print-directory build PRESET=release
	@cd build/release && cpack -G DEB && ls -l $(CURDIR)/build/release/*.deb

format: setup ## Write all C++ files as clang-format 14 would
	@.ci/clang_format write

lint: setup-dev ## Run clang-tidy; SINCE=REVISION for changed files only
	@.ci/lint $(SINCE)

clean: ## Remove all builds
	@rm -rf build
