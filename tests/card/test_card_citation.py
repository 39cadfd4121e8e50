"""The BibTeX entry, read by a real parser: what readers paste must not break their bibliography."""

from __future__ import annotations

from dataclasses import replace

import bibtexparser
import pytest

from publisher.card.readme import code_blocks
from publisher.card.render import render
from publisher.card.view import Author, Citation


def entry(card, templates):
    library = bibtexparser.parse_string(code_blocks(render(card, templates).text, "bibtex")[0].code)

    assert ([], 1) == (library.failed_blocks, len(library.entries))
    return library.entries[0]


@pytest.mark.parametrize("kind", ["dataset", "adapter", "merged", "nf4"])
def test_a_citation_is_an_entry_that_a_parser_reads(kind, card_of, templates):
    """With the fields that styles print."""
    card = card_of(kind)
    found = entry(card, templates)

    assert ("misc", card.repo_id.split("/")[1]) == (found.entry_type, found.key)
    assert {"title", "author", "year", "howpublished"} == set(found.fields_dict)


def test_a_citation_survives_what_people_are_called(card_of, templates):
    """Braces, percent signs and backslashes are BibTeX's own; a name with them must not open a new field."""
    card = replace(
        card_of("merged"),
        authors=(Author("Ada {von} L%vel\\ace"), Author("Bo & Co_")),
        citation=Citation(title="50% of {all}", year=2026),
    )
    found = entry(card, templates)

    assert (r"50\% of all", r"Ada von L\%velace and Bo \& Co\_") == (
        found.fields_dict["title"].value,
        found.fields_dict["author"].value,
    )
