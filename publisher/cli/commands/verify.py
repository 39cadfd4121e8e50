"""hubpub verify: prove what a Hub serves: of releases, of any repo; or see whether anything has drifted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from publisher.cli.options import (
    FormatOption,
    HubOption,
    OwnerOption,
    ProjectOption,
    QuietOption,
    release_names,
)
from publisher.cli.output import Format, Output
from publisher.cli.progress import Progress
from publisher.cli.session import open_hub, open_project, open_project_or_folder, open_release, source_of
from publisher.errors import HubpubError

if TYPE_CHECKING:
    from publisher.hub.remote import RemoteHub
    from publisher.records.receipts import ProofLevel, Reproof

LEVELS = ("run", "load", "static")


def verify(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|hf://OWNER/REPO[@REV]",
            help="A folder of model_cards/, or a repo of the Hub.",
            show_default=False,
            autocompletion=release_names,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every release of the project.")] = False,
    drift: Annotated[
        bool, typer.Option("--drift", help="Only compare what is there with what was released.")
    ] = False,
    proof: Annotated[
        str | None,
        typer.Option(
            help="run: fetch, load, generate, run the cards' code; load: fetch and load; static: fetch only. "
            "A release is run, a foreign repo is static, unless said otherwise.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help="A public key, PEM, that the repo's model.sig is held against; of a release, the manifest's own.",
            show_default=False,
        ),
    ] = None,
    hub: HubOption = None,
    owner: OwnerOption = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TEXT,  # noqa: A002 — the option's name is promised
    quiet: QuietOption = False,
) -> None:
    """Prove what the Hub serves: fetch every file back, compare it with the lock, load and run it."""
    if proof not in (None, *LEVELS):
        raise typer.BadParameter(f"{proof!r} is none of {', '.join(LEVELS)}", param_hint="--proof")
    if (target is None) != all_:
        raise typer.BadParameter("name one release or one hf:// address, or say --all")
    if drift and key:
        raise typer.BadParameter("--drift fetches nothing, so there is nothing to hold --key against")
    output = Output(format, quiet)
    if target is not None and target.startswith("hf://"):
        if drift:
            raise typer.BadParameter("--drift compares with a release's lock; name the release")
        _verify_place(output, target, hub, project, cast("ProofLevel", proof or "static"), key)
        return
    names = [target] if target else _all_names(project)
    if drift:
        _tell_drift(output, names, hub, owner, project)
    else:
        _verify_releases(output, names, hub, owner, project, cast("ProofLevel", proof or "run"), key)


def _all_names(project: Path | None) -> list[str]:
    found = open_project(project)
    if not found.names():
        raise HubpubError(
            "HP-M02",
            "this project has no release",
            where=str(found.root),
            hint="write model_cards/NAME/release.yaml",
        )
    return found.names()


def _verify_releases(
    output: Output,
    names: list[str],
    hub: str | None,
    owner: str | None,
    project: Path | None,
    level: ProofLevel,
    key: Path | None,
) -> None:
    from publisher.pipeline.reprove import reprove

    documents: list[dict[str, Any]] = []
    pem = _pem(key)
    endpoint = ""
    for name in names:
        release = open_release(project, name, owner)
        with open_hub(hub, release, release.project) as target, Progress(output, name) as progress:
            proofs = reprove(release, target, source_of(target), progress, level=level, key=pem)
        endpoint = target.endpoint
        documents += _told(output, proofs)
    output.document("verify", {"hub": endpoint, "proof": level, "repos": documents})


def _verify_place(
    output: Output,
    address: str,
    hub: str | None,
    project: Path | None,
    level: ProofLevel,
    key: Path | None,
) -> None:
    from tempfile import TemporaryDirectory

    from publisher.pipeline.foreign import parse_place, prove_place

    place = parse_place(address)
    pem = _pem(key)
    with (
        open_hub(hub, None, open_project_or_folder(project), look_only=True) as target,
        Progress(output) as progress,
        TemporaryDirectory(prefix="hubpub-") as scratch,
    ):
        reading = target.for_reading()
        proof = prove_place(place, reading, reading, progress, Path(scratch), level=level, key=pem)
    output.document("verify", {"hub": target.endpoint, "proof": level, "repos": _told(output, [proof])})


def _pem(key: Path | None) -> str | None:
    from publisher.pipeline.signing import public_key

    return public_key(key) if key else None


def _told(output: Output, proofs: list[Reproof]) -> list[dict[str, Any]]:
    for one in proofs:
        signed = f", signed by {one.signed_by[:12]}" if one.signed_by else ""
        output.result(
            f"✓ {one.repo_id} at {one.commit[:8]}: {one.files} files, {one.size / 1e6:.1f} MB fetched back{signed}{one.told}"
        )
    return [
        {
            "repo_id": p.repo_id,
            "commit": p.commit,
            "files": p.files,
            "bytes": p.size,
            "signed_by": p.signed_by,
        }
        for p in proofs
    ]


def _tell_drift(
    output: Output, names: list[str], hub: str | None, owner: str | None, project: Path | None
) -> None:
    from dataclasses import asdict

    from publisher.pipeline.drift import drift

    documents: list[dict[str, Any]] = []
    for name in names:
        release = open_release(project, name, owner)
        with open_hub(hub, release, release.project, look_only=True) as target:
            found = drift(release, target)
        documents.append(_drift_of(output, name, release.lock, target, [asdict(each) for each in found]))
    output.document("drift", {"hub": target.endpoint, "releases": documents})
    drifted = [each["name"] for each in documents if each["drift"]]
    if drifted:
        raise HubpubError(
            "HP-R06",
            f"{', '.join(drifted)}: the Hub differs from what was released there",
            where=target.endpoint,
            hint=f"hubpub plan {drifted[0]} shows what a release would mend; hubpub pull {drifted[0]} takes card edits over",
        )


def _drift_of(
    output: Output, name: str, lock: Any, hub: RemoteHub, found: list[dict[str, Any]]
) -> dict[str, Any]:
    released = lock.released.get(hub.host) if lock else None
    version = released.version if released else None
    if version is None:
        output.result(f"– {name}: never released on {hub.endpoint}")
    elif not found:
        output.result(f"✓ {name} {version}: as it was released on {hub.endpoint}")
    else:
        output.result(f"✗ {name} {version} on {hub.endpoint}:")
    for each in found:
        output.result(
            f"    {each['repo_id']} {each['what']}: released {each['released']}, found {each['found']}"
        )
    return {"name": name, "released": version, "drift": found}
