"""hubpub dataset build: the rows that a release trains on, and why the others were left out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption, QuietOption
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_release, source_of

if TYPE_CHECKING:
    from publisher.data.enhance.estimate import Estimate
    from publisher.pipeline.dataset_draft import DatasetDraft


def build(
    name: Name,
    dry_run: Annotated[
        bool,
        typer.Option(help="Read and filter, write nothing, and say what a language model would cost."),
    ] = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Build the dataset: read, describe, filter, split, write as Parquet."""
    from publisher.pipeline.dataset_draft import build_dataset, built, draft_dataset

    output = Output(format, quiet)
    release = open_release(project, name, owner)
    with open_hub(hub or "local", release, release.project) as target, Progress(output, name) as progress:
        if dry_run:
            drafted = draft_dataset(release, source_of(target), progress)
        else:
            drafted = built(build_dataset(release, target, source_of(target), progress))
    place = f"{release.paths.artifact('dataset').relative_to(release.project.root)}/"
    output.document(
        "dataset",
        {
            "name": name,
            "workspace": None if dry_run else str(release.paths.workspace.relative_to(release.project.root)),
            "dry_run": dry_run,
            **asdict(drafted),
        },
    )
    output.result("\n".join([*_table(drafted), *(_cost(drafted.cost) if drafted.cost else [])]))
    output.result("nothing was written" if dry_run else f"{name}: the files are under {place}")


def _table(drafted: DatasetDraft) -> list[str]:
    """What came of what was there: counts below one another; reasons that left nothing out on one line."""
    lines = [("made or read", drafted.made)] if drafted.made is not None else []
    lines += [
        (f"  dropped: {reason.replace('_', ' ')}", count)
        for reason, count in sorted(drafted.dropped.items(), key=lambda one: (-one[1], one[0]))
        if count
    ]
    lines += [(f"{split} rows", count) for split, count in drafted.rows.items()]
    width = max(len(what) for what, _ in lines)
    none = sorted(reason.replace("_", " ") for reason, count in drafted.dropped.items() if not count)
    return [
        *(f"{what:<{width}}  {count:>9,}" for what, count in lines),
        *([f"dropped nothing: {', '.join(none)}"] if none else []),
    ]


def _cost(cost: Estimate) -> list[str]:
    lines = [
        f"language model: {cost.requests:,} requests for {cost.targets:,} items, {cost.cached:,} answered before",
        f"  tokens: about {cost.input_tokens:,} in, {cost.output_tokens:,} out, at most {cost.output_tokens_at_most:,}",
    ]
    if cost.cost is not None:
        lines.append(f"  about {cost.cost:,.2f} {cost.currency}, {cost.cost_at_most:,.2f} at most")
    return lines
