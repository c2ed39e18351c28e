"""What a peer is asked, and where its answers go: the prompts of ../prompts.jsonl by their ids, a line of JSON for each answer.

A log can be stopped at any time, and goes on where it was. Lines have the names of ../figures.ts.
"""

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
TOKENS = 64


def arguments(about):
    """The options of every peer."""
    asked = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--target", default="model/f32", help="the target as a directory in f32: `outrider export --dtype f32`")
    asked.add_argument("--draft", action="append", default=[], metavar="NAME=DIR", help="a draft's directory; several times")
    asked.add_argument("--draft-length", type=int, action="append", metavar="N", help="default 3 and 5")
    asked.add_argument("--log", default="peers.jsonl", help="default %(default)s")
    asked.add_argument("--prompts", default=HERE.parent / "prompts.jsonl", help="lines of category and ids")
    asked.add_argument("--each", type=int, default=16, metavar="N", help="the first N prompts of a category; default all 16")
    asked.add_argument("--max-tokens", type=int, default=TOKENS, metavar="N", help="default %(default)s")
    given = asked.parse_args()
    given.draft_length = given.draft_length or [3, 5]
    given.draft = [named(text) for text in given.draft]
    if not (Path(given.target) / "config.json").exists():
        asked.error(f"{given.target} has no config.json. Write it: outrider export --model FILE.gguf --out {given.target} --dtype f32")
    for name, folder in given.draft:
        if not (Path(folder) / "config.json").exists():
            asked.error(f"the draft {name}: {folder} has no config.json.")
    return given


def named(text):
    name, is_named, folder = text.partition("=")
    return (name, folder) if is_named and "/" not in name else (Path(text).name, text)


def plain(engine):
    return f"{engine}: plain · greedy"


def drafted(engine, drafter, draft_length):
    return f"{engine}: {drafter} · γ {draft_length} · greedy"


def in_turns(file, each):
    """The first `each` of every category, by turns: whoever stops early has some of all."""
    seen, prompts = {}, []
    for line in open(file, encoding="utf8"):
        prompt = json.loads(line)
        turn = seen[prompt["category"]] = seen.get(prompt["category"], 0) + 1
        if turn <= each:
            prompts.append((turn, prompt))
    return [prompt for _, prompt in sorted(prompts, key=lambda pair: pair[0])]


class Log:
    def __init__(self, file):
        self.file = file
        text = Path(file).read_bytes() if os.path.exists(file) else b""
        # A line that was being written as its process was killed is taken off.
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            os.truncate(file, len(whole))
        lines = [json.loads(line) for line in whole.split(b"\n") if line]
        self.has = {(line["setting"], line["prompt"]) for line in lines}

    def answer(self, setting, prompts, how):
        """Asks for what the log lacks; `how(ids)` gives the rest of a line."""
        left = [prompt for prompt in prompts if (setting, prompt["question_id"]) not in self.has]
        for i, prompt in enumerate(left):
            progress(f"{setting}: {i + 1} of {len(left)}")
            line = {"setting": setting, "prompt": prompt["question_id"], "category": prompt["category"], **how(prompt["ids"])}
            with open(self.file, "a", encoding="utf8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
        progress("")

    def lacks(self, setting, prompts):
        return any((setting, prompt["question_id"]) not in self.has for prompt in prompts)


def line(ids, *, passes=0, tokens=None, drafted=0, by_model=0, accepted=0, reached=0):
    """A greedy answer: what of the drafted positions that were reached was accepted is the overlap of one-hot distributions, too."""
    said = {"ids": ids, "passes": passes, "drafted": drafted, "byModel": by_model, "accepted": accepted, "reached": reached, "overlap": accepted}
    return said if tokens is None else {**said, "tokens": tokens}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def run(main):
    """Ctrl-C ends without a traceback: what was answered is in the log."""
    try:
        main()
    except KeyboardInterrupt:
        progress("")
        print("Stopped. The same command goes on.", file=sys.stderr)
        sys.exit(130)
