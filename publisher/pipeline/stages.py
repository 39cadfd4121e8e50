"""The table of contents: every stage of a release, in order, and why it stands where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from publisher.manifest.schema import Manifest
from publisher.pipeline.run import Stage
from publisher.pipeline.steps.benchmarks import benchmarks
from publisher.pipeline.steps.card import card
from publisher.pipeline.steps.changes import changes
from publisher.pipeline.steps.check import check
from publisher.pipeline.steps.dataset import dataset
from publisher.pipeline.steps.evaluate import evaluate
from publisher.pipeline.steps.gates import gates
from publisher.pipeline.steps.gguf import convertible, gguf
from publisher.pipeline.steps.imported import imported
from publisher.pipeline.steps.merge import is_merged, merge
from publisher.pipeline.steps.preflight import preflight
from publisher.pipeline.steps.quantize import quantize
from publisher.pipeline.steps.releasing import package, plan, promote, propose, publish, receipt, verify
from publisher.pipeline.steps.resolve import resolve
from publisher.pipeline.steps.sign import sign
from publisher.pipeline.steps.tensors import tensors
from publisher.pipeline.steps.train import train
from publisher.pipeline.steps.validate import validate
from publisher.pipeline.steps.variants import variants
from publisher.pipeline.steps.version import version
from publisher.records.benchmarks import benchmark_of
from publisher.records.changes import WITHOUT_TENSORS
from publisher.records.metrics import metric_of
from publisher.records.plans import Plan
from publisher.records.receipts import Promoted, Proposed, Receipt, Staged
from publisher.records.stand_in import REFUSED

ENGINE = ("torch", "transformers", "peft", "bitsandbytes")
METRICS = ("scipy", "sacrebleu", "rouge-score")

Unwanted = Callable[[Manifest, Mapping[Any, Any]], str | None]


def _without(reason: str, wanted: Callable[[Manifest], object]) -> Unwanted:
    return lambda manifest, made: None if wanted(manifest) else reason


def _nothing_to_do(_: Manifest, made: Mapping[Any, Any]) -> str | None:
    return None if made[Plan].changes_anything else "nothing to do"


def _not_proposed(_: Manifest, made: Mapping[Any, Any]) -> str | None:
    staged: Staged | None = made.get(Staged)
    return None if staged and staged.proposals else "only with --propose"


def _not_ours(manifest: Manifest, made: Mapping[Any, Any]) -> str | None:
    staged: Staged | None = made[Staged]
    waits = staged is not None and staged.proposals
    return "proposed: merge the pull requests" if waits else _nothing_to_do(manifest, made)


no_base = _without("a dataset is released by itself", lambda m: m.base)
no_dataset = _without(
    "the manifest builds no dataset", lambda m: m.dataset is not None and not m.dataset.link
)
no_adapter = _without("the manifest neither trains nor names an adapter", lambda m: m.train or m.adapter)
no_record = _without("the manifest names no record of a training made elsewhere", lambda m: m.training_run)
no_merge = _without("there is no adapter, or nothing is made of the merged model", is_merged)
no_nf4 = _without("nf4 is not among the artifacts", lambda m: "nf4" in m.artifacts)
no_gguf = _without("gguf is not among the artifacts", lambda m: "gguf" in m.artifacts)
no_variants = _without(
    "no weights were quantized elsewhere", lambda m: any(each.folder for each in m.artifacts.values())
)
no_conversion = _without(
    "no GGUF file is made here", lambda m: "gguf" in m.artifacts and m.artifacts["gguf"].files is None
)
no_evaluation = _without("the manifest asks for no evaluation", lambda m: m.evaluate)
no_benchmarks = _without("the manifest names no results of benchmarks", lambda m: m.lm_eval)
no_tensors = _without(
    "no weights are released with evidence",
    lambda m: m.evidence != "none" and set(m.artifacts) - WITHOUT_TENSORS,
)
no_signing = _without("the manifest names no key to sign with", lambda m: m.sign)
no_gates = _without("the manifest sets no gates, and nothing is evaluated", lambda m: m.gates or m.evaluate)

STAGES: tuple[Stage, ...] = (
    Stage(preflight, why="a run must not fail after an hour for what was knowable in the first second",
          headline=lambda made: f"as {made.account}, {made.peak_bytes / 1e9:.1f} GB of disk at the peak"),
    Stage(resolve, why="everything is made from the base, so its bytes are pinned first",
          unwanted=no_base, remembered=True, version=4, packages=ENGINE, headline=lambda made: _count(made, "base.parameters", "parameters")),
    Stage(convertible, why="a tokenizer that no converter knows is told before anything is trained",
          unwanted=no_conversion, remembered=True, headline=lambda made: _named(made, "gguf.architecture")),
    Stage(dataset, why="training needs it, and its held-out split must exist before anything is trained",
          unwanted=no_dataset, remembered=True, version=2, packages=("pyarrow", "pillow"),
          headline=lambda made: _count(made, "dataset.rows", "rows")),
    Stage(train, why="the adapter is what everything after it depends on",
          unwanted=no_adapter, remembered=True, packages=ENGINE,
          headline=lambda made: _count(made, "train.final_loss", "final loss") or _count(made, "adapter.parameters", "parameters")),
    Stage(imported, why="what another trainer says of its run is held against the adapter, before gates and cards use it",
          unwanted=no_record, remembered=True,
          headline=lambda made: _count(made, "train.final_loss", "final loss") or _count(made, "train.steps", "steps")),
    Stage(merge, why="folds the adapter in full precision, before anything is quantized",
          unwanted=no_merge, remembered=True, version=2, packages=ENGINE,
          headline=lambda made: _count(made, "merged.changed_tensors", "tensors changed")),
    Stage(quantize, why="from the merged weights, and saved before any forward, which would make it lossy",
          unwanted=no_nf4, remembered=True, version=2, packages=ENGINE,
          headline=lambda made: _count(made, "nf4.size_bytes", "bytes")),
    Stage(gguf, why="from the same weights, by the programs that will read it",
          unwanted=no_gguf, remembered=True, packages=ENGINE,
          headline=lambda made: _count(made, "gguf.size_bytes", "bytes")),
    Stage(variants, why="what other programs quantized is of this model and of the form that its name says",
          unwanted=no_variants, remembered=True,
          headline=lambda made: f"{', '.join(each.kind for each in made.artifacts)} linked"),
    Stage(validate, why="runs here exactly what would be pushed: a broken model must cost no upload",
          remembered=True, version=3, packages=ENGINE, headline=lambda made: _smoke(made)),
    Stage(evaluate, why="numbers before words: the card may only quote these",
          unwanted=no_evaluation, remembered=True, version=4, packages=(*ENGINE, *METRICS), headline=lambda made: _losses(made)),
    Stage(benchmarks, why="what was measured elsewhere is held against these weights, before gates and cards use it",
          unwanted=no_benchmarks, remembered=True, headline=lambda made: _benchmarked(made)),
    Stage(gates, why="a model that misses its bounds is not written about, let alone published",
          unwanted=no_gates, headline=lambda made: _held(made)),
    Stage(tensors, why="what each tensor is, so that the next version can say which of them changed",
          unwanted=no_tensors, remembered=True,
          headline=lambda made: f"{sum(map(len, made.of.values())):,} tensors"),
    Stage(sign, why="what is in a repo is signed before it is written about, so that a card may change and the signature holds",
          unwanted=no_signing, remembered=True,
          headline=lambda made: _signed(made)),
    Stage(version, why="the card names its version, so that is decided before words",
          headline=lambda made: made.number + (" (released: only cards may change)" if made.released else "")),
    Stage(changes, why="held against the version before, so that its card and tag can say what is other",
          headline=lambda made: _since(made)),
    Stage(card, why="words from facts only", remembered=True, packages=("matplotlib",),
          headline=lambda made: f"{len(made.files)} cards"),
    Stage(check, why="reads everything that would be published, the card included",
          headline=lambda made: ", ".join(f"{n} {severity}s" for severity, n in made.counts.items())),
    Stage(package, why="what goes to which repo: the last look before the Hub",
          headline=lambda made: f"{len(made)} repos, {sum(f.size for p in made for f in p.files) / 1e6:.1f} MB"),
    Stage(plan, why="what would change on the Hub is shown and confirmed before anything is sent",
          headline=lambda made: f"{made.label}: {made.bytes_to_upload / 1e6:.1f} MB to send" if made.changes_anything else "nothing to do"),
    Stage(publish, why="to a branch of its own: main stays as it is until everything is proven",
          unwanted=_nothing_to_do, headline=lambda made: _sent(made)),
    Stage(verify, why="all repos are proven from the Hub's own bytes before the first is promoted",
          unwanted=_nothing_to_do, headline=lambda made: _proof(made)),
    Stage(propose, why="whose repo it is may want to look first: the pull requests open when all are proven",
          unwanted=_not_proposed, headline=lambda made: f"{len(made.pull_requests)} pull requests"),
    Stage(promote, why="takes seconds: one guarded commit a repo, then tag and visibility",
          unwanted=_not_ours, headline=lambda made: f"{len(made.commits)} repos on main"),
    Stage(receipt, why="what was published, for whoever asks later",
          unwanted=_not_ours, headline=lambda made: f"{made.name} {made.version}"),
)  # fmt: skip


def stages_of_run(*, proposing: bool, promoting: bool) -> tuple[Stage, ...]:
    """The stages of one run: proposing is one only where it is asked for, promoting where the policy lets it be one."""
    stages = STAGES if proposing else tuple(stage for stage in STAGES if stage.makes is not Proposed)
    return stages if promoting else _stopping_when_proven(stages)


def names_of_run(*, proposing: bool, until: str | None = None) -> tuple[str, ...]:
    """The names of one run's stages, in order, the last one `until` where it is one of them."""
    names = [stage.name for stage in stages_of_run(proposing=proposing, promoting=True)]
    return tuple(names[: names.index(until) + 1] if until in names else names)


def _stopping_when_proven(stages: Iterable[Stage]) -> tuple[Stage, ...]:

    def held(stage: Stage) -> Stage:
        def unwanted(manifest: Manifest, made: Mapping[Any, Any]) -> str | None:
            return stage.unwanted(manifest, made) or "policy.promote: separate"

        return replace(stage, unwanted=unwanted) if stage.makes in (Promoted, Receipt) else stage

    return tuple(held(stage) for stage in stages)


def _count(made: Any, fact_id: str, unit: str) -> str:
    value = next((fact.value for fact in made.facts if fact.id == fact_id), None)
    if isinstance(value, float):
        return f"{unit} {value:.3f}"
    return f"{value:,} {unit}" if isinstance(value, int) else ""


def _named(made: Any, fact_id: str) -> str:
    return next((str(fact.value) for fact in made.facts if fact.id == fact_id), "")


def _held(made: Any) -> str:
    parts = [f"{made.held} held", f"{made.refused} {REFUSED}" if made.refused else ""]
    worse = [told.partition(" ")[0] for told in made.worse]
    parts += [f"let through though not better than the base: {', '.join(worse)}"] if worse else []
    return ", ".join(part for part in parts if part)


def _since(made: Any) -> str:
    numbers = sorted({fact.value for fact in made.facts if fact.id.endswith(".since")})
    return f"since {', '.join(numbers)}" if numbers else "the first version"


def _signed(made: Any) -> str:
    keys = [str(fact.value) for fact in made.facts if fact.id.endswith(".signed_by")]
    return f"{len(keys)} repos, by the key {keys[0][:12]}" if keys else ""


def _smoke(made: Any) -> str:
    values = {fact.id: fact.value for fact in made.facts}
    passed = sum(v for k, v in values.items() if k.endswith(".smoke_passed") and isinstance(v, int))
    total = sum(v for k, v in values.items() if k.endswith(".smoke_total") and isinstance(v, int))
    less = [f"{k.removeprefix('validate.proof.')}: {v}" for k, v in values.items() if ".proof." in k]
    judged = not any(f.status == "refused" for f in made.facts if f.id.endswith(".smoke_passed"))
    answers = (
        f"{passed} of {total} smoke answers as expected" if judged else f"{total} smoke answers, {REFUSED}"
    )
    told = [answers] if total or not less else []
    return ", ".join([*told, *less])


def _losses(made: Any) -> str:
    measured = {f.id: f.value for f in made.facts if f.value is not None}
    of = [(found[0], measured[i]) for i in measured if (found := metric_of(i)) and found[1].id == "loss"]
    told = ", ".join(f"{kind} {value:.3f}" for kind, value in of)
    return f"{told} nats/token" if told else REFUSED


def _benchmarked(made: Any) -> str:
    known = [fact.id for fact in made.facts if fact.value is not None]
    values = [found for fact_id in known if (found := benchmark_of(fact_id))]
    tasks = {benchmark.task for _, benchmark in values}
    return f"{len(values)} values of {', '.join(sorted(tasks))}, measured elsewhere"


def _sent(made: Any) -> str:
    known = f", {made.known / 1e6:.1f} MB were there" if made.known else ""
    return f"{len(made.changed)} repos staged, {made.sent / 1e6:.1f} MB sent{known}"


def _proof(made: Any) -> str:
    files = sum(proof.files_fetched for proof in made.proofs)
    size = sum(proof.bytes_fetched for proof in made.proofs)
    levels = {proof.level for proof in made.proofs}
    return f"{len(made.proofs)} repos, {files} files fetched back ({size / 1e6:.1f} MB), proof: {', '.join(sorted(levels))}"
