"""How far the weights of a GGUF file are from those of the Hugging Face directory that the same model was saved as.

    python gguf_weights.py model.gguf directory

Needs gguf, safetensors and numpy (compared with gguf 0.19.0, safetensors 0.8.0). Names and layouts are gguf-py's and those of
llama.cpp's convert_hf_to_gguf.py, quantised values are what gguf-py quantises and dequantises. Prints a JSON object.
"""
import json
import sys

import gguf
import numpy
from gguf.quants import dequantize, quantize
from safetensors.numpy import load_file

path, directory = sys.argv[1:]
config = json.load(open(f"{directory}/config.json"))
reader = gguf.GGUFReader(path)
architecture = reader.fields["general.architecture"].contents()
model = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}[architecture]
names = gguf.get_tensor_name_map(model, config["num_hidden_layers"])
meant = {
    names.get_name(name, try_suffixes=(".weight", ".bias")): (name, values)
    for name, values in load_file(f"{directory}/model.safetensors").items()
}


def laid_out(name, values):
    """Rows of queries and keys as llama.cpp turns them: neighbours instead of halves of a head."""
    if architecture != "llama" or not any(part in name for part in ("q_proj", "k_proj")):
        return values
    heads = config["num_attention_heads"] if "q_proj" in name else config["num_key_value_heads"]
    shape = (heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return values.reshape(shape).swapaxes(1, 2).reshape(values.shape)


worst, where = 0.0, None
found = {tensor.name: tensor for tensor in reader.tensors if tensor.name != "rope_freqs.weight"}
for name, tensor in found.items():
    original, values = meant[name]
    values = laid_out(original, values.astype(numpy.float32))
    kind = tensor.tensor_type
    expected = values if kind == gguf.GGMLQuantizationType.F32 else dequantize(quantize(values, kind), kind)
    difference = float(numpy.abs(dequantize(tensor.data, kind).reshape(values.shape) - expected).max())
    if difference >= worst:
        worst, where = difference, name
print(json.dumps({"largest": worst, "tensor": where, "missing": sorted(meant.keys() - found.keys())}))
