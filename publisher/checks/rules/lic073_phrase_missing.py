"""LIC073 phrase-missing: the base's licence asks for words on the page or in the model's name, and they are missing.

Why   from Llama 3 on, a page must say "Built with Llama" and a model's name begin with "Llama"; Qwen's own licence
      asks for "Built with Qwen" or "Improved using Qwen".
Fix   write the phrase where readers see it; give the model a name that begins as the licence asks.

Bad
    README.md: ←
        ---
        license: llama3.1
        base_model: meta-llama/Llama-3.1-8B
        ---
        # A model
    config.json:
        {}
Bad
    README.md:
        ---
        license: llama3.1
        base_model: meta-llama/Llama-3.1-8B
        model_name: aerial-8b ←
        ---
        Built with Llama.
    config.json:
        {}
Good
    README.md:
        ---
        license: llama3.1
        base_model: meta-llama/Llama-3.1-8B
        model_name: Llama-3.1-aerial-8B
        ---
        **Built with Llama**.
    config.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.duties import Family, inherited, says, strictness
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.itself import Itself
from publisher.checks.observe.readme import README, Metadata, Readme
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def phrase_missing(card: Metadata, readme: Readme, kind: RepoKind, itself: Itself) -> Iterator[Fault]:
    """Report a missing phrase once a licence, and a name that begins otherwise: the card's, else the repo's."""
    value = card.get("model_name")
    name = str(value.data) if value is not None else itself.repo_id
    for family, sure in {base.family: base.sure for base in inherited(card)}.items():
        severity = strictness(Severity.ERROR, kind) if sure else Severity.WARNING
        if family.phrases and not any(says(readme.text, phrase) for phrase in family.phrases):
            wanted = " or ".join(f'"{phrase}"' for phrase in family.phrases)
            yield Fault(
                f"{family.title} asks that the page says {wanted}",
                README,
                hint=f"write in the card: {family.phrases[0]}",
                severity=severity,
            )
        if family.prefix and name is not None and not _begins(name, family):
            yield Fault(
                f"{family.title} asks for a name that begins with {quote(family.prefix)}, not {quote(name)}",
                README,
                value.line if value is not None else None,
                value.column if value is not None else None,
                hint=f"a name such as {family.prefix}-..."
                if value is None
                else f"model_name: {family.prefix}-...",
                severity=severity if value is not None else Severity.WARNING,
            )


def _begins(name: str, family: Family) -> bool:
    """Whether a name begins as asked; Meta's own names begin with `Meta-Llama`."""
    words = name.rpartition("/")[2].casefold().replace("-", " ").replace("_", " ")
    return words.removeprefix("meta ").startswith(family.prefix.casefold())
