"""Version numbers in their order."""

from __future__ import annotations

FIRST = "1.0.0"  # what a release is called before it was ever released

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]


def precedence(number: str) -> Precedence:
    """A key that puts versions into semver's order: 1.0.0-rc.2 < 1.0.0-rc.10 < 1.0.0 < 1.10.0.

    A card revision (`1.0.0+card.2`) stands where its version stands.
    """
    plain = number.partition("+")[0]
    core, _, before = plain.partition("-")
    parts = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in before.split(".") if part
    )
    return tuple(int(part) for part in core.split(".")), not before, parts
