"""CLAIM129 sum-differs: numbers that are said to make up a total do not add up to it.

Why   one of them is wrong, or a part is missing that the reader should know of.
Fix   correct the number, or say what the total counts beyond the parts.

Bad
    README.md:
        | Split | Rows | Scenes |
        |---|---|---|
        | train | 400 | 40 |
        | test | 100 | 10 |
        | **Total** | 550 | 50 | ←
Bad
    README.md:
        It has 318 original + 313 enhanced + 257 unique = 900 expressions. ←
Bad
    README.md:
        - train: 400 rows
        - test: 100 rows
        - Total: 600 rows ←
Good
    README.md:
        | Split | Rows |
        |---|---|
        | train | 400 |
        | test | 100 |
        | **Total** | 500 |

        - 318,591 original, 313,323 enhanced, 257,440 unique
        - Total: 1,522,523 expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.outline import Passage
from publisher.checks.observe.readme import README
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_TOTAL = re.compile(r"(?:grand )?total|sum|all together|overall total", re.IGNORECASE)
_PARTIAL = re.compile(r"total|\bsum\b|of which|^\W|average|mean", re.IGNORECASE)
_WHOLE = re.compile(
    r"~?(\d{1,3}(?:,\d{3})+|\d{1,12})(?![\d.,]*\d)(?! ?[KMB%]\b)(?: ([a-z]+))?\.?", re.IGNORECASE
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,12})"
_TERM = rf"{_NUMBER}(?: [a-z]{{2,20}}){{0,2}}"
_SUM = re.compile(
    rf"(?<![+×*/=-] )(?<![\w.,$])({_TERM}(?: \+ {_TERM}){{1,9}}) = ({_NUMBER})(?![\w.%]*\d|[,%]\d|%)",
    re.IGNORECASE,
)
_MOST = 3


@rule(Severity.NOTE)
def sum_differs(claims: Claims) -> Iterator[Fault]:
    """Sums written out, and lists or tables that end in a line called total; whole numbers only."""
    found: list[Fault] = []
    for run in _runs(claims.outline.passages):
        found += _in_list(run) if run[0].kind == "item" else _in_table(run)
    for passage in claims.outline.passages:
        for match in _SUM.finditer(passage.text) if " + " in passage.text else ():
            parts = [_number(each) for each in re.findall(r"\d[\d,]*", match[1])]
            found += _fault(passage, parts, _number(match[2]))
    yield from found[:_MOST]


def _runs(passages: Sequence[Passage]) -> Iterator[list[Passage]]:
    """Items, or rows, that stand in lines one after the other."""
    run: list[Passage] = []
    for passage in passages:
        if run and (passage.kind != run[-1].kind or passage.line != run[-1].line + 1):
            yield run
            run = []
        if passage.kind in ("item", "row"):
            run.append(passage)
    if run:
        yield run


def _in_list(run: list[Passage]) -> Iterator[Fault]:
    *parts, total = run
    depths = {len(passage.raw) - len(passage.raw.lstrip()) for passage in run}
    if len(parts) < 2 or len(depths) > 1 or not _TOTAL.fullmatch(total.label):
        return
    whole = [_WHOLE.fullmatch(passage.value) for passage in run]
    if any(match is None for match in whole) or any(_PARTIAL.search(part.label) for part in parts):
        return
    values = [match for match in whole if match is not None]
    if len({(match[2] or "").lower() for match in values}) == 1:
        yield from _fault(total, [_number(match[1]) for match in values[:-1]], _number(values[-1][1]))


def _in_table(run: list[Passage]) -> Iterator[Fault]:
    table = [[cell.strip() for cell in passage.text.split(" | ")] for passage in run]
    body = [
        index for index, cells in enumerate(table) if index and not re.fullmatch(r"[-:\s]*", "".join(cells))
    ]
    if len(body) < 3 or not _TOTAL.fullmatch(table[body[-1]][0]):
        return
    if (
        any(_PARTIAL.search(table[index][0]) for index in body[:-1])
        or len({len(table[index]) for index in body}) > 1
    ):
        return
    for column in range(1, len(table[body[-1]])):
        whole = [_WHOLE.fullmatch(table[index][column]) for index in body]
        values = [_number(match[1]) for match in whole if match is not None and match[2] is None]
        if len(values) == len(body):
            yield from _fault(run[body[-1]], values[:-1], values[-1])


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _fault(passage: Passage, parts: list[int], total: int) -> Iterator[Fault]:
    if sum(parts) != total:
        yield Fault(
            f"the parts add up to {sum(parts):,}, the total says {total:,}",
            README,
            passage.line,
            hint="correct the number, or say what the total counts beyond the parts",
        )
