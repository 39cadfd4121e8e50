"""SNIP148 chat-template-unused: a snippet feeds a chat model plain text, without its template.

Why   an instruction model was trained on turns with their marks; without them it goes on with the prompt instead of
      answering it.
Fix   `tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)`.

Bad
    README.md:
        ---
        base_model: google/gemma-2-9b-it
        ---
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        inputs = tokenizer("Describe a ship.", return_tensors="pt") ←
        out = model.generate(**inputs)
        ```
Good
    README.md:
        ---
        base_model: google/gemma-2-9b-it
        ---
        ```python
        from transformers import AutoModelForCausalLM, AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained("acme/model")
        model = AutoModelForCausalLM.from_pretrained("acme/model")
        text = tokenizer.apply_chat_template([{"role": "user", "content": "Describe a ship."}], tokenize=False)
        inputs = tokenizer(text, return_tensors="pt")
        out = model.generate(**inputs)
        ```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.claims import Claims
from publisher.checks.observe.models_in_code import ModelsInCode
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import constant
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_CHAT_NAME = re.compile(r"[-_](?:it|instruct|chat)(?:[-_.]|$)", re.IGNORECASE)
# A template, or its marks written out by hand.
_TEMPLATE = re.compile(
    r"apply_chat_template|chat_template|\[INST\]|<\|?(?:im_start|start_of_turn|start_header_id|user|assistant|system|prompter|"
    r"endoftext)\|?>|### ?(?:Instruction|Human|User|Response|Input|Assistant)|\b(?:USER|ASSISTANT|Human|Assistant|User|Question|GPT4[^:]{0,30}) ?:|"
    r"\.chat\(|build_prompt|format_prompt|prompt_template|messages",
)


@rule(Severity.WARNING)
def chat_template_unused(models: ModelsInCode, claims: Claims) -> Iterator[Fault]:
    """Report where the model is one for chat by its own name or its base's, and no block shows a template."""
    if _TEMPLATE.search(models.snippets.all_code):
        return
    bases = {base.text for base in claims.bases}
    for generation in models.generations:
        names = {generation.model.repo} | bases
        chat = next((name for name in sorted(names) if _CHAT_NAME.search(name)), None)
        if chat is None or not generation.model.is_causal:
            continue
        for name, call, _ in models.encoded(generation.block):
            if any(isinstance(each, str) for each in map(constant, call.args)) or call.args:
                yield Fault(
                    f"{chat} is an instruction model, and its chat template is not applied",
                    README,
                    generation.block.line(call),
                    hint=f"{name} = tokenizer.apply_chat_template(messages, add_generation_prompt=True, ...)",
                )
                return
