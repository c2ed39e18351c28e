"""How many texts have other ids in transformers, of the tokenizer in a directory.

    python transformers_ids.py directory texts.json

texts.json is a list of pairs: a text, its ids without special tokens around them. Needs transformers (compared with 5.24.0).
"""
import json
import sys

from transformers import AutoTokenizer

directory, texts = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(directory)
pairs = json.load(open(texts, encoding="utf8"))
print(sum(tokenizer(text, add_special_tokens=False).input_ids != ids for text, ids in pairs))
