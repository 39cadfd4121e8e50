"""validate: run exactly the folders that will be pushed, each in a fresh process, and prove the merge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from publisher.engine.jobs import (
    Compare,
    Divergence,
    Expectation,
    Probe,
    ProbeGguf,
    ProveFiles,
    SmokePrompt,
    Snippet,
)
from publisher.evidence.record import record
from publisher.manifest.evaluation import SmokeSettings
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.levels import Levels
from publisher.pipeline.services import Engine
from publisher.pipeline.steps.merge import Merging
from publisher.records.facts import Measurement
from publisher.records.receipts import ProofLevel
from publisher.records.runs import Adapter, Base, Ggufs, Identity, Made, Merged, Quantized, Validation

Smoke = tuple[SmokeSettings, ...]


def validate(
    paths: ReleasePaths,
    engine: Engine,
    identity: Identity,
    levels: Levels,
    smoke: Smoke,
    merging: Merging,
    base: Base,
    adapter: Adapter | None,
    merged: Merged | None,
    quantized: Quantized | None,
    ggufs: Ggufs | None,
) -> Validation:
    """Load, 4-bit load, smoke prompts, finite logits for each model; base+adapter against merged, merged against NF4.

    Before that, base and merged model are proven by their files.

    Less than that where less was asked for: `validate.proof.<kind>` says so, and the card from it.

    Raises:
        HubpubError: HP-E03 keys do not match, HP-E04 a prompt's expectation is missed, HP-E05 not finite,
            HP-E06 the merge is not base plus adapter, HP-E10 the adapter changes nothing.
    """
    measured = [
        Measurement(f"validate.proof.{kind}", levels[kind]) for kind in identity.refs if levels[kind] != "run"
    ]
    # The files first: that costs least and tells most.
    if "base" in identity.refs and levels["base"] != "static":
        measured += engine.run(ProveFiles("base", base.artifact.folder)).measured
    if merged is not None and "merged" in identity.refs and levels["merged"] != "static":
        measured += engine.run(_files_job(base, adapter, merged, merging)).measured
    for made in (base, adapter, merged, quantized, ggufs):
        if made is not None and made.artifact.kind in identity.refs:
            level = levels[made.artifact.kind]
            if level != "static":
                measured += engine.run(
                    proof_job(made, base, smoke, level=level, full=merged or base)
                ).measured
    if adapter is not None and merged is not None and levels["merged"] == "run":
        prompts = tuple(prompt.prompt for prompt in smoke) or ("Hello.",)
        folders = (base.artifact.folder, adapter.artifact.folder, merged.artifact.folder)
        job = Compare(*folders, prompts, merge_base=_merge_base(merged), double_quant=merging.double_quant)
        measured += engine.run(job).measured
    if quantized is not None and levels["nf4"] == "run":
        source = merged or base
        against = source.artifact.kind
        full, packed = source.artifact.folder, quantized.artifact.folder
        prompts = tuple(prompt.prompt for prompt in smoke)
        measured += engine.run(Divergence(full, packed, prompts, "nf4", against)).measured
    return Validation(record("validate", tuple(measured), paths.evidence))


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
    base: Base,
    smoke: Smoke,
    snippets: tuple[Snippet, ...] = (),
    *,
    level: ProofLevel = "run",
    full: Made,
) -> Probe | ProbeGguf:
    """The proof of any artifact. `full` is what GGUF files were made of, and are held against."""
    if made.artifact.kind != "gguf":
        return probe_job(made, base, smoke, snippets, level=level)
    return ProbeGguf(
        folder=made.artifact.folder,
        full=full.artifact.folder,
        against=full.artifact.kind,
        smoke=tuple(_prompts(smoke)),
        snippets=snippets,
        load_only=level == "load",
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
        load_only=level == "load",
    )


def _prompts(smoke: Smoke) -> Iterator[SmokePrompt]:
    for entry in smoke:
        asked = entry.expect
        yield SmokePrompt(
            entry.prompt,
            Expectation(
                contains=asked.contains,
                matches=asked.matches,
                min_tokens=asked.min_tokens,
                max_repetition=asked.max_repetition,
                stops=asked.stops,
                json=asked.json_,
            ),
            entry.max_new_tokens,
        )
