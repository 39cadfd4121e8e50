"""A README's front matter: reading it, and saying what is wrong with it before anything is uploaded."""

from __future__ import annotations

import io
import math
import re
from datetime import date
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from publisher.staging.call import Call
from publisher.staging.responses import bad_request

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_TEXTS = ("license_name", "license_link", "pipeline_tag", "library_name", "pretty_name", "thumbnail")
_TEXT_OR_LIST = ("license", "language", "base_model", "tags", "datasets", "metrics", "task_categories")
# docs: https://huggingface.co/docs/hub/repositories-licenses
_LICENCE_IDS = (
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0"
    " bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda"
    " cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0"
    " cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0"
    " cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1"
    " eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research"
    " lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1"
    " ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3"
    " llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other"
)
_LICENCES = frozenset(_LICENCE_IDS.split())
_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_KEYS = ("language", "language_creators", "multilinguality", "size_categories", "task_categories", "task_ids")
_TAGGED = {
    "model": (
        ("language", ""),
        ("license", "license:"),
        ("datasets", "dataset:"),
        ("base_model", "base_model:"),
    ),
    "dataset": (("license", "license:"), *((key, f"{key}:") for key in _KEYS)),
}


def validate_yaml(call: Call) -> Response:
    """POST /api/validate-yaml: errors (status 400) and warnings about a README's front matter; as text if asked for."""
    content = call.json().get("content")
    if not isinstance(content, str):
        raise bad_request("content must be a text")
    errors, warnings = faults(content)
    status = 400 if errors else 200
    if call.headers.get("accept") == "text/plain":
        lines = [*(f"- Error: {each}" for each in errors), *(f"- Warning: {each}" for each in warnings)]
        return PlainTextResponse("\n".join(lines), status)
    body: dict[str, Any] = {
        "errors": [{"message": message} for message in errors],
        "warnings": [{"message": message} for message in warnings],
    }
    return JSONResponse(body, status)


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
    if not set(_texts(card.get("license"))) <= _LICENCES:
        errors.append(f'"license" must be one of [{", ".join(sorted(_LICENCES))}]')
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


def tags(card: dict[str, Any], kind: str) -> list[str]:
    """The tags that a repo's page shows: a model's language stands there as it is, a dataset's behind its key."""
    shown = [str(card[key]) for key in ("library_name", "pipeline_tag") if card.get(key)]
    shown += _texts(card.get("tags"))
    for key, prefix in _TAGGED[kind]:
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
