"""Chat templates: found where tokenizers keep them, read as syntax trees, and rendered within bounds.

A template is a stranger's program. jinja2's sandbox keeps it from Python, but not from filling the memory or running
for ever; so loops, calls and texts are counted here, and what goes beyond ends the rendering.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import MAX_BYTES, NotJsonError, TokenizerConfig, parse_json
from publisher.checks.observe.target import Absent, RepoView

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEMPLATE = 256 * 1024  # characters; the longest that is known has 40,000
_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
_MAX_STEPS = 20_000  # iterations and calls of one rendering
_MAX_CHARACTERS = 20_000_000  # made in one rendering, intermediate texts included
_LONGEST = 500_000  # of one text


@dataclass(frozen=True)
class Template:
    """One template: where it stands, its line there (None: its own file), and its name where there are several."""

    path: str
    text: str
    line: int | None = None
    name: str = ""


@dataclass(frozen=True)
class ChatTemplates:
    """All of a repo's templates."""

    templates: tuple[Template, ...]

    @classmethod
    def observe(cls, view: RepoView) -> ChatTemplates | Absent:
        """From chat_template.jinja, tokenizer_config.json and the older chat_template.json."""
        files, config = view.observe(Files), view.observe(TokenizerConfig)
        if isinstance(files, Absent):
            return files
        found: list[Template] = []
        if not isinstance(config, Absent):
            value = config.data.get("chat_template")
            found += _from_json(config.path, value, config.line("chat_template"))
        for entry in [
            *files.matching("chat_template.jinja"),
            *files.matching("additional_chat_templates/*.jinja"),
        ]:
            if entry.readable and entry.size <= MAX_TEMPLATE:
                found.append(Template(entry.path, view.source.read(entry.path).decode("utf-8", "replace")))
        for entry in files.matching("chat_template.json"):
            if entry.readable and entry.size <= MAX_BYTES:
                try:
                    found += _from_json(
                        entry.path, parse_json(view.source.read(entry.path))[1].get("chat_template"), 1
                    )
                except NotJsonError:
                    continue
        templates = tuple(template for template in found if len(template.text) <= MAX_TEMPLATE)
        return cls(templates) if templates else Absent("no chat template", missing=True)


class TemplateFaultError(Exception):
    """A template is wrong: it cannot be parsed, or breaks while it is rendered."""

    def __init__(self, why: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(why)


class RefusedError(Exception):
    """The template itself refuses a conversation (`raise_exception`)."""


class UnjudgedError(Exception):
    """Nothing can be said: the template needs something that is not there, or more than the bounds allow."""


def parse(text: str) -> nodes.Template:
    """A template's syntax tree.

    Raises:
        TemplateFaultError: it has none.
    """
    from jinja2 import TemplateSyntaxError

    try:
        return _environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateFaultError(error.message or "not a template", error.lineno) from None
    except RecursionError:
        raise TemplateFaultError("nested too deeply to be read") from None


def render(text: str, messages: list[dict[str, Any]], **more: Any) -> str:
    """Render a template as transformers does.

    Raises:
        TemplateFaultError: it cannot be parsed, or breaks.
        RefusedError: the template refuses these messages.
        UnjudgedError: it went beyond the bounds, or uses what is not offered here.
    """
    from jinja2 import TemplateError, TemplateRuntimeError, UndefinedError, nodes
    from jinja2.exceptions import SecurityError, TemplateAssertionError

    tree = parse(text)
    for joined in list(tree.find_all(nodes.Concat)):  # `~` is compiled to a plain join, which nobody counts
        joined.nodes[:] = [
            nodes.Filter(
                nodes.List(list(joined.nodes)), "counted_join", [], [], None, None, lineno=joined.lineno
            )
        ]
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
    environment = _environment()
    environment.budget = _Budget()  # type: ignore[attr-defined]
    try:
        return environment.from_string(tree).render(
            {"messages": messages, "add_generation_prompt": True} | _TOKENS | more
        )
    except (SecurityError, TemplateAssertionError) as error:
        raise UnjudgedError(str(error)) from None
    except UndefinedError as error:
        raise TemplateFaultError(str(error)) from None
    except (TemplateRuntimeError, TemplateError) as error:
        raise TemplateFaultError(str(error)) from None
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, ZeroDivisionError) as error:
        raise TemplateFaultError(f"{type(error).__name__}: {error}") from None
    except (RecursionError, OverflowError, MemoryError) as error:
        raise UnjudgedError(type(error).__name__) from None


class _Budget:
    """What one rendering may still use up."""

    def __init__(self) -> None:
        self.steps = _MAX_STEPS
        self.characters = _MAX_CHARACTERS

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise UnjudgedError(f"takes more than {_MAX_STEPS:,} steps")

    def text(self, length: int) -> None:
        self.characters -= length
        if length > _LONGEST or self.characters < 0:
            raise UnjudgedError("makes texts of more than a few megabytes")


# What a text's methods may make longer than it was is computed before it is made.
_SHORTENING = frozenset((
    "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "lower", "upper", "title",
    "capitalize", "find", "rfind", "index", "count", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower",
    "removeprefix", "removesuffix", "partition", "rpartition",
))  # fmt: skip
_DICT_METHODS = frozenset(("get", "items", "keys", "values"))


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}`, which transformers uses to mark what an assistant said."""

        tags = {"generation"}  # noqa: RUF012 - jinja2's own spelling

        def parse(self, parser: Any) -> nodes.Node:
            line = next(parser.stream).lineno
            return nodes.Scope(
                parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line
            )

    class Bounded(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(("+", "*", "**", "%", "//", "/"))
        budget = _Budget()

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if operator == "**":
                raise UnjudgedError("uses powers")
            if operator in "*%" and not (_is_number(left) and _is_number(right)):
                raise UnjudgedError("repeats or formats texts")
            if operator == "+" and not (_is_number(left) or _is_number(right)):
                self.budget.text(_length(left) + _length(right))
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, called: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.budget.step()
            owner, name = getattr(called, "__self__", None), getattr(called, "__name__", "")
            if isinstance(owner, str) and name not in _SHORTENING:
                self.budget.text(_grown(owner, name, args))
            elif isinstance(owner, dict | list | tuple) and name not in _DICT_METHODS | {"index", "count"}:
                raise UnjudgedError(f"calls {name}")
            return super().call(context, called, *args, **kwargs)

    environment = Bounded(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])

    def counted(values: Iterable[Any]) -> Any:
        """A list, so that `loop.last` and slices still work; each element is a step."""
        taken = []
        for value in values:
            environment.budget.step()
            taken.append(value)
        return taken

    def counted_join(values: Iterable[Any]) -> str:
        parts = [str(value) for value in values]
        environment.budget.text(sum(map(len, parts)))
        return "".join(parts)

    def concat(parts: Iterable[str]) -> str:
        return counted_join(parts)

    def join(value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
        parts = [str(item[attribute] if attribute else item) for item in value]
        environment.budget.text(sum(map(len, parts)) + len(str(d)) * len(parts))
        return str(d).join(parts)

    def replace(text: Any, old: str, new: str, count: int = -1) -> str:
        environment.budget.text(_grown(str(text), "replace", (old, new)))
        return str(text).replace(old, new, count)

    def tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **_: Any) -> str:
        text = json.dumps(
            value, ensure_ascii=ensure_ascii, indent=min(indent, 8) if indent else None, default=str
        )
        environment.budget.text(len(text))
        return text

    def raise_exception(message: str) -> str:
        raise RefusedError(str(message)[:200])

    kept = (
        "abs", "default", "d", "dictsort", "first", "float", "int", "items", "last", "length", "count", "list", "lower",
        "map", "max", "min", "reject", "rejectattr", "round", "safe", "select", "selectattr", "sort", "string", "sum",
        "title", "trim", "capitalize", "unique", "upper",
    )  # fmt: skip
    environment.filters = {name: environment.filters[name] for name in kept} | {
        "counted": counted, "counted_join": counted_join, "join": join, "replace": replace, "tojson": tojson,
    }  # fmt: skip
    environment.globals = {
        "range": environment.globals["range"],
        "namespace": environment.globals["namespace"],
        "dict": dict,
        "raise_exception": raise_exception,
        "strftime_now": lambda _format: "2025-01-01",
    }
    environment.concat = concat  # type: ignore[method-assign]
    return environment


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 2**64


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _grown(text: str, name: str, args: tuple[Any, ...]) -> int:
    """How long a text's method makes it, at most.

    Raises:
        UnjudgedError: a method that is not known here.
    """
    if name == "replace" and len(args) >= 2 and isinstance(args[0], str) and isinstance(args[1], str):
        return len(text) + (text.count(args[0]) if args[0] else len(text) + 1) * len(args[1])
    if name == "join" and args and isinstance(args[0], list | tuple):
        return sum(len(str(part)) + len(text) for part in args[0])
    raise UnjudgedError(f"calls {name} of a text")


def _from_json(path: str, value: Any, line: int | None) -> Iterator[Template]:
    """A text, or a list of named ones."""
    if isinstance(value, str):
        yield Template(path, value, line)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and isinstance(item.get("template"), str):
                yield Template(path, item["template"], line, str(item.get("name", "")))
