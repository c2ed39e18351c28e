"""What Hugging Face's tokenizers says of the steps in rust-steps.json: python record-rust-steps.py rust-steps.json

Recorded with tokenizers 0.23.3 (the one that transformers 5.24 takes), Python 3.11. Writes every case's `out` again.
"""

import json
import sys

from tokenizers import Tokenizer


def tokenizer(**parts):
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    empty = dict.fromkeys(["truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"])
    return Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": model, **empty, **parts}))


file = sys.argv[1]
steps = json.load(open(file))
for case in steps["pre_tokenizers"].values():
    step = tokenizer(pre_tokenizer=case["json"]).pre_tokenizer
    case["out"] = [[word for word, _ in step.pre_tokenize_str(text)] for text in steps["texts"]]
for case in steps["normalizers"].values():
    step = tokenizer(normalizer=case["json"]).normalizer
    case["out"] = [step.normalize_str(text) for text in steps["texts"]]
for case in steps["decoders"].values():
    step = tokenizer(decoder=case["json"]).decoder
    case["out"] = [step.decode(pieces) for pieces in steps["pieces"]]
for case in steps["tokenizers"].values():
    whole = tokenizer(**case["json"])
    case["out"] = [whole.encode(text).ids for text in case["texts"]]

lines = []
for key, value in steps.items():
    if isinstance(value, dict):
        cases = ",\n".join(f"    {json.dumps(name)}: {json.dumps(case, ensure_ascii=True)}" for name, case in value.items())
        lines.append(f"  {json.dumps(key)}: {{\n{cases}\n  }}")
    else:
        lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=True)}")
open(file, "w").write("{\n" + ",\n".join(lines) + "\n}\n")
