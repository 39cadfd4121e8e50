"""`check --run-code`: a card's Python blocks are run in a child of their own, and how each went is told to the linter.

The child is the one that proofs run in (`engine/worker.py`): no network, no credential, bounded time and memory. The
repo's own id becomes its folder, an id whose bytes are at hand becomes that folder; every other repo is out of reach.
A child may still write wherever its user may: whoever asks for this trusts the card that far.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.checks.observe.ran_code import RanBlock, RanCode
from publisher.checks.observe.snippets import PythonBlock, Snippets
from publisher.checks.observe.target import Absent, RepoView
from publisher.engine.jobs import RunCode, Snippet
from publisher.engine.worker import Limits, run_job
from publisher.errors import HubpubError
from publisher.pipeline.code_folders import known_folders
from publisher.pipeline.machine import whole_memory
from publisher.pipeline.run_code_faults import missing_here
from publisher.pipeline.snippets import on_folders
from publisher.records.facts import Json

BLOCK_S = 300.0
WHOLE_S = 1800.0


@dataclass(frozen=True)
class CodeLimits:
    """Seconds for one block and for all, and bytes of memory for all of them together; None: no limit."""

    block_s: float = BLOCK_S
    whole_s: float = WHOLE_S
    memory_bytes: int | None = None

    @classmethod
    def of_this_machine(cls) -> CodeLimits:
        """Three quarters of its memory, so that whoever runs this keeps the rest."""
        whole = whole_memory()
        return cls(memory_bytes=None if whole is None else whole // 4 * 3)


def run_code(
    view: RepoView,
    folder: Path | None,
    *,
    folders: Mapping[str, str] | None = None,
    limits: CodeLimits | None = None,
) -> RanCode:
    """Run the Python blocks of a target's card, in their order and as one session.

    Args:
        view: the target.
        folder: that holds the repo's files; None: a card alone was given.
        folders: where further repos lie, by id.
        limits: what the code may use.

    Returns:
        How each block that parses went; no blocks where there is no card.
    """
    snippets = view.observe(Snippets)
    if isinstance(snippets, Absent) or not snippets.parsed:
        return RanCode(())
    limits = limits or CodeLimits.of_this_machine()
    known = known_folders(view, snippets, folder) | dict(folders or {})
    job = RunCode(
        tuple(_runnable(block, known) for block in snippets.parsed),
        limits.block_s,
    )
    told: dict[int, dict[str, Json]] = {}

    def hear(event: dict[str, Json]) -> None:
        if isinstance(index := event.get("index"), int):
            told[index] = event

    offline, ended = True, ""
    try:
        with TemporaryDirectory(prefix="hubpub-code-", ignore_cleanup_errors=True) as scratch:
            result = run_job(
                job,
                scratch=Path(scratch),
                on_event=hear,
                limits=Limits(limits.whole_s, limits.memory_bytes),
            )
        offline = result.details["network"] == "namespace"
    except HubpubError as error:  # the child is gone; what it told before that still counts
        ended = _ending(error)
    return RanCode(tuple(_judge(snippets.parsed, told, ended, known)), offline)


def _runnable(block: PythonBlock, known: Mapping[str, str]) -> Snippet:
    """A block as it is run; one that leaves parts to the reader is run as nothing."""
    return Snippet(f"README.md:{block.first}", "" if block.is_sketch else on_folders(block.code, known))


def _ending(error: HubpubError) -> str:
    """Why the child went, without our own words for it."""
    if error.code == "HP-X02":
        limit = error.data.get("limit_bytes")
        return f"it used more than {limit / 1e9:.1f} GB of memory" if limit else "it ran out of memory"
    if "limit_s" in error.data:
        return f"still running after {error.data['limit_s']:g} s"
    return error.what.replace(RunCode.__name__, "its process")


def _judge(
    blocks: tuple[PythonBlock, ...],
    told: Mapping[int, Mapping[str, Json]],
    ended: str,
    known: Mapping[str, str],
) -> list[RanBlock]:
    """One outcome a block: its fault, or what was missing for it; the one that the child ended in; those behind it."""
    found: list[RanBlock] = []
    lost: dict[str, int] = {}  # names that a block would have bound, had it run
    for index, block in enumerate(blocks):
        event = told.get(index)
        if event is None:
            if index == len(told):
                found.append(RanBlock(block.first, "stopped", ended or "its process ended"))
            else:
                found.append(RanBlock(block.first, "not run", "an earlier block ended the process"))
            continue
        error, line = event.get("error"), event.get("line")
        if block.is_sketch:
            found.append(RanBlock(block.first, "not run", "it leaves parts for the reader to fill in"))
            lost |= dict.fromkeys(_names(block), block.first)
            continue
        if not isinstance(error, str):
            found.append(RanBlock(block.first, "ran"))
            continue
        at = block.first + line - 1 if isinstance(line, int) else block.first
        said = _with_ids(error, known)
        if said.startswith("still running after"):
            outcome = RanBlock(at, "stopped", said)
        elif (
            missing := missing_here(error, tuple(known.values())) or _fragment(said, block, lost)
        ) is not None:
            outcome = RanBlock(at, "not run", missing)
        else:
            outcome = RanBlock(at, "failed", said)
        found.append(outcome)
        lost |= dict.fromkeys(_names(block), block.first)
    return found


def _fragment(error: str, block: PythonBlock, lost: Mapping[str, int]) -> str | None:
    """Why a name may be missing that is no fault of this block: another block had it, or this one is no program."""
    name = re.match(r"NameError: name '(\w+)' is not defined", error)
    if name is None:
        return None
    if name[1] in lost:
        return f"it needs what the block at line {lost[name[1]]} did not bring"
    programs = any(isinstance(node, ast.Import | ast.ImportFrom) for node in block.nodes)
    return None if programs else f"it shows a part of a program, without its `{name[1]}`"


def _names(block: PythonBlock) -> set[str]:
    found: set[str] = set()
    for node in block.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


def _with_ids(text: str, known: Mapping[str, str]) -> str:
    for repo_id, folder in known.items():
        text = text.replace(folder, repo_id)
    return text
