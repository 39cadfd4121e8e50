"""What is other than in the version before: tensors, files, settings and measured values, as facts and as a tag's notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from publisher.card.formats import shown
from publisher.evidence.files import load_json
from publisher.hub.port import Hub
from publisher.records.answers import ANSWERS, answered_otherwise, by_question
from publisher.records.artifacts import Kind
from publisher.records.benchmarks import PREFIX, benchmark_of
from publisher.records.changes import Earlier, Tensor
from publisher.records.digest import canonical_json
from publisher.records.facts import Fact, Facts, Json, Measurement
from publisher.records.forms import FORMS
from publisher.records.plans import Package
from publisher.release.before import CONFIG_FILE, Before
from publisher.release.compare import same

# The facts that say how good or how large an artifact is. Times and memory are the machine's, and what stands in a
# configuration is among the settings.
_OWN: dict[Kind, tuple[str, ...]] = {
    "base": ("base.parameters", "base.size_bytes"),
    "dataset": ("dataset.*",),
    "adapter": (
        "adapter.parameters",
        "adapter.size_bytes",
        "train.learning_rate",
        "train.steps",
        "train.examples_seen",
        "train.final_loss",
    ),
    "merged": ("merged.parameters", "merged.size_bytes"),
    "nf4": ("nf4.*",),
    "gguf": ("gguf.*",),
    **{kind: (f"{kind}.*",) for kind in FORMS},
}
MEASURED = {kind: (*own, f"evaluate.{kind}.*", f"lm_eval.{kind}.*") for kind, own in _OWN.items()}
HELD_OUT = ("evaluate.rows", "evaluate.tokens")  # of two evaluations on the same rows, these are equal

Row = dict[str, Json]  # name, before, after; a value that was not there is None
LINES = 20  # of a tag's message, for each kind of change


def compare(
    hub: Hub,
    package: Package,
    earlier: Earlier,
    before: Before,
    tensors: Mapping[str, Tensor] | None,
    facts: Facts,
) -> tuple[Measurement, ...]:
    """Hold what was made against the version before; what one of the two does not tell is unknown.

    `tensors` are those of the package, None where they are not digested.
    """
    prefix = f"changes.{package.kind}"
    config = load_json(Path(str(package.folder)) / CONFIG_FILE.get(package.kind, ""))
    now = {fact.id: fact for fact in facts.values()}
    files = _files(hub, package, earlier, before)
    found = [Measurement(f"{prefix}.since", earlier.number), *_measured(prefix, files, None)]
    if package.kind == "dataset":
        settings = _rows(_settled(now), _settled(before.facts)) if before.facts is not None else None
    else:
        weights = any(path.endswith(".safetensors") for paths in files.values() for path in paths)
        found += _measured(prefix, _tensors(before.tensors, tensors, same_files=not weights), "tensors")
        settings = _rows(_flat(config), _flat(before.config)) if before.config is not None else None
    found += _measured(prefix, {"settings": settings}, None)
    if before.facts is None:
        return (*found, Measurement(f"{prefix}.metrics", None, status="unknown"))
    comparable = all(_value(now, fact) == _value(before.facts, fact) for fact in HELD_OUT)
    if any(fact_id.startswith(f"evaluate.{package.kind}.") for fact_id in now.keys() & before.facts.keys()):
        found.append(Measurement(f"{prefix}.same_held_out_rows", comparable))
    metrics = _metrics(package.kind, now, before.facts, comparable)
    found += _answers(package.kind, now, before.facts)
    return (*found, Measurement(f"{prefix}.metrics", metrics))


def tag_notes(facts: Facts, kind: Kind) -> str:
    """The changelog of one artifact in plain lines, for the message of its tag; empty for what is new."""
    prefix = f"changes.{kind}"
    since = facts.value(f"{prefix}.since")
    if since is None:
        return ""
    lines = [f"Changes since v{since}:", *_tensor_line(facts, prefix)]
    for what in ("changed", "added", "removed"):
        paths = facts.value(f"{prefix}.files_{what}", [])
        lines += _few([f"{what}: {path}" for path in paths])
    lines += _few([_line("setting", row, str) for row in facts.value(f"{prefix}.settings", [])])
    if facts.value(f"{prefix}.same_held_out_rows") is False:
        lines.append("evaluated on other held-out rows, so losses are not compared")
    lines += _answer_lines(facts, prefix)
    lines += _few([_line("measured", row, shown) for row in facts.value(f"{prefix}.metrics", [])])
    return "\n".join(lines if len(lines) > 1 else [*lines, "nothing but the card"])


def _files(hub: Hub, package: Package, earlier: Earlier, before: Before) -> dict[str, list[str]]:
    theirs = {file.path: file for file in before.files}
    ours = {file.path: file for file in package.contents}
    kept = sorted(ours.keys() & theirs.keys())
    return {
        "files_changed": [p for p in kept if not same(hub, package, earlier.commit, theirs[p], ours[p])],
        "files_added": sorted(ours.keys() - theirs.keys()),
        "files_removed": sorted(theirs.keys() - ours.keys()),
    }


def _tensors(
    before: Mapping[str, Tensor] | None, now: Mapping[str, Tensor] | None, *, same_files: bool
) -> dict[str, Json]:
    """How many changed, were added and removed, of how many there are."""
    if now is not None and before is None and same_files:
        before = now  # an older release told nothing of its tensors, but its weights are these very files
    if now is None or before is None:
        unknown = dict.fromkeys(("tensors_changed", "tensors_added", "tensors_removed"))
        return {**unknown, "tensors_total": None if now is None else len(now)}
    return {
        "tensors_changed": sum(now[name] != before[name] for name in now.keys() & before.keys()),
        "tensors_added": len(now.keys() - before.keys()),
        "tensors_removed": len(before.keys() - now.keys()),
        "tensors_total": len(now),
    }


def _answers(kind: Kind, now: Mapping[str, Fact], before: Mapping[str, Fact]) -> Iterator[Measurement]:
    """How many test prompts both versions were asked, and which of them got another answer; of GGUF, file by file."""
    told = [f for f in now if f.startswith(f"validate.{kind}.") and f.endswith(ANSWERS)]
    if not told:
        return
    prefix = f"changes.{kind}"
    asked, otherwise = 0, []
    for fact_id in told:
        form = fact_id.removeprefix(f"validate.{kind}").removesuffix(ANSWERS).lstrip(".")
        shared, changed = answered_otherwise(now[fact_id].value, by_question(_value(before, fact_id)))
        asked += shared
        otherwise += [f"{form}: {prompt}" if form else prompt for prompt in changed]
    if not any(fact_id in before for fact_id in told):
        yield from _measured(
            prefix, dict.fromkeys(("answers_asked", "answers_changed", "prompts_changed")), None
        )
        return
    found = {"answers_asked": asked, "answers_changed": len(otherwise), "prompts_changed": otherwise}
    yield from _measured(prefix, found, None)


def _measured(prefix: str, values: Mapping[str, Json], unit: str | None) -> Iterator[Measurement]:
    for name, value in values.items():
        yield Measurement(f"{prefix}.{name}", value, unit, "unknown" if value is None else "known")


def _metrics(kind: Kind, now: Mapping[str, Fact], before: Mapping[str, Fact], comparable: bool) -> list[Row]:
    """Numbers that both versions have and that differ, each with its unit."""
    rows = []
    for fact_id in sorted(now.keys() & before.keys()):
        wanted = any(fnmatchcase(fact_id, pattern) for pattern in MEASURED[kind])
        old, new = _value(before, fact_id), _value(now, fact_id)
        if not wanted or not _is_number(old) or not _is_number(new) or old == new:
            continue
        if _same_questions(fact_id, now, before) and (comparable or not fact_id.startswith("evaluate.")):
            rows.append({"name": fact_id, "before": old, "after": new, "unit": now[fact_id].unit})
    return rows


def _same_questions(fact_id: str, now: Mapping[str, Fact], before: Mapping[str, Fact]) -> bool:
    """Whether a benchmark asked the same both times; so does everything that is no benchmark."""
    if not fact_id.startswith(PREFIX):
        return True
    found = benchmark_of(fact_id)
    if found is None:  # a standard error; the value is told
        return False
    start = found[1].about("")
    ids = (each for each in now.keys() | before.keys() if each.startswith(start))
    return all(_value(now, each) == _value(before, each) for each in ids)


def _settled(facts: Mapping[str, Fact]) -> dict[str, str]:
    """What a dataset has instead of a configuration: its facts that are no numbers."""
    return {
        fact_id: canonical_json(fact.value)
        for fact_id, fact in facts.items()
        if fact_id.startswith("dataset.") and fact.known and not _is_number(fact.value)
    }


def _flat(config: Any, path: str = "") -> dict[str, str]:
    """A configuration's fields by dotted path, each as JSON text."""
    if isinstance(config, Mapping) and config:
        items = [(f"{path}.{key}" if path else str(key), value) for key, value in config.items()]
        return {name: text for dotted, value in items for name, text in _flat(value, dotted).items()}
    return {path: canonical_json(config)} if path else {}


def _rows(now: Mapping[str, str], before: Mapping[str, str]) -> list[Row]:
    names = sorted(now.keys() | before.keys())
    pairs = [(name, before.get(name), now.get(name)) for name in names]
    return [{"name": name, "before": old, "after": new} for name, old, new in pairs if old != new]


def _value(facts: Mapping[str, Fact], fact_id: str) -> Json:
    return facts[fact_id].value if fact_id in facts else None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tensor_line(facts: Facts, prefix: str) -> Iterator[str]:
    if f"{prefix}.tensors_changed" not in facts:
        return
    counts = [facts.value(f"{prefix}.tensors_{what}") for what in ("changed", "added", "removed", "total")]
    if None in counts:
        yield "tensors: unknown, one of the two versions carries no digests of them"
    else:
        yield "tensors: {:,} changed, {:,} added, {:,} removed of {:,}".format(*counts)


def _answer_lines(facts: Facts, prefix: str) -> Iterator[str]:
    if asked := facts.value(f"{prefix}.answers_asked"):
        prompts = facts.value(f"{prefix}.prompts_changed", [])
        yield f"test prompts: {len(prompts):,} of {asked:,} answered otherwise"
        yield from _few([f"answered otherwise: {' '.join(prompt.split())}" for prompt in prompts])


def _line(what: str, row: Row, form: Any) -> str:
    unit = (row["unit"],) if "unit" in row else ()
    old, new = ("not set" if row[side] is None else form(row[side], *unit) for side in ("before", "after"))
    return f"{what}: {row['name']}: {old} → {new}"


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - LINES
    return lines if more <= 0 else [*lines[:LINES], f"… and {more} more"]
