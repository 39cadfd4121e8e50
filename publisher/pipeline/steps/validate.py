"""validate: run exactly the folders that will be pushed, each in a fresh process, and prove the merge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from publisher.card.compiled import users_cache
from publisher.engine import transformers_4
from publisher.engine.jobs import (
    Compare,
    Divergence,
    Expectation,
    Probe,
    ProbeGguf,
    ProveFiles,
    ReadByOlder,
    SmokePrompt,
    Snippet,
)
from publisher.errors import HubpubError
from publisher.evidence.quality import without_quality
from publisher.evidence.record import record
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.inputs import AskedPrompt
from publisher.pipeline.levels import Levels
from publisher.pipeline.services import Engine
from publisher.pipeline.steps.merge import Merging
from publisher.records.artifacts import Kind
from publisher.records.facts import Measurement
from publisher.records.forms import FORMS
from publisher.records.receipts import ProofLevel
from publisher.records.runs import (
    Adapter,
    Base,
    Ggufs,
    Identity,
    Made,
    Merged,
    Quantized,
    Validation,
    Variants,
    each_of,
)
from publisher.weights.stand_in import is_stand_in

Smoke = tuple[AskedPrompt, ...]
READABLE: tuple[Kind, ...] = ("base", "adapter", "merged", "nf4")  # what transformers reads whatever its age


class CompatibleWith(tuple[Literal["transformers-4"], ...]):
    """What each model is also proven with."""

    __slots__ = ()


def validate(
    paths: ReleasePaths,
    engine: Engine,
    identity: Identity,
    levels: Levels,
    smoke: Smoke,
    compatible: CompatibleWith,
    merging: Merging,
    base: Base | None,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
    variants: Variants | None,
) -> Validation:
    """Load, 4-bit load, smoke prompts, finite logits for each model; base+adapter against merged, merged against NF4 and
    whatever else was quantized.

    Before that, base and merged model are proven by their files.

    Less than that where less was asked for: `validate.proof.<kind>` says so, and the card from it.

    Raises:
        HubpubError: HP-E03 keys do not match, HP-E04 a prompt's expectation is missed, HP-E05 not finite,
            HP-E06 the merge is not base plus adapter, HP-E10 the adapter changes nothing.
    """
    measured = [
        Measurement(f"validate.proof.{kind}", levels[kind]) for kind in identity.refs if levels[kind] != "run"
    ]
    if base is None:  # a dataset is proven by what comes back from the Hub
        return Validation(record("validate", measured, paths.evidence))
    # The files first: that costs least and tells most.
    if "base" in identity.refs and levels["base"] != "static":
        measured += engine.run(ProveFiles("base", base.artifact.folder)).measured
    if merged is not None and "merged" in identity.refs and levels["merged"] != "static":
        measured += engine.run(_files_job(base, adapter, merged, merging)).measured
    for made in (base, adapter, merged, quantized, ggufs, *each_of(variants)):
        if made is not None and made.artifact.kind in identity.refs:
            level = levels[made.artifact.kind]
            if level != "static":
                measured += engine.run(
                    proof_job(made, base, smoke, level=level, full=merged or base)
                ).measured
    if adapter is not None and merged is not None and levels["merged"] == "run":
        prompts = tuple(_prompts(smoke)) or ("Hello.",)
        folders = (base.artifact.folder, adapter.artifact.folder, merged.artifact.folder)
        job = Compare(*folders, prompts, merge_base=_merge_base(merged), double_quant=merging.double_quant)
        measured += engine.run(job).measured
    for packed in (quantized, *each_of(variants)):
        if packed is not None and levels[packed.artifact.kind] == "run":
            measured += engine.run(_lost_by(packed, merged or base, smoke)).measured
    if compatible:
        models = [made for made in (base, adapter, merged, quantized) if made is not None]
        proven = [m for m in models if m.artifact.kind in identity.refs and levels[m.artifact.kind] == "run"]
        measured += read_by_older(proven, base, smoke, engine, cache_of(paths))
    told = without_quality(measured) if is_stand_in(base.artifact.folder) else tuple(measured)
    return Validation(record("validate", told, paths.evidence))


def _lost_by(packed: Made, source: Made, smoke: Smoke) -> Divergence:
    """How far quantized weights are from those that they were made of."""
    one, other = source.artifact, packed.artifact
    return Divergence(one.folder, other.folder, tuple(_prompts(smoke)), other.kind, one.kind)


def cache_of(paths: ReleasePaths) -> Path:
    """Where packages lie that are used in a folder of their own."""
    return users_cache() or paths.workspace.parent


def read_by_older(
    models: Sequence[Made], base: Base, smoke: Smoke, engine: Engine, cache: Path
) -> Iterator[Measurement]:
    """Where that transformers cannot be had, nobody knows: a release does not depend on a package index."""
    try:
        packages = transformers_4.installed(cache / "transformers")
    except HubpubError as fault:
        if fault.code != "HP-E01":
            raise
        for made in models:
            yield Measurement(f"validate.{made.artifact.kind}.transformers_4", None, status="unknown")
        return
    prompts = tuple(prompt.prompt for prompt in _prompts(smoke) if not prompt.images)
    for made in models:
        kind = made.artifact.kind
        under = base.artifact.folder if kind == "adapter" else None
        yield from engine.run(ReadByOlder(kind, made.artifact.folder, str(packages), under, prompts)).measured


def _files_job(base: Base, adapter: Adapter | None, merged: Merged, merging: Merging) -> ProveFiles:
    """The proof of a merged model by its files and those that it was made of."""
    return ProveFiles(
        "merged",
        merged.artifact.folder,
        base.artifact.folder,
        adapter.artifact.folder if adapter is not None else None,
        merge_base=_merge_base(merged),
        double_quant=merging.double_quant,
    )


def _merge_base(merged: Merged) -> Literal["full", "nf4"]:
    """What the adapter was added to, as the merge recorded it."""
    through = any(fact.id == "merged.merge_base" and fact.value == "nf4" for fact in merged.facts)
    return "nf4" if through else "full"


def proof_job(
    made: Made,
    base: Base | None,
    smoke: Smoke,
    snippets: tuple[Snippet, ...] = (),
    *,
    level: ProofLevel = "run",
    full: Made | None,
) -> Probe | ProbeGguf:
    """The proof of any artifact. `full` is what GGUF files were made of, and are held against.

    Both are None for a dataset that is released by itself.
    """
    if base is None or full is None:
        ran = snippets if level == "run" else ()
        return Probe(made.artifact.kind, made.artifact.folder, snippets=ran, load_only=level == "load")
    if made.artifact.kind != "gguf":
        return probe_job(made, base, smoke, snippets, level=level)
    return ProbeGguf(
        folder=made.artifact.folder,
        full=full.artifact.folder,
        against=full.artifact.kind,
        smoke=tuple(
            prompt for prompt in _prompts(smoke) if not prompt.images
        ),  # llama.cpp has the text part only
        snippets=snippets,
        load_only=level == "load",
        stand_in=is_stand_in(base.artifact.folder),
    )


def probe_job(
    made: Made, base: Base, smoke: Smoke, snippets: tuple[Snippet, ...] = (), *, level: ProofLevel = "run"
) -> Probe:
    """The proof of one artifact; at the level `load` it only loads."""
    if level == "load":
        smoke = snippets = ()
    return Probe(
        kind=made.artifact.kind,
        folder=made.artifact.folder,
        base=base.artifact.folder if made.artifact.kind == "adapter" else None,
        smoke=tuple(_prompts(smoke)) if made.artifact.kind != "dataset" else (),
        snippets=snippets,
        in_4bit=made.artifact.kind not in FORMS,  # which has its own bits already
        load_only=level == "load",
        stand_in=is_stand_in(base.artifact.folder),
    )


def _prompts(smoke: Smoke) -> Iterator[SmokePrompt]:
    for entry in smoke:
        asked = entry.settings.expect
        yield SmokePrompt(
            entry.settings.prompt,
            Expectation(
                contains=asked.contains,
                matches=asked.matches,
                min_tokens=asked.min_tokens,
                max_repetition=asked.max_repetition,
                stops=asked.stops,
                json=asked.json_,
            ),
            entry.settings.max_new_tokens,
            tuple(str(file) for file, _ in entry.pictures),
        )
