"""Language codes as cards write them: ISO 639-1, any three letters of ISO 639-3, and the Hub's own words."""

from __future__ import annotations

import re

# ISO 639-1, all two-letter codes (https://www.loc.gov/standards/iso639-2/php/code_list.php).
_TWO_LETTERS = """
 aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
 en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu
 ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na
 nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn
 so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_CODE = re.compile(r"[a-z]{2,3}")
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][A-Za-z0-9]{2,8}){1,3}")  # BCP 47: zh-TW, sr-Latn-RS; some write en_US
_NAMES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "russian": "ru", "chinese": "zh", "japanese": "ja", "korean": "ko", "arabic": "ar",
    "hindi": "hi", "turkish": "tr", "vietnamese": "vi", "indonesian": "id", "polish": "pl", "ukrainian": "uk",
    "czech": "cs", "greek": "el", "hebrew": "he", "thai": "th", "persian": "fa", "swedish": "sv", "danish": "da",
    "finnish": "fi", "norwegian": "no", "hungarian": "hu", "romanian": "ro", "bengali": "bn", "urdu": "ur",
    "tamil": "ta", "telugu": "te", "catalan": "ca", "basque": "eu", "galician": "gl", "swahili": "sw",
}  # fmt: skip


def is_language(code: str) -> bool:
    """Whether a text can stand under `language`. Three-letter codes number thousands: their shape is enough."""
    if code in ("code", "multilingual"):
        return True
    tag = _TAG.fullmatch(code)
    start = tag[1] if tag else code
    return _CODE.fullmatch(start) is not None and (
        len(start) == 3 or f" {start} " in _TWO_LETTERS.replace("\n", " ")
    )


def code_of(text: str) -> str | None:
    """The code that was meant: of a language's English name, or of a code in capitals."""
    lower = text.strip().casefold()
    return _NAMES.get(lower) or (lower if lower != text and is_language(lower) else None)
