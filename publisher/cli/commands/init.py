"""hubpub init: write a release's manifest and prose files, from what is there already."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.options import FormatOption, HubOption, OwnerOption, ProjectOption
from publisher.cli.output import Format, Output
from publisher.cli.session import open_hub, open_project
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.port import Hub
    from publisher.manifest.compose import Key
    from publisher.manifest.project import Project
    from publisher.pipeline.init.drafts import Draft
    from publisher.pipeline.init.write import Written


def init(
    name: Annotated[str, typer.Argument(help="Folder of model_cards/ to make.", show_default=False)],
    from_adapter: Annotated[
        str | None, typer.Option(help="An adapter: a folder, or owner/repo.", show_default=False)
    ] = None,
    from_repo: Annotated[
        str | None,
        typer.Option(help="A published adapter or model to adopt: owner/repo.", show_default=False),
    ] = None,
    from_card: Annotated[
        Path | None,
        typer.Option(help="A hand-written README.md; also beside --from-adapter.", show_default=False),
    ] = None,
    from_files: Annotated[
        str | None, typer.Option(help="Quantized files, 'q/*.gguf', or a folder of them.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The model that --from-files were made from.", show_default=False)
    ] = None,
    from_model: Annotated[
        Path | None,
        typer.Option(help="A whole model: config.json, safetensors, tokenizer.", show_default=False),
    ] = None,
    from_dataset: Annotated[
        Path | None, typer.Option(help="A folder of Parquet or JSON lines.", show_default=False)
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing. Nothing is overwritten, either way.")
    ] = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Begin model_cards/NAME/ from an adapter, a model, a dataset, quantized files, a repo, an old card, or nothing."""
    from publisher.pipeline.init.asking import take_default
    from publisher.pipeline.init.draft import Wanted, draft_of
    from publisher.pipeline.init.write import refuse_taken, write_release

    output = Output(format)
    wanted = Wanted(
        name, owner, from_adapter, from_repo, from_card, from_files, source, from_model, from_dataset
    )
    place = _project(project)
    refuse_taken(place, name)
    with ExitStack() as opened:

        def reading() -> Hub:
            target = opened.enter_context(open_hub(hub, None, place, look_only=True)).for_reading()
            output.talk(f"asking {target.endpoint} …")
            return target

        draft = draft_of(place, wanted, reading, _ask if _may_ask(yes, format) else take_default)
    written = write_release(place, draft)
    output.result("\n".join(_text(place, draft, written)))
    output.document("init", _document(place, draft, written))


def _may_ask(yes: bool, format: Format) -> bool:  # noqa: A002 — as the command calls it
    return not yes and format is Format.TEXT and sys.stdin.isatty()


def _ask(question: str, default: str | None) -> str | None:
    """Ask on the terminal; an empty answer leaves it open."""
    return typer.prompt(question, default=default or "", show_default=default is not None, err=True) or None


def _project(folder: Path | None) -> Project:
    """The project that the release goes into; where there is none, it begins here."""
    from publisher.manifest.project import Project

    if folder is not None:
        return Project(folder.resolve())
    try:
        return open_project(None)
    except HubpubError:
        return Project(Path.cwd())


def _text(project: Project, draft: Draft, written: Written) -> list[str]:
    name = draft.name
    lines = [f"wrote {_path(project, file)}" for file in written.files]
    lines += [f"  {told}" for told in draft.model.told]
    if draft.words.left:
        lines.append(f"Left out of {draft.words.name}:")
        lines += [
            f"  {left.line:>4}  {left.title or 'above the first heading'}: {left.why}"
            for left in draft.words.left
        ]
    if draft.words.claims:
        lines.append(
            f"{len(draft.words.claims)} claims of {draft.words.name} wait under stated: confirm or delete each:"
        )
    for listed in draft.words.claims:
        lines.append(f"  {listed.claim.line:>4}  {listed.claim.label or listed.id}: {listed.claim.value}")
        lines += [f"        {doubt}" for doubt in listed.claim.doubts]
    if draft.words.doubts:
        lines.append("Also doubtful:")
        lines += [f"  {doubt}" for doubt in draft.words.doubts]
    claims = {listed.id for listed in draft.words.claims}
    others = [one for one in written.open if not any(f"stated.{claim} " in one.what for claim in claims)]
    lines += [f"open: {one.what} ({one.where})" for one in others]
    lines += [f"to write: {_path(project, written.folder / file)}" for file in written.to_write]
    first = _path(project, written.folder / "release.yaml")
    lines.append(
        f"next: answer what is open in {first}, then hubpub plan {name}"
        if written.open
        else f"next: hubpub plan {name}"
    )
    return lines


def _document(project: Project, draft: Draft, written: Written) -> dict[str, Any]:
    def shown(key: Key | None) -> Any:
        if key is None or not isinstance(key.value, tuple):
            return key.value if key else None
        return {inner.name: inner.value for inner in key.value if not inner.off}

    return {
        "name": draft.name,
        "files": [_path(project, file) for file in written.files],
        "base": shown(draft.model.base),
        "adapter": shown(draft.model.adapter),
        "dataset": shown(draft.model.dataset),
        "claims": [
            {
                "id": listed.id,
                "value": listed.claim.value,
                "line": listed.claim.line,
                "section": listed.claim.section,
                "doubts": list(listed.claim.doubts),
            }
            for listed in draft.words.claims
        ],
        "left": [{"line": left.line, "section": left.title, "why": left.why} for left in draft.words.left],
        "doubts": list(draft.words.doubts),
        "open": [{"code": one.code, "what": one.what, "where": one.where} for one in written.open],
        "to_write": list(written.to_write),
    }


def _path(project: Project, file: Path) -> str:
    return file.relative_to(project.root).as_posix()
