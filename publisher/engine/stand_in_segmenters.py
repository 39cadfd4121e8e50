"""Stand-ins for models that a card's code calls besides the release's own: SAM and CLIPSeg, of a few kilobytes each.

The code is run as it stands, and shows that it runs; what is cut out is noise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from publisher.engine.stand_in_tokenizer import Words, write_tokenizer

_SIDE = 64  # pixels
_HIDDEN = 16
_TEXT = 77  # tokens, as CLIP has it


def sam(folder: Path) -> Any:
    """A Segment Anything of two layers, its processor written to the folder."""
    from transformers import SamConfig, SamImageProcessor, SamModel, SamProcessor

    square = {"height": _SIDE, "width": _SIDE}
    longest = {"longest_edge": _SIDE}
    pictures = SamImageProcessor(size=longest, pad_size=square, mask_size=longest, mask_pad_size=square)
    SamProcessor(pictures).save_pretrained(folder)
    return SamModel(
        SamConfig(
            vision_config={
                "hidden_size": _HIDDEN,
                "output_channels": _HIDDEN,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": _SIDE,
                "patch_size": 16,
                "window_size": 2,
                "global_attn_indexes": [1],
                "mlp_ratio": 1.0,
                "num_pos_feats": _HIDDEN // 2,
            },
            prompt_encoder_config={
                "hidden_size": _HIDDEN,
                "image_size": _SIDE,
                "patch_size": 16,
                "mask_input_channels": 4,
            },
            mask_decoder_config={
                "hidden_size": _HIDDEN,
                "mlp_dim": 2 * _HIDDEN,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "iou_head_hidden_dim": _HIDDEN,
            },
        )
    )


def clipseg(folder: Path) -> Any:
    """A CLIPSeg of two layers, its processor and tokenizer written to the folder."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    ids = write_tokenizer(folder, Words(special=(), turn_end="<eos>", template=""))
    (folder / "chat_template.jinja").unlink()
    pictures = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": _SIDE, "width": _SIDE},
        "processor_class": "CLIPSegProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures, indent=2) + "\n", encoding="utf-8")
    shape = {
        "hidden_size": _HIDDEN,
        "intermediate_size": 2 * _HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {**shape, "vocab_size": len(ids), "max_position_embeddings": _TEXT, "projection_dim": _HIDDEN}
    tokens = {"bos_token_id": ids["<bos>"], "eos_token_id": ids["<eos>"], "pad_token_id": ids["<pad>"]}
    return CLIPSegForImageSegmentation(
        CLIPSegConfig(
            text_config={**text, **tokens},
            vision_config={**shape, "image_size": _SIDE, "patch_size": 16},
            projection_dim=_HIDDEN,
            reduce_dim=_HIDDEN,
            extract_layers=[0, 1],
            decoder_num_attention_heads=2,
            decoder_intermediate_size=2 * _HIDDEN,
        )
    )


SEGMENTERS: Mapping[str, Callable[[Path], Any]] = {"sam": sam, "clipseg": clipseg}
