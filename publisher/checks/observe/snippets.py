"""Code in a card: Python blocks as syntax trees, shell blocks as commands. Nothing of it is run."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.checks.observe.commands import Command, commands_of
from publisher.checks.observe.readme import Readme
from publisher.checks.observe.syntax import syntax_tree
from publisher.checks.observe.target import Absent, RepoView

MAX_BLOCK = 100_000  # characters; a snippet that is larger is a file
MAX_BLOCKS = 200
MAX_PYTHON = 200_000  # characters of Python in one card, all blocks together

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})\s*\{?\.?([\w+-]*)")
_PYTHON = frozenset({"python", "py", "python3", "pycon"})
_SHELL = frozenset({"bash", "sh", "shell", "console", "zsh", "shell-session"})
_LOOKS_PYTHON = re.compile(r"(?:>>> )?(?:from [\w.]{1,80} import |import [a-z][\w.]{0,80}(?: as \w+)?$)")
_PROMPT = re.compile(r"(>>> ?|\.\.\. ?|In \[\d+\]: ?)")
_MAGIC = re.compile(r"(\s*)[%!]")
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w ./-]{0,60}>")
_LEFT_OUT = re.compile(r"(?<=,)(\s{0,40})\.\.\.(?=\s{0,40}[,)])")
_LINE_LEFT_OUT = re.compile(r"^[ ]*\.\.\.,?[ ]*(?:#[^\n]*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. `first` is the line of its first line of code, in the file."""

    language: str
    first: int
    text: str


@dataclass(frozen=True)
class PythonBlock:
    """A block of Python: its tree, or why it has none. `first` as in `Block`.

    `code` is what was parsed: the text without prompts, magics and common indentation, line by line; `filled`: it only
    parses with something in the places that were left out.
    """

    first: int
    text: str
    tree: ast.Module | None
    fault: str = ""
    fault_line: int = 0
    code: str = ""
    filled: bool = False

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree, found without recursion."""
        return tuple(ast.walk(self.tree)) if self.tree is not None else ()

    @cached_property
    def is_sketch(self) -> bool:
        """Whether it leaves parts to the reader: `train(...)`, `<your path>`; an ellipsis in an index is none."""
        indexed = {
            part for node in self.nodes if isinstance(node, ast.Subscript) for part in ast.walk(node.slice)
        }
        return self.filled or any(
            isinstance(node, ast.Constant) and node.value is ... and node not in indexed
            for node in self.nodes
        )

    def line(self, node: ast.AST) -> int:
        """The line of the card that a node stands in."""
        return self.first + int(getattr(node, "lineno", 1)) - 1

    def column(self, node: ast.AST) -> int:
        """The column of a node, from 1."""
        offset = int(getattr(node, "col_offset", 0))
        return self.place(int(getattr(node, "lineno", 1)), offset) or offset + 1

    def place(self, line: int, offset: int) -> int | None:
        """The column in the card of a place in the tree; None where the card's line has it in other characters.

        Args:
            line: from 1, of the block.
            offset: in bytes of UTF-8, as trees have it.
        """
        raw, code = self._lines[line - 1]
        behind = code.encode("utf-8", "surrogatepass")[offset:].decode("utf-8", "replace")
        return len(raw) - len(behind) + 1 if raw.endswith(behind) else None

    @cached_property
    def _lines(self) -> tuple[tuple[str, str], ...]:
        """Each line as the card has it, and as it was parsed."""
        return tuple(zip(self.text.split("\n"), self.code.split("\n"), strict=True))


class Snippets:
    """All code blocks of a card."""

    def __init__(self, readme: Readme) -> None:
        self._readme = readme

    @classmethod
    def observe(cls, view: RepoView) -> Snippets | Absent:
        """From the card's text."""
        readme = view.observe(Readme)
        return readme if isinstance(readme, Absent) else cls(readme)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every fenced block, the first `MAX_BLOCKS` of them."""
        found: list[Block] = []
        language, first, lines = "", 0, list[str]()
        for line in self._readme.classified:
            if line.kind != "code":
                if first:
                    found.append(Block(language, first, "\n".join(lines)))
                    first = 0
                continue
            fence = _FENCE.match(line.text)
            if not first:
                language, first, lines = (fence[1].lower() if fence else ""), line.number + 1, []
            elif fence is not None and not fence[1] and _closes(line.text):
                found.append(Block(language, first, "\n".join(lines)))
                first = 0
            else:
                lines.append(line.text)
            if len(found) >= MAX_BLOCKS:
                return tuple(found)
        if first:
            found.append(Block(language, first, "\n".join(lines)))
        return tuple(found)

    @cached_property
    def python(self) -> tuple[PythonBlock, ...]:
        """The blocks that are Python by their language, or by their first line where they name none."""
        found: list[PythonBlock] = []
        left = MAX_PYTHON
        for block in self.blocks:
            if _is_python(block) and len(block.text) <= min(MAX_BLOCK, left):
                left -= len(block.text)
                found.append(_parse(block))
        return tuple(found)

    @cached_property
    def parsed(self) -> tuple[PythonBlock, ...]:
        """The Python blocks that have a tree."""
        return tuple(block for block in self.python if block.tree is not None)

    @cached_property
    def imported(self) -> dict[str, str]:
        """Where a name comes from, whichever block imports it: `AutoModel` from `transformers.AutoModel`."""
        found: dict[str, str] = {}
        for block in self.parsed:
            for node in block.nodes:
                if isinstance(node, ast.Import):
                    found |= {each.asname or each.name: each.name for each in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        return found

    def origin(self, name: str) -> str:
        """A dotted name in full, by what the card imports: `tf.AutoModel` is `transformers.AutoModel`; empty: unknown."""
        head, dot, rest = name.partition(".")
        return self.imported[head] + dot + rest if head in self.imported else ""

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The commands of shell blocks."""
        return tuple(
            command
            for block in self.blocks
            if block.language in _SHELL and len(block.text) <= MAX_BLOCK
            for command in commands_of(block.text, block.first)
        )

    @cached_property
    def card(self) -> str:
        """The whole card, as far as a rule searches it."""
        return self._readme.text[:2_000_000]

    @cached_property
    def all_code(self) -> str:
        """All blocks as one text, for the question whether something stands anywhere."""
        return "\n".join(block.text for block in self.blocks)


def nodes(block: PythonBlock) -> Iterator[ast.AST]:
    """Every node of a block."""
    return iter(block.nodes)


def calls(block: PythonBlock) -> Iterator[ast.Call]:
    """Every call of a block."""
    return (node for node in nodes(block) if isinstance(node, ast.Call))


def dotted(node: ast.AST) -> str:
    """A name with its attributes as it is written: `model.generate`; empty where it is something else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    """A keyword argument of a call."""
    return next((each for each in call.keywords if each.arg == name), None)


def constant(node: ast.AST | None) -> object:
    """The value of a constant; None for anything else."""
    return node.value if isinstance(node, ast.Constant) else None


def assigned(block: PythonBlock) -> Iterator[tuple[str, ast.expr]]:
    """Every assignment of one value to one name."""
    for node in nodes(block):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def _closes(text: str) -> bool:
    return not text.strip().strip("`~")


def _is_python(block: Block) -> bool:
    if block.language in _PYTHON:
        return True
    return not block.language and _LOOKS_PYTHON.match(block.text.lstrip().split("\n", 1)[0]) is not None


def _parse(block: Block) -> PythonBlock:
    text = textwrap.dedent(block.text.replace("\t", "    ").replace("\xa0", " "))
    fault, line = "", block.first
    # First as if every line were code, then without those that a prompt shows to be output; then as if something
    # stood for each `<your path>` and for the `...` in `LoraConfig(r=8, ...)`, which nobody takes for code.
    read = (_code(text, keep=True), _code(text, keep=False))
    filled = tuple(_PLACEHOLDER.sub("...", code) for code in read)
    whole = tuple(_LEFT_OUT.sub(r"\1**{}", code) for code in filled)
    short = tuple(_LINE_LEFT_OUT.sub("", code) for code in whole)
    for candidate in dict.fromkeys((*read, *filled, *whole, *short)):
        try:
            tree = syntax_tree(candidate)
            return PythonBlock(block.first, block.text, tree, code=candidate, filled=candidate not in read)
        except SyntaxError as error:
            fault, line = error.msg, block.first + (error.lineno or 1) - 1
        except (ValueError, RecursionError, MemoryError):
            fault, line = "cannot be read", block.first
    return PythonBlock(block.first, block.text, None, fault, line)


def _code(text: str, *, keep: bool) -> str:
    """Code without prompts and magics, and where prompts are used without the lines that have none; lines stay."""
    lines = text.split("\n")
    prompted = any(line.startswith(">>> ") for line in lines)
    found = []
    for line in lines:
        prompt = _PROMPT.match(line)
        if prompt is not None and (prompted or not line.startswith("...")):
            found.append(line[prompt.end() :])
        elif prompted and not keep:
            found.append("")
        else:
            magic = _MAGIC.match(line)
            found.append(f"{magic[1]}pass" if magic is not None else line)
    return "\n".join(found)
