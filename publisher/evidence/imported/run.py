"""A training that was made elsewhere: find what its trainer left, read it, and hold the sources against each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.evidence.imported.arguments import arguments
from publisher.evidence.imported.axolotl import axolotl
from publisher.evidence.imported.document import EXPORT, KINDS, MAX_BYTES, Document, read_document, unreadable
from publisher.evidence.imported.fields import Values
from publisher.evidence.imported.history import Row, ends
from publisher.evidence.imported.trackio import trackio
from publisher.evidence.imported.trainer_state import trainer_state
from publisher.evidence.imported.wandb import wandb
from publisher.records.facts import Facts, Json, Measurement

# In this order they are asked; the first that knows a file reads it.
READERS: Mapping[str, Callable[[Document], Values | None]] = {
    "trainer_state": trainer_state,
    "wandb": wandb,
    "trackio": trackio,
    "axolotl": axolotl,
    "arguments": arguments,
}
# Names by which a file of a folder is known to be one of these, so that a damaged one is not passed over.
TELLING = ("trainer_state.json", "training_args.json", "wandb-summary.json")
# What lies beside weights, and is large, or nothing of a training.
OTHERS = ("tokenizer.json", "vocab.json", "adapter_config.json", "model.safetensors.index.json")

UNITS = {
    "seconds": "s",
    "tokens_seen": "tokens",
    "total_flos": "FLOPs",
    "max_length": "tokens",
}
LOGS = {"log": "loss", "eval_log": "eval_loss"}
TOLERANCE = 1e-6  # trackers write the same float with fewer digits


@dataclass(frozen=True)
class Source:
    """One file that was understood."""

    form: str
    document: Document
    values: Values


@dataclass(frozen=True)
class Run:
    """What was read of a training: facts in order of their ids, and which file said each first."""

    measured: tuple[Measurement, ...]
    said_by: Mapping[str, str]


def candidates(root: Path, places: Sequence[str]) -> tuple[Path, ...]:
    """The files that may count: those named, and what a named folder holds (not its subfolders)."""
    found: list[Path] = []
    for place in places:
        at = root / place
        inside = sorted(file for file in at.iterdir() if _may_tell(file)) if at.is_dir() else [at]
        found += [file for file in inside if file not in found]
    return tuple(found)


def read_run(root: Path, places: Sequence[str]) -> Run:
    """Read everything that the places hold of a training.

    Args:
        root: the manifest's folder.
        places: files, or folders of which the files that are known are taken.

    Returns:
        Facts by the ids that a training of ours has too, the files' names and digests among them.

    Raises:
        HubpubError: HP-A08, a file that cannot be read, or a place that holds nothing of a training; HP-A09, two
            sources that contradict each other.
    """
    sources: list[Source] = []
    for place in places:
        named = not (root / place).is_dir()
        known = [s for file in candidates(root, [place]) if (s := _understood(file, named=named))]
        if not known:
            what = f"{place} holds nothing that a trainer wrote down of its run"
            raise unreadable(root / place, what, hint=f"name a {TELLING[0]}, or {EXPORT}")
        sources += [
            source for source in known if source.document.file not in {s.document.file for s in sources}
        ]
    values = ends(_reconciled(sources))
    measured = [
        Measurement(f"train.{key}", value, UNITS.get(key), "known" if value is not None else "unknown")
        for key, value in values.items()
    ]
    said_by = {f"train.{key}": s.document.name for s in reversed(sources) for key in s.values}
    return Run(tuple(sorted((*measured, *_files(sources)), key=lambda m: m.id)), said_by)


def refuse_other_adapter(run: Run, adapter: Facts) -> None:
    """Hold what the trainer's files say of the adapter against what is in it.

    Raises:
        HubpubError: HP-A09.
    """
    told = {m.id: m.value for m in run.measured}
    for name in ("r", "alpha", "target_modules"):
        fact_id = f"train.lora.{name}"
        said, held = told.get(fact_id), adapter.value(f"adapter.{name}")
        if said is not None and held is not None and not _same(said, held):
            own = (held, "the adapter's own configuration")
            raise _contradiction(fact_id, (said, run.said_by[fact_id]), own)


def _may_tell(file: Path) -> bool:
    known = file.suffix in KINDS and file.name not in OTHERS
    return file.is_file() and known and (file.stat().st_size <= MAX_BYTES or file.name in TELLING)


def _understood(file: Path, *, named: bool) -> Source | None:
    """A file as the first reader that knows it reads it. What a folder holds besides may be anything."""
    try:
        document = read_document(file)
    except HubpubError:
        if named or file.name in TELLING:
            raise
        return None
    for form, read in READERS.items():
        values = read(document)
        if values is not None:
            return Source(form, document, values)
    if named or file.name in TELLING:
        forms = "trainer_state.json, training arguments, a W&B or trackio export, an axolotl configuration"
        raise unreadable(file, f"{file.name} is none of what is known: {forms}", hint=EXPORT)
    return None


def _reconciled(sources: Sequence[Source]) -> Values:
    """All values, each said by one source, or the same by several."""
    found: Values = {}
    said: dict[str, Source] = {}
    for key, value, source in _all_values(sources):
        if key not in found:
            found[key], said[key] = value, source
        elif key in LOGS:
            found[key] = _together(key, (found[key], said[key]), (value, source))
        elif key == "log_not_finite":
            found[key] = {
                name: max(value.get(name, 0), found[key].get(name, 0)) for name in {*value, *found[key]}
            }
        elif not _same(found[key], value):
            names = ((found[key], said[key].document.name), (value, source.document.name))
            raise _contradiction(f"train.{key}", *names)
    if found.get("resumed"):  # what closes such a run speaks of its last part alone
        found = {key: value for key, value in found.items() if key not in ("seconds", "mean_loss")}
    return found


def _all_values(sources: Sequence[Source]) -> Iterator[tuple[str, Json, Source]]:
    """Every source's values. Where one counts optimizer steps, logs that count entries say nothing more."""
    counts = {s.values.get("log_counts") for s in sources}
    drop = {"log", "eval_log", "log_counts"} if "optimizer steps" in counts else set()
    for source in sources:
        counted_otherwise = source.values.get("log_counts") == "log entries"
        for key, value in source.values.items():
            if not (counted_otherwise and key in drop):
                yield key, value, source


def _together(key: str, one: tuple[list[Row], Source], other: tuple[list[Row], Source]) -> list[Row]:
    """Two logs of one run: a step that both have must be the same in both."""
    rows = {row["step"]: row for row in one[0]}
    for row in other[0]:
        before = rows.get(row["step"], {})
        for column in before.keys() & row.keys():
            if not _same(before[column], row[column]):
                what = f"train.{key} at step {row['step']}, {column}"
                sides = ((before[column], one[1].document.name), (row[column], other[1].document.name))
                raise _contradiction(what, *sides)
        rows[row["step"]] = {**row, **before}
    return [rows[step] for step in sorted(rows)]


def _same(one: Json, other: Json) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
    if numbers:
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    return bool(one == other)


def _contradiction(what: str, one: tuple[Json, str], other: tuple[Json, str]) -> HubpubError:
    return HubpubError(
        "HP-A09",
        f"{what} is {one[0]} in {one[1]} and {other[0]} in {other[1]}",
        hint="take the file that is of another training out of training_run:",
        where="release.yaml: training_run",
        values=[one[0], other[0]],
        sources=[one[1], other[1]],
    )


def _files(sources: Sequence[Source]) -> Iterator[Measurement]:
    """Which files were read, by form; a second one of a form has a number."""
    seen: dict[str, int] = {}
    for source in sources:
        seen[source.form] = seen.get(source.form, 0) + 1
        name = source.form if seen[source.form] == 1 else f"{source.form}_{seen[source.form]}"
        yield Measurement(f"train.source.{name}.file", source.document.name)
        yield Measurement(f"train.source.{name}.sha256", source.document.sha256)
