"""CFG057 config-leftovers: config.json names a folder of the machine that it was written on.

Why   `_name_or_path` tells strangers how a disk is laid out, and users what to load that they cannot have. A
      `transformers_version` that was never released cannot be installed again.
Fix   write the base's id, or delete the key; save again with a released transformers.

Bad
    config.json:
        {
          "_name_or_path": "./out/checkpoint-500" ←
        }
Bad
    config.json:
        {
          "transformers_version": "5.3.0.dev0" ←
        }
Good
    config.json:
        {"_name_or_path": "google/gemma-3-4b-it", "transformers_version": "5.3.0"}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.hub_ids import why_no_id
from publisher.checks.mending import write_value
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING, fixable=True)
def config_leftovers(config: ModelConfig) -> Iterator[Fault]:
    """Report a path as a warning, an unreleased version as a note."""
    name, version = config.data.get("_name_or_path"), config.data.get("transformers_version")
    why = why_no_id(name) if isinstance(name, str) and name else None
    if why is not None:
        yield Fault(
            f"_name_or_path {quote(name)} {why}",
            config.path,
            config.line("_name_or_path"),
            hint="delete the key",
            edit=write_value(config, "_name_or_path", ""),
        )
    if isinstance(version, str) and "dev" in version:
        yield Fault(
            f"written with transformers {quote(version)}, which was never released",
            config.path,
            config.line("transformers_version"),
            hint="save again with a released version",
            severity=Severity.NOTE,
        )
