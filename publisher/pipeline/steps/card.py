"""card: write each repo's README from the facts, with its evidence, loss plot and licence beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from publisher.card.plot import loss_plot
from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.trace import Rendered
from publisher.card.view import Accepted, Author, CardInput, Citation, Prose, Sibling
from publisher.evidence.files import inventory
from publisher.evidence.record import refuse_stale
from publisher.manifest.lock import write_whole
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.steps.tensors import tensors_text
from publisher.records.artifacts import KINDS, Kind, is_card_file
from publisher.records.changes import Tensors
from publisher.records.digest import canonical_json
from publisher.records.facts import Facts
from publisher.records.receipts import Version
from publisher.records.runs import Cards, Identity, Pins
from publisher.release.before import TENSORS_FILE

FACTS_SCHEMA = "hubpub/facts/1"


def card(
    paths: ReleasePaths,
    manifest: Manifest,
    templates: Templates,
    identity: Identity,
    pins: Pins,
    words: Words,
    version: Version,
    facts: Facts,
    tensors: Tensors | None,
) -> Cards:
    """Put README.md, evidence/, assets/ and LICENSE into every artifact's folder, and the README into git's sight.

    Raises:
        HubpubError: HP-C01 a template asks for a fact that no stage measured, HP-C02 a template has an error,
            HP-C04 an evidence file changed after its facts were taken.
    """
    refuse_stale(facts.values(), paths.workspace)
    assets = _assets(facts)
    files = {}
    for kind in (kind for kind in KINDS if kind in identity.refs):
        folder = paths.artifact(kind)
        _clear(folder)
        licence = _licence_text(manifest, facts, templates)
        beside = {
            **(assets if kind in ("adapter", "merged") else {}),
            **({"LICENSE": licence} if licence else {}),
        }
        beside |= _evidence(paths, manifest, facts)
        if manifest.evidence != "none" and tensors and kind in tensors.of:
            beside[TENSORS_FILE] = tensors_text(tensors.of[kind]).encode()
        for path, content in beside.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        rendered = render(
            card_input(kind, manifest, identity, pins, words, version, facts, tuple(beside)), templates
        )
        for readme in (folder / "README.md", paths.card(kind)):
            write_whole(readme, rendered.text)
        files[kind] = inventory(folder, keep=is_card_file)
    return Cards(files)


def cards_on_disk(paths: ReleasePaths, kinds: Iterable[Kind]) -> dict[Kind, str]:
    """The rendered cards in git's sight; those that are there."""
    files = {kind: paths.card(kind) for kind in kinds}
    return {kind: file.read_bytes().decode() for kind, file in files.items() if file.is_file()}


def traced_as(text: str, rendered: Rendered | None) -> Rendered:
    """A card with its trace, if it is the one that facts and prose render to now; else without one."""
    return rendered if rendered is not None and rendered.text == text else Rendered(text, ())


class Words(tuple[Prose, ...]):
    """The author's prose, one piece a section."""

    __slots__ = ()


def read_words(manifest: Manifest, paths: ReleasePaths) -> Words:
    """The prose files that the manifest names."""
    files = manifest.card.prose_files.items()
    return Words(
        Prose(section, (paths.folder / f).read_text(encoding="utf-8-sig"), f) for section, f in files
    )


def render_all(
    manifest: Manifest,
    templates: Templates,
    identity: Identity,
    pins: Pins,
    words: Words,
    version: Version,
    facts: Facts,
) -> dict[Kind, Rendered]:
    """All cards in memory: what `card --check` and `card --explain` need. Writes nothing."""
    rendered = {}
    for kind in (kind for kind in KINDS if kind in identity.refs):
        beside = tuple(_expected_beside(kind, manifest, facts, templates))
        rendered[kind] = render(
            card_input(kind, manifest, identity, pins, words, version, facts, beside), templates
        )
    return rendered


def card_input(
    kind: Kind,
    manifest: Manifest,
    identity: Identity,
    pins: Pins,
    words: Iterable[Prose],
    version: Version,
    facts: Facts,
    assets: tuple[str, ...],
) -> CardInput:
    """Gather what one card may speak of."""
    settings = manifest.card
    cited = settings.citation
    in_release = "base" in identity.refs
    datasets = [identity.refs["dataset"].repo_id] if "dataset" in identity.refs else []
    if not datasets and manifest.dataset and manifest.dataset.link:
        datasets = [manifest.dataset.link]
    return CardInput(
        name=identity.name,
        version=version.number,
        kind=kind,
        repo_id=identity.refs[kind].repo_id,
        title=settings.title or identity.name,
        owner=manifest.owner,
        licence=manifest.licence or str(facts.value("base.licence", "other")),
        facts=facts,
        siblings=tuple(Sibling(k, ref.repo_id) for k, ref in identity.refs.items() if k != kind),
        prose=tuple(words),
        language=settings.language,
        tags=settings.tags,
        authors=tuple(Author(author.name, author.url) for author in settings.authors),
        citation=Citation(cited.title, cited.year, cited.url) if cited else None,
        base_repo=pins.base_repo,
        base_revision=version.tag if in_release else (facts.value("base.revision") or pins.base_revision),
        base_in_release=in_release,
        datasets=tuple(datasets),
        dataset_in_release="dataset" in identity.refs,
        smoke_prompt=manifest.smoke[0].prompt if manifest.smoke else "Hello!",
        assets=tuple(sorted(assets)),
        accepted=tuple(Accepted(entry.code, entry.reason) for entry in manifest.accept),
        withdrawn=version.withdrawn_since,
    )


def _expected_beside(kind: Kind, manifest: Manifest, facts: Facts, templates: Templates) -> Iterable[str]:
    if kind in ("adapter", "merged") and facts.value("train.log"):
        yield "assets/loss.png"
    if _licence_text(manifest, facts, templates):
        yield "LICENSE"
    if manifest.evidence != "none":
        yield "evidence/facts.json"
        if kind != "dataset":
            yield TENSORS_FILE
    if manifest.evidence == "full":
        yield from sorted({f.source.path for f in facts.values() if hasattr(f.source, "path")})


def _assets(facts: Facts) -> dict[str, bytes]:
    log = facts.value("train.log")
    return {"assets/loss.png": loss_plot(log)} if log else {}


def _licence_text(manifest: Manifest, facts: Facts, templates: Templates) -> bytes | None:
    """The licence's full text where hubpub has it."""
    licence = manifest.licence or facts.value("base.licence")
    found = templates.find(f"licences/{licence}.txt") if licence else None
    return found.text.encode() if found else None


def _evidence(paths: ReleasePaths, manifest: Manifest, facts: Facts) -> Mapping[str, bytes]:
    """`facts.json`, and with `evidence: full` the files that its facts point to."""
    if manifest.evidence == "none":
        return {}
    found = {"evidence/facts.json": facts_text(facts).encode()}
    if manifest.evidence == "full":
        for path in sorted({f.source.path for f in facts.values() if hasattr(f.source, "path")}):
            found[path] = (paths.workspace / path).read_bytes()
    return found


def facts_text(facts: Facts) -> str:
    """`facts.json`: all facts by id."""
    return canonical_json({"schema": FACTS_SCHEMA, "facts": list(facts.values())}, indent=1) + "\n"


def _clear(folder: Path) -> None:
    """Remove an earlier card's files, so that nothing of it is left behind."""
    for name in ("README.md", "LICENSE", "NOTICE"):
        (folder / name).unlink(missing_ok=True)
    for name in ("evidence", "assets", ".eval_results"):
        shutil.rmtree(folder / name, ignore_errors=True)
