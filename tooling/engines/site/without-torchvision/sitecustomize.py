# What vLLM for the CPU installs of these is built for another torch, and ends transformers' import; none is needed for text.
import sys

for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None
