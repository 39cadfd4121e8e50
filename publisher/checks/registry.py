"""All rules, found by walking `publisher.checks.rules`. Importing this imports none of them."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib import import_module

from publisher.checks import rules
from publisher.checks.rule import Rule
from publisher.errors import CATALOGUE, HubpubError


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by code.

    Raises:
        ValueError: a file of the rules package holds no rule or several, or two rules share a code.
    """
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(rules.__path__, f"{rules.__name__}."):
        mine = [value for value in vars(import_module(module.name)).values() if isinstance(value, Rule)]
        if len(mine) != 1:
            raise ValueError(f"{module.name} must hold one rule, holds {len(mine)}")
        if mine[0].code in found:
            raise ValueError(f"two rules have the code {mine[0].code}")
        found[mine[0].code] = mine[0]
    return tuple(found[code] for code in sorted(found))


def by_code(code: str) -> Rule:
    """The rule of a code.

    Raises:
        KeyError: there is none.
    """
    return _by_code()[code]


@cache
def _by_code() -> dict[str, Rule]:
    return {rule.code: rule for rule in all_rules()}


def choose(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules that `--select` and `--ignore` leave: each names a code or the letters it begins with.

    Raises:
        HubpubError: HP-M09, a name fits no rule.
    """
    for name in (*select, *ignore):
        if not any(_fits(name, rule.code) for rule in all_rules()):
            families = sorted({rule.code.rstrip("0123456789") for rule in all_rules()})
            raise HubpubError(
                "HP-M09",
                f"no rule has the code {name}",
                hint=f"a code such as {all_rules()[0].code}, or a family: {', '.join(families)}",
                name=name,
            )
    return tuple(
        rule
        for rule in all_rules()
        if (not select or any(_fits(name, rule.code) for name in select))
        and not any(_fits(name, rule.code) for name in ignore)
    )


def explain(code: str) -> str:
    """The page of a rule, or the sentence of an error code.

    Raises:
        HubpubError: HP-M09, there is no such code.
    """
    wanted = code.upper()
    if wanted in CATALOGUE:
        kind = CATALOGUE[wanted]
        return f"{wanted}: {kind.meaning}\n\nEnds the program with exit code {int(kind.exit)}.\n"
    for rule in all_rules():
        if rule.code == wanted:
            return f"{(import_module(rule.module).__doc__ or wanted).strip()}\n\nSeverity: {rule.severity}\n"
    raise HubpubError(
        "HP-M09",
        f"there is no code {code}",
        hint="hubpub check --explain CARD001; all rules: docs/rules.md",
        code_asked=code,
    )


def _fits(name: str, code: str) -> bool:
    """A family is named by its letters: `META` fits META010, `META01` or `M` fit nothing."""
    return name.upper() in (code, code.rstrip("0123456789"))
