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
from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets, dotted, nodes
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
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


@rule(Severity.WARNING)
def argument_outdated(snippets: Snippets) -> Iterator[Fault]:
    """Report an argument once a card, where it is passed to `from_pretrained` or `pipeline` of transformers."""
    reported: set[str] = set()
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
                    )


def _of_transformers(function: str) -> bool:
    owner, _, method = function.rpartition(".")
    name = owner.rpartition(".")[2]
    if method == "pipeline":
        return owner in ("", "transformers")
    return method == "from_pretrained" and name.startswith("Auto") and not name.endswith(_NOT_TRANSFORMERS)
