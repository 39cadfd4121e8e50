"""hubpub card: write the cards, compare them, or show where each number comes from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.options import FormatOption, HubOption, Name, OwnerOption, ProjectOption
from publisher.cli.output import Format, Output
from publisher.cli.session import open_release
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.card.trace import Rendered
    from publisher.pipeline.opened import Release
    from publisher.records.artifacts import Kind

BY_THE_AUTHOR = "stated by the author"


def card(
    name: Name,
    artifact: Annotated[
        str | None, typer.Option(help="Only this artifact's card.", show_default=False)
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="List each number with its evidence.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 where a card on disk differs.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="State every number that nothing accounts for, in the manifest.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --accept: no source is asked for.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the cards as the Hub would, and follow what is saved.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the preview; 0 = any free one.")] = 0,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="With --preview: in this terminal, without a browser.")
    ] = False,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
) -> None:
    """Write the cards from the lock's facts and the prose; or compare, or explain them."""
    output = Output(format)
    if preview:
        from publisher.cli.commands.preview import Asked, show

        show(output, Asked(name, artifact, hub, owner, project), port=port, in_terminal=no_open)
        return

    from publisher.pipeline.locked_cards import rendered_from_lock

    release = open_release(project, name, owner)
    if accept:
        _accept(output, release, yes)
        release = open_release(project, name, owner)
    rendered = {kind: text for kind, text in rendered_from_lock(release).items() if artifact in (None, kind)}
    if not rendered:
        kinds = ", ".join(release.identity.refs)
        raise HubpubError(
            "HP-M09", f"{name} has no artifact {artifact!r}", hint=f"--artifact one of: {kinds}"
        )
    if explain:
        _explain(output, release, rendered)
    elif check:
        _compare(output, release, rendered)
    else:
        _write(output, release, rendered)


def _accept(output: Output, release: Release, yes: bool) -> None:
    """State the bare numbers, each with the source that is given on the terminal."""
    from publisher.pipeline.accept import Bare, accept, bare_numbers

    if not yes and not sys.stdin.isatty() and (bare := bare_numbers(release)):
        raise HubpubError(
            "HP-M09",
            f"{len(bare)} numbers have no evidence, and nobody is here to say where they are from",
            where=f"{release.paths.folder / bare[0].path}:{bare[0].line}",
            hint=f"on a terminal, or as your own word: hubpub card {release.paths.name} --accept --yes",
        )

    def source_of(bare: Bare) -> str:
        if yes:
            return BY_THE_AUTHOR
        where = f"{bare.path}:{bare.line}: {bare.written} in “{bare.words}”"
        answer = typer.prompt(
            f"{where}\n  its source (Enter: leave it)", default="", show_default=False, err=True
        )
        return str(answer).strip()

    folder = release.paths.folder.relative_to(release.project.root)
    accepted = accept(release, source_of)
    for one in accepted:
        output.talk(f"{folder / one.bare.path}:{one.bare.line}: {one.bare.written} is {one.id}, {one.source}")
    if not accepted:
        output.talk("no number was stated")


def _write(output: Output, release: Release, rendered: dict[Kind, Rendered]) -> None:
    from publisher.card.trace import unaccounted
    from publisher.manifest.lock import write_whole

    for kind, text in rendered.items():
        write_whole(release.paths.card(kind), text.text)
        output.result(str(release.paths.card(kind).relative_to(release.project.root)))
    output.document("cards", {"cards": [_path(release, kind) for kind in rendered]})
    if bare := [span for text in rendered.values() for span in unaccounted(text)]:
        name = release.paths.name
        output.talk(
            f"{len(bare)} numbers have no evidence: hubpub card {name} --explain lists them, --accept states them"
        )


def _compare(output: Output, release: Release, rendered: dict[Kind, Rendered]) -> None:
    differing = []
    for kind, text in rendered.items():
        file = release.paths.card(kind)
        if not file.is_file() or file.read_text(encoding="utf-8") != text.text:
            differing.append(kind)
    output.document("cards", {"cards": [_path(release, kind) for kind in rendered], "differing": differing})
    if differing:
        raise HubpubError(
            "HP-C03",
            f"{', '.join(differing)}: the card on disk is not what facts and prose render to",
            where=str(release.paths.folder / "cards"),
            hint=f"hubpub card {release.paths.name}",
        )
    output.result(f"{len(rendered)} cards are what facts and prose render to")


def _explain(output: Output, release: Release, rendered: dict[Kind, Rendered]) -> None:
    from publisher.card.trace import document
    from publisher.cli.explained import evidence_document, explained
    from publisher.pipeline.measured_at import measured_at

    facts = {fact.id: fact for fact in (release.lock.facts if release.lock else ())} | dict(release.stated)
    times = measured_at(release.paths, release.lock)
    traced: dict[str, Any] = document((kind, _path(release, kind), text) for kind, text in rendered.items())
    named = {name for text in rendered.values() for span in text.spans if (name := span.fact or span.stated)}
    evidence = evidence_document({name: facts[name] for name in sorted(named & facts.keys())}, times)
    output.document("trace", {"cards": traced["cards"], "evidence": evidence})
    for kind, text in rendered.items():
        output.result(_path(release, kind))
        for line in explained(text, facts, times, f"hubpub card {release.paths.name} --accept"):
            output.result(line)


def _path(release: Release, kind: Kind) -> str:
    return release.paths.card(kind).relative_to(release.project.root).as_posix()
