"""Records what blocks of ggml's formats mean, and which blocks values become, as gguf-py has it.

  python record.py > blocks.json     # Python 3 with gguf 0.19.0

Every bit of the blocks is random but for their scales, which are numbers of a usual size.
"""
import base64, json
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

# Where a block has f16 numbers; MXFP4 has an exponent of a byte.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}
WRITTEN = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]

random = np.random.default_rng(17)
text = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def meant(name):
    elements, size = GGML_QUANT_SIZES[Type[name]]
    count = max(1, 128 // elements)
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for place in SCALES[name]:
        scales = (random.uniform(0.001, 0.02, count) * random.choice([-1, 1], count)).astype("<f2")
        blocks[:, place : place + 2] = scales.view(np.uint8).reshape(count, 2)
    if name == "MXFP4":
        blocks[:, 0] = [0, 1, 2, 121][:count]
    return {"blocks": text(blocks), "values": text(dequantize(blocks, Type[name]).astype("<f4"))}


def written(name, values):
    return text(quantize(values.reshape(-1, 32), Type[name]))


values = np.concatenate([random.normal(0, 0.1, 96), np.zeros(32), np.full(32, 0.25)]).astype("<f4")
print(json.dumps({
    "meant": {name: meant(name) for name in SCALES},
    "written": {"values": text(values), "blocks": {name: written(name, values) for name in WRITTEN}},
}, indent=1))
