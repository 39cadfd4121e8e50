"""Configurations that transformers 4 and 5 both understand.

transformers 5 saves `rope_parameters` and `dtype` where 4 reads `rope_theta` and `torch_dtype`. 4 does not complain:
it takes its default theta of 10000 and float32, and the model answers nonsense. So both spellings are written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Config = dict[str, Any]

# What transformers leaves in saved files about the place that they were loaded from.
_LEAKS = ("_name_or_path", "_model_name_or_path", "is_local", "local_files_only")
_FULL, _SLIDING = "full_attention", "sliding_attention"


def spell_for_both(config: Config) -> Config:
    """A config.json with both spellings in it and nothing about where it was made; nested ones as well."""
    spelled = {
        key: spell_for_both(value) if key.endswith("_config") and isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _LEAKS
    }
    dtype = spelled.get("dtype", spelled.get("torch_dtype"))
    if isinstance(dtype, str):
        spelled |= {"dtype": dtype, "torch_dtype": dtype}
    rope = spelled.get("rope_parameters")
    if isinstance(rope, dict):
        for key, value in _rope_of_four(rope).items():
            spelled.setdefault(key, value)
    return spelled


def mend_saved_model(folder: Path) -> None:
    """Mend what `save_pretrained` of model and tokenizer left in a folder, and make its files readable.

    The tokenizer class becomes the one that both versions know: `TokenizersBackend` is an error in 4.
    """
    config = folder / "config.json"
    _rewrite(config, spell_for_both(json.loads(config.read_text(encoding="utf-8"))))
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file():
        content = {
            key: value
            for key, value in json.loads(tokenizer.read_text(encoding="utf-8")).items()
            if key not in (*_LEAKS, "backend")
        }
        if content.get("tokenizer_class") in (None, "TokenizersBackend"):
            content["tokenizer_class"] = "PreTrainedTokenizerFast"
        _rewrite(tokenizer, content)
    open_to_read(folder)


def open_to_read(folder: Path) -> None:
    """Give all files mode 0644: transformers and safetensors write weights for their owner only."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o644)


def _rope_of_four(rope: Config) -> Config:
    """`rope_parameters` as transformers 4 spells them."""
    if isinstance(rope.get(_FULL), dict):  # a set for each kind of layer, as Gemma 3 has
        old = _rope_of_four(rope[_FULL])
        if isinstance(sliding := rope.get(_SLIDING), dict) and "rope_theta" in sliding:
            old["rope_local_base_freq"] = sliding["rope_theta"]
        return old
    old = {"rope_theta": rope["rope_theta"]} if "rope_theta" in rope else {}
    if rope.get("rope_type", "default") != "default":
        old["rope_scaling"] = {key: value for key, value in rope.items() if key != "rope_theta"}
    return old


def _rewrite(file: Path, content: Config) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
