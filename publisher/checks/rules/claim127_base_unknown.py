"""CLAIM127 base-unknown: the card names a base model that does not exist.

Why   nobody can load it, and the layers, licence and prompt format that follow from it are anybody's guess.
Fix   name the model that was trained on: its id stands in the training script.

Bad
    README.md:
        ---
        base_model: google/gemma-2-12b-it ←
        ---
        # A model
Bad
    README.md:
        Built on Google's Gemma-2-12B architecture. ←
Good
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        Merged with acme/gemma-2-12b-grown, and with Gemma 2 9B.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from publisher.checks.known import models as known_models
from publisher.checks.known.models import Mention, mentions
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.outline import LONGEST
from publisher.checks.observe.readme import README, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_SHORTEST = 8  # characters of the shortest name that a line may hold: Qwen2-7B


@rule(Severity.ERROR)
def base_unknown(readme: Readme, claims: Claims) -> Iterator[Fault]:
    """An error where a publisher's own id is given; a name in prose may be a nickname, so a warning there.

    Other owners may well have grown or pruned a model to a size of their own, and named it so.
    """
    ids: dict[str, list[tuple[int, Mention]]] = defaultdict(list)
    names: dict[str, list[tuple[int, Mention]]] = defaultdict(list)
    own: set[tuple[str, str, str]] = set()
    title = claims.title
    for line in readme.classified:
        if line.kind == "comment" or len(line.text) < _SHORTEST:
            continue
        for mention in mentions(line.text[:LONGEST]):
            key = (mention.name, mention.generation, mention.size)
            if mention.exists is not False:
                continue
            if mention.official:
                ids[_id(line.text, mention)].append((line.number, mention))
            elif mention.owner or mention.text in title:
                own.add(key)
            else:
                names[mention.text].append((line.number, mention))
    for text, found in ids.items():
        yield _fault(f"{quote(text)} does not exist", found, None)
    for text, found in names.items():
        mention = found[0][1]
        if (mention.name, mention.generation, mention.size) not in own:
            yield _fault(f"there is no {quote(text)}", found, Severity.WARNING)


def _fault(message: str, found: list[tuple[int, Mention]], severity: Severity | None) -> Fault:
    line, mention = found[0]
    family = mention.family
    facts = f"{family.title} comes as {known_models.sizes_of(family)}" if family is not None else ""
    others = [other.title for other, _ in known_models.of_size(mention.name, mention.size)]
    also = sorted({number for number, _ in found[1:]} - {line})
    return Fault(
        f"{message}: {facts}"
        + (f"; {mention.size.upper()} is a size of {' and '.join(others)}" if others else "")
        + (f" (also line {', '.join(str(number) for number in also[:6])})" if also else ""),
        README,
        line,
        mention.start + 1,
        hint="name the model that was trained on",
        severity=severity,
    )


def _id(text: str, mention: Mention) -> str:
    """The whole id, with what follows the size: google/gemma-2-12b-it."""
    start = mention.start - len(mention.owner) - 1
    end = mention.start + len(mention.text)
    while end < len(text) and (text[end].isalnum() or text[end] in "-_."):
        end += 1
    return text[start:end].rstrip(".")
