"""hubpub merge and hubpub quantize: a release's stage, or what belongs to none: folders, and repos of a Hub."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.cli.commands.steps import run_step
from publisher.cli.options import (
    FormatOption,
    HubOption,
    OwnerOption,
    ProjectOption,
    QuietOption,
    one_of,
    release_names,
)
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_project_or_folder

if TYPE_CHECKING:
    from publisher.records.facts import Measurement

NameOrNothing = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]", help="A folder of model_cards/.", show_default=False, autocompletion=release_names
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="The new folder.", metavar="DIR", show_default=False)
]
BASES: tuple[Literal["full", "nf4"], ...] = ("full", "nf4")


def merge(
    name: NameOrNothing = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", help="Full-precision weights.", metavar="DIR|OWNER/REPO[@REV]", show_default=False
        ),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter", help="The LoRA adapter.", metavar="DIR|OWNER/REPO[@REV]", show_default=False
        ),
    ] = None,
    out: OutOption = None,
    merge_base: Annotated[
        str,
        typer.Option("--merge-base", help="full, or nf4: the 4-bit round trip that QLoRA trained against."),
    ] = "full",
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Merge base and adapter: of a release, of plain folders, or as a Hub has them."""
    output = Output(format, quiet)
    if name is not None:
        _only_name(base, adapter, out)
        run_step("merge", name, hub, owner, project, output)
        return
    if base is None or adapter is None or out is None:
        raise typer.BadParameter("give a release's name, or --base, --adapter and --out", param_hint="NAME")
    how = one_of("--merge-base", merge_base, BASES)
    measured = _merge_places(base, adapter, out, how, hub, project, output)
    _tell(output, "merge", out, measured)


def _merge_places(
    base: str,
    adapter: str,
    out: Path,
    merge_base: Literal["full", "nf4"],
    hub: str | None,
    project: Path | None,
    output: Output,
) -> Iterable[Measurement]:
    """Merge folders of this machine, or what a Hub has: an adapter is fetched, a base comes shard by shard."""
    from publisher.pipeline.merge_from_hub import fetched_adapter, merge_from_hub, place_or_folder
    from publisher.pipeline.plain_folders import merge_folders

    base_at, adapter_at = place_or_folder("--base", base), place_or_folder("--adapter", adapter)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(output))
        if isinstance(base_at, Path) and isinstance(adapter_at, Path):
            progress.began("merge")
            return merge_folders(base_at, adapter_at, out, merge_base, progress).measured
        opened = open_hub(hub, None, open_project_or_folder(project), look_only=True)
        source = stack.enter_context(opened).for_reading()
        if not isinstance(adapter_at, Path):
            adapter_at = stack.enter_context(fetched_adapter(adapter_at, source))
        progress.began("merge")
        if isinstance(base_at, Path):
            return merge_folders(base_at, adapter_at, out, merge_base, progress).measured
        return merge_from_hub(base_at, adapter_at, out, merge_base, source, progress).measured


def quantize(
    name: NameOrNothing = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Full-precision weights.", metavar="DIR", show_default=False),
    ] = None,
    out: OutOption = None,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    quiet: QuietOption = False,
    format: FormatOption = Format.TEXT,  # noqa: A002
) -> None:
    """Write the 4-bit checkpoint: of a release, or of a plain folder."""
    output = Output(format, quiet)
    if name is not None:
        _only_name(model, out)
        run_step("quantize", name, hub, owner, project, output)
        return
    if model is None or out is None:
        raise typer.BadParameter("give a release's name, or --model and --out", param_hint="NAME")
    from publisher.pipeline.plain_folders import quantize_folder

    with Progress(output) as progress:
        progress.began("quantize")
        result = quantize_folder(model, out, progress)
    _tell(output, "quantize", out, result.measured)


def _only_name(*folders: str | Path | None) -> None:
    if any(folder is not None for folder in folders):
        raise typer.BadParameter("give a release's name or folders, not both", param_hint="NAME")


def _tell(output: Output, kind: str, out: Path, measured: Iterable[Measurement]) -> None:
    values = {each.id.partition(".")[2]: each.value for each in measured}
    output.document(kind, {"out": str(out), **values})
    for name, value in values.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        output.result(
            f"{name:<17} {shown:,}"
            if isinstance(value, int) and not isinstance(value, bool)
            else f"{name:<17} {shown}"
        )
    output.result(f"{'written to':<17} {out}")
