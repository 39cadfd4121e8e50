"""What a rule is: a function that is fed observations by type and yields faults.

One rule a file, `rules/<code>_<name>.py`; code and name are the file's, the module's docstring is the page. A
parameter `card: Metadata` means the rule needs it and is skipped, with a reason, where it is absent;
`card: Metadata | None` means that a missing thing is an answer too (but never one that cannot be read).
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from publisher.checks.page import Page
from publisher.records.findings import Severity

_FILE_NAME = re.compile(r"(?P<code>[a-z]+\d{3})_(?P<name>[a-z0-9_]+)")


@dataclass(frozen=True)
class Edit:
    """One change of a text file that mends a fault, and touches nothing else.

    Attributes:
        path: of the file; made where it is missing, which only an edit at line 0 may do.
        line: from 1; 0: a new last line.
        column: from 1, in characters; None: a new line after `line`.
        before: what must stand there, or the edit is not made; a line end in it is whatever ends lines there.
        after: what is to stand there, without a line end.
        drop: the line is taken out; `before` is all that it holds.
        more: what is to be changed with it, where one fault stands in several places.
    """

    path: str
    line: int
    after: str
    column: int | None = None
    before: str = ""
    drop: bool = False
    more: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One fault at one place; the engine adds the rule's code, and its severity where none is given here."""

    message: str
    path: str
    line: int | None = None
    column: int | None = None
    hint: str = ""
    severity: Severity | None = None
    edit: Edit | None = None  # what `--fix` does about it


@dataclass(frozen=True)
class Skip:
    """What a rule could not look at, and why. What it did look at still counts."""

    reason: str


Check = Callable[..., Iterator[Fault | Skip]]


class Need(NamedTuple):
    """One parameter of a rule: the class that it is fed with, and whether None may stand for a missing thing."""

    wanted: type[Any]
    optional: bool


@dataclass(frozen=True)
class Rule:
    """One rule. `fixable`: some of its faults carry an edit."""

    code: str
    name: str
    severity: Severity
    check: Check
    module: str
    fixable: bool = False

    @cached_property
    def needs(self) -> Mapping[str, Need]:
        """What the function's parameters ask for, by parameter."""
        hints = get_type_hints(self.check)
        hints.pop("return", None)
        return {parameter: _need(hint) for parameter, hint in hints.items()}

    @cached_property
    def page(self) -> Page:
        """The published page.

        Raises:
            ValueError: the docstring is not written as one.
        """
        return Page.parse(sys.modules[self.module].__doc__ or "")


def rule(severity: Severity, *, fixable: bool = False) -> Callable[[Check], Rule]:
    """Make a rule of a function; the file that it stands in gives code and name.

    Raises:
        ValueError: the file is not named `<code>_<name>.py`.
    """

    def decorate(check: Check) -> Rule:
        name = _FILE_NAME.fullmatch(check.__module__.rpartition(".")[2])
        if name is None:
            raise ValueError(f"{check.__module__}: a rule's file is named <code>_<name>.py")
        return Rule(
            name["code"].upper(), name["name"].replace("_", "-"), severity, check, check.__module__, fixable
        )

    return decorate


def _need(hint: Any) -> Need:
    if get_origin(hint) in (Union, types.UnionType):
        wanted = [part for part in get_args(hint) if part is not type(None)]
        return Need(wanted[0], optional=True)
    return Need(hint, optional=False)
