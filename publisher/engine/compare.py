"""Proving a merge: the merged model says what base and adapter say together, and not what the base says alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from publisher.engine import generate
from publisher.engine.chat import Tokenizer, encode_prompt
from publisher.engine.generate import FALLBACK_PROMPT, Tensor
from publisher.engine.jobs import Compare, Emit, JobResult
from publisher.engine.load import Model, load_adapter, load_model, load_tokenizer, stored_dtype
from publisher.engine.memory import available_bytes, free
from publisher.engine.nf4 import load_nf4
from publisher.errors import HubpubError
from publisher.records.facts import Json, Measurement

NEW_TOKENS = 24  # greedy tokens behind each prompt: their positions are compared too
ROOM = 1.2  # times the weights: activations, the adapter and the kept logits need some as well
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
class Witness:
    """What base and adapter say to one prompt. Logits are of shape (tokens, vocabulary), over `token_ids`.

    Attributes:
        prompt: the user's turn.
        text: greedy answer of base plus unmerged adapter.
        token_ids: prompt and that answer.
        base: logits of the base alone.
        adapted: logits of base plus unmerged adapter.
        rounded: logits of base plus adapter, summed by peft and rounded once to the checkpoint's dtype.
    """

    prompt: str
    text: str
    token_ids: list[int]
    base: Tensor
    adapted: Tensor
    rounded: Tensor


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
    would be rounded anew behind every layer.

    1. Base plus adapter answers each prompt; logits of prompt and answer are kept: of the base, with the adapter,
       and with the adapter merged by peft.
    2. The merged model reads the same tokens, and answers the same prompts.
    3. It must differ from the base; and from peft's merge by no more than the tolerance, nor, in the mean, by
       more than a hundredth of the adapter's effect.

    Raises:
        HubpubError: HP-E06, with the numbers; HP-E03, HP-A01, HP-A05 from loading; HP-E05, a NaN.
    """
    dtype = _comparison_dtype(job.base, job.merged)
    tokenizer = load_tokenizer(job.base)
    prompts = list(job.prompts) or [FALLBACK_PROMPT]
    witnesses = _call_witnesses(job, tokenizer, prompts, dtype)
    emit({"step": "base and adapter", "done": 1, "total": 2})
    free()

    merged = load_model(job.merged, dtype=dtype)
    logits = [generate.read_logits(merged, witness.token_ids) for witness in witnesses]
    texts = [generate.answer(merged, tokenizer, prompt, NEW_TOKENS).text for prompt in prompts]
    emit({"step": "merged", "done": 2, "total": 2})

    found = _compare(witnesses, logits)
    _judge(job, found)
    measured = (
        Measurement("validate.merged.max_logit_difference", found.to_adapted.largest),
        Measurement("validate.merged.mean_logit_difference", found.to_adapted.mean),
        Measurement("validate.merged.argmax_agreement", found.to_adapted.agreement),
        Measurement(
            "validate.merged.kl", mean_kl([each.adapted for each in witnesses], logits), "nats/token"
        ),
        Measurement("validate.merged.same_greedy_text", [witness.text for witness in witnesses] == texts),
        Measurement("validate.merged.rounding_logit_difference", found.rounding.largest),
        Measurement("validate.merged.unexplained_logit_difference", found.unexplained.largest),
        # What the first of these numbers was allowed to be.
        Measurement("validate.merged.tolerance", job.tolerance + found.rounding.largest),
    )
    answers: list[Json] = [
        {"prompt": witness.prompt, "base_and_adapter": witness.text, "merged": text}
        for witness, text in zip(witnesses, texts, strict=True)
    ]
    dtype_name = str(merged.dtype).removeprefix("torch.")
    return JobResult(measured, {"dtype": dtype_name, "differences": asdict(found), "answers": answers})


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


def _call_witnesses(job: Compare, tokenizer: Tokenizer, prompts: list[str], dtype: str) -> list[Witness]:
    model = load_adapter(_load_base(job, dtype), job.adapter)
    said = [generate.answer(model, tokenizer, prompt, NEW_TOKENS) for prompt in prompts]
    texts = [encode_prompt(tokenizer, answer.prompt) + list(answer.token_ids) for answer in said]
    adapted = [generate.read_logits(model, token_ids) for token_ids in texts]
    with model.disable_adapter():
        base = [generate.read_logits(model, token_ids) for token_ids in texts]
    _merge_rounded(model, stored_dtype(job.base))
    rounded = [generate.read_logits(model, token_ids) for token_ids in texts]
    return [
        Witness(answer.prompt, answer.text, *logits)
        for answer, *logits in zip(said, texts, base, adapted, rounded, strict=True)
    ]


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


def _compare(witnesses: list[Witness], merged: list[Tensor]) -> Comparison:
    base = [witness.base for witness in witnesses]
    adapted = [witness.adapted for witness in witnesses]
    rounded = [witness.rounded for witness in witnesses]
    return Comparison(
        adapter_effect=measure(base, adapted),
        to_base=measure(base, merged),
        to_adapted=measure(adapted, merged),
        rounding=measure(adapted, rounded),
        unexplained=measure(rounded, merged),
    )


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


def _comparison_dtype(*folders: str) -> str:
    """Float32 if the larger model then fits into memory, else the checkpoint's own dtype."""
    # At two bytes a parameter on disk, as bfloat16 has them, float32 needs twice the files' size.
    needed = ROOM * 2 * max(sum(f.stat().st_size for f in Path(d).glob("*.safetensors")) for d in folders)
    available = available_bytes()
    return "float32" if available is None or needed < available else "auto"
