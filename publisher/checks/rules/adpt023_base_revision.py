"""ADPT023 base-revision: the adapter does not say which revision of its base it was trained on.

Why   `main` moves: a base that is updated changes what every adapter on top of it does, and nothing in the repo
      tells that it did.
Fix   write the base's commit, or a tag, into `revision` of adapter_config.json.

Bad
    adapter_config.json:
        {
          "base_model_name_or_path": "google/gemma-3-12b-it",
          "revision": null ←
        }
Good
    adapter_config.json:
        {
          "base_model_name_or_path": "google/gemma-3-12b-it",
          "revision": "96b6f1eccf38110c56df3a15bffe176da04bfd80"
        }
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.jsons import AdapterConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def base_revision(adapter: AdapterConfig) -> Iterator[Fault]:
    """Report a revision that is missing or moves."""
    revision = adapter.data.get("revision")
    if revision in (None, "", "main", "master"):
        told = "is missing" if not revision else f"is {revision}, which moves"
        yield Fault(
            f"the base's `revision` {told}",
            adapter.path,
            adapter.line("revision"),
            hint='"revision": "<commit of the base>"',
        )
