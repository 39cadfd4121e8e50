"""WGT050 gguf-differs: a GGUF file is damaged, or its own metadata contradict the card.

Why   programs show what stands in the file, not the card: a licence or a base that was copied from an older model
      is what its users are told.
Fix   convert again with the right metadata, or correct the card.

Bad
    README.md:
        ---
        license: apache-2.0
        ---
    model.gguf (GGUF, general.license gemma): ←
Bad
    model.gguf: ←
        this is no GGUF
Good
    README.md:
        ---
        license: apache-2.0
        ---
    model.gguf (GGUF, general.license apache-2.0):
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.ids import licences
from publisher.checks.observe.ggufs import GgufFiles
from publisher.checks.observe.readme import Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_KEY = "general.license"


@rule(Severity.WARNING)
def gguf_differs(ggufs: GgufFiles, card: Metadata | None) -> Iterator[Fault]:
    """Report damaged files as errors, and licences that are both the Hub's ids and differ, once a licence."""
    for path, fault in ggufs.faults.items():
        yield Fault(
            f"not a GGUF file: {fault}", path, hint="convert or download it again", severity=Severity.ERROR
        )
    named = {value.data.casefold() for value in card.texts("license")} if card is not None else set()
    reported: set[str] = set()
    for path, header in ggufs.headers.items():
        said = (header.text(_KEY) or "").casefold()
        if named and said in licences() and said not in named | reported:
            reported.add(said)
            yield Fault(
                f"{_KEY} is {quote(said)}, the card says {quote(', '.join(sorted(named)))}",
                path,
                hint="convert again with the card's licence, or correct the card",
            )
