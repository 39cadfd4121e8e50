"""What lies beside weights or rows: the front matter of a README.md, the text of a licence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from publisher.checks.observe.duties import licences_in
from publisher.manifest.compose import Key, question
from publisher.pipeline.init.asking import Ask
from publisher.pipeline.init.drafts import Words
from publisher.pipeline.init.from_card import LICENCE, words_of
from publisher.pipeline.licensing import LONGEST, NAMES
from publisher.records.artifacts import LICENCE as LICENCE_FILE
from publisher.records.artifacts import README

FROM_FRONT_MATTER = ("language", "tags")


def words_beside(folder: Path) -> Words:
    """What the README.md of a folder says in its front matter; its prose and its numbers are not taken over."""
    file = folder / README
    words = words_of(file.read_text("utf-8-sig", "replace"), README) if file.is_file() else Words("")
    named = tuple(key for key in words.card if key.name in FROM_FRONT_MATTER)
    return Words(words.name, licence=words.licence, base=words.base, card=named)


def licence_beside(folder: Path, words: Words, ask: Ask) -> tuple[Key, ...]:
    """The licence as README.md names it, else as LICENSE reads; its author is asked where neither tells."""
    if words.licence:
        first, *others = words.licence
        return (Key(first.name, first.value, note=f"as {README} says"), *others)
    told = sorted({licence for text in _licence_texts(folder) for licence in licences_in(text)})
    if len(told) == 1:
        return (Key("licence", told[0], note="as the text of its licence reads"),)
    either = f"; the texts beside it read like {' and '.join(told)}" if told else ""
    given = ask(f"Under which licence, by its id on the Hub{either}?", None)
    if given and LICENCE.fullmatch(given):
        return (Key("licence", given),)
    return (Key("licence", question(f"its licence's id on the Hub, apache-2.0 or cc-by-4.0{either}")),)


def _licence_texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        if NAMES[LICENCE_FILE].fullmatch(file.name) and file.is_file() and file.stat().st_size <= LONGEST:
            yield file.read_text("utf-8", "replace")
