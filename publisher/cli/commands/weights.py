"""hubpub merge and hubpub quantize: a release's stage, or two folders that belong to none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.cli.commands.steps import run_step
from publisher.cli.options import FormatOption, HubOption, OwnerOption, ProjectOption, QuietOption, one_of
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress

if TYPE_CHECKING:
    from publisher.records.facts import Measurement

NameOrNothing = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A folder of model_cards/.", show_default=False)
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="The new folder.", metavar="DIR", show_default=False)
]
BASES: tuple[Literal["full", "nf4"], ...] = ("full", "nf4")


def merge(
    name: NameOrNothing = None,
    base: Annotated[
        Path | None, typer.Option("--base", help="Full-precision weights.", metavar="DIR", show_default=False)
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option("--adapter", help="The LoRA adapter.", metavar="DIR", show_default=False)
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
    """Merge base and adapter: of a release, or of plain folders."""
    output = Output(format, quiet)
    if name is not None:
        _only_name(base, adapter, out)
        run_step("merge", name, hub, owner, project, output)
        return
    if base is None or adapter is None or out is None:
        raise typer.BadParameter("give a release's name, or --base, --adapter and --out", param_hint="NAME")
    from publisher.pipeline.plain_folders import merge_folders

    how = one_of("--merge-base", merge_base, BASES)
    with Progress(output) as progress:
        progress.began("merge")
        result = merge_folders(base, adapter, out, how, progress)
    _tell(output, "merge", out, result.measured)


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


def _only_name(*folders: Path | None) -> None:
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
