"""LIC071 notice-missing: the base's licence asks for a NOTICE file with a certain sentence, and it is not there.

Why   Gemma's, Llama's and Qwen's licences name the exact sentence that every copy must carry in a text file "Notice".
Fix   write the sentence into a file NOTICE; the hint holds it.

Bad
    README.md: ←
        ---
        license: gemma
        base_model: google/gemma-3-4b-it
        ---
    config.json:
        {}
    model.safetensors (safetensors):
        weight F32 8x8
Bad
    README.md:
        ---
        license: llama3.2
        base_model: meta-llama/Llama-3.2-1B
        ---
    NOTICE: ←
        Copyright Meta
    config.json:
        {}
Good
    README.md:
        ---
        license: gemma
        base_model: google/gemma-3-4b-it
        ---
    NOTICE:
        Gemma is provided under and subject to the Gemma Terms of Use
        found at ai.google.dev/gemma/terms
    config.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.duties import LicenceTexts, inherited, says, strictness
from publisher.checks.observe.files import RepoKind
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR, fixable=True)
def notice_missing(card: Metadata, texts: LicenceTexts, kind: RepoKind) -> Iterator[Fault]:
    """Report each sentence that no file holds, at NOTICE where there is one."""
    for family, sure in {base.family: base.sure for base in inherited(card) if base.family.notice}.items():
        # A year and a holder may follow the licence's name; up to there the sentence is fixed.
        fixed = family.notice.partition(", Copyright")[0]
        if any(says(text, fixed) for text in texts.texts.values()):
            continue
        severity = strictness(Severity.ERROR, kind) if sure else Severity.WARNING
        yield Fault(
            f"no NOTICE file says what {family.title} asks for: {family.notice}",
            next(iter(texts.notices), README),
            hint=f"NOTICE: {family.notice}",
            severity=Severity.NOTE if family.copies else severity,
            edit=Edit(next(iter(texts.notices), "NOTICE"), 0, family.notice),
        )
