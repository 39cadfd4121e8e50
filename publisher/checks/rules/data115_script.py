"""DATA115 script: most of the text is written in a script of none of the card's languages.

Why   the Hub's filter by language shows the dataset to those who cannot read it.
Fix   correct `language` in the front matter.

Bad
    README.md:
        ---
        license: mit
        language: en ←
        ---
    train.jsonl:
        {"text": "Корабль стоит в порту, а самолёт летит над городом и над рекой, и никто не знает, куда он летит сегодня."}
        {"text": "На снимке видны три дома, две дороги и один мост; слева от моста стоит старая церковь с высокой башней."}
Good
    README.md:
        ---
        license: mit
        language: [en, ru]
        ---
    train.jsonl:
        {"text": "Корабль стоит в порту, а самолёт летит над городом и над рекой, и никто не знает, куда он летит сегодня."}
        {"text": "На снимке видны три дома, две дороги и один мост; слева от моста стоит старая церковь с высокой башней."}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.rowscan import RowScan
from publisher.checks.observe.scripts_written import SCRIPTS
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_FEWEST = 100  # letters
_MOST_OF = 0.5


@rule(Severity.NOTE)
def script(card: Metadata, scan: RowScan) -> Iterator[Fault | Skip]:
    """Compare, where every language is one whose script is beyond doubt."""
    languages = card.texts("language")
    scripts = [SCRIPTS.get(value.data.casefold().partition("-")[0]) for value in languages]
    letters = sum(scan.letters.values())
    if languages and all(scripts) and letters >= _FEWEST:
        expected = frozenset().union(*(each for each in scripts if each))
        written, count = max(scan.letters.items(), key=lambda item: item[1])
        # Code, addresses and markup are Latin in every language.
        if written not in expected and written != "Latin" and count > _MOST_OF * letters:
            first = languages[0]
            yield Fault(
                f"{count * 100 // letters}% of the letters are {written}, which {quote(first.data)} is not written in",
                README,
                first.line,
                first.column,
                hint="correct `language`",
            )
    for reason in scan.left_out:
        yield Skip(reason)
