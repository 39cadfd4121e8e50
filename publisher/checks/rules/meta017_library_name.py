"""META017 library-name: `library_name` is missing, or is not the library that these files are for.

Why   the Hub's example code and download counter follow this key. Since August 2024 a config.json no longer implies
      transformers, and an adapter that says `transformers` gets code that cannot load it.
Fix   `library_name: peft` for an adapter, `library_name: transformers` for a transformers checkpoint.

Bad
    README.md:
        ---
        license: mit
        library_name: transformers ←
        ---
    adapter_config.json:
        {}
Bad
    README.md:
        --- ←
        license: mit
        ---
    config.json:
        {"model_type": "llama", "transformers_version": "5.0.0"}
Good
    README.md:
        ---
        license: mit
        library_name: peft
        ---
    adapter_config.json:
        {}
Good
    README.md:
        ---
        license: mit
        ---
    config.json:
        {"hidden": 128}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING, fixable=True)
def library_name(card: Metadata, kind: RepoKind, config: ModelConfig | None) -> Iterator[Fault]:
    """Report an adapter that is not PEFT's, and a transformers checkpoint without any library."""
    value = card.get("library_name")
    if kind is RepoKind.ADAPTER:
        # Other libraries (sentence-transformers, diffusers) load PEFT's files too; plain transformers is the slip.
        if value is None or value.data == "transformers":
            problem = "has no" if value is None else "says transformers as its"
            yield Fault(
                f"the repo holds an adapter and the card {problem} `library_name`",
                README,
                card.line_of("library_name"),
                hint="library_name: peft",
                edit=Edit(README, card.first_line, "library_name: peft")
                if value is None
                else Edit(README, value.line, "peft", value.column, value.raw),
            )
    elif (
        kind is RepoKind.MODEL
        and value is None
        and config is not None
        and "transformers_version" in config.data
    ):
        yield Fault(
            "the card has no `library_name`, and config.json alone does not tell the Hub",
            README,
            card.first_line,
            hint="library_name: transformers",
            edit=Edit(README, card.first_line, "library_name: transformers"),
        )
