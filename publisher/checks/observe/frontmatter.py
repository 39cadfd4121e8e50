"""The YAML block at the top of a card: found as the Hub finds it, read with the place of every key."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.records.facts import Json

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

MAX_BYTES = 256 * 1024  # ruamel.yaml reads about 100 kB a second; real cards stay below 50 kB
MAX_VALUES = 50_000  # after aliases are followed: ten lines of YAML can stand for a billion values
MAX_DEPTH = 64

_OPENING = re.compile(r"---$")
_CLOSING = re.compile(r"---[ \t]*$")
_KEY_LINE = re.compile(r"([A-Za-z][\w.-]{0,60}):(?:\s|$)")


@dataclass(frozen=True)
class Block:
    """A front-matter block. Lines count from 1, in the file; `last` is None where it is never closed."""

    first: int  # line of the opening ---
    last: int | None
    text: str  # between the two, without them


@dataclass(frozen=True)
class Value:
    """One YAML value with its place: line and column count from 1, in the file."""

    data: Json
    line: int
    column: int
    items: Mapping[str, Value] | tuple[Value, ...] = ()
    key_line: int | None = None  # where the key stands whose value this is
    raw: str = ""  # a scalar as it was written, without its quotes
    quoted: bool = False

    def walk(self) -> Iterator[Value]:
        """This value and everything below it."""
        yield self
        for item in self.items.values() if isinstance(self.items, Mapping) else self.items:
            yield from item.walk()


@dataclass(frozen=True)
class YamlFault:
    """Why a block cannot be read as one mapping."""

    message: str
    line: int
    column: int | None = None


class UnboundedError(Exception):
    """The block is too large to be read here; that is no fault of its author's."""


def find_block(lines: tuple[str, ...], start: int = 0) -> Block | None:
    """The block that begins at the first line that is not blank, from index `start`.

    The Hub's rule (huggingface_hub, repocard.py): white space, `---` and a line end; then at least one line;
    then `---`, which only blanks may follow. So `---` right after `---` does not close a block.
    """
    first = next((index for index in range(start, len(lines)) if lines[index].strip()), None)
    if first is None or not _OPENING.match(lines[first].lstrip()):
        return None
    for index in range(first + 2, len(lines)):
        if _CLOSING.match(lines[index]):
            return Block(first + 1, index + 1, "\n".join(lines[first + 1 : index]))
    return Block(first + 1, None, "")


def looks_like_metadata(text: str, known_keys: frozenset[str]) -> bool:
    """Whether a text between two `---` lines is front matter and not prose between two horizontal rules."""
    known = False
    for line in text.split("\n"):
        key = _KEY_LINE.match(line)
        if key is not None:
            known = known or key[1] in known_keys
        elif line.strip() and not line.startswith((" ", "\t", "- ", "#")) and line != "-":
            return False
    return known


def read_yaml(block: Block) -> tuple[Value | None, tuple[YamlFault, ...]]:
    """Read a block: its top mapping, and every fault. Duplicate keys are faults that leave the mapping readable.

    Raises:
        UnboundedError: the block is larger than `MAX_BYTES`, or its aliases stand for more than `MAX_VALUES` values.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode

    if len(block.text) > MAX_BYTES:
        raise UnboundedError(f"the front matter is larger than {MAX_BYTES // 1024} kB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an anchor that stands there twice, which YAML allows
            root = YAML(typ="safe", pure=True).compose(block.text + "\n")
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = block.first + 1 + (mark.line if mark else 0)
        # a fault that is noticed only at the end of the block stands in its last line
        line = min(line, max(block.first + 1, (block.last or line) - 1))
        column = mark.column + 1 if mark else None
        return None, (YamlFault(f"not valid YAML: {error.problem or error.context}", line, column),)
    # the last three: `%YAML 1.3`, and `\UFFFFFFFF`, which is no character
    except (YAMLError, AssertionError, OverflowError, ValueError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        return None, (YamlFault(f"not valid YAML: {why}", block.first + 1),)
    except RecursionError:
        raise UnboundedError("the front matter is nested too deeply to be read") from None
    if root is None:
        return None, (YamlFault("the front matter holds no keys", block.first),)
    if not isinstance(root, MappingNode):
        return None, (YamlFault("the front matter is not a mapping of keys to values", block.first + 1, 1),)
    if _size(root, {}, frozenset()) > MAX_VALUES:
        raise UnboundedError(f"the front matter's aliases stand for more than {MAX_VALUES:,} values")
    faults: list[YamlFault] = []
    value = _value(root, block.first + 1, None, faults)
    return value, tuple(faults)


def _size(node: Node, known: dict[int, int], above: frozenset[int]) -> int:
    """How many values a node stands for once aliases are followed; a node inside itself is endless."""
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if id(node) in above:
        return MAX_VALUES + 1
    if len(above) > MAX_DEPTH:
        raise UnboundedError("the front matter is nested too deeply to be read")
    if id(node) not in known:
        inside = above | {id(node)}
        below: list[Node] = []
        if isinstance(node, MappingNode):
            below = [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            below = node.value
        known[id(node)] = 1 + sum(_size(part, known, inside) for part in below)
    return known[id(node)]


def _value(node: Node, offset: int, key_line: int | None, faults: list[YamlFault]) -> Value:
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    line, column = node.start_mark.line + offset, node.start_mark.column + 1
    if isinstance(node, MappingNode):
        members: dict[str, Value] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            at = key.start_mark.line + offset
            if name in members and name != "<<":
                faults.append(
                    YamlFault(
                        f"the key `{name}` stands here and in line {members[name].key_line}",
                        at,
                        key.start_mark.column + 1,
                    )
                )
            members[name] = _value(value, offset, at, faults)
        data = {name: member.data for name, member in members.items()}
        return Value(data, line, column, members, key_line)
    if isinstance(node, SequenceNode):
        items = tuple(_value(item, offset, None, faults) for item in node.value)
        return Value([item.data for item in items], line, column, items, key_line)
    return Value(
        _scalar(node.value, str(node.tag)),
        line,
        column,
        (),
        key_line,
        node.value,
        bool(getattr(node, "style", None)),
    )


def _scalar(text: str, tag: str) -> Json:
    """A scalar by the tag that YAML 1.2 resolved. Dates stay text: that is what the Hub's fields ask for."""
    kind = tag.rpartition(":")[2]
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(
                text.replace("_", ""), 0 if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else 10
            )
        if kind == "float":
            return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # digits beyond what int() takes
        return text
    return text
