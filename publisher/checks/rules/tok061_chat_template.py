"""TOK061 chat-template: the card calls the model conversational, and its tokenizer has no chat template.

Why   without a template `apply_chat_template` and chat widgets fail, and every user writes prompts of his own that
      the model was not trained on.
Fix   ship the template that the model was trained with: chat_template.jinja, or `chat_template` in
      tokenizer_config.json.

Bad
    README.md:
        ---
        license: mit
        tags:
        - conversational ←
        ---
    config.json:
        {}
    tokenizer_config.json:
        {"tokenizer_class": "PreTrainedTokenizerFast"}
Good
    README.md:
        ---
        license: mit
        tags:
        - conversational
        ---
    config.json:
        {}
    tokenizer_config.json:
        {"tokenizer_class": "PreTrainedTokenizerFast"}
    chat_template.jinja:
        {{ messages }}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import TokenizerConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_FILES = ("chat_template.jinja", "chat_template.json")


@rule(Severity.WARNING)
def chat_template(card: Metadata, tokenizer: TokenizerConfig, files: Files) -> Iterator[Fault]:
    """Report a missing template only where the card itself says that this is a chat model."""
    tag = next((value for value in card.texts("tags") if value.data == "conversational"), None)
    has_template = bool(tokenizer.data.get("chat_template")) or any(
        name in files or files.matching(f"additional_chat_templates/{name}") for name in _FILES
    )
    if tag is not None and not has_template:
        yield Fault(
            "the card says conversational, and there is no chat template",
            README,
            tag.line,
            tag.column,
            hint="add chat_template.jinja",
        )
