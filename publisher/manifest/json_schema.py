"""The JSON Schema of `release.yaml` as people write it.

The typed manifest knows long forms alone, because short ones are opened up before it is read; its own schema would have an
editor mark a short form, and a manifest that takes its owner from `project.yaml`, as wrong.
"""

from __future__ import annotations

from typing import Any

from publisher.manifest.schema import Manifest
from publisher.records.artifacts import KINDS

JsonSchema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ONE_WORD = ("base", "source", "dataset", "training_run", "supersedes")  # an id, a file, a folder


def json_schema() -> JsonSchema:
    """The schema, with the short forms beside the long ones."""
    schema = {"$schema": DIALECT, **Manifest.model_json_schema(by_alias=True)}
    keys = schema["properties"]
    for key in ONE_WORD:
        keys[key] = _or({"type": "string"}, keys[key])
    keys["artifacts"] = _artifacts(keys["artifacts"])
    keys["lm_eval"]["additionalProperties"] = _or({"type": "string"}, keys["lm_eval"]["additionalProperties"])
    authors = schema["$defs"]["CardSettings"]["properties"]["authors"]
    authors["items"] = _or({"type": "string"}, authors["items"])
    schema["required"] = [key for key in schema["required"] if key not in ("base", "owner")]
    schema["anyOf"] = [{"required": ["base"]}, {"required": ["source"]}]
    return schema


def _or(short: JsonSchema, long: JsonSchema) -> JsonSchema:
    """Either form; what an editor shows of the key stays with the key."""
    told: JsonSchema = {name: long[name] for name in ("title", "description", "default") if name in long}
    form = {name: value for name, value in long.items() if name not in told}
    return {"anyOf": [short, *form.get("anyOf", [form])], **told}


def _artifacts(long: JsonSchema) -> JsonSchema:
    """A list of kinds, or a mapping in which a kind may stand without settings."""
    kinds = {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1}
    settings = _or({"type": "null"}, long["additionalProperties"])
    return _or(kinds, {**long, "additionalProperties": settings})
