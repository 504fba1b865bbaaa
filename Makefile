# KineCue. `make` alone shows the targets; each sets up what it needs first (see bootstrap/), and only what is missing.
#
#   PYTHON=/path/to/python3.12   makes the virtual environment from this Python
#   KINECUE_ROS=pypi|system      takes ROS 2 from PyPI although one is sourced, or insists on the sourced one

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh

BIN := .venv/bin
export PYTHON KINECUE_ROS

# Values are handed over through the environment, so that blanks and quotes in a file name stay what they are.
export VIDEO CAMERA EXERCISE
DEMO_ARGUMENTS = $(if $(VIDEO),--video "$$VIDEO") $(if $(CAMERA),--camera "$$CAMERA") $(if $(EXERCISE),--exercise "$$EXERCISE")

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## Make the virtual environment with ROS 2, interfaces, models and voice
	@sh bootstrap/run.sh setup

.PHONY: demo
demo: ## Watch the sample clip and speak; VIDEO=clip.mp4 or CAMERA=0, EXERCISE=squat
	@sh bootstrap/run.sh demo
	@$(BIN)/kinecue demo $(DEMO_ARGUMENTS)

# Those that measure time, or run whole graphs, have the machine for themselves; the others share it.
ALONE := test/bootstrap test/cli/test_coach.py test/cli/test_demo.py test/cli/test_machine_commands.py \
	test/launch test/nodes test/speech

.PHONY: test
test: ## Run the linters, the type checker and all tests; PYTEST_ARGUMENTS=test/body for some
	@sh bootstrap/run.sh test
	@status=0; \
	$(BIN)/ruff check --quiet . || status=1; \
	$(BIN)/ruff format --check --quiet . || status=1; \
	$(BIN)/mypy || status=1; \
	if [ -n "$(PYTEST_ARGUMENTS)" ]; then $(BIN)/python -m pytest $(PYTEST_ARGUMENTS) || status=1; else \
	  $(BIN)/python -m pytest -n "$$(nproc)" --maxprocesses 8 --dist loadfile $(ALONE:%=--ignore=%) || status=1; \
	  $(BIN)/python -m pytest $(ALONE) || status=1; \
	fi; \
	exit $$status

.PHONY: lint
lint: ## Run the linters and the type checker
	@sh bootstrap/run.sh setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: bench
bench: bench-graph bench-simulation bench-perception bench-scoring bench-machine bench-coaching ## Run the benchmarks of graph, gym, perception, scoring, machine and coaching; results in bench_output/

.PHONY: bench-graph
bench-graph: ## Measure the graph: latencies, rates, counted and spoken against the truth
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/graph.py

.PHONY: bench-simulation
bench-simulation: ## Measure the simulated gym: speed, contacts, what BlazePose makes of every exercise and athlete
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/simulation.py $(BENCH_ARGUMENTS)

.PHONY: bench-perception
bench-perception: ## Measure perception: angles, intervals, occlusion, real film, motion capture, identities, speed
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/perception.py $(BENCH_ARGUMENTS)

.PHONY: bench-scoring
bench-scoring: ## Measure scoring: UI-PRMD, counts, clean sets, planted faults, personal ideal, speed
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/scoring.py $(BENCH_ARGUMENTS)

.PHONY: bench-machine
bench-machine: ## Measure the machine: counts, velocities, clocks, drivers, forces on the body, inertial sensors
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/machine.py $(BENCH_ARGUMENTS)

.PHONY: bench-coaching
bench-coaching: ## Measure the coach: recognised speech, latencies, language model, guard, coached sets, failures
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/coaching.py $(BENCH_ARGUMENTS)

.PHONY: bench-identities
bench-identities: ## Measure who is who when people cross, and who is taken for the lifter
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/identities.py $(BENCH_ARGUMENTS)

.PHONY: bench-views
bench-views: ## Measure several cameras and depth against one camera
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/views.py $(BENCH_ARGUMENTS)

.PHONY: bench-calibration
bench-calibration: ## Measure the quick calibration: lengths, stature, mount
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/calibration.py

.PHONY: bench-volume
bench-volume: ## Measure the body's volume: mass and widths, and what the body hides of itself
	@sh bootstrap/run.sh bench
	@$(BIN)/python -m bench.volume
	@$(BIN)/python -m bench.self_occlusion

.PHONY: bench-networks
bench-networks: ## Measure what onnxruntime offers to make the networks faster, and what it costs
	@sh bootstrap/run.sh bench
	@$(BIN)/python bench/network_options.py $(BENCH_ARGUMENTS)

.PHONY: contact-sheet
contact-sheet: ## Draw docs/images/exercises.jpg, all simulated exercises side by side
	@sh bootstrap/run.sh setup
	@$(BIN)/python tools/contact_sheet.py

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf .venv demo_output bench_output build install log .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf src/kinecue.egg-info
	find bootstrap src test bench launch -name __pycache__ -prune -exec rm -rf {} +
