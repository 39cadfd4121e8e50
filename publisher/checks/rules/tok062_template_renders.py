"""TOK062 template-renders: the chat template cannot be rendered.

Why   `apply_chat_template`, every server and every chat widget fail with it on the first message.
Fix   correct the template; try it with `tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}])`.

Bad
    chat_template.jinja:
        {% for message in messages %}
        {{ message.content }} ←
Bad
    chat_template.jinja: ←
        {{ messages[0].text.upper() }}
Good
    chat_template.jinja:
        {%- if messages[0].role == 'system' %}{{ raise_exception('No system role') }}{% endif -%}
        {%- for message in messages -%}
        {{ '<|' ~ message['role'] ~ '|>' + message['content'] | trim }}
        {%- if loop.last and add_generation_prompt %}{{ '<|assistant|>' }}{% endif -%}
        {%- endfor -%}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from publisher.checks.observe import chat
from publisher.checks.observe.chat import (
    ChatTemplates,
    RefusedError,
    Template,
    TemplateFaultError,
    UnjudgedError,
)
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_PARTS = [{"type": "text", "text": "Hello"}]
# From the plainest on; multimodal templates want parts, some want a system message, others refuse one.
_CONVERSATIONS: tuple[list[dict[str, Any]], ...] = (
    [{"role": "user", "content": "Hello"}],
    [{"role": "user", "content": _PARTS}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    [{"role": "system", "content": _PARTS}, {"role": "user", "content": _PARTS}],
    [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "?"},
    ],
)
_MORE: tuple[dict[str, Any], ...] = ({}, {"tools": [], "documents": [], "enable_thinking": True})


@rule(Severity.ERROR)
def template_renders(chats: ChatTemplates) -> Iterator[Fault | Skip]:
    """Report a template that breaks on every conversation; one that it takes is enough."""
    for template in chats.templates:
        try:
            chat.parse(template.text)
            why = _why_broken(template)
        except TemplateFaultError as fault:
            line = fault.line if template.line is None else template.line
            yield Fault(f"the chat template is no valid template: {fault}", template.path, line)
        except UnjudgedError as reason:
            yield Skip(f"{template.path} was not rendered: it {reason}")
        else:
            if why is not None:
                name = f" {quote(template.name)}" if template.name else ""
                yield Fault(
                    f"the chat template{name} breaks on a user's first message: {why}",
                    template.path,
                    template.line,
                    hint='apply_chat_template([{"role": "user", "content": "Hello"}])',
                )


def _why_broken(template: Template) -> str | None:
    """The first fault, where there is nothing but faults."""
    first = None
    for more in _MORE:
        for conversation in _CONVERSATIONS:
            try:
                chat.render(template.text, conversation, **more)
            except RefusedError:
                continue  # its author's word on this conversation
            except TemplateFaultError as fault:
                first = first or str(fault)
            else:
                return None
    return first
