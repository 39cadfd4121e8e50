"""CFG058 json-unreadable: a configuration file or shard index is not a JSON mapping.

Why   every loader stops at it; and rules that need the file can say nothing about the repo.
Fix   mend the line that is named, or save the file again.

Bad
    config.json:
        {
          "model_type": "llama",
        } ←
Good
    config.json:
        {
          "model_type": "llama"
        }
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.target import JsonFaults
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def json_unreadable(faults: JsonFaults) -> Iterator[Fault]:
    """Report each file that cannot be read."""
    for fault in faults.faults:
        yield Fault(fault.message, fault.path, fault.line, hint="save the file again")
