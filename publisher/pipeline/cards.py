"""The cards in memory: what each may speak of, and all of them rendered. Writes nothing, and opens no heavy room."""

from __future__ import annotations

from collections.abc import Iterable

from publisher.card.render import render
from publisher.card.templates import Templates
from publisher.card.trace import Rendered
from publisher.card.view import Accepted, Access, Author, CardInput, Citation, Prose, Result, Sibling
from publisher.manifest.card import CardSettings
from publisher.manifest.project import ReleasePaths
from publisher.manifest.schema import Manifest
from publisher.pipeline.licensing import duties_of, licence_at, licence_files, licence_of, named_licence_of
from publisher.pipeline.words import Words
from publisher.records.artifacts import KINDS, LICENCE, TENSORS_FILE, Kind
from publisher.records.changes import WITHOUT_TENSORS
from publisher.records.digest import canonical_json
from publisher.records.facts import Facts
from publisher.records.receipts import Version
from publisher.records.runs import Identity, Pins

FACTS_SCHEMA = "hubpub/facts/1"
# Beside a dataset's card: what it holds, and rows of it.
STATISTICS, EXAMPLES = "assets/statistics.png", "assets/examples.png"


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
            card_input(kind, manifest, templates, identity, pins, words, version, facts, beside), templates
        )
    return rendered


def card_input(
    kind: Kind,
    manifest: Manifest,
    templates: Templates,
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
    seeing = [asked for asked in manifest.smoke if asked.images]
    in_words = [asked.prompt for asked in (*(a for a in manifest.smoke if not a.images), *seeing)]
    datasets = [identity.refs["dataset"].repo_id] if "dataset" in identity.refs else []
    if not datasets and manifest.dataset and manifest.dataset.link:
        datasets = [manifest.dataset.link]
    licence_name, licence_link = named_licence_of(kind, manifest, facts)
    return CardInput(
        name=identity.name,
        version=version.number,
        kind=kind,
        repo_id=identity.refs[kind].repo_id,
        title=settings.title or identity.name,
        owner=manifest.owner,
        licence=licence_of(kind, manifest, facts) or "other",
        licence_name=licence_name,
        licence_link=licence_link,
        licence_at=None if LICENCE in assets else licence_at(kind, manifest, facts, templates),
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
        smoke_prompt=in_words[0] if in_words else "Hello!",
        image_prompt=seeing[0].prompt if seeing else "",
        images_shown=len(seeing[0].images) if seeing else 1,
        assets=tuple(sorted(assets)),
        accepted=tuple(Accepted(entry.code, entry.reason) for entry in manifest.accept),
        withdrawn=version.withdrawn_since,
        duties=duties_of(kind, manifest, facts),
        access=_access(settings),
        results=tuple(Result(**entry.model_dump()) for entry in settings.results),
    )


def _access(settings: CardSettings) -> Access | None:
    return Access(**settings.access.model_dump()) if settings.access else None


def _expected_beside(kind: Kind, manifest: Manifest, facts: Facts, templates: Templates) -> Iterable[str]:
    if kind in ("adapter", "merged") and facts.value("train.log"):
        yield "assets/loss.png"
    if kind == "dataset":
        yield from [STATISTICS] if facts.value("dataset.answer_words") else []
        yield from [EXAMPLES] if facts.value("dataset.examples") else []
    yield from licence_files(kind, manifest, facts, templates)
    if manifest.evidence != "none":
        yield "evidence/facts.json"
        if kind not in WITHOUT_TENSORS:
            yield TENSORS_FILE
    if manifest.evidence == "full":
        yield from sorted({f.source.path for f in facts.values() if hasattr(f.source, "path")})


def cards_on_disk(paths: ReleasePaths, kinds: Iterable[Kind]) -> dict[Kind, str]:
    """The rendered cards in git's sight; those that are there."""
    files = {kind: paths.card(kind) for kind in kinds}
    return {kind: file.read_bytes().decode() for kind, file in files.items() if file.is_file()}


def traced_as(text: str, rendered: Rendered | None) -> Rendered:
    """A card with its trace, if it is the one that facts and prose render to now; else without one."""
    return rendered if rendered is not None and rendered.text == text else Rendered(text, ())


def facts_text(facts: Facts) -> str:
    """`facts.json`: all facts by id."""
    return canonical_json({"schema": FACTS_SCHEMA, "facts": list(facts.values())}, indent=1) + "\n"
