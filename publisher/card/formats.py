"""How values look: pure functions from a JSON value to words. Templates reach them as filters over facts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from publisher.records.facts import Fact, Json

UNKNOWN = "unknown"
REFUSED = "not measured (stand-in)"


class FormatError(ValueError):
    """A filter was given a value that it has no form for."""


def absent(fact: Fact) -> str | None:
    """The words for a fact without a value; None for a known one."""
    if fact.known:
        return None
    return REFUSED if fact.status == "refused" else UNKNOWN


def integer(value: Json) -> str:
    """134515008 → 134,515,008."""
    return f"{_whole(value):,}"


def count(value: Json, one: str, many: str) -> str:
    """1 → 1 row; 1200 → 1,200 rows."""
    return f"{_whole(value):,} {one if value == 1 else many}"


def human(value: Json) -> str:
    """134515008 → 134.5M; what is below a thousand stays as it is."""
    number = _real(value)
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.1f}{letter}"
    return plain(value)


def number(value: Json, decimals: int | None = None) -> str:
    """0.0002 → 0.0002; with decimals: 0.60123, 3 → 0.601.

    A value that its decimals would turn into zero is written with an exponent instead: 0.00002, 3 → 2.0e-5.
    """
    if decimals is None:
        return plain(value)
    real = _real(value)
    if not real:
        return "0"
    if abs(real) < 0.5 * 10**-decimals:
        return _short_exponent(f"{real:.1e}")
    return f"{real:,.{decimals}f}"


def signed(value: Json, decimals: int) -> str:
    """A difference: 0.12776, 4 → +0.1278; -2.44880, 4 → −2.4488; one that its decimals hide is ±0."""
    words = number(abs(_real(value)), decimals)
    return f"{'+' if _real(value) > 0 else '−' if _real(value) < 0 else '±'}{words}"


def points(value: Json, decimals: int) -> str:
    """A difference of two shares in percentage points: 0.534, 0 → +53 points."""
    return f"{signed(100 * _real(value), decimals)} points"


def dimensions(value: Json) -> str:
    """[576, 1536] → 576 × 1,536."""
    if not isinstance(value, list | tuple):
        raise FormatError(f"expected a shape, not {value!r}")
    return " × ".join(integer(size) for size in value)


def shell_json(value: Json) -> str:
    """JSON as one argument of a shell command."""
    written = json.dumps(value, ensure_ascii=False).replace("'", "'\\''")
    return f"'{written}'"


def plain(value: Json) -> str:
    """The shortest text that reads back as the same number: 2e-05 → 0.00002, 16.0 → 16."""
    real = _real(value)
    if isinstance(value, int):
        return f"{value:,}"
    if real == int(real) and abs(real) < 1e15:
        return f"{int(real):,}"
    if 1e-5 <= abs(real) < 1e15:
        return f"{Decimal(repr(real)):f}"
    return _short_exponent(repr(real))


def exponent(value: Json, decimals: int | None = None) -> str:
    """0.0002 → 2e-4; with decimals: 0.00019396, 2 → 1.94e-4. Zero stays 0."""
    real = _real(value)
    if not real:
        return "0"
    if decimals is not None:
        return _short_exponent(f"{real:.{decimals}e}")
    return _short_exponent(f"{Decimal(repr(real)).normalize():e}")


def percent(value: Json, decimals: int = 1) -> str:
    """0.975 → 97.5%. What is not whole never reads as 100%, and what is there never as 0%."""
    real = _real(value)
    if real in (0, 1):
        return f"{real:.0%}"
    edge = 10 ** -(decimals + 2)
    if 1 - edge / 2 <= real < 1:
        return f">{1 - edge:.{decimals}%}"
    if 0 < real < edge / 2:
        return f"<{edge:.{decimals}%}"
    return f"{real:.{decimals}%}"


def size(value: Json) -> str:
    """269060552 → 269.1 MB: decimal units, as the Hub shows them."""
    number_of_bytes = _real(value)
    for unit_size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number_of_bytes >= unit_size:
            return f"{number_of_bytes / unit_size:.1f} {unit}"
    return count(value, "byte", "bytes")


def duration(value: Json) -> str:
    """Seconds: 0.347 → 0.35 s, 92.7 → 92.7 s, 725 → 12 min 5 s, 11520 → 3 h 12 min."""
    seconds = _real(value)
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def text(value: Json) -> str:
    """A name or a phrase inside running Markdown: nothing in it may act as markup or end a table cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return plain(value)
    if not isinstance(value, str):
        raise FormatError(f"no words for a {type(value).__name__}")
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", " ".join(value.split()))


# Names that people write in their own way.
SPELLINGS = {
    "qlora": "QLoRA",
    "lora": "LoRA",
    "nf4": "NF4",
    "fp4": "FP4",
    "none": "none",
    "adamw": "AdamW",
    "adamw_torch": "AdamW (torch)",
    "adamw_torch_fused": "AdamW (torch, fused)",
    "paged_adamw_8bit": "AdamW (8-bit, paged)",
    "cpu": "CPU",
    "cuda": "CUDA",
}


def spelled(value: Json) -> str:
    """A name the way people write it: qlora → QLoRA. Names that we do not know stay as they are."""
    return SPELLINGS.get(value, text(value)) if isinstance(value, str) else text(value)


def code(value: Json) -> str:
    """A name as inline code, fenced by more backticks than it holds."""
    name = " ".join(str(value).split()).replace("|", "\\|")
    ticks = "`" * (max((len(run) for run in re.findall("`+", name)), default=0) + 1)
    return f"{ticks} {name} {ticks}" if "`" in name else f"`{name}`"


def joined(value: Json) -> str:
    """A list of names: [a, b, c] → `a`, `b` and `c`; a mapping of counts: {a: 3} → `a` (3)."""
    if isinstance(value, dict):
        items = [f"{code(name)} ({text(detail)})" for name, detail in value.items()]
    elif isinstance(value, list | tuple):
        items = [code(item) for item in value]
    else:
        raise FormatError(f"expected a list, not {value!r}")
    return listed(items)


def listed(items: Iterable[str]) -> str:
    """[a, b, c] → a, b and c; nothing at all → none."""
    parts = list(items)
    if not parts:
        return "none"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def python(value: Json) -> str:
    """A string as a literal of Python source."""
    if not isinstance(value, str):
        raise FormatError(f"expected a string, not {value!r}")
    return json.dumps(value, ensure_ascii=False)


def bibtex(value: Json) -> str:
    """A string inside the braces of a BibTeX field."""
    return re.sub(r"([&%$#_])", r"\\\1", re.sub(r"[{}\\]", "", " ".join(str(value).split())))


def shown(value: Json, unit: str | None) -> str:
    """A value in its natural form with its unit: what `{{ fact('…') }}` prints without a filter."""
    if unit == "bytes":
        return size(value)
    if unit == "s":
        return duration(value)
    if isinstance(value, list | tuple | dict):
        return joined(value)
    if isinstance(value, float) and not value.is_integer():
        words = number(value, 4) if abs(value) >= 0.001 else plain(value)
    else:
        words = text(value)
    return f"{words} {unit}" if unit and not isinstance(value, bool | str) else words


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError(f"expected an integer, not {value!r}")
    return value


def _real(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"expected a number, not {value!r}")
    return float(value)


def _short_exponent(written: str) -> str:
    mantissa, _, exponent = written.partition("e")
    return f"{mantissa}e{int(exponent)}"
