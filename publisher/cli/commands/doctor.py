"""hubpub doctor: what this machine can do, and what a release would need."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.effort_text import effort_document, effort_lines
from publisher.cli.hints import as_typed
from publisher.cli.options import FormatOption, HubOption, OwnerOption, ProjectOption, release_names
from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_project, open_release, source_of
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.port import Account
    from publisher.manifest.project import Project
    from publisher.pipeline.ability import Ability
    from publisher.pipeline.doctor import Needs
    from publisher.pipeline.machine import Machine

SIGNS = {"ok": "ok", "missing": "MISSING", "unknown": "unknown"}


def doctor(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A folder of model_cards/: what it would need.",
            show_default=False,
            autocompletion=release_names,
        ),
    ] = None,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Say what this machine can do, who we are on the Hub, and which rights a release lacks."""
    from publisher.pipeline.doctor import abilities_of, ask_account, needs_of, uses_four_bit
    from publisher.pipeline.machine import look_at_machine

    output = Output(format)
    opened = open_release(project, name, owner) if name else None
    place = opened.project if opened else _project(project)
    machine = look_at_machine(place.workspace)
    output.result(_machine_text(machine))
    with open_hub(hub, opened, place, look_only=True) as target:
        account = ask_account(target)
        output.result(_account_text(target.endpoint, account))
        tried = opened is None or uses_four_bit(opened.manifest)
        abilities = abilities_of(machine, target, account, place.root, in_four_bit=tried)
        output.result("\n".join(["Able to", *chain.from_iterable(map(_ability_lines, abilities))]))
        needs = needs_of(opened, machine, target, source_of(target), account) if opened else None
    if opened and needs:
        output.result(_needs_text(opened.paths.name, needs))
    output.document(
        "doctor",
        {
            "machine": {**asdict(machine), "gpus": list(machine.gpus)},
            "abilities": [asdict(ability) for ability in abilities],
            "hub": _account_document(target.endpoint, account),
            "release": _needs_document(opened.paths.name, needs) if opened and needs else None,
        },
    )
    if needs:
        raise typer.Exit(needs.exit_code)


def _project(folder: Path | None) -> Project:
    """The project, or this folder where there is none: a machine can be looked at before anything is begun."""
    from publisher.manifest.project import Project

    try:
        return open_project(folder)
    except HubpubError:
        return Project(Path.cwd())


def _machine_text(machine: Machine) -> str:
    versions = {name: version or "not installed" for name, version in machine.packages.items()}
    versions["hf_xet"] += f" (the embedded Hub takes versions {machine.xet_tried})"
    memory = f"{_size(machine.memory_bytes)}, {_size(machine.free_memory_bytes)} of it free"
    rows = {
        "python": machine.python,
        **versions,
        "cores": str(machine.cores),
        "memory": memory,
        "disk": f"{_size(machine.free_disk_bytes)} free",
        "gpu": "; ".join(machine.gpus) or "none that nvidia-smi knows of",
        "children in": machine.isolation,
    }
    return "\n".join(["This machine", *(f"  {name:<16} {value}" for name, value in rows.items())])


def _account_text(endpoint: str, account: Account | HubpubError) -> str:
    if isinstance(account, HubpubError):
        return f"{endpoint}\n  {account.what}"
    kind = f", with a token of the kind {account.role}" if account.role else ""
    member = f", in {', '.join(account.organisations)}" if account.organisations else ""
    return f"{endpoint}\n  as {account.name}{kind}{member}"


def _needs_text(name: str, needs: Needs) -> str:
    lines = [f"{name} would need"]
    lines.append(f"  disk at the peak: {_size(needs.peak_bytes)}")
    lines += effort_lines(needs.effort)
    for problem in needs.problems:
        lines += [f"  {problem.code}: {problem.what}", f"    hint: {as_typed(problem.hint, sys.argv[1:])}"]
    lines += _ability_lines(needs.base)
    for repo_id, rights in needs.rights.items():
        lines.append(f"  {repo_id}")
        lines += [f"  {line}" for right in rights for line in _ability_lines(right)]
    return "\n".join(_each_mend_once(lines))


def _each_mend_once(lines: Iterable[str]) -> Iterator[str]:
    """Where a repo lacks a right, its siblings lack it for the same reason: the mend is said at the first."""
    said: set[str] = set()
    for line in lines:
        mend = line.strip() if line.strip().startswith("mend:") else ""
        if mend not in said:
            yield line
        said |= {mend} if mend else set()


def _ability_lines(one: Ability) -> list[str]:
    """Whether it is there and why; where it is not, what mends it."""
    lines = [f"  {one.name:<11} {SIGNS[one.answer]:<8} {one.why}"]
    if one.answer != "ok" and one.mend:
        lines.append(f"  {'':<11} mend:    {as_typed(one.mend, sys.argv[1:])}")
    return lines


def _account_document(endpoint: str, account: Account | HubpubError) -> dict[str, Any]:
    if isinstance(account, HubpubError):
        return {"endpoint": endpoint, "account": None, "code": account.code, "what": account.what}
    return {
        "endpoint": endpoint,
        "account": account.name,
        "role": account.role,
        "organisations": list(account.organisations),
    }


def _needs_document(name: str, needs: Needs) -> dict[str, Any]:
    return {
        "name": name,
        "peak_bytes": needs.peak_bytes,
        "effort": effort_document(needs.effort),
        "problems": [{"code": p.code, "what": p.what, "hint": p.hint} for p in needs.problems],
        "base": asdict(needs.base),
        "repos": [
            {"repo_id": repo_id, "rights": [asdict(right) for right in rights]}
            for repo_id, rights in needs.rights.items()
        ],
    }


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"
