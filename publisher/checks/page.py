"""A rule's docstring as its published page: one sentence, why, fix, and samples that are also its tests."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Literal

_TITLE = re.compile(r"(?P<code>[A-Z]+\d{3}) (?P<name>[a-z0-9-]+): (?P<sentence>.+)", re.DOTALL)
_SECTION = re.compile(r"^(Why|Fix|Bad|Good)(?=\s|$)[ ]*(.*)$")

SampleKind = Literal["Bad", "Good"]


@dataclass(frozen=True)
class Sample:
    """Files of a small repo. `text` is written as in the docstring; tests/checks reads it as files."""

    kind: SampleKind
    text: str


@dataclass(frozen=True)
class Page:
    """What a rule's docstring says."""

    code: str
    name: str
    sentence: str
    why: str
    fix: str
    samples: tuple[Sample, ...]

    @classmethod
    def parse(cls, docstring: str) -> Page:
        """Read a docstring.

        Raises:
            ValueError: the first line is not `CODE name: sentence`, or Why or Fix is missing.
        """
        lines = docstring.strip().splitlines()
        head: list[str] = []
        sections: list[tuple[str, list[str]]] = []
        for line in lines:
            section = _SECTION.match(line)
            if section is not None:
                sections.append((section[1], [section[2]]))
            elif sections:
                sections[-1][1].append(line)
            else:
                head.append(line)
        title = _TITLE.fullmatch(" ".join(line.strip() for line in head).strip())
        if title is None:
            raise ValueError(f"not `CODE name: sentence`: {lines[0]}")
        prose = {kind: " ".join(line.strip() for line in body).strip() for kind, body in sections}
        if not (prose.get("Why") and prose.get("Fix")):
            raise ValueError(f"{title['code']}: Why or Fix is missing")
        samples = tuple(
            Sample(kind, textwrap.dedent("\n".join(body[1:])).rstrip() + "\n")  # type: ignore[arg-type]
            for kind, body in sections
            if kind in ("Bad", "Good")
        )
        return cls(title["code"], title["name"], title["sentence"], prose["Why"], prose["Fix"], samples)
