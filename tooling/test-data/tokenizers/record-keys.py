"""Keys that transformers 5.24.0 and tokenizers 0.23.3 write or read: python record-keys.py > keys.json"""

import inspect
import json
import re

import tokenizers
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors


def keys_of(step):
    return json.loads(step.__getstate__())


charsmap = json.load(open("rust-steps.json"))["normalizers"]["Precompiled"]["json"]["precompiled_charsmap"]
import base64

steps = {
    "normalizer": [
        normalizers.NFC(), normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Nmt(),
        normalizers.Lowercase(), normalizers.Strip(), normalizers.StripAccents(), normalizers.Replace("a", "b"),
        normalizers.Prepend("a"), normalizers.ByteLevel(), normalizers.BertNormalizer(), normalizers.Sequence([]),
        normalizers.Precompiled(base64.b64decode(charsmap)),
    ],
    "pre_tokenizer": [
        pre_tokenizers.BertPreTokenizer(), pre_tokenizers.ByteLevel(), pre_tokenizers.CharDelimiterSplit("a"),
        pre_tokenizers.Digits(), pre_tokenizers.FixedLength(2), pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(),
        pre_tokenizers.Sequence([]), pre_tokenizers.Split("a", "removed"), pre_tokenizers.UnicodeScripts(),
        pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit(),
    ],
    "post_processor": [
        processors.BertProcessing(("a", 0), ("b", 1)), processors.RobertaProcessing(("a", 0), ("b", 1)),
        processors.ByteLevel(), processors.Sequence([]), processors.TemplateProcessing(single="$A", pair="$A $B"),
    ],
    "decoder": [
        decoders.BPEDecoder(), decoders.ByteFallback(), decoders.ByteLevel(), decoders.CTC(), decoders.Fuse(),
        decoders.Metaspace(), decoders.Replace("a", "b"), decoders.Sequence([]), decoders.Strip(), decoders.WordPiece(),
    ],
}
found = {place: {} for place in steps}
for place, all_steps in steps.items():
    for step in all_steps:
        written = keys_of(step)
        kind = written.pop("type")
        found[place][kind] = sorted(written)
found["model"] = {}
for model in [models.BPE(), models.WordPiece({"a": 0}, unk_token="a"), models.WordLevel({"a": 0}, unk_token="a"), models.Unigram()]:
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens([AddedToken("<s>")])
    whole = json.loads(tokenizer.to_str())
    written = whole["model"]
    kind = written.pop("type")
    found["model"][kind] = sorted(written)
base, fast = transformers.tokenization_utils_base, transformers.tokenization_utils_tokenizers
source = inspect.getsource(base.PreTrainedTokenizerBase._from_pretrained) + inspect.getsource(base.PreTrainedTokenizerBase.__init__)
source += inspect.getsource(base.PreTrainedTokenizerBase.save_pretrained) + inspect.getsource(fast.TokenizersBackend)
patterns = [r'kwargs\.(?:get|pop|setdefault)\("(\w+)"', r'tokenizer_config(?:\.pop\(|\[)"(\w+)"', r'"(\w+)" in (?:init_)?kwargs', r'init_kwargs\["(\w+)"\]']
config = {key for pattern in patterns for key in re.findall(pattern, source)}
config |= set(base.PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES)
# What a call or a download is told, no file.
config -= {"token", "revision", "subfolder", "cache_dir", "proxies", "force_download", "gguf_file", "tokenizer_object", "tokenizer", "merges", "vocab", "post_processor", "repo_id", "commit_message", "save_jinja_files", "_from_auto", "_from_pipeline", "_json_padding", "_json_truncation", "_spm_precompiled_charsmap", "use_source_tokenizer", "unk_id"}
print(json.dumps({
    "versions": f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}",
    "tokenizer.json": sorted(whole), "added_tokens": sorted(whole["added_tokens"][0]), **found,
    "tokenizer_config.json": sorted(config),
}, indent=1))
