"""Proving a merge: the merged model says what base and adapter say together, and not what the base says alone."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.engine import generate
from publisher.engine.example import beginning
from publisher.engine.generate import FALLBACK_PROMPT, Tensor
from publisher.engine.jobs import Asked, Compare, Emit, JobResult
from publisher.engine.load import Model, load_adapter, load_model, stored_dtype
from publisher.engine.memory import fits_in_memory, free
from publisher.engine.nf4 import load_nf4
from publisher.engine.reader import load_reader
from publisher.engine.skeleton import read_skeleton
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement
from publisher.weights.shards import read_shards

if TYPE_CHECKING:
    from publisher.engine.streamed import FourBits

NEW_TOKENS = 24  # greedy tokens behind each prompt: their positions are compared too
# Share of the adapter's own mean effect. Measured on SmolLM2-135M: a faithful merge leaves 0, one that rounds the
# product and the sum separately 0.004, one that forgets a single matrix out of 120 leaves 0.014.
UNEXPLAINED = 0.01


@dataclass(frozen=True)
class Difference:
    """How two models' logits differ over the same positions of all prompts.

    `largest` and `mean` are absolute; `agreement` is the share of positions with the same first choice, 0..1.
    """

    largest: float
    mean: float
    agreement: float
    positions: int


@dataclass(frozen=True)
class Readings:
    """Logits of the same texts, one tensor each of shape (tokens, vocabulary).

    Attributes:
        base: of the base alone.
        adapted: of base plus unmerged adapter.
        rounded: of base plus adapter, summed by peft and rounded once to the checkpoint's dtype.
        merged: of the merged model.
        said: greedy answers of base plus adapter and of the merged model, by prompt; None where none were made.
        dtype: what it was computed in, as torch names it.
    """

    base: list[Tensor]
    adapted: list[Tensor]
    rounded: list[Tensor]
    merged: list[Tensor]
    said: list[tuple[str, str, str]] | None
    dtype: str


@dataclass(frozen=True)
class Comparison:
    """The differences that the verdict rests on."""

    adapter_effect: Difference  # base plus adapter against base
    to_base: Difference  # merged against base
    to_adapted: Difference  # merged against base plus unmerged adapter: what users of both would see
    rounding: Difference  # the part of that which storing sums in the checkpoint's dtype explains
    unexplained: Difference  # merged against the rounded sums: 0 for a faithful merge


def run(job: Compare, emit: Emit) -> JobResult:
    """Compare merged weights with base plus adapter, position by position.

    Storing the sums in bfloat16 moves a small model's logits by more than a forgotten layer would (by 0.8 at most
    on SmolLM2-135M after four steps of training), so one tolerance cannot tell rounding from faults. Therefore the
    merge is also compared with a second one, made here in memory by peft and rounded the same way: from that it may
    not differ by more than the tolerance. All run in float32 where memory allows it; in bfloat16 the unmerged sum
    would be rounded anew behind every layer. A model that fits in neither is read from its files layer by layer, in
    float32 again; it answers nothing then, since each token would take a pass over all of them.

    1. Base plus adapter answers each prompt; logits of prompt and answer are kept: of the base, with the adapter,
       and with the adapter merged by peft.
    2. The merged model reads the same tokens, and answers the same prompts.
    3. It must differ from the base; and from peft's merge by no more than the tolerance, nor, in the mean, by
       more than a hundredth of the adapter's effect.

    Raises:
        HubpubError: HP-E06, with the numbers; HP-E03, HP-A01, HP-A05 from loading; HP-E05, a NaN.
    """
    prompts = list(job.prompts) or [FALLBACK_PROMPT]
    dtype = _dtype_that_fits(job.base, job.merged)
    read = _read_streamed(job, prompts, emit) if dtype is None else _read_whole(job, prompts, dtype, emit)
    found = Comparison(
        adapter_effect=measure(read.base, read.adapted),
        to_base=measure(read.base, read.merged),
        to_adapted=measure(read.adapted, read.merged),
        rounding=measure(read.adapted, read.rounded),
        unexplained=measure(read.rounded, read.merged),
    )
    _judge(job, found)
    measured = (
        Measurement("validate.merged.max_logit_difference", found.to_adapted.largest),
        Measurement("validate.merged.mean_logit_difference", found.to_adapted.mean),
        Measurement("validate.merged.argmax_agreement", found.to_adapted.agreement),
        Measurement("validate.merged.kl", mean_kl(read.adapted, read.merged), "nats/token"),
        Measurement("validate.merged.positions", found.to_adapted.positions, "tokens"),
        _same_text(read),
        Measurement("validate.merged.rounding_logit_difference", found.rounding.largest),
        Measurement("validate.merged.unexplained_logit_difference", found.unexplained.largest),
        # What the first of these numbers was allowed to be.
        Measurement("validate.merged.tolerance", job.tolerance + found.rounding.largest),
    )
    answers: list[Json] = [
        {"prompt": prompt, "base_and_adapter": theirs, "merged": ours}
        for prompt, theirs, ours in read.said or ()
    ]
    details = {
        "dtype": read.dtype,
        "streamed": dtype is None,
        "differences": asdict(found),
        "answers": answers,
    }
    return JobResult(measured, details)


def measure(one: list[Tensor], other: list[Tensor]) -> Difference:
    """Differences over all positions of all texts; each tensor (tokens, vocabulary), pairs of equal shape.

    Raises:
        HubpubError: HP-E05, a difference is not finite.
    """
    largest, total, count, agreed, positions = 0.0, 0.0, 0, 0, 0
    for left, right in zip(one, other, strict=True):
        gap = (left - right).abs()
        if not bool(gap.isfinite().all()):
            raise HubpubError(
                "HP-E05",
                "the compared models' logits are NaN or infinite",
                hint="prove the base and the adapter first: hubpub validate names the one that is broken",
            )
        largest = max(largest, float(gap.max()))
        total += float(gap.double().sum())
        count += gap.numel()
        agreed += int((left.argmax(-1) == right.argmax(-1)).sum())
        positions += left.shape[0]
    return Difference(largest, total / count, agreed / positions, positions)


def mean_kl(reference: list[Tensor], other: list[Tensor]) -> float:
    """Mean over all positions of KL(reference || other), in nats; logits of shape (tokens, vocabulary), in pairs."""
    import torch

    total, positions = 0.0, 0
    for left, right in zip(reference, other, strict=True):
        expected = torch.log_softmax(left, dim=-1)
        found = torch.log_softmax(right, dim=-1)
        total += float((expected.exp() * (expected - found)).sum(dim=-1).double().sum())
        positions += left.shape[0]
    return max(0.0, total / positions)  # rounding may leave a little less than nothing


def _read_whole(job: Compare, prompts: list[Asked], dtype: str, emit: Emit) -> Readings:
    """One model after the other in memory: each prompt, and what base plus adapter answers to it."""
    reader = load_reader(job.base)
    questions = [reader.question(prompt) for prompt in prompts]
    model = load_adapter(_load_base(job, dtype), job.adapter)
    said = [generate.answer(model, reader.tokenizer, question, NEW_TOKENS) for question in questions]
    texts = [
        question.text.followed_by(answer.token_ids) for question, answer in zip(questions, said, strict=True)
    ]
    adapted = [generate.read_logits(model, text) for text in texts]
    with model.disable_adapter():
        base = [generate.read_logits(model, text) for text in texts]
    _merge_rounded(model, stored_dtype(job.base))
    rounded = [generate.read_logits(model, text) for text in texts]
    del model
    free()
    emit({"step": "base and adapter", "done": 1, "total": 2})

    model = load_model(job.merged, dtype=dtype)
    merged = [generate.read_logits(model, text) for text in texts]
    again = [generate.answer(model, reader.tokenizer, question, NEW_TOKENS).text for question in questions]
    emit({"step": "merged", "done": 2, "total": 2})
    pairs = [(answer.prompt, answer.text, text) for answer, text in zip(said, again, strict=True)]
    return Readings(base, adapted, rounded, merged, pairs, str(model.dtype).removeprefix("torch."))


def _read_streamed(job: Compare, prompts: list[Asked], emit: Emit) -> Readings:
    """All prompts through one model after the other, each weight read from its file when its turn comes."""
    from publisher.engine.streamed import adapt_streamed, fold_in, load_streamed, most_tokens, read_together

    reader = load_reader(job.base)
    with tempfile.TemporaryDirectory() as room:
        model = load_streamed(job.base, f"{room}/base", _through(job))
        most = most_tokens(model, texts=len(prompts), models=4)
        texts = [beginning(reader.question(prompt).text, most) for prompt in prompts]
        model = adapt_streamed(model, job.adapter)
        adapted = read_together(model, texts)
        emit({"step": "base and adapter", "done": 1, "total": 4})
        with model.disable_adapter():
            base = read_together(model, texts)
        emit({"step": "base", "done": 2, "total": 4})
        fold_in(model, job.base)
        rounded = read_together(model, texts)
        emit({"step": "base and adapter, summed", "done": 3, "total": 4})
        del model
        free()
        merged = read_together(load_streamed(job.merged, f"{room}/merged"), texts)
        emit({"step": "merged", "done": 4, "total": 4})
    return Readings(base, adapted, rounded, merged, None, "float32")


def _same_text(read: Readings) -> Measurement:
    name = "validate.merged.same_greedy_text"
    if read.said is None:
        return Measurement(name, None, status="unknown")
    return Measurement(name, all(theirs == ours for _, theirs, ours in read.said))


def _load_base(job: Compare, dtype: str) -> Model:
    """The weights that the adapter was added to: the base's, or what is left of them behind four bits."""
    if job.merge_base == "full":
        return load_model(job.base, dtype=dtype)
    import torch

    model = load_nf4(Path(job.base), double_quant=job.double_quant, compute_dtype="bfloat16").dequantize()
    return model.to(stored_dtype(job.base) if dtype == "auto" else getattr(torch, dtype)).eval()


def _merge_rounded(model: Model, dtype: Any) -> None:
    """Merge an adapter in place as peft does it, and round what it changed to the checkpoint's dtype."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    model.merge_adapter()
    with torch.no_grad():
        for module in model.modules():
            changed: list[Any] = []
            if isinstance(module, BaseTunerLayer):
                changed = [module.get_base_layer().weight]
            elif isinstance(module, ModulesToSaveWrapper):
                changed = list(module.parameters())
            for weight in changed:
                weight.data.copy_(weight.data.to(dtype))


def _judge(job: Compare, found: Comparison) -> None:
    if found.to_base.largest == 0.0:
        fault = "its logits are exactly those of the base, so nothing was merged"
    elif found.unexplained.largest > job.tolerance:
        fault = (
            f"its logits differ from theirs by up to {found.to_adapted.largest:.4g}; rounding explains "
            f"{found.rounding.largest:.4g}, against the same sums rounded alike {found.unexplained.largest:.4g} "
            f"remain, and the tolerance is {job.tolerance:g}"
        )
    elif found.unexplained.mean > UNEXPLAINED * found.adapter_effect.mean:
        # A tolerance alone lets a small adapter's merge pass with whole layers forgotten.
        fault = (
            f"its logits differ from theirs by {found.unexplained.mean:.4g} in the mean, rounding set aside; "
            f"that is over {UNEXPLAINED:.0%} of the adapter's own effect of {found.adapter_effect.mean:.4g}"
        )
    else:
        return
    raise HubpubError(
        "HP-E06",
        f"the merged model is not base plus adapter: {fault}",
        hint="merge again from this base and this adapter: hubpub merge",
        where=job.merged,
        tolerance=job.tolerance,
        **asdict(found),
    )


def _through(job: Compare) -> FourBits | None:
    """The weights that the adapter saw through 4 bits; None where it saw them as they are."""
    if job.merge_base == "full":
        return None
    from publisher.engine.streamed import FourBits

    folder = Path(job.base)
    quantized = read_skeleton(folder, read_shards(folder)).quantized
    return FourBits(quantized, stored_dtype(folder), job.double_quant)


def _dtype_that_fits(*folders: str) -> str | None:
    """Float32 if the larger model then fits into memory, else the checkpoint's own (`auto`); None if that does not."""
    # At two bytes a parameter on disk, as bfloat16 has them, float32 needs twice the files' size.
    for dtype, times in (("float32", 2.0), ("auto", 1.0)):
        if all(fits_in_memory(folder, times) for folder in folders):
            return dtype
    return None
