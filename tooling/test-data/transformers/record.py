"""Records what transformers makes of config.json files: logits of tiny models whose weights are a formula of name and place.

  python record.py > configs.json     # transformers 5.24.0, torch 2.13.0, float64 weights, eager attention
"""
import contextlib, json, os, sys, tempfile, warnings
import numpy as np, torch, transformers
from safetensors.torch import save_file

warnings.filterwarnings("ignore"); transformers.logging.set_verbosity_error()
IDS = [(3 + 11 * i) % 271 for i in range(24)]


def weight(name, shape):
    seed = 0
    for letter in name: seed = (seed * 31 + ord(letter)) & 0xFFFFFFFF
    count = int(np.prod(shape))
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> np.uint64(16))) * 0x45D9F3B) & 0xFFFFFFFF
    x = x ^ (x >> np.uint64(16))
    v = x.astype(np.float64) / 2**32 - 0.5
    v = 1 + v / 2 if "norm" in name else v * 0.5
    return torch.tensor(v.astype(np.float32)).reshape(tuple(shape))


base = dict(vocab_size=272, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, hidden_act="silu", max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=None,
            eos_token_id=None, pad_token_id=None, tie_word_embeddings=False)
llama = dict(base, architectures=["LlamaForCausalLM"], model_type="llama")
mistral = dict(base, architectures=["MistralForCausalLM"], model_type="mistral")
qwen2 = dict(base, architectures=["Qwen2ForCausalLM"], model_type="qwen2")
qwen3 = dict(base, architectures=["Qwen3ForCausalLM"], model_type="qwen3", head_dim=8)
phi3 = dict(base, architectures=["Phi3ForCausalLM"], model_type="phi3")
olmo2 = dict(base, architectures=["Olmo2ForCausalLM"], model_type="olmo2")
smollm3 = dict(base, architectures=["SmolLM3ForCausalLM"], model_type="smollm3", no_rope_layer_interval=2)
granite = dict(base, architectures=["GraniteForCausalLM"], model_type="granite", attention_multiplier=0.2, embedding_multiplier=3.0,
               residual_multiplier=0.4, logits_scaling=0.3)
gemma = dict({k: v for k, v in base.items() if k not in ("hidden_act", "tie_word_embeddings")}, head_dim=8, hidden_activation="gelu_pytorch_tanh",
             query_pre_attn_scalar=12, sliding_window=8)
gemma2 = dict(gemma, architectures=["Gemma2ForCausalLM"], model_type="gemma2")
gemma3 = dict(gemma, architectures=["Gemma3ForCausalLM"], model_type="gemma3_text")
S, F = "sliding_attention", "full_attention"
l3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
tied = dict(llama, tie_word_embeddings=True)
without = lambda c, *keys: {k: v for k, v in c.items() if k not in keys}

cases = {
    "llama": llama,
    "swish": dict(llama, hidden_act="swish"),
    "rope_theta at the top": dict(llama, rope_theta=500.0),
    "rope_theta inside": dict(llama, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
    "rope_theta inside and at the top": dict(llama, rope_theta=90.0, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
    "rope_theta at the top beside rope_parameters without it": dict(llama, rope_theta=90.0, rope_parameters=dict(rope_type="linear", factor=2.0)),
    "rope_scaling of the old form": dict(llama, rope_theta=500.0, rope_scaling=dict(type="linear", factor=2.0)),
    "rope_theta inside rope_scaling": dict(llama, rope_theta=90.0, rope_scaling=dict(type="linear", factor=2.0, rope_theta=500.0)),
    "rope_scaling beside rope_parameters": dict(llama, rope_scaling=dict(type="linear", factor=2.0), rope_parameters=dict(l3, rope_theta=500.0)),
    "rope_scaling beside rope_parameters and rope_theta": dict(llama, rope_theta=90.0, rope_scaling=dict(type="linear", factor=2.0), rope_parameters=dict(l3, rope_theta=500.0)),
    "empty rope_scaling beside rope_parameters": dict(llama, rope_scaling={}, rope_parameters=dict(l3, rope_theta=500.0)),
    "type and rope_type": dict(llama, rope_scaling=dict(type="linear", rope_type="default", factor=2.0)),
    "llama3": dict(llama, rope_parameters=dict(l3, rope_theta=500.0)),
    "llama3 with its length at the top": dict(llama, original_max_position_embeddings=48, rope_parameters=dict(l3, rope_theta=500.0)),
    "llama3 without its length": dict(llama, rope_parameters=without(dict(l3, rope_theta=500.0), "original_max_position_embeddings")),
    "factor without a type": dict(llama, rope_scaling=dict(factor=2.0)),
    "partial_rotary_factor of a Llama": dict(llama, rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5)),
    "dynamic": dict(llama, rope_scaling=dict(type="dynamic", factor=2.0)),
    "yarn": dict(llama, rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=16)),
    "sliding by layer_types": dict(qwen2, use_sliding_window=True, sliding_window=8, max_window_layers=28, layer_types=[S, S]),
    "mixed layer_types": dict(qwen2, use_sliding_window=True, sliding_window=8, max_window_layers=28, layer_types=[S, F]),
    "full by layer_types": dict(qwen2, use_sliding_window=True, sliding_window=8, max_window_layers=0, layer_types=[F, F]),
    "sliding by layer_types, no window used": dict(qwen2, use_sliding_window=False, sliding_window=8, layer_types=[S, S]),
    "a window of null": dict(qwen2, use_sliding_window=True, sliding_window=None, max_window_layers=0),
    "a window by max_window_layers": dict(qwen3, use_sliding_window=True, sliding_window=8, max_window_layers=0),
    "a window from layer 1 on": dict(qwen3, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    "a window from a layer that is not there": dict(qwen3, use_sliding_window=True, sliding_window=8, max_window_layers=2),
    "legacy layer_types": dict(qwen3, use_sliding_window=True, sliding_window=8, max_window_layers=0, layer_types=["attention", "attention"]),
    "Mistral's window": dict(mistral, sliding_window=8),
    "Mistral's window, full by layer_types": dict(mistral, head_dim=8, rope_parameters=dict(rope_type="default", rope_theta=10000.0), sliding_window=8, layer_types=[F, F]),
    "Mistral's window, sliding by layer_types": dict(mistral, head_dim=8, rope_parameters=dict(rope_type="default", rope_theta=10000.0), sliding_window=8, layer_types=[S, S]),
    "Mistral's window, mixed layer_types": dict(mistral, head_dim=8, rope_parameters=dict(rope_type="default", rope_theta=10000.0), sliding_window=8, layer_types=[S, F]),
    "Mistral's window, use_sliding_window false": dict(mistral, sliding_window=8, use_sliding_window=False),
    "Mistral without num_key_value_heads": dict(without(mistral, "num_key_value_heads"), num_attention_heads=16, head_dim=4, sliding_window=None),
    "Llama's layer_types": dict(llama, sliding_window=8, layer_types=[S, S]),
    "Llama's sliding_window": dict(llama, sliding_window=8),
    "phi3": dict(phi3, sliding_window=8),
    "Phi-3's layer_types": dict(phi3, sliding_window=8, layer_types=[F, F]),
    "partial_rotary_factor inside": dict(phi3, rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5)),
    "partial_rotary_factor at the top": dict(phi3, partial_rotary_factor=0.5, rope_theta=500.0),
    "partial_rotary_factor inside 1, at the top 0.5": dict(phi3, partial_rotary_factor=0.5, rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=1.0)),
    "longrope": dict(phi3, original_max_position_embeddings=16, rope_scaling=dict(type="longrope", original_max_position_embeddings=16, short_factor=[1.0, 1.1, 1.2, 1.3], long_factor=[1.0, 1.5, 2.0, 2.5])),
    "gemma2": gemma2,
    "Gemma 2 with low caps": dict(gemma2, attn_logit_softcapping=0.7, final_logit_softcapping=3.0, layer_types=[F, S]),
    "Gemma 2 without caps": dict(gemma2, attn_logit_softcapping=None, final_logit_softcapping=None),
    "Gemma 2 with the old key of its activation": dict(without(gemma2, "hidden_activation"), hidden_act="gelu_pytorch_tanh"),
    "gemma3": gemma3,
    "Gemma 3 of the old form": dict(gemma3, sliding_window_pattern=2, rope_theta=500.0, rope_local_base_freq=50.0, rope_scaling=dict(rope_type="linear", factor=2.0)),
    "Gemma 3 with rope_parameters by layer type": dict(gemma3, layer_types=[F, S], rope_parameters={F: dict(rope_type="linear", factor=2.0, rope_theta=500.0), S: dict(rope_type="default", rope_theta=50.0)}),
    "Gemma 3 with rope_parameters and the keys of the old form": dict(gemma3, layer_types=[F, S], rope_theta=90.0, rope_local_base_freq=70.0, rope_scaling=dict(rope_type="linear", factor=4.0), rope_parameters={F: dict(rope_type="default", rope_theta=500.0), S: dict(rope_type="default")}),
    "Gemma 3 with a scaling of before rope_type": dict(gemma3, layer_types=[F, S], rope_scaling=dict(type="linear", factor=4.0)),
    "Gemma 3 with the pattern under its private name": dict(gemma3, _sliding_window_pattern=2),
    "Gemma 3 with capped logits, biases and a head": dict(gemma3, layer_types=[F, S], attention_bias=True, tie_word_embeddings=False, final_logit_softcapping=3.0),
    "Gemma 3 with capped scores": dict(gemma3, attn_logit_softcapping=0.7),
    "Gemma 3 with bidirectional attention": dict(gemma3, use_bidirectional_attention=True),
    "biases": dict(llama, attention_bias=True, mlp_bias=True),
    "olmo2": olmo2,
    "OLMo 2 with biases of attention": dict(olmo2, attention_bias=True),
    "smollm3": smollm3,
    "SmolLM3 without what it says of its layers": dict(without(smollm3, "no_rope_layer_interval", "num_key_value_heads", "tie_word_embeddings"), num_hidden_layers=4),
    "SmolLM3 with no_rope_layers, more than there are layers": dict(smollm3, no_rope_layers=[0, 1, 0]),
    "SmolLM3 with biases": dict(smollm3, attention_bias=True, mlp_bias=True),
    "SmolLM3's window, in layers without rotary positions": dict(smollm3, use_sliding_window=True, sliding_window=8),
    "SmolLM3's window, by layer_types": dict(smollm3, use_sliding_window=True, sliding_window=8, layer_types=[S, F]),
    "SmolLM3's window, in all layers": dict(smollm3, use_sliding_window=True, sliding_window=8, layer_types=[S, S]),
    "SmolLM3's window, not used": dict(smollm3, sliding_window=8),
    "granite": granite,
    "Granite with biases": dict(granite, attention_bias=True, mlp_bias=True),
    "Granite without multipliers": without(granite, "attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling"),
    "tied": tied,
    "tied, a head of its own": (tied, dict(add=["lm_head.weight"])),
    "tied, the same head again": (tied, dict(copy={"lm_head.weight": "model.embed_tokens.weight"})),
    "tied, only the head": (tied, dict(rename={"model.embed_tokens.weight": "lm_head.weight"})),
    "not tied, no head": (llama, dict(drop=["lm_head.weight"])),
    "the base model": (dict(tied, architectures=["LlamaModel"]), dict(strip="model.")),
    "the base model, prefixed": (dict(tied, architectures=["LlamaModel"]), {}),
    "the base model of Phi-3": (dict(phi3, architectures=["Phi3Model"], tie_word_embeddings=True), dict(strip="model.")),
    "a window longer than the context, in some layers": dict(qwen2, use_sliding_window=True, sliding_window=64, layer_types=[S, F]),
    "buffers": (llama, dict(extra=["model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq", "model.layers.0.self_attn.masked_bias"])),
    "architectures of Mistral, model_type llama": dict(llama, architectures=["MistralForCausalLM"], sliding_window=8),
    "no architectures": without(llama, "architectures"),
    "ids of -1": dict(llama, bos_token_id=-1, eos_token_id=-1, pad_token_id=-1),
    "ids in lists": dict(llama, bos_token_id=3, eos_token_id=[4, 5], pad_token_id=6),
    "no ids": without(llama, "bos_token_id", "eos_token_id", "pad_token_id"),
}
only = sys.argv[1:]
out, sets = {}, []
for name, case in cases.items():
    if only and name not in only: continue
    config, change = case if isinstance(case, tuple) else (case, {})
    with tempfile.TemporaryDirectory() as d:
        json.dump(config, open(f"{d}/config.json", "w"))
        tensors = []
        try:
            parsed = transformers.AutoConfig.from_pretrained(d)
            model = transformers.AutoModelForCausalLM.from_config(parsed)
            state = {k: weight(k, v.shape) for k, v in model.state_dict().items()}
            if parsed.tie_word_embeddings: state.pop("lm_head.weight")
            for a, b in change.get("rename", {}).items(): state[b] = weight(b, state.pop(a).shape)
            for k in change.get("add", []): state[k] = weight(k, (272, 32))
            for k in change.get("extra", []): state[k] = weight(k, (4,))
            for k, of in change.get("copy", {}).items(): state[k] = state[of].clone()
            for k in change.get("drop", []): state.pop(k)
            strip = change.get("strip", "")
            state = {(k[len(strip):] if k.startswith(strip) else k): v for k, v in state.items()}
            if strip: state = {k: weight(k, v.shape) for k, v in state.items()}
            tensors = [[k, list(v.shape)] for k, v in state.items()]
            save_file(state, f"{d}/model.safetensors", metadata={"format": "pt"})
            model, info = transformers.AutoModelForCausalLM.from_pretrained(d, dtype=torch.float64, attn_implementation="eager", output_loading_info=True)
            missing = sorted(info["missing_keys"])
            if missing: raise ValueError(f"left random: {missing}")
            with torch.no_grad(): logits = model(torch.tensor([IDS])).logits[0]
            entry = dict(tied=model.lm_head.weight is model.model.embed_tokens.weight,
                         ids=[model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id],
                         logits=[[round(float(v), 6) for v in logits[r, ::17]] for r in (5, 23)])
        except Exception as e:
            entry = dict(error=f"{type(e).__name__}: {str(e).splitlines()[0][:160]}")
        if tensors not in sets: sets.append(tensors)
        out[name] = dict(config=config, tensors=sets.index(tensors), **({"copy": change["copy"]} if "copy" in change else {}), **entry)
compact = lambda value: json.dumps(value, separators=(",", ":"))
print("{")
print(f'"made": {json.dumps(f"transformers {transformers.__version__}, torch {torch.__version__}")},')
print(f'"tokens": {compact(IDS)},')
print('"tensors": [\n' + ",\n".join(compact(s) for s in sets) + "\n],")
print('"cases": {\n' + ",\n".join(f"{json.dumps(k)}: {compact(v)}" for k, v in out.items()) + "\n}}")
