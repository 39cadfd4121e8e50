"""SNIP145 argument-outdated: a snippet passes an argument that today's transformers has renamed or removed.

Why   removed arguments end in a TypeError, renamed ones in a warning that a reader takes for a fault of the model.
Fix   `dtype=` for `torch_dtype=`, `token=` for `use_auth_token=`, `quantization_config=BitsAndBytesConfig(...)` for
      `load_in_4bit=True`, `eval_strategy=` for `evaluation_strategy=`.

Bad
    README.md:
        ```python
        from transformers import AutoModel
        model = AutoModel.from_pretrained(
            "acme/model",
            load_in_4bit=True, ←
        )
        ```
Bad
    README.md:
        ```python
        from transformers import AutoModelForVision2Seq, AutoModel ←
        model = AutoModel.from_pretrained("acme/model", torch_dtype="auto") ←
        ```
Good
    README.md:
        ```python
        from transformers import AutoModel
        model = AutoModel.from_pretrained("acme/model", dtype="auto", token=True)
        ```
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from publisher.checks.observe.readme import README, Readme
from publisher.checks.observe.snippets import PythonBlock, Snippets, calls, constant, dotted, keyword, nodes
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, rule
from publisher.records.findings import Severity

# Tried on transformers 5.23: what is renamed works with a warning (a note here), what is gone raises.
_RENAMED = {"torch_dtype": "dtype"}
_GONE = {
    "use_auth_token": "token",
    "load_in_4bit": "quantization_config=BitsAndBytesConfig(load_in_4bit=True)",
    "load_in_8bit": "quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
}
_GONE_CLASSES = {
    "AutoModelForVision2Seq": "AutoModelForImageTextToText",
    "AutoModelWithLMHead": "AutoModelForCausalLM",
}
# Other libraries have arguments of the same names.
_NOT_TRANSFORMERS = (
    "Pipeline",
    "FastLanguageModel",
    "FastModel",
    "FastVisionModel",
    "SentenceTransformer",
    "LLM",
)
# The same value under another name, from this version on.
_SAME = {"torch_dtype": "dtype", "use_auth_token": "token"}
_SINCE = (4, 56)
_PINNED = re.compile(r"transformers(?:\[[\w,-]{1,40}\])? {0,3}[<>=~]=? {0,3}v?(\d{1,3})\.(\d{1,3})")


@rule(Severity.WARNING, fixable=True)
def argument_outdated(snippets: Snippets, readme: Readme) -> Iterator[Fault]:
    """Report an argument once a card, where it is passed to `from_pretrained` or `pipeline` of transformers.

    It is renamed wherever transformers itself is called, unless the card speaks of a version that has the old name.
    """
    reported: set[str] = set()
    old = any((int(pin[1]), int(pin[2])) < _SINCE for pin in _PINNED.finditer(readme.text[:2_000_000]))
    edits = {} if old else _edits(snippets)
    for block in snippets.parsed:
        for node in nodes(block):
            if isinstance(node, ast.ImportFrom) and node.module == "transformers":
                for alias in node.names:
                    if alias.name in _GONE_CLASSES and alias.name not in reported:
                        reported.add(alias.name)
                        yield Fault(
                            f"transformers 5 has no {quote(alias.name)}",
                            README,
                            block.line(node),
                            hint=f"use {_GONE_CLASSES[alias.name]}",
                        )
            elif isinstance(node, ast.Call) and _of_transformers(dotted(node.func)):
                for argument in node.keywords:
                    name = argument.arg or ""
                    if name in reported or name not in _RENAMED | _GONE:
                        continue
                    reported.add(name)
                    yield Fault(
                        f"{quote(name)} is deprecated: transformers calls it {quote(_RENAMED[name])} now"
                        if name in _RENAMED
                        else f"transformers 5 has no argument {quote(name)}",
                        README,
                        block.line(argument),
                        block.column(argument),
                        hint=f"write {(_RENAMED | _GONE)[name]}",
                        severity=Severity.NOTE if name in _RENAMED else None,
                        edit=edits.get(name),
                    )


def _edits(snippets: Snippets) -> dict[str, Edit]:
    """For each argument that keeps its value: the change of its name in all places as one edit."""
    places: dict[str, list[Edit]] = {}
    for block in snippets.parsed:
        for call in calls(block):
            if not _is_certain(call, snippets):
                continue
            for argument in call.keywords:
                name = argument.arg or ""
                new = _SAME.get(name)
                edit = None if new is None or keyword(call, new) else _renaming(block, argument, name, new)
                if edit is not None:
                    places.setdefault(name, []).append(edit)
    return {name: replace(first, more=tuple(more)) for name, (first, *more) in places.items()}


def _renaming(block: PythonBlock, argument: ast.keyword, old: str, new: str) -> Edit | None:
    column = block.place(argument.lineno, argument.col_offset)
    return None if column is None else Edit(README, block.line(argument), new, column, old)


def _is_certain(call: ast.Call, snippets: Snippets) -> bool:
    """Whether transformers itself is called, and not code of the repo's own, which may know the old name only."""
    function = dotted(call.func)
    trust = keyword(call, "trust_remote_code")
    return (
        _of_transformers(function)
        and snippets.origin(function).startswith("transformers.")
        and (trust is None or constant(trust.value) is False)
    )


def _of_transformers(function: str) -> bool:
    owner, _, method = function.rpartition(".")
    name = owner.rpartition(".")[2]
    if method == "pipeline":
        return owner in ("", "transformers")
    return method == "from_pretrained" and name.startswith("Auto") and not name.endswith(_NOT_TRANSFORMERS)
