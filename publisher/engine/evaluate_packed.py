"""The GGUF files and foreign forms of an evaluation: each loaded by transformers where that can be done here, else why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from publisher.engine.gguf_read import dequantized_bytes, load_gguf
from publisher.engine.jobs import Evaluate
from publisher.engine.load import Model, load_model
from publisher.engine.memory import ROOM, available_bytes, fits_in_memory, free
from publisher.errors import HubpubError
from publisher.records.artifacts import Kind
from publisher.records.facts import Measurement
from publisher.records.forms import ENGINES
from publisher.records.metrics import GGUF, UNMEASURED
from publisher.weights.gguf_files import GgufModel, models_of
from publisher.weights.variant import read_variant

TOO_LARGE = "it does not fit into the memory of the machine that measured the others"
TEXT_ONLY = "the held-out rows show pictures, and the file holds the part for text alone"
NOT_READ = "transformers does not read it"
NOT_HERE = "transformers does not load it on the machine that measured the others"


@dataclass(frozen=True)
class Unmeasured:
    """A model that cannot be measured here, and why, in words that a card can print."""

    why: str

    def facts(self, kind: str) -> Iterator[Measurement]:
        """What would have been measured, as unknown; and why it is."""
        yield Measurement(f"evaluate.{kind}.loss", None, "nats/token", "unknown")
        yield Measurement(f"evaluate.{kind}.perplexity", None, status="unknown")
        yield Measurement(f"evaluate.{kind}.{UNMEASURED}", self.why)


def packed_models(job: Evaluate, dtype: Any, *, pictures: bool) -> Iterator[tuple[str, Model | Unmeasured]]:
    """Each foreign form as it computes by itself, then each GGUF file unpacked to `dtype`, the type that the base has.

    Args:
        job: names their folders.
        dtype: torch's type.
        pictures: whether a held-out row shows one.

    Raises:
        HubpubError: HP-W01 … HP-W05, a file is damaged or of another form.
    """
    for kind, folder in job.variants.items():
        yield kind, _variant(kind, folder)
        free()
    for model in _ggufs(job):
        yield GGUF + model.kind, Unmeasured(TEXT_ONLY) if pictures else _gguf(model, dtype)
        free()


def all_too_large(job: Evaluate) -> Iterator[tuple[str, Unmeasured]]:
    """The same models where even those that they were made of do not fit."""
    kinds = [*job.variants, *(GGUF + model.kind for model in _ggufs(job))]
    return ((kind, Unmeasured(TOO_LARGE)) for kind in kinds)


def _ggufs(job: Evaluate) -> tuple[GgufModel, ...]:
    return models_of(Path(job.gguf).glob("*.gguf")) if job.gguf is not None else ()


def _variant(kind: Kind, folder: str) -> Model | Unmeasured:
    import torch

    engines = ENGINES.get(read_variant(kind, Path(folder)).method)
    if engines is None:
        return Unmeasured(NOT_READ)
    if missing := [name for name in engines if find_spec(name) is None]:
        return Unmeasured(f"not installed where the others were measured: {', '.join(missing)}")
    if not fits_in_memory(folder):
        return Unmeasured(TOO_LARGE)
    try:
        return load_model(folder)
    except torch.OutOfMemoryError:
        raise  # a RuntimeError too, but of this machine at this moment
    except (ImportError, RuntimeError):  # what transformers raises without the GPU that a form needs
        return Unmeasured(NOT_HERE)
    except HubpubError as error:
        return _unless_damaged(error, NOT_HERE)


def _gguf(model: GgufModel, dtype: Any) -> Model | Unmeasured:
    available = available_bytes()
    if available is not None and ROOM * dequantized_bytes(model.files, dtype.itemsize) > available:
        return Unmeasured(TOO_LARGE)
    try:
        return load_gguf(model.files[0], dtype)
    except HubpubError as error:
        return _unless_damaged(error, NOT_READ)


def _unless_damaged(error: HubpubError, why: str) -> Unmeasured:
    """What does not load at all was found by `validate`, where that was to prove it."""
    if error.code != "HP-E03":
        raise error
    return Unmeasured(why)
