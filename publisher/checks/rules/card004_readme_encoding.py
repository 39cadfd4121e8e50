"""CARD004 readme-encoding: README.md is not UTF-8.

Why   the Hub reads cards as UTF-8. Other bytes are shown as replacement characters, and tools that edit the card
      refuse it.
Fix   save the file as UTF-8: `iconv -f latin1 -t utf-8 README.md`.

Bad
    README.md (latin-1):
        # A model
        Für Luftbilder. ←
Good
    README.md:
        # A model
        Für Luftbilder.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def readme_encoding(readme: Readme) -> Iterator[Fault]:
    """Report bytes that are no UTF-8, and NUL characters."""
    if readme.undecodable is not None:
        yield Fault("README.md is not UTF-8", README, readme.undecodable, hint="save it as UTF-8")
    elif "\0" in readme.text:
        line = readme.text.count("\n", 0, readme.text.index("\0")) + 1
        yield Fault("README.md holds a NUL character", README, line, hint="save it as UTF-8, without NUL")
