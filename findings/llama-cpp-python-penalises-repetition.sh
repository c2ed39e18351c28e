#!/usr/bin/env bash
# llama-cpp-python's server penalises repetition by 1.1 where a request says nothing of it, and its library does not (1.0): the same
# greedy question has another answer over HTTP. OpenAI's requests cannot say so, and `repetition_penalty`, as vLLM calls it, is passed
# over. Outrider sends `repeat_penalty: 1` to engines that take fields beside OpenAI's.
#
# Seen with llama-cpp-python 0.3.36; of stories260K in float32, 12 of 12 greedy answers of 40 tokens were others than llama.cpp's.
#
# Needs Python 3.10 or newer with pip. Downloads the sources into a folder of its own, and builds nothing; ends with 1 if it is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: llama-cpp-python==0.3.36
tar -xzf llama_cpp_python-0.3.36.tar.gz --wildcards '*/llama_cpp/llama.py' '*/llama_cpp/server/types.py'
python3 - llama_cpp_python-0.3.36/llama_cpp <<'PY'
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
library = set(re.findall(r"repeat_penalty: float = ([\d.]+)", (folder / "llama.py").read_text()))
server = re.search(r"repeat_penalty_field = Field\(\s*default=([\d.]+)", (folder / "server/types.py").read_text())[1]
print("library", *library, "server", server)
sys.exit(0 if library == {"1.0"} and server == "1.1" else 1)
PY
