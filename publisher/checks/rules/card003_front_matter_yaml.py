"""CARD003 front-matter-yaml: the front matter is not one YAML mapping, or a key stands in it twice.

Why   the Hub refuses a README.md whose metadata it cannot parse, and of a key that stands twice one value is lost
      without a word.
Fix   mend the line that is named; quote a text that holds `: ` or begins with `@`, `*` or `[`; indent with blanks.

Bad
    README.md:
        ---
        license: mit
        title: a model: the second edition ←
        ---
Bad
    README.md:
        ---
        license: mit
        tags: [text]
        license: apache-2.0 ←
        ---
Bad
    README.md:
        ---
        - license ←
        ---
Good
    README.md:
        ---
        license: mit
        title: "a model: the second edition"
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.target import FrontMatter
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def front_matter_yaml(front_matter: FrontMatter) -> Iterator[Fault]:
    """Report what the YAML parser found."""
    for fault in front_matter.faults:
        yield Fault(fault.message, README, fault.line, fault.column, hint="quote texts, indent with blanks")
