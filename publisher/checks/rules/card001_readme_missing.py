"""CARD001 readme-missing: the repo has no README.md, or an empty one.

Why   README.md is the repo's page, and the only place for its metadata: without it there is no licence, no task and
      no way to find the repo.
Fix   write one; `hubpub card NAME` makes it from the release's facts.

Bad
    README.md (empty): ←
    config.json:
        {}
Good
    README.md:
        # A model
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README, Readme
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def readme_missing(readme: Readme | None) -> Iterator[Fault]:
    """Report a README.md that is not there or says nothing."""
    if readme is None:
        yield Fault("there is no README.md", README, hint="hubpub card NAME writes it")
    elif not readme.text.strip():
        yield Fault("README.md is empty", README, hint="hubpub card NAME writes it")
