"""What the packages that cards tell to install bring with them, and the names that pip knows imports by, as data.

Only of packages whose needs are plain. A package that is not here may bring anything.
"""

from __future__ import annotations

# Import name to the name for pip. Not here: what nearly everything brings (numpy, tqdm, requests), and torch, which
# readers have before they come.
_DISTRIBUTIONS = {
    "accelerate": "accelerate",
    "bitsandbytes": "bitsandbytes",
    "cv2": "opencv-python",
    "datasets": "datasets",
    "diffusers": "diffusers",
    "einops": "einops",
    "gradio": "gradio",
    "librosa": "librosa",
    "matplotlib": "matplotlib",
    "peft": "peft",
    "PIL": "pillow",
    "sentence_transformers": "sentence-transformers",
    "sklearn": "scikit-learn",
    "soundfile": "soundfile",
    "timm": "timm",
    "transformers": "transformers",
    "trl": "trl",
    "unsloth": "unsloth",
    "vllm": "vllm",
}
_LEAVES = (
    "torch", "torchvision", "torchaudio", "safetensors", "tokenizers", "huggingface-hub", "hf-transfer", "hf-xet",
    "sentencepiece", "protobuf", "tiktoken", "numpy", "scipy", "pandas", "requests", "tqdm", "regex", "packaging",
    "ninja", "wheel", "pip", "setuptools", "xformers", "jinja2", "pyyaml",
)  # fmt: skip
_BRINGS = {
    "accelerate": (),
    "bitsandbytes": (),
    "datasets": (),
    "diffusers": ("pillow",),
    "einops": (),
    "flash-attn": ("einops",),
    "librosa": ("soundfile", "scikit-learn"),
    "matplotlib": ("pillow",),
    "opencv-python": (),
    "opencv-python-headless": ("opencv-python",),
    "peft": ("transformers", "accelerate"),
    "pillow": (),
    "qwen-vl-utils": ("pillow",),
    "scikit-learn": (),
    "sentence-transformers": ("transformers", "scikit-learn", "pillow"),
    "soundfile": (),
    "timm": ("pillow",),
    "transformers": (),
    "transformers[torch]": ("transformers", "accelerate"),
    "trl": ("transformers", "accelerate", "datasets"),
}


def distribution(name: str) -> str | None:
    """The name that pip knows a top-level import by; None where it is not asked for."""
    return _DISTRIBUTIONS.get(name)


def brought_by(package: str) -> frozenset[str] | None:
    """A package and what it brings, by the names for pip; None where that is not known."""
    if package in _LEAVES:
        return frozenset({package, "pillow"} if package == "torchvision" else {package})
    brings = _BRINGS.get(package)
    return None if brings is None else frozenset({package, *brings})
