"""Loading models as their users do, and refusing what loads with a hole in it.

transformers fills missing weights with random numbers and only logs it; peft skips an adapter's tensors that fit
nowhere with no more than a warning. Both are errors here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from publisher.engine.arithmetic import compute_in, keep_from_repacking, quick_dtype
from publisher.engine.memory import fits_in_memory
from publisher.errors import HubpubError

Model = Any  # transformers.PreTrainedModel or peft.PeftModel; naming them would import torch

NAMED_KEYS = 5  # how many keys an error names: enough to see the pattern


def device() -> str:
    """Where models run: this process's GPU if there is one (the first, unless it was given another), else the CPU."""
    import torch

    return f"cuda:{torch.cuda.current_device()}" if torch.cuda.is_available() else "cpu"


def read_config(folder: str | Path) -> dict[str, Any]:
    """A checkpoint's `config.json`.

    Raises:
        HubpubError: HP-E03, it is missing or no JSON object.
    """
    path = Path(folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _not_clean(folder, "there is no config.json") from None
    except (ValueError, OSError) as error:
        raise _not_clean(folder, f"config.json cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise _not_clean(folder, "config.json holds no JSON object")
    return config


def stored_dtype(folder: str | Path) -> Any:
    """The torch dtype that a checkpoint's configuration names; float32 where it names none, as transformers has it."""
    import torch

    config = read_config(folder)
    # transformers 5 writes `dtype`, 4 wrote `torch_dtype`; multimodal configs may name it for the text part only.
    for part in (config, config.get("text_config") or {}):
        name = part.get("dtype") or part.get("torch_dtype")
        if name:
            return getattr(torch, str(name).removeprefix("torch."))
    return torch.float32


def load_model(
    folder: str | Path,
    *,
    in_4bit: bool = False,
    dtype: str = "auto",
    place: str | None = None,
    spare: str | None = None,
) -> Model:
    """Load a checkpoint in evaluation mode, every weight accounted for.

    Args:
        folder: config and safetensors; a checkpoint that is quantized already needs no `in_4bit`.
        in_4bit: quantize to NF4 with double quantization while loading, computing in bfloat16 where `dtype` allows it.
        dtype: `auto` = the checkpoint's own, or float32 where this processor would only emulate that and memory allows it;
            else a torch dtype's name.
        place: where the weights go; None = `device()`. `meta` = nowhere: names and shapes are compared, no value is
            read. `disk` = they stay in their files, and each module reads its own when it runs.
        spare: a folder for what does not lie in the files as the model has it (`disk` only).

    Raises:
        HubpubError: HP-E03, keys missing, unexpected or mismatched, or files that transformers cannot read;
            HP-W01, a damaged safetensors file; HP-W03, pickled weights.
    """
    import torch
    import transformers
    from safetensors import SafetensorError

    config = read_config(folder)
    _refuse_pickles(Path(folder))
    dtype = _quick(folder, config, place or device()) if dtype == "auto" else dtype
    options: dict[str, Any] = {}
    if in_4bit and "quantization_config" not in config:
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    try:
        model, info = _auto_class(config).from_pretrained(
            str(folder),
            dtype=dtype,
            device_map={"": place or device()},
            offload_folder=spare,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # so that they are counted below with the others, all at once
            output_loading_info=True,
            **options,
        )
    except SafetensorError as error:
        raise HubpubError(
            "HP-W01",
            f"a safetensors file of {Path(folder).name} is damaged: {error}",
            hint="copy or make the file again",
            where=str(folder),
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise _not_clean(folder, _first_line(error)) from error
    refuse_holes(folder, model, info)
    if getattr(model, "is_loaded_in_4bit", False):
        if dtype == "float32":
            compute_in(model, dtype)
        keep_from_repacking(model)
    model.eval()
    return model


def load_adapter(model: Model, folder: str | Path) -> Model:
    """Put an adapter on a base model, unmerged; every tensor of it must have found its place.

    Args:
        model: the base; it is changed in place.
        folder: `adapter_config.json` and `adapter_model.safetensors`.

    Raises:
        HubpubError: HP-A01, shapes or layers do not fit the base; HP-A05, a tensor without a place or a target
            without a tensor; HP-A07, the folder is incomplete; HP-W03, pickled weights.
    """
    import torch
    from peft import PeftModel

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (Path(folder) / name).exists():
            _refuse_pickles(Path(folder))
            raise HubpubError(
                "HP-A07",
                f"the adapter folder has no {name}",
                hint="point `adapter:` to what peft's `save_pretrained` wrote",
                where=str(folder),
            )
    try:
        with warnings.catch_warnings():
            # An error below, with both directions told apart.
            warnings.filterwarnings("ignore", message=".*missing adapter keys")
            adapted = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
            # `from_pretrained` keeps the load's outcome to itself, so the tensors are put in once more.
            outcome = adapted.load_adapter(str(folder), "default", local_files_only=True)
    except torch.OutOfMemoryError:
        raise  # a RuntimeError too, but no fault of the adapter's
    except (RuntimeError, ValueError) as error:
        raise HubpubError(
            "HP-A01",
            f"the adapter does not fit the base: {_fault_of(error)}",
            hint="check which base the adapter was trained on, and its revision",
            where=str(folder),
        ) from error
    faults: dict[str, list[str]] = {
        "targets without a tensor": outcome.missing_keys,
        "tensors without a place": outcome.unexpected_keys,
    }
    if any(faults.values()):
        raise HubpubError(
            "HP-A05",
            f"the adapter was not applied in full; {_name_keys(faults)}",
            hint="check which base the adapter was trained on, and its revision",
            where=str(folder),
            missing=sorted(outcome.missing_keys),
            unexpected=sorted(outcome.unexpected_keys),
        )
    adapted.eval()
    return adapted


def load_tokenizer(folder: str | Path) -> Any:
    """The tokenizer of a checkpoint.

    Raises:
        HubpubError: HP-E03, there is none that transformers can read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _not_clean(folder, f"its tokenizer cannot be read: {_first_line(error)}") from error


def has_tokenizer(folder: str | Path) -> bool:
    """Whether a folder carries a tokenizer of its own; adapters often leave it to their base."""
    return (Path(folder) / "tokenizer_config.json").exists()


def _quick(folder: str | Path, config: dict[str, Any], place: str) -> str:
    """What `auto` is here: float32 takes twice the memory of a type of two bytes, and is worth it where that is emulated.

    What other programs packed they unpack to a type of their own, which activations of another would not go with.
    """
    packed = config.get("quantization_config")
    if isinstance(packed, dict) and packed.get("quant_method", "bitsandbytes") != "bitsandbytes":
        return "auto"
    stored = str(stored_dtype(folder)).removeprefix("torch.")
    quick = quick_dtype(stored, place)
    return quick if quick != stored and fits_in_memory(folder, 2.0) else "auto"


def _auto_class(config: dict[str, Any]) -> Any:
    import transformers

    architectures = config.get("architectures") or []
    multimodal = any(str(name).endswith("ForConditionalGeneration") for name in architectures)
    return transformers.AutoModelForImageTextToText if multimodal else transformers.AutoModelForCausalLM


def refuse_holes(folder: str | Path, model: Model, info: dict[str, Any]) -> None:
    """Refuse a model of which transformers filled some weights with random numbers, or dropped some.

    Raises:
        HubpubError: HP-E03 with the tensors' names under `missing`, `unexpected` and `mismatched`.
    """
    # A tied head is in no file: it is the embedding.
    missing = set(info["missing_keys"]) - set(getattr(model, "all_tied_weights_keys", None) or {})
    if getattr(model.config.get_text_config(), "tie_word_embeddings", False):
        missing -= {key for key in missing if key.endswith("lm_head.weight")}  # filled from the embedding
    mismatched = {key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]}
    faults = {
        "missing": missing - mismatched,
        "unexpected": set(info["unexpected_keys"]),
        "mismatched": mismatched,
    }
    if not any(faults.values()):
        return
    raise HubpubError(
        "HP-E03",
        f"{Path(folder).name} did not load cleanly; {_name_keys(faults)}",
        hint="the weights and config.json belong to different models, or a shard is missing; make the artifact again",
        where=str(folder),
        **{name: sorted(keys) for name, keys in faults.items()},
    )


def _name_keys(faults: Mapping[str, Iterable[str]]) -> str:
    parts = []
    for name, found in faults.items():
        keys = sorted(found)
        if keys:
            rest = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
            parts.append(f"{len(keys)} {name}: {', '.join(keys[:NAMED_KEYS])}{rest}")
    return "; ".join(parts)


def _refuse_pickles(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(
        path.name for suffix in ("bin", "pt", "pth", "pkl") for path in folder.glob(f"*.{suffix}")
    )
    if pickles:
        raise HubpubError(
            "HP-W03",
            f"{folder.name} holds its weights as pickles ({', '.join(pickles[:NAMED_KEYS])})",
            hint="save them as safetensors on a machine that trusts them: `save_pretrained` of transformers does",
            where=str(folder),
        )


def _not_clean(folder: str | Path, reason: str) -> HubpubError:
    return HubpubError(
        "HP-E03",
        f"{Path(folder).name} cannot be loaded: {reason}",
        hint="make the artifact again, or check that its folder is complete",
        where=str(folder),
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")


def _fault_of(error: BaseException) -> str:
    """The first particular of torch's many-line size report, else the message's only line."""
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    return lines[1] if len(lines) > 1 else lines[0]
