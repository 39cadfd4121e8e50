"""The cards as the committed lock and the present prose render them: no stage runs, and none is imported."""

from __future__ import annotations

from publisher.card.trace import Rendered
from publisher.errors import HubpubError
from publisher.evidence.record import refuse_stale
from publisher.pipeline.cards import render_all
from publisher.pipeline.opened import Release
from publisher.records.artifacts import Kind
from publisher.records.facts import Facts
from publisher.records.receipts import Version
from publisher.records.versions import FIRST, precedence


def rendered_from_lock(release: Release) -> dict[Kind, Rendered]:
    """The cards as the lock's facts and the present prose render them.

    Raises:
        HubpubError: HP-C01 where nothing was measured yet, HP-C04 where an evidence file of the workspace is not the
            one that the lock's facts were taken from.
    """
    if release.lock is None or not release.lock.facts:
        raise HubpubError(
            "HP-C01",
            f"no facts of {release.paths.name} were measured yet",
            where=str(release.paths.lock),
            hint=f"hubpub release {release.paths.name} --until card --hub local",
        )
    refuse_stale(release.lock.facts, release.paths.workspace)
    stated = release.stated
    measured = [fact for fact in release.lock.facts if fact.stage != "stated"]
    version = _card_version(release)
    return render_all(
        release.manifest,
        release.templates,
        release.identity,
        release.pins(version),
        release.words,
        version,
        Facts([*stated.values(), *measured]),
    )


def _card_version(release: Release) -> Version:
    """The version that the committed cards name: the manifest's, else the newest that was released anywhere.

    What is withdrawn counts where that version was released, so that a rehearsal puts no banner on the real cards.
    """
    hosts = release.lock.released.values() if release.lock else ()
    released = [(host.version.split("+")[0], host.withdrawn) for host in hosts]
    newest = max((number for number, _ in released), key=precedence, default=FIRST)
    number = release.manifest.version or newest
    withdrawn = {version for at, versions in released if at == number for version in versions}
    return Version(number, withdrawn=tuple(sorted(withdrawn, key=precedence)))
