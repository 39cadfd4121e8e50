"""SEC084 template-attack: the chat template reaches for Python behind the sandbox.

Why   a template is run by everybody who uses the model, and not every tool runs it in a sandbox: `x.__class__` and
      its like are the way from a text to the whole machine.
Fix   take the expression out; a chat template needs none of it.

Bad
    chat_template.jinja:
        {{ messages[0].content }}
        {{ ''.__class__.__mro__[1].__subclasses__() }} ←
Bad
    tokenizer_config.json:
        {
          "chat_template": "{{ lipsum['__glo' ~ 'bals__'] }}" ←
        }
Bad
    chat_template.jinja:
        {{ ''['__cla' ~ 'ss__'] }} ←
Bad
    chat_template.jinja:
        {{ messages | map(attribute='__init__.__globals__') | list }} ←
Bad
    chat_template.jinja:
        {% include '/etc/passwd' %} ←
Good
    chat_template.jinja:
        {% set ns = namespace(found=false) %}
        {% for message in messages %}{{ message['content'] | trim }}{% endfor %}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.checks.observe import chat
from publisher.checks.observe.chat import ChatTemplates, Template, TemplateFaultError
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

if TYPE_CHECKING:
    from jinja2 import nodes

# Objects of jinja2's own whose attributes lead to modules.
_GATES = frozenset(
    ("lipsum", "cycler", "joiner", "self", "config", "request", "get_flashed_messages", "url_for")
)
_ATTRIBUTES = frozenset(
    (
        "mro",
        "func_globals",
        "func_code",
        "gi_frame",
        "gi_code",
        "cr_frame",
        "cr_code",
        "f_globals",
        "f_builtins",
    )
)
_MOST = 5


@rule(Severity.ERROR)
def template_attack(chats: ChatTemplates) -> Iterator[Fault]:
    """Walk the syntax trees; nothing is run. What cannot be parsed is TOK062's."""
    for template in chats.templates:
        try:
            tree = chat.parse(template.text)
        except TemplateFaultError:
            continue
        # Several names of one expression, and several expressions of one line, are one place to mend.
        places: dict[int, str] = {}
        for node, what in _suspects(tree):
            places.setdefault(node.lineno, what)
        for line, what in list(places.items())[:_MOST]:
            yield _fault(template, line, what)


def _fault(template: Template, line: int, what: str) -> Fault:
    return Fault(
        f"the chat template uses {what}",
        template.path,
        line if template.line is None else template.line,
        hint="take it out; do not run this template",
    )


def _suspects(tree: nodes.Template) -> Iterator[tuple[nodes.Node, str]]:
    from jinja2 import nodes

    for attribute in tree.find_all(nodes.Getattr):
        if _is_private(attribute.attr):
            yield attribute, f"the attribute {quote(attribute.attr)}"
    for item in tree.find_all(nodes.Getitem):
        key = _text(item.arg)
        if key is not None and _is_private(key):
            yield item, f"the attribute {quote(key)}"
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in _GATES and not _is_set(tree, name.name):
            yield name, quote(name.name)
    for called in tree.find_all(nodes.Filter):
        if called.name in ("attr", "format", "pprint", "xmlattr") or called.name.startswith("_"):
            yield called, f"the filter {quote(called.name)}"
        for argument in (*called.args, *(pair.value for pair in called.kwargs)):
            key = _text(argument)
            if key is not None and any(_is_private(part) for part in key.split(".")):
                yield called, f"the attribute {quote(key)}"
    for kind in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        for node in tree.find_all(kind):
            yield node, "another file"


def _text(node: nodes.Node) -> str | None:
    """The text that an expression stands for, where it is written out or put together of such texts."""
    from jinja2 import nodes

    if isinstance(node, nodes.Const):
        return node.value if isinstance(node.value, str) else None
    parts: list[nodes.Expr] = []
    if isinstance(node, nodes.Concat):
        parts = node.nodes
    elif isinstance(node, nodes.Add):
        parts = [node.left, node.right]
    texts = [_text(part) for part in parts]
    return "".join(text for text in texts if text is not None) if texts and None not in texts else None


def _is_private(name: str) -> bool:
    return name.startswith("__") or name in _ATTRIBUTES


def _is_set(tree: nodes.Template, name: str) -> bool:
    """Whether the template sets a variable of that name itself: then it is no gate."""
    from jinja2 import nodes

    return any(found.name == name and found.ctx != "load" for found in tree.find_all(nodes.Name))
