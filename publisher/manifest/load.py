"""YAML → Manifest: ALL faults at once, each with file, line and column."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from publisher.errors import HubpubError
from publisher.manifest.compose import OPEN_QUESTION
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest, PolicySettings, ProjectDefaults, repo_refs

TAG = "from"  # the key that says which form a section has
MAX_BYTES = 1_000_000
MAX_NODES = 50_000  # an alias bomb unfolds to more than any manifest has

Model = TypeVar("Model", bound=BaseModel)


def load_manifest(project: Project, name: str, *, owner: str | None = None) -> Manifest:
    """Read one release's manifest with the project's defaults under it, and hold it against the policy.

    `owner` takes the place of the manifest's; the policy holds for it as well.

    Raises:
        HubpubError: HP-M01 with every fault in `data["all"]`; HP-M02 unknown name; HP-M05 policy;
            HP-M06 a prose file that is not there; HP-M11 what is written as `?? …`.
    """
    path = project.release(name).manifest
    if not path.is_file():
        near = difflib.get_close_matches(name, project.names(), n=3, cutoff=0.4)
        raise HubpubError(
            "HP-M02",
            f"there is no release {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""),
            where=str(path),
            hint=f"hubpub release {near[0]}" if near else f"hubpub init {name}",
            near=near,
        )
    defaults = load_defaults(project)
    given = defaults.model_dump(exclude={"manifest", "policy"}, exclude_none=True) if defaults else {}
    manifest = _validate(path, Manifest, defaults=given)
    if owner is not None:
        manifest = manifest.model_copy(update={"owner": owner})
    if defaults:
        _hold_to_policy(manifest, defaults.policy, path, name)
    _find_prose(manifest, path)
    return manifest


def load_defaults(project: Project) -> ProjectDefaults | None:
    """Read `model_cards/project.yaml`, if there is one."""
    path = project.cards / "project.yaml"
    return _validate(path, ProjectDefaults) if path.is_file() else None


def _validate(path: Path, model: type[Model], *, defaults: Mapping[str, Any] | None = None) -> Model:
    document = _parse(path)
    plain = _plain(document, path, _Budget())
    if not isinstance(plain, dict):
        raise _faults(path, [(1, 1, "the file must be a mapping of keys to values")])
    questions = list(_questions(document))
    try:
        # By way of JSON, so that arrays become tuples; "4" stays a string where a number belongs.
        manifest = model.model_validate_json(json.dumps({**(defaults or {}), **plain}))
    except ValidationError as invalid:
        asked = {line for line, _, _ in questions}
        faults = [_fault(document, error, model) for error in invalid.errors()]
        wrong = [fault for fault in faults if fault[0] not in asked]
        raise _faults(path, wrong, also=questions) from None
    if questions:
        raise _faults(path, [], also=questions)
    return manifest


def _parse(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if path.stat().st_size > MAX_BYTES:
        raise _faults(path, [(1, 1, f"the file is larger than {MAX_BYTES:,} bytes")])
    try:
        return YAML(typ="rt").load(path.read_text(encoding="utf-8-sig"))
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = " ".join(str(fault.problem or fault.context or "is not YAML").split("\n")[0].split())
        raise _faults(path, [(*place, problem)]) from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as fault:
        raise _faults(path, [(1, 1, f"is not YAML: {str(fault).splitlines()[0]}")]) from None


def _questions(
    node: Any, dotted: str = "", place: tuple[int, int] = (1, 1)
) -> Iterator[tuple[int, int, str]]:
    """What is written as `?? …`: nobody has confirmed it, so nothing is made of it."""
    if isinstance(node, str) and node.startswith(OPEN_QUESTION):
        what = node.removeprefix(OPEN_QUESTION).strip()
        yield *place, f"{dotted.removesuffix('.source')} is open: {what}"
    elif isinstance(node, Mapping):
        for key, value in node.items():
            at = _place(node, key, place)
            yield from _questions(value, f"{dotted}.{key}" if dotted else str(key), at)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, value in enumerate(node):
            yield from _questions(value, f"{dotted}.{index}", _place(node, index, place))


def _place(node: Any, key: Any, otherwise: tuple[int, int]) -> tuple[int, int]:
    """Where a key or item stands; what a merge key brought in stands where the whole does."""
    found = (node.lc.data or {}).get(key)
    return _one_based(found[:2]) if found else otherwise


class _Budget:
    """Counts the nodes of a document as it is unfolded."""

    left = MAX_NODES

    def spend(self, path: Path) -> None:
        self.left -= 1
        if self.left < 0:
            raise _faults(path, [(1, 1, f"unfolds to more than {MAX_NODES:,} values")])


def _plain(node: Any, path: Path, budget: _Budget) -> Any:
    """Round-trip nodes as plain JSON values; dates, `.nan` and `.inf` stay the words that they were written as."""
    budget.spend(path)
    if isinstance(node, Mapping):
        return {str(key): _plain(value, path, budget) for key, value in node.items()}
    if isinstance(node, str):
        return str(node)
    if isinstance(node, Sequence):
        return [_plain(value, path, budget) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float) and math.isfinite(node):
        return float(node)
    return str(node)


def _fault(document: Any, error: Any, model: type[BaseModel]) -> tuple[int, int, str]:
    """One pydantic error as (line, column, message)."""
    keys = [key for key in error["loc"] if key != "[key]"]
    if (
        keys[:1] == ["base"]
        and isinstance(document, Mapping)
        and "base" not in document
        and "source" in document
    ):
        keys[0] = "source"  # which is what the file calls it
    place = (1, 1)
    node = document
    written = []
    for key in keys:
        if isinstance(node, Mapping) and key not in node and node.get(TAG) == key:
            continue  # no key of the file: which form of a section was chosen
        written.append(key)
        try:
            if isinstance(node, Mapping):
                place = _one_based(node.lc.key(key))  # type: ignore[attr-defined]
                node = node[key]
            elif isinstance(node, Sequence) and not isinstance(node, str):
                place = _one_based(node.lc.item(key))  # type: ignore[attr-defined]
                node = node[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            break  # a key that is missing: the place of its parent is the best there is
    dotted = ".".join(str(key) for key in written)
    return (*place, f"{dotted}: {_words(error, keys, model)}" if dotted else _words(error, keys, model))


def _one_based(place: tuple[int, int]) -> tuple[int, int]:
    return place[0] + 1, place[1] + 1


def _words(error: Any, keys: list[Any], model: type[BaseModel]) -> str:
    kind, given = error["type"], error.get("input")
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(keys[-1]), _keys_beside(model, keys), n=1)
        return "unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return "is missing"
    if kind == "union_tag_not_found":
        return f"{TAG} is missing"
    if kind == "union_tag_invalid":
        return f"{TAG}: {error['ctx']['tag']!r} is none of {error['ctx']['expected_tags']}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message if isinstance(given, dict | list) else f"{message}, not {given!r}"


def _keys_beside(model: type[BaseModel], keys: list[Any]) -> list[str]:
    """The keys that are known where an unknown one stands."""
    kinds: list[type[BaseModel]] = [model]
    for key in keys[:-1]:
        chosen = [kind for kind in kinds if _tag_of(kind) == key]
        fields = (kind.model_fields[key] for kind in kinds if key in kind.model_fields)
        kinds = chosen or [found for field in fields for found in _models(field.annotation)]
    return [field.alias or name for kind in kinds for name, field in kind.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _tag_of(kind: type[BaseModel]) -> str | None:
    """What `from` says where a section has this form."""
    field = next((field for field in kind.model_fields.values() if field.alias == TAG), None)
    return next(iter(get_args(field.annotation)), None) if field else None


def _faults(
    path: Path, faults: list[tuple[int, int, str]], *, also: Sequence[tuple[int, int, str]] = ()
) -> HubpubError:
    """One error that carries all faults, in the order of the file, and behind them what is open."""
    errors = [
        HubpubError(code, what, where=f"{path}:{line}:{column}", hint=hint, line=line)
        for code, hint, found in (
            ("HP-M01", "hubpub schema shows every key", faults),
            ("HP-M11", "write what is so in place of ??, or delete the entry", also),
        )
        for line, column, what in sorted(set(found))
    ]
    errors[0].data["all"] = errors
    return errors[0]


def _hold_to_policy(manifest: Manifest, policy: PolicySettings, path: Path, name: str) -> None:
    broken: list[str] = []
    if policy.owners:
        strangers = {
            repo_id
            for repo_id in (
                *(ref.repo_id for ref in repo_refs(manifest, name).values()),
                *manifest.supersedes.values(),
            )
            if _owner(repo_id) not in policy.owners
        }
        broken += [
            f"owner of {repo_id} is not among {', '.join(policy.owners)}" for repo_id in sorted(strangers)
        ]
    if policy.visibility:
        shown = {manifest.visibility} | {a.visibility for a in manifest.artifacts.values() if a.visibility}
        broken += [f"visibility {v} is not allowed" for v in sorted(shown) if v not in policy.visibility]
    named = {manifest.licence, *(each.licence for each in manifest.artifacts.values())} - {None}
    if policy.licences:
        broken += [
            f"licence {licence} is not among {', '.join(policy.licences)}"
            for licence in sorted(map(str, named))
            if licence not in policy.licences
        ]
    broken += [
        f"{dotted} is required and missing" for dotted in policy.require if not _given(manifest, dotted)
    ]
    if broken:
        errors = [
            HubpubError(
                "HP-M05", what, where=str(path), hint="change the manifest, or ask who keeps project.yaml"
            )
            for what in broken
        ]
        errors[0].data["all"] = errors
        raise errors[0]


def _owner(repo_id: str) -> str:
    return repo_id.split("/", 1)[0]


def _given(manifest: Manifest, dotted: str) -> bool:
    value: Any = manifest
    for key in dotted.split("."):
        value = getattr(value, key, None)
    return bool(value)


def _find_prose(manifest: Manifest, path: Path) -> None:
    named = {f"card.{section}": file for section, file in manifest.card.prose_files.items()}
    if manifest.evaluate is not None and manifest.evaluate.general is not None:
        named["evaluate.general"] = manifest.evaluate.general
    for prompt, settings in enumerate(manifest.smoke):
        named |= {f"smoke.{prompt}.images.{at}": file for at, file in enumerate(settings.images)}
    missing = {key: file for key, file in named.items() if not (path.parent / file).is_file()}
    if missing:
        errors = [
            HubpubError(
                "HP-M06",
                f"{key} names {file}, which does not exist",
                where=str(path),
                hint=f"write {path.parent / file}, or remove the key",
            )
            for key, file in missing.items()
        ]
        errors[0].data["all"] = errors
        raise errors[0]
