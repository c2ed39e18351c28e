"""Drafts in transformers with a model of ours: `python assistant.py < request.json`, the answer on standard output.

The request: {"target": folder, "gguf_file": name or null, "draft": folder, "texts": {text: ids}, "prompt": text, "tokens": n}.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

request = json.load(sys.stdin)
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(request["draft"])
same = [tokenizer(text)["input_ids"] == ids for text, ids in request["texts"].items()]
named = {"gguf_file": request["gguf_file"]} if request["gguf_file"] else {}
target = AutoModelForCausalLM.from_pretrained(request["target"], dtype=torch.float32, **named)
draft = AutoModelForCausalLM.from_pretrained(request["draft"], dtype=torch.float32)

passes = {"target": 0, "draft": 0}


def counted(name):
    def count(*_):
        passes[name] += 1

    return count


target.register_forward_hook(counted("target"))
draft.register_forward_hook(counted("draft"))
inputs = tokenizer(request["prompt"], return_tensors="pt")
asked = {"max_new_tokens": request["tokens"], "do_sample": False}
plain = target.generate(**inputs, **asked)
passes.update(target=0, draft=0)
assisted = target.generate(**inputs, assistant_model=draft, **asked)
print(
    json.dumps(
        {
            "vocab_size": [target.config.vocab_size, draft.config.vocab_size],
            "same_tokens": sum(same),
            "same_answer": plain.tolist() == assisted.tolist(),
            "target_passes": passes["target"],
            "draft_passes": passes["draft"],
        }
    )
)
