"""A program of its own: load a model with whatever transformers this process finds, and write down what it says.

It is run by `older_reader` with another transformers on its path, so it imports nothing of hubpub.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(request: Path, out: Path) -> None:
    """Read `request` (JSON: folder, base, texts, new_tokens); write `out/said.json` and `out/logits.safetensors`."""
    import torch
    import transformers
    from safetensors.torch import save_file

    asked = json.loads(request.read_text(encoding="utf-8"))
    said: dict[str, Any] = {"version": transformers.__version__, "fault": None}
    try:
        model, holes = _load(asked)
        tokenizer = transformers.AutoTokenizer.from_pretrained(asked["tokenizer"], local_files_only=True)
        said["holes"] = holes
        said["prompts"] = [_prompt(tokenizer, text) for text in asked["prompts"]]
        said["answers"], logits = [], {}
        for number, ids in enumerate(said["prompts"]):
            given = torch.tensor([ids], device=model.device)
            with torch.inference_mode():
                output = model.generate(
                    given,
                    attention_mask=torch.ones_like(given),
                    max_new_tokens=asked["new_tokens"],
                    do_sample=False,
                )
                logits[str(number)] = model(input_ids=given).logits[0].float().cpu().contiguous()
            said["answers"].append(output[0, len(ids) :].tolist())
        save_file(logits, out / "logits.safetensors")
    except (ImportError, OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        # What an older version does not know surfaces as any of these, and is the answer that was asked for.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said["fault"] = f"{type(error).__name__}: {lines[0]}"
    (out / "said.json").write_text(json.dumps(said), encoding="utf-8")


def _load(asked: dict[str, Any]) -> tuple[Any, list[str]]:
    import torch
    import transformers

    config = json.loads((Path(asked["model"]) / "config.json").read_text(encoding="utf-8"))
    named = config.get("architectures") or []
    pictures = any(str(name).endswith("ForConditionalGeneration") for name in named)
    kind = transformers.AutoModelForImageTextToText if pictures else transformers.AutoModelForCausalLM
    model, info = kind.from_pretrained(
        asked["model"],
        torch_dtype="auto",
        device_map={"": "cuda:0" if torch.cuda.is_available() else "cpu"},
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    holes = {*info["missing_keys"], *info["unexpected_keys"], *map(str, info["mismatched_keys"])} - tied
    if asked["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, asked["adapter"], local_files_only=True)
    return model.eval(), sorted(holes)


def _prompt(tokenizer: Any, text: str) -> list[int]:
    turns = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(rendered, add_special_tokens=False)["input_ids"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
