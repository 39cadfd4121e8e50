"""What a model is told: the prompt's template, its version, and the form that the answer has to have."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from publisher.data.enhance.records import Target
from publisher.errors import HubpubError
from publisher.records.facts import Json

_OURS = "prompt.txt.j2"
_VERSION = re.compile(r"Version (\d+)\.")


@dataclass(frozen=True)
class Prompt:
    """A template of the text that goes with two pictures.

    Attributes:
        version: `hubpub-1` of ours, `own-` and the start of its sha256 of a user's.
        text: Jinja: `item_type`, `category`, `expressions`, `unique` (how many).
    """

    version: str
    text: str

    def render(self, target: Target, unique: int) -> str:
        """The words for one target.

        Raises:
            HubpubError: HP-C02, the template has an error.
        """
        try:
            return _compiled(self.text).render(
                item_type=target.item_type,
                category=target.category,
                expressions=target.expressions,
                unique=unique,
            )
        except TemplateError as error:
            raise HubpubError(
                "HP-C02",
                f"the prompt of the enhancement has an error: {error}",
                hint="it may use item_type, category, expressions and unique; see docs/enhance.md",
            ) from error


@lru_cache(maxsize=4)  # for thousands of targets
def _compiled(text: str) -> Template:
    # Plain text for a model: there is no markup that an expression could break out of.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False).from_string(text)


def load_prompt(own: Path | None = None) -> Prompt:
    """Ours, or the template in a user's file.

    Raises:
        HubpubError: HP-M06, there is no such file; HP-C02, it is no UTF-8 text.
    """
    if own is None:
        text = files(__package__).joinpath(_OURS).read_text(encoding="utf-8")
        version = _VERSION.search(text)
        assert version is not None
        return Prompt(f"hubpub-{version[1]}", text)
    try:
        text = own.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise HubpubError(
            "HP-C02", "the prompt is no UTF-8 text", where=str(own), hint="save it as UTF-8"
        ) from error
    except OSError as error:
        raise HubpubError(
            "HP-M06",
            "the prompt that the manifest names cannot be read",
            where=str(own),
            hint="write it, or leave out enhance.prompt: ours is used then",
        ) from error
    return Prompt(f"own-{hashlib.sha256(text.encode()).hexdigest()[:12]}", text)


def answer_schema(expressions: int, unique: int) -> Json:
    """The JSON Schema of an answer, in the subset that strict structured output knows."""
    text: Json = {"type": "string"}
    variation = {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "text": text},
        "required": ["number", "text"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "variations": {
                "type": "array",
                "items": variation,
                "minItems": expressions,
                "maxItems": expressions,
            },
            "unique": {"type": "array", "items": text, "minItems": unique, "maxItems": unique},
        },
        "required": ["variations", "unique"],
        "additionalProperties": False,
    }
