"""Measurements → evidence file → facts. The file is made of nothing but the facts, so either gives the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from publisher.errors import HubpubError
from publisher.records.digest import canonical_json
from publisher.records.facts import Fact, FileSource, Json, Measurement

SCHEMA = "hubpub/evidence/1"


def record(stage: str, measured: Sequence[Measurement], folder: Path) -> tuple[Fact, ...]:
    """Write `<folder>/<stage>.json` and return one fact a measurement, each pointing into it."""
    rows = {m.id: {"value": m.value, "unit": m.unit, "status": m.status} for m in measured}
    text = _file_text(stage, rows)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stage}.json").write_text(text, encoding="utf-8", newline="\n")
    return tuple(
        Fact(
            m.id,
            m.value,
            m.unit,
            m.status,
            stage,
            FileSource(f"evidence/{stage}.json", sha256, _pointer(m.id)),
        )
        for m in measured
    )


def restore(facts: Iterable[Fact], folder: Path) -> None:
    """Write the evidence files again from the facts that were read from them.

    Raises:
        HubpubError: HP-C04 where they do not come out as they were.
    """
    by_stage: dict[str, dict[str, Json]] = {}
    sources: dict[str, FileSource] = {}
    for fact in facts:
        if isinstance(fact.source, FileSource) and fact.source.path == f"evidence/{fact.stage}.json":
            row = {"value": fact.value, "unit": fact.unit, "status": fact.status}
            by_stage.setdefault(fact.stage, {})[fact.id] = row
            sources[fact.stage] = fact.source
    for stage, rows in by_stage.items():
        if not stage.isidentifier():  # a lock comes with a clone: its words must not become a path
            raise _stale(stage, folder)
        text = _file_text(stage, rows)
        if hashlib.sha256(text.encode()).hexdigest() != sources[stage].sha256:
            raise _stale(stage, folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stage}.json").write_text(text, encoding="utf-8", newline="\n")


def refuse_stale(facts: Iterable[Fact], workspace: Path) -> None:
    """Hash every evidence file that facts point to.

    Raises:
        HubpubError: HP-C04 where a file changed after its facts were taken from it.
    """
    seen: dict[str, str] = {}
    for fact in facts:
        if not isinstance(fact.source, FileSource):
            continue
        if fact.source.path not in seen:
            file = workspace / fact.source.path
            seen[fact.source.path] = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        if seen[fact.source.path] not in ("", fact.source.sha256):
            raise _stale(fact.stage, workspace / fact.source.path)


def _file_text(stage: str, rows: Json) -> str:
    return canonical_json({"schema": SCHEMA, "stage": stage, "measured": rows}, indent=1) + "\n"


def _pointer(fact_id: str) -> str:
    escaped = fact_id.replace("~", "~0").replace("/", "~1")
    return f"/measured/{escaped}/value"


def _stale(stage: str, where: Path) -> HubpubError:
    return HubpubError(
        "HP-C04",
        f"the evidence of stage {stage} is not what its facts were taken from",
        where=str(where),
        hint=f"delete {where.name} and run the release again: {stage} is measured anew",
    )
