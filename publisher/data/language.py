"""Whether a text is plainly not in the language that it should be in: by its letters and its commonest words.

No classifier: a short text without any of these words passes. It catches what goes wrong in practice, an answer that a
model gave in another language or another script.
"""

from __future__ import annotations

import re
import unicodedata

from publisher.manifest.dataset import Language

_COMMON: dict[Language, str] = {
    "de": "der die das und ist ein eine im in den dem mit auf von zu neben links rechts oben unten das nicht",
    "en": "the a an of in to and is that with on at by near next left right above below from for are",
    "es": "el la los las un una de en y que es con por para del al junto arriba abajo izquierda derecha",
    "fr": "le la les un une des de du en et est que dans avec sur au aux près gauche droite",
    "it": "il lo la gli le un una di in e che è con per del della nel nella sopra sotto sinistra destra",
    "nl": "de het een van en in is dat met op te naast links rechts boven onder niet",
    "pt": "o a os as um uma de em e que é com por do da no na dos das à esquerda direita",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_FOREIGN_LETTERS = 0.2  # share from which a text is in another script; a name in Greek letters is less


def is_foreign(text: str, language: Language) -> bool:
    """Whether a text holds more common words of another language than of this one, or letters of another script."""
    letters = [letter for letter in text if letter.isalpha()]
    strange = sum("LATIN" not in unicodedata.name(letter, "") for letter in letters)
    if letters and strange >= _FOREIGN_LETTERS * len(letters):
        return True
    words = re.findall(r"[^\W\d_]+", text.casefold())
    hits = {name: sum(word in common for word in words) for name, common in _WORDS.items()}
    return any(count > hits[language] + 1 for name, count in hits.items() if name != language)
