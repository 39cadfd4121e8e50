"""TOK064 turn-end: the chat template ends a turn with a token that generation does not stop at.

Why   the model then writes on past its answer: the user's next turn, and the next answer, until the limit.
Fix   add the token's number to `eos_token_id` in generation_config.json.

Bad
    README.md:
        ---
        license: mit
        tags: [conversational]
        ---
    chat_template.jinja:
        {% for m in messages %}<|im_start|>{{ m.role }} {{ m.content }}<|im_end|>{% endfor %}
    tokenizer_config.json:
        {"added_tokens_decoder": {"5": {"content": "<|im_end|>"}}}
    generation_config.json:
        {
          "eos_token_id": 2 ←
        }
Good
    README.md:
        ---
        license: mit
        tags: [conversational]
        ---
    chat_template.jinja:
        {% for m in messages %}<|im_start|>{{ m.role }} {{ m.content }}<|im_end|>{% endfor %}
    tokenizer_config.json:
        {"added_tokens_decoder": {"5": {"content": "<|im_end|>"}}}
    generation_config.json:
        {"eos_token_id": [2, 5]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.mending import add_number
from publisher.checks.observe.chat import ChatTemplates
from publisher.checks.observe.jsons import GenerationConfig
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.vocabulary import AddedTokens, token_ids
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Tokens that end a turn and nothing else, in the templates of Qwen, Llama 3, Gemma, Phi 3 and Gemma 4.
_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<turn|>")
_TRAINED = frozenset(("sft", "dpo", "grpo", "trl"))


@rule(Severity.ERROR, fixable=True)
def turn_end(
    chats: ChatTemplates, tokens: AddedTokens, generation: GenerationConfig, card: Metadata
) -> Iterator[Fault]:
    """Report it where the card says conversational; base models keep a template that they were not trained on."""
    tags = {value.data for value in card.texts("tags")}
    stops = token_ids(generation, "eos_token_id")
    if not stops or not tags & (_TRAINED | {"conversational"}):
        return
    ends = [
        end for end in _TURN_ENDS if end in tokens.ids and any(end in chat.text for chat in chats.templates)
    ]
    if ends and not any(tokens.ids[end] in stops for end in ends):
        number = tokens.ids[ends[0]]
        yield Fault(
            f"the chat template ends a turn with {quote(ends[0])} ({number}), eos_token_id does not list it",
            generation.path,
            generation.line("eos_token_id"),
            hint=f'"eos_token_id": {sorted(stops | {number})}',
            severity=None if "conversational" in tags else Severity.WARNING,
            edit=add_number(generation, "eos_token_id", number),
        )
