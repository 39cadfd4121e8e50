"""Where each number of a card comes from, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from publisher.card.trace import Rendered
    from publisher.records.facts import Fact


def evidence_document(facts: Mapping[str, Fact], times: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Fact → stage, source, and the time where it is known: file, pointer and digest; a command; or who states it."""
    return {
        name: {
            "stage": fact.stage,
            **vars(fact.source),
            **({"time": times[fact.stage]} if fact.stage in times else {}),
        }
        for name, fact in facts.items()
    }


def explained(
    rendered: Rendered, facts: Mapping[str, Fact], times: Mapping[str, str], mend: str
) -> Iterator[str]:
    """One line a number, in the order of the text; behind them those without evidence, with the command that helps."""
    from publisher.card.trace import unaccounted

    for span in rendered.spans:
        account = span.fact or span.stated
        if account is not None:
            yield f"  {span.line:>4}  {span.text:<24} {account:<36} {_evidence(facts.get(account), times)}"
    for span in unaccounted(rendered):
        yield f"  {span.line:>4}  {span.text:<24} without evidence: drop it, or state it: {mend}"


def _evidence(fact: Fact | None, times: Mapping[str, str]) -> str:
    from publisher.records.facts import CommandSource, FileSource

    if fact is None:
        return ""
    source = fact.source
    if isinstance(source, FileSource):
        where = f"{source.path}{'#' + source.pointer if source.pointer else ''} (sha256 {source.sha256[:12]})"
    elif isinstance(source, CommandSource):
        where = f"command: {source.command} (sha256 {source.sha256[:12]})"
    else:
        return f"stated: {source.stated}"
    return f"{where}, by {fact.stage}{f' at {times[fact.stage]}' if fact.stage in times else ''}"
