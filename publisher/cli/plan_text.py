"""A plan as people read it: the target first, then each repo; deletes and going public on lines of their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from publisher.cli.edits_text import edit_lines

if TYPE_CHECKING:
    from publisher.records.plans import Plan, RepoPlan, Step

FILES_SHOWN = 6


def plan_text(plan: Plan) -> str:
    """The plan in lines."""
    lines = [f"Plan for {plan.name} {plan.label} on {plan.hub}"]
    for repo in plan.repos:
        lines += _repo_lines(repo)
    for each in plan.superseded:
        was = f" (was {each.was})" if each.was else ""
        lines.append(f"  ~ {each.ref.repo_id}: new_version: {each.new}{was}")
    lines.append(f"  {_to_send(plan)}" if plan.changes_anything else "  nothing to do")
    return "\n".join(lines)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as CONTRACT's JSON, without its schema.

    With `superseded` where older repos get a `new_version`, and `bytes_new` where the Hub has a part of what is sent.
    """
    superseded = [
        {"repo_id": each.ref.repo_id, "new_version": each.new, "was": each.was} for each in plan.superseded
    ]
    return {
        "hub": plan.hub,
        "version": plan.label,
        "repos": [
            {
                "repo_id": repo.ref.repo_id,
                "repo_type": repo.ref.repo_type,
                "artifact": repo.artifact,
                "exists": repo.exists,
                "operations": [_operation(step) for step in repo.operations],
            }
            for repo in plan.repos
        ],
        **({"superseded": superseded} if superseded else {}),
        "bytes_to_upload": plan.bytes_to_upload,
        **({"bytes_new": plan.bytes_to_upload - plan.known_bytes} if plan.known_bytes else {}),
    }


def _to_send(plan: Plan) -> str:
    text = f"{size_text(plan.bytes_to_upload)} to send"
    if plan.known_bytes:
        text += f", about {size_text(plan.bytes_to_upload - plan.known_bytes)} new with Xet"
    return text


def _operation(step: Step) -> dict[str, Any]:
    plain = {key: value for key, value in asdict(step).items() if value not in (None, "", ())}
    return {"path": None, **plain} if "path" not in plain else plain


def _repo_lines(repo: RepoPlan) -> list[str]:
    kind = "dataset " if repo.ref.repo_type == "dataset" else ""
    head = f"  {kind}{repo.ref.repo_id} ({repo.artifact})"
    if not repo.changes:
        return [f"{head}: unchanged", *_edits(repo)]
    uploads = [step for step in repo.changes if step.op == "upload"]
    same = sum(step.op == "unchanged" for step in repo.operations)
    lines = [head]
    if not repo.exists:
        lines.append("    + create, private")
    if repo.renamed_from is not None:
        lines.append(f"    > rename, from {repo.renamed_from}, which leads here from then on")
    lines += [f"    ↑ {step.path} ({size_text(step.size or 0)})" for step in uploads[:FILES_SHOWN]]
    if len(uploads) > FILES_SHOWN:
        rest = uploads[FILES_SHOWN:]
        lines.append(f"    ↑ {len(rest)} more files ({size_text(sum(step.size or 0 for step in rest))})")
    if same:
        lines.append(f"    = {same} files unchanged")
    lines += _edits(repo)
    lines += [
        f"    - delete {s.path}" + (f" ({s.note})" if s.note else "")
        for s in repo.changes
        if s.op == "delete"
    ]
    lines += [f"    # tag {step.path}" for step in repo.changes if step.op == "tag"]
    lines += [f"    ! becomes {step.path}" for step in repo.changes if step.op == "visibility"]
    return lines


def _edits(repo: RepoPlan) -> list[str]:
    """What becomes of the edits that others made of the README."""
    edited = [step for step in repo.operations if step.edits]
    return [
        line
        for step in edited
        for line in (
            f"    ~ {step.path}: {step.note}",
            *(f"        {line}" for line in edit_lines(step.edits)),
        )
    ]


def size_text(size: int) -> str:
    """Bytes in the unit that people read them in."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"
