"""A stand-in: a small random model of a real one's architecture, with a tokenizer made by script.

It takes the place of a base that is gated or too large, so that a release can be rehearsed whole. Whatever it says is
noise, and its files say that it is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from publisher.engine.jobs import Emit, JobResult, MakeStandIn
from publisher.engine.output import written_aside
from publisher.engine.spelling import mend_saved_model
from publisher.engine.stand_in_segmenters import SEGMENTERS
from publisher.engine.stand_in_tokenizer import Words, write_tokenizer
from publisher.errors import HubpubError
from publisher.records.facts import Json
from publisher.records.stand_in import MARK
from publisher.weights.describe import describe_model
from publisher.weights.stand_in import mark_weights

SIDE = 56  # pixels of a picture's side: 4 × 4 patches, of which 2 × 2 tokens are made
PATCH = 14
IMAGE_TOKENS = 4
CONTEXT = 8192  # nobody's prompt must be too long for a rehearsal

# One text model's shape, under the names that nearly all architectures give it; 64 is what both 4-bit blocks and GGUF's
# rows divide by.
TEXT: dict[str, Json] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    "initializer_range": 0.1,  # wide enough for logits that differ from token to token
}
WINDOW = 64
LAYERS = 6  # of Gemma: the sixth attends to everything, the others to a window

IMAGE = ("<image_soft_token>",)
GEMMA = Words(
    special=("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>"),
    last=IMAGE,
    turn_end="<end_of_turn>",
    extra=(
        ("image_token", "<image_soft_token>"),
        ("boi_token", "<start_of_image>"),
        ("eoi_token", "<end_of_image>"),
    ),
    template=(
        "{{ bos_token }}"
        "{%- for message in messages -%}"
        "{%- set role = 'model' if message['role'] == 'assistant' else 'user' -%}"
        "{{ '<start_of_turn>' + role + '\n' }}"
        "{%- if message['content'] is string -%}{{ message['content'] | trim }}"
        "{%- else -%}{%- for part in message['content'] -%}"
        "{%- if part['type'] == 'image' -%}{{ '<start_of_image>' }}"
        "{%- elif part['type'] == 'text' -%}{{ part['text'] | trim }}{%- endif -%}"
        "{%- endfor -%}{%- endif -%}"
        "{{ '<end_of_turn>\n' }}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
    ),
)
CHATML = Words(
    special=("<|im_start|>", "<|im_end|>"),
    turn_end="<|im_end|>",
    template=(
        "{%- for message in messages -%}"
        "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
    ),
)


def run(job: MakeStandIn, emit: Emit) -> JobResult:
    """Write the model and measure it as any base; a segmenter is not measured. The same job gives the same bytes.

    Raises:
        HubpubError: HP-M10, this transformers knows no language model of that type.
    """
    import torch

    torch.manual_seed(job.seed)
    out = Path(job.out)
    if (segmenter := SEGMENTERS.get(job.model_type)) is not None:
        with written_aside(out) as folder:
            _save(segmenter(folder), folder, dtype=torch.float32)
        return JobResult((), {})
    with written_aside(out) as folder:
        emit({"event": "phase", "phase": "tokenizer"})
        words = GEMMA if job.model_type.startswith("gemma") else CHATML
        ids = write_tokenizer(folder, words)
        emit({"event": "phase", "phase": "model"})
        tokens = {
            "vocab_size": len(ids),
            "pad_token_id": ids["<pad>"],
            "bos_token_id": ids["<bos>"],
            "eos_token_id": ids[words.turn_end],
        }
        if job.model_type == "gemma3":
            model = _with_pictures(tokens, ids)
            _write_processor(folder)
        else:
            model = _text_model(job.model_type, tokens)
        model.generation_config.eos_token_id = [ids["<eos>"], ids[words.turn_end]]
        _save(model, folder, dtype=torch.bfloat16)
        return JobResult(describe_model(folder, "base"), {})


def _with_pictures(tokens: dict[str, int], ids: dict[str, int]) -> Any:
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    config = Gemma3Config(
        text_config={
            **TEXT,
            **tokens,
            "num_hidden_layers": LAYERS,
            "sliding_window": WINDOW,
            "query_pre_attn_scalar": TEXT["head_dim"],
        },
        vision_config={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIDE,
            "patch_size": PATCH,
        },
        mm_tokens_per_image=IMAGE_TOKENS,
        image_token_index=ids["<image_soft_token>"],
        boi_token_index=ids["<start_of_image>"],
        eoi_token_index=ids["<end_of_image>"],
        tie_word_embeddings=True,
    )
    model = Gemma3ForConditionalGeneration(config)
    # Born as zeros, which would make all pictures look alike.
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=1.0)
    return model


def _write_processor(folder: Path) -> None:
    """What AutoProcessor reads; only what differs from the classes' defaults."""
    picture = {
        "image_processor_type": "Gemma3ImageProcessor",
        "size": {"height": SIDE, "width": SIDE},
        "do_pan_and_scan": None,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "image_seq_length": IMAGE_TOKENS,
        "processor_class": "Gemma3Processor",
    }
    both = {"processor_class": "Gemma3Processor", "image_seq_length": IMAGE_TOKENS}
    for name, content in (("preprocessor_config.json", picture), ("processor_config.json", both)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _text_model(model_type: str, tokens: dict[str, int]) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        layers = LAYERS if model_type.startswith("gemma") else TEXT["num_hidden_layers"]
        config = AutoConfig.for_model(model_type, **{**TEXT, **tokens, "num_hidden_layers": layers})
        if getattr(config, "sliding_window", None):
            config.sliding_window = WINDOW
        return AutoModelForCausalLM.from_config(config)
    except (ValueError, KeyError) as error:
        raise HubpubError(
            "HP-M10",
            f"no stand-in can be made for a {model_type}: transformers knows no language model of that type",
            hint="rehearse with a small model of your own: base: {model: …, folder: …}",
            model_type=model_type,
        ) from error


def _save(model: Any, folder: Path, *, dtype: Any) -> None:
    """Weights of one torch type, in one file; configuration and header say that they are a stand-in's."""
    setattr(model.config, MARK, True)
    model.to(dtype).save_pretrained(folder)
    mend_saved_model(folder)
    mark_weights(folder / "model.safetensors")
