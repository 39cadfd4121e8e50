"""CLAIM126 base-differs: the card names one base model, and elsewhere another generation or size of its family.

Why   one of them is wrong, and prompts, licence and limits follow from the base.
Fix   name the base that was trained on, everywhere the same.

Bad
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        Built on Google's Gemma-2-9B architecture. ←
Bad
    README.md:
        ---
        base_model: google/gemma-2-9b-it
        ---
        ```bash
        python gemma3_lora_finetune.py --lora_r 64 ←
        ```
Good
    README.md:
        ---
        base_model: google/gemma-3-12b-it
        ---
        Fine-tuned from Gemma 3 12B; better than a model based on our Qwen 2.5 7B.
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.known.models import Mention, mentions
from publisher.checks.observe.claims import BaseModel, Claims
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def base_differs(claims: Claims, snippets: Snippets) -> Iterator[Fault]:
    """Report where none of the named bases has the generation and size that the text, or a script's name, says."""
    named = [base for base in claims.bases if base.mention is not None]
    if not named:
        return
    reported: set[str] = set()
    for base in claims.bases_in_text:
        if base.mention is not None and base.text not in reported and not _fits(base.mention, named):
            reported.add(base.text)
            yield Fault(
                f"{quote(base.text)} is named as the base here, {quote(named[0].text)} in line {named[0].line}",
                README,
                base.line,
                hint="name the base that was trained on",
            )
    for command in snippets.commands:
        script = command.script
        mention = next(mentions(script, sized=False), None) if script else None
        if mention is not None and not _fits(mention, named):
            yield Fault(
                f"the script {quote(script)} is called after {mention.family.title if mention.family else mention.text}, "
                f"the base after {_title(named[0])}: one of them is wrong",
                README,
                command.lines[0],
                hint="say which generation was trained",
            )


def _fits(mention: Mention, named: list[BaseModel]) -> bool:
    for base in named:
        other = base.mention
        if other is None or other.name != mention.name:
            return True  # another family: a comparison, or an architecture by another name
        same = other.generation.partition(".")[0] == mention.generation.partition(".")[0]
        if same and (not mention.size or not other.size or mention.size == other.size):
            return True
    return False


def _title(base: BaseModel) -> str:
    return base.mention.family.title if base.mention is not None and base.mention.family else base.text
