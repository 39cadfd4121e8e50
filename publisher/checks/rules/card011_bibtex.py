"""CARD011 bibtex: a BibTeX entry that BibTeX does not know, or that is not whole.

Why   BibTeX skips an entry whose type it does not know (`@model`), so whoever cites the model cites nothing.
Fix   `@misc` or `@software` for a model, `@article` or `@inproceedings` for a paper; one key an entry; a year.

Bad
    README.md:
        ```bibtex
        @model{gemma_aerial, ←
          title={Gemma Aerial},
          year={2025}
        }
        ```
Bad
    README.md:
        ```bibtex
        @misc{aerial, title={One}, year={2025}}
        @misc{aerial, title={Two}, year={2025}} ←
        ```
Good
    README.md:
        ```bibtex
        @misc{gemma_aerial,
          title={Gemma Aerial},
          year={2025}
        }
        ```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Block, Snippets
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Of BibTeX (btxdoc) and biblatex; `online` and `software` are biblatex's.
_TYPES = """
 article book booklet bookinbook collection comment conference data dataset electronic inbook incollection
 inproceedings inreference letter manual mastersthesis mvbook mvcollection misc online patent periodical phdthesis
 preamble proceedings reference report set software string suppbook techreport thesis unpublished webpage www xdata
"""
_KNOWN = frozenset(_TYPES.split())
_ENTRY = re.compile(r"@([A-Za-z]{2,30})\s{0,5}\{\s{0,5}([^\s,{}=]{0,100})")
_LANGUAGES = frozenset({"bibtex", "bib", "latex", "tex", "biblatex", ""})


@rule(Severity.WARNING)
def bibtex(snippets: Snippets) -> Iterator[Fault]:
    """Report entries of unknown type and keys that are used twice with different content."""
    keys: dict[str, str] = {}
    for block in snippets.blocks:
        if block.language not in _LANGUAGES or not block.text.lstrip().startswith("@"):
            continue
        for line, column, entry, rest in _entries(block):
            kind, key = entry[1].lower(), entry[2]
            if kind not in _KNOWN:
                yield Fault(
                    f"BibTeX has no entry type {quote('@' + entry[1])}, and skips the entry",
                    README,
                    line,
                    column,
                    hint="write @misc, or @software",
                )
            elif key and keys.setdefault(key, rest) != rest:
                yield Fault(f"two BibTeX entries have the key {quote(key)}", README, line, column)


def _entries(block: Block) -> Iterator[tuple[int, int, re.Match[str], str]]:
    """Every entry that begins a line, with its place and the text up to the next one."""
    lines = block.text.split("\n")
    starts = [index for index, line in enumerate(lines) if line.lstrip().startswith("@")]
    for index, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        line = lines[index]
        entry = _ENTRY.match(line, len(line) - len(line.lstrip()))
        if entry is not None:
            rest = "".join("".join(lines[index:end]).split())
            yield block.first + index, entry.start() + 1, entry, rest
