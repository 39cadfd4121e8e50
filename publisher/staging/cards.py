"""A README's front matter: reading it, and saying what is wrong with it before anything is uploaded."""

from __future__ import annotations

import io
import math
import re
from datetime import date
from typing import Any

from starlette.responses import JSONResponse, Response

from publisher.staging.call import Call
from publisher.staging.responses import bad_request

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_TEXTS = ("license_name", "license_link", "pipeline_tag", "library_name", "pretty_name", "thumbnail")
_TEXT_OR_LIST = ("license", "language", "base_model", "tags", "datasets", "metrics", "task_categories")
_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_TAGGED = (("language", ""), ("license", "license:"), ("datasets", "dataset:"), ("base_model", "base_model:"))


def validate_yaml(call: Call) -> Response:
    """POST /api/validate-yaml: errors (status 400) and warnings about a README's front matter."""
    content = call.json().get("content")
    if not isinstance(content, str):
        raise bad_request("content must be a text")
    errors, warnings = faults(content)
    body: dict[str, Any] = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return JSONResponse(body, status_code=400 if errors else 200)


def faults(content: str) -> tuple[list[str], list[str]]:
    """What is wrong with a README's front matter: errors, which stop a commit, and warnings."""
    match = _FRONT_MATTER.match(content)
    if match is None or not match[1].strip():
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        card = _load(match[1])
    except _UnreadableError as unreadable:
        return [f"YAML Metadata Error: {unreadable}"], []
    errors = [
        *(f'"{key}" must be a string' for key in _TEXTS if not isinstance(card.get(key, ""), str)),
        *(
            f'"{key}" must be a string or an array of strings'
            for key in _TEXT_OR_LIST
            if not _is_text_or_texts(card.get(key, ""))
        ),
    ]
    if card.get("base_model_relation", _RELATIONS[0]) not in _RELATIONS:
        errors.append(f'"base_model_relation" must be one of [{", ".join(_RELATIONS)}]')
    if card.get("license") == "other" and not card.get("license_name"):
        errors.append('"license_name" is required when "license" is "other"')
    errors += _model_index_faults(card.get("model-index"))
    return errors, []


def front_matter(readme: bytes) -> dict[str, Any]:
    """The front matter of a README as JSON values; empty if there is none that can be read."""
    match = _FRONT_MATTER.match(readme.decode("utf-8", "replace"))
    try:
        card = _load(match[1]) if match else {}
    except _UnreadableError:
        return {}
    plain = _plain(card)
    assert isinstance(plain, dict)
    return plain


def tags(card: dict[str, Any]) -> list[str]:
    """The tags that a repo's page shows."""
    shown = [str(card[key]) for key in ("library_name", "pipeline_tag") if card.get(key)]
    shown += _texts(card.get("tags"))
    for key, prefix in _TAGGED:
        shown += [prefix + value for value in _texts(card.get(key))]
    if isinstance(relation := card.get("base_model_relation"), str):
        shown += [f"base_model:{relation}:{base}" for base in _texts(card.get("base_model"))]
    return list(dict.fromkeys(shown))


class _UnreadableError(Exception):
    """Front matter that is no YAML mapping."""


def _load(text: str) -> dict[Any, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        card = YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (YAMLError, ValueError, RecursionError) as error:
        raise _UnreadableError(" ".join(str(error).split())) from error
    if card is None:
        return {}
    if not isinstance(card, dict):
        raise _UnreadableError("the front matter must be a mapping")
    return card


def _model_index_faults(index: Any) -> list[str]:
    if index is None:
        return []
    if not isinstance(index, list):
        return ['"model-index" must be an array']
    errors = []
    for number, model in enumerate(index):
        place = f'"model-index[{number}]'
        if not isinstance(model, dict) or not isinstance(model.get("name"), str):
            errors.append(f'{place}.name" is required')
            continue
        results = model.get("results")
        if not isinstance(results, list):
            errors.append(f'{place}.results" must be an array')
            continue
        for position, result in enumerate(results):
            has = result if isinstance(result, dict) else {}
            missing = [key for key in ("task", "metrics") if not has.get(key)]
            errors += [f'{place}.results[{position}].{key}" is required' for key in missing]
    return errors


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """YAML values as JSON ones: dates and the like as text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
