"""`hubpub init --from-card`: a hand-written card becomes keys, prose files, and claims to confirm or drop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from publisher.card.handwritten import Claim, Doubt, Handwritten, Left, take_apart
from publisher.card.readme import parse
from publisher.checks.known.models import mentions
from publisher.checks.run import check_card
from publisher.errors import HubpubError
from publisher.evidence.stated import stated_id
from publisher.manifest.compose import Key, question
from publisher.manifest.section import REPO_ID
from publisher.pipeline.init.drafts import Listed, Words

LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
PLAIN_SECTIONS = (
    "summary", "intended_use", "out_of_scope", "limitations", "ethics", "acknowledgements", "related",
)  # fmt: skip
# Front matter that is taken over, and what the cards get from facts and manifest whatever stood in the old one.
TAKEN_OVER = {
    "license",
    "license_name",
    "license_link",
    "base_model",
    "datasets",
    "language",
    "tags",
    "model-index",
}
WRITTEN_BY_US = {"base_model_relation", "library_name", "pipeline_tag"}
OWN_TAGS = {
    "lora",
    "qlora",
    "peft",
    "transformers",
    "safetensors",
    "bitsandbytes",
    "4-bit",
    "text-generation",
}
BASE_LABEL = re.compile(r"base(?: model)?|fine-?tuned from(?: model)?", re.IGNORECASE)


def read_card(path: Path) -> Words:
    """Read a card.

    Raises:
        HubpubError: HP-M09, there is no such file, or it is no UTF-8 text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise HubpubError(
            "HP-M09", f"{path} cannot be read as a card: {fault}", hint="name a README.md in UTF-8"
        ) from None
    return words_of(text, path.name)


def words_of(text: str, name: str) -> Words:
    """What a card's text gives; `name` is what its file is called."""
    doubts = tuple(_doubts(text))
    card = take_apart(text, doubts)
    claims = tuple(_listed((*card.claims, *_results(card.front_matter, parse(text).yaml_line))))
    held = {why for listed in claims for why in listed.claim.doubts}
    sections = {kept.name: kept.text for kept in card.kept}
    return Words(
        name=name,
        licence=tuple(_licence(card.front_matter)),
        base=_base(card),
        dataset=_dataset(card.front_matter),
        card=tuple(_card_keys(card, sections)),
        files={f"{section}.md": words for section, words in sections.items()},
        claims=claims,
        left=(*_fields_left(card.front_matter), *card.left),
        doubts=tuple(
            f"{name}:{doubt.line}: {doubt.why}"
            for doubt in doubts
            if doubt.why not in held and doubt.column is None
        ),
    )


def stated_keys(words: Words) -> tuple[Key, ...]:
    """The claims as `stated:` entries, each an open question."""
    return tuple(
        Key(
            listed.id,
            {"value": listed.claim.value, "source": question(f"{words.name}:{listed.claim.line}")},
            above=listed.claim.doubts,
        )
        for listed in words.claims
    )


def _doubts(text: str) -> Iterator[Doubt]:
    """What the checks find wrong with the card's claims, and every mention of a base that does not exist."""
    with TemporaryDirectory(prefix="hubpub-") as folder:
        readme = Path(folder) / "README.md"
        readme.write_text(text, encoding="utf-8")
        findings = check_card(readme, select=["CLAIM"]).findings
    for finding in findings:
        yield Doubt(finding.line or 1, finding.column, f"{finding.code}: {finding.message}")
    told = {
        finding.line for finding in findings if "no `" in finding.message or "not exist" in finding.message
    }
    for number, line in enumerate(text.splitlines(), start=1):
        wrong = {m.text.lower(): m for m in reversed(list(mentions(line))) if m.exists is False}
        for mention in wrong.values() if number not in told else ():
            yield Doubt(number, mention.start + 1, f"there is no {mention.text}")


def _listed(claims: tuple[Claim, ...]) -> Iterator[Listed]:
    taken: set[str] = set()
    for claim in claims:
        fact_id = stated_id("model", claim.label or str(claim.value), taken)
        taken.add(fact_id)
        yield Listed(fact_id, claim)


def _results(front: Mapping[str, Any], line: int) -> Iterator[Claim]:
    """The numbers of a `model-index`: whoever wrote them by hand has to say where they are from."""
    for model in _mappings(front.get("model-index")):
        for result in _mappings(model.get("results")):
            dataset = result.get("dataset")
            on = dataset.get("name", "") if isinstance(dataset, dict) else ""
            for metric in _mappings(result.get("metrics")):
                if isinstance(value := metric.get("value"), int | float | str):
                    label = f"{metric.get('name') or metric.get('type')} {on}".strip()
                    yield Claim(label, value, line, "model-index")


def _mappings(given: Any) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _licence(front: Mapping[str, Any]) -> Iterator[Key]:
    given = front.get("license")
    if isinstance(given, str) and LICENCE.fullmatch(given):
        yield Key("licence", given)
    if given == "other" and isinstance(name := front.get("license_name"), str) and LICENCE.fullmatch(name):
        yield Key("licence_name", name)
    if given == "other" and isinstance(link := front.get("license_link"), str):
        yield Key("licence_link", link)


def _base(card: Handwritten) -> Key | None:
    """The base that the card names; what cannot be is a question."""
    given = card.front_matter.get("base_model")
    named = given[0] if isinstance(given, list) and given else given
    if isinstance(named, str) and REPO_ID.fullmatch(named) and _may_exist(named):
        return Key("base", named, note="as the card's front matter says")
    claim = next((c for c in card.claims if BASE_LABEL.fullmatch(c.label) and isinstance(c.value, str)), None)
    said = named if isinstance(named, str) else claim.value if claim else None
    if said is None:
        return None
    doubts = claim.doubts if claim else ()
    if not doubts:
        doubts = tuple(f"there is no {mention.text}" for mention in mentions(said) if mention.exists is False)
    return Key("base", question(f"the card says {said}"), above=doubts)


def _may_exist(repo_id: str) -> bool:
    return all(mention.exists is not False for mention in mentions(repo_id))


def _dataset(front: Mapping[str, Any]) -> Key | None:
    given = front.get("datasets")
    links = [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)]
    links = [link for link in links if REPO_ID.fullmatch(link)]
    if not links:
        return None
    more = f"; the card also names {', '.join(links[1:])}" if links[1:] else ""
    return Key("dataset", links[0], note=f"a link; it is not published here{more}")


def _card_keys(card: Handwritten, sections: Mapping[str, str]) -> Iterator[Key]:
    if card.title:
        yield Key("title", card.title)
    yield from (Key(section, f"{section}.md") for section in sections if section in PLAIN_SECTIONS)
    if more := {section: f"{section}.md" for section in sections if section not in PLAIN_SECTIONS}:
        yield Key("sections", tuple(Key(section, file) for section, file in more.items()))
    authors = [name.strip() for name in re.split(r"\s+and\s+", card.cited.get("author", "")) if name.strip()]
    if authors:
        yield Key("authors", authors)
    if card.cited.get("year", "").isdecimal():
        cited: dict[str, Any] = {"year": int(card.cited["year"])}
        cited |= {"title": card.cited["title"]} if "title" in card.cited else {}
        url = card.cited.get("url", "")
        cited |= {"url": url} if url and "huggingface.co" not in url else {}
        yield Key("citation", cited, off=not authors, note="" if authors else "needs authors:")
    language = _texts(card.front_matter.get("language"))
    if language:
        yield Key("language", language)
    tags = [tag for tag in _texts(card.front_matter.get("tags")) if tag not in OWN_TAGS and ":" not in tag]
    if tags:
        yield Key("tags", tags)


def _fields_left(front: Mapping[str, Any]) -> Iterator[Left]:
    for name in front:
        if str(name).startswith("extra_gated_"):
            yield Left(f"front matter {name}", 1, "write it under card.access")
        elif name not in TAKEN_OVER:
            why = "hubpub writes it" if name in WRITTEN_BY_US else "no key of the manifest has it"
            yield Left(f"front matter {name}", 1, why)


def _texts(given: Any) -> list[str]:
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str) and one]
