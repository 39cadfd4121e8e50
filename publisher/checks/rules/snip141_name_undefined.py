"""SNIP141 name-undefined: a snippet uses a name that no block of the card defines.

Why   a reader copies the blocks in their order and gets a NameError; what the name should hold is told nowhere.
Fix   define it, if only with an example: `image = Image.open("patch.png")`.

Bad
    README.md:
        ```python
        from transformers import pipeline
        describe = pipeline("image-to-text", model="acme/model")
        print(describe(image)) ←
        ```
Good
    README.md:
        ```python
        from transformers import pipeline
        describe = pipeline("image-to-text", model="acme/model")
        ```
        and then:
        ```python
        image = "patch.png"
        print([text for text in describe(image)])
        ```
Good
    README.md:
        ```python
        from datasets import load_dataset
        load_dataset("acme/aerial")
        DatasetDict({
            train: Dataset({features: ["image"], num_rows: 12})
        })
        ```
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import PythonBlock, Snippets, nodes
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity

_GIVEN = frozenset(dir(builtins)) | {"__name__", "__file__", "display", "get_ipython", "_"}
_PRINTED = frozenset(
    {"array", "tensor", "dict_keys", "dict_values", "dict_items"}
)  # how values print themselves
_MOST = 6


@rule(Severity.WARNING)
def name_undefined(snippets: Snippets) -> Iterator[Fault | Skip]:
    """Read all blocks as one program and ask only whether a name is bound anywhere; order is left to the reader."""
    if any(block.tree is None for block in snippets.python):
        yield Skip("a Python block does not parse, so nobody knows which names it defines")
        return
    bound = set(_GIVEN)
    for block in snippets.parsed:
        for node in nodes(block):
            bound |= _bound(node)
    if "*" in bound:
        yield Skip("a snippet imports everything from a module, so nobody knows which names there are")
        return
    reported: set[str] = set()
    for block in snippets.parsed:
        # A fragment that imports nothing and loads nothing shows one call, not a program.
        if not _is_program(block):
            continue
        output = _output(block, bound)
        for node in nodes(block):
            if (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Load)
                and node.id not in bound | reported
                and node not in output
            ):
                reported.add(node.id)
                if len(reported) <= _MOST:
                    yield Fault(
                        f"{quote(node.id)} is defined in no block of this card",
                        README,
                        block.line(node),
                        block.column(node),
                        hint=f"show where {quote(node.id)} comes from",
                    )


def _is_program(block: PythonBlock) -> bool:
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes(block))


def _output(block: PythonBlock, bound: set[str]) -> set[ast.AST]:
    """What stands in statements that do nothing: `{"tags": [B-PER, O]}` and `Dataset({…})` show what was printed."""
    return {
        part
        for node in nodes(block)
        if isinstance(node, ast.Expr) and _shows(node.value, bound)
        for part in ast.walk(node.value)
    }


def _shows(value: ast.expr, bound: set[str]) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        name = value.func.id
        return name not in bound and (name[:1].isupper() or name in _PRINTED)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.attr[:1].isupper()  # torch.Size([4, 39])
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.Tuple)


def _bound(node: ast.AST) -> set[str]:
    """The names that a node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return {node.name}
    if isinstance(node, ast.MatchMapping) and node.rest:
        return {node.rest}
    if isinstance(node, ast.Global | ast.Nonlocal):
        return set(node.names)
    return set()
