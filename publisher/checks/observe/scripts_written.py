"""Which scripts texts are written in, by the ranges of Unicode, and which scripts languages are written in."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

# First and last code points of letters, and the script (https://www.unicode.org/Public/UNIDATA/Blocks.txt).
_RANGES = (
    (0x41, 0x5A, "Latin"), (0x61, 0x7A, "Latin"), (0xC0, 0x24F, "Latin"), (0x370, 0x3FF, "Greek"),
    (0x400, 0x52F, "Cyrillic"), (0x530, 0x58F, "Armenian"), (0x590, 0x5FF, "Hebrew"), (0x600, 0x6FF, "Arabic"),
    (0x750, 0x77F, "Arabic"), (0x900, 0x97F, "Devanagari"), (0x980, 0x9FF, "Bengali"), (0xA00, 0xA7F, "Gurmukhi"),
    (0xA80, 0xAFF, "Gujarati"), (0xB80, 0xBFF, "Tamil"), (0xC00, 0xC7F, "Telugu"), (0xC80, 0xCFF, "Kannada"),
    (0xD00, 0xD7F, "Malayalam"), (0xE00, 0xE7F, "Thai"), (0x10A0, 0x10FF, "Georgian"), (0x1100, 0x11FF, "Hangul"),
    (0x1E00, 0x1EFF, "Latin"), (0x3040, 0x30FF, "Kana"), (0x3400, 0x4DBF, "Han"), (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7AF, "Hangul"),
)  # fmt: skip
_STARTS = [first for first, _, _ in _RANGES]

# The scripts of languages that are written in one way beyond doubt; of others nothing is said.
SCRIPTS = {
    **dict.fromkeys(
        ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "sk", "hu", "ro", "hr", "sl",
         "et", "lv", "lt", "tr", "vi", "id", "ca", "eng", "deu", "fra", "spa", "ita", "por"), frozenset({"Latin"})
    ),
    **dict.fromkeys(("ru", "uk", "bg", "mk", "be", "rus", "ukr"), frozenset({"Cyrillic"})),
    **dict.fromkeys(("zh", "zho", "cmn"), frozenset({"Han"})),
    **dict.fromkeys(("ja", "jpn"), frozenset({"Han", "Kana"})),
    **dict.fromkeys(("ko", "kor"), frozenset({"Hangul", "Han"})),
    **dict.fromkeys(("ar", "fa", "ur", "ara"), frozenset({"Arabic"})),
    **dict.fromkeys(("hi", "mr", "ne", "hin"), frozenset({"Devanagari"})),
    "el": frozenset({"Greek"}), "he": frozenset({"Hebrew"}), "th": frozenset({"Thai"}), "ta": frozenset({"Tamil"}),
    "te": frozenset({"Telugu"}), "bn": frozenset({"Bengali"}), "ka": frozenset({"Georgian"}), "hy": frozenset({"Armenian"}),
}  # fmt: skip


def count_scripts(text: str) -> Counter[str]:
    """Letters of each script in a text."""
    found: Counter[str] = Counter()
    for character, count in Counter(text).items():
        script = _script(ord(character))
        if script is not None:
            found[script] += count
    return found


def _script(code: int) -> str | None:
    index = bisect_right(_STARTS, code) - 1
    return _RANGES[index][2] if index >= 0 and code <= _RANGES[index][1] else None
