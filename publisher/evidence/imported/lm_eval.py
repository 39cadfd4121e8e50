"""The results file of lm-evaluation-harness: `results_*.json`, as `lm_eval --output_path` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import HUB_ID, Values, if_finite, read_as, whole
from publisher.records.benchmarks import STDERR
from publisher.records.facts import Json

NAME = re.compile(r"[A-Za-z0-9][\w@+-]{0,99}")
NO_FILTER = "none"
NO_METRICS = ("name", "alias", "sample_len", "sample_count")


@dataclass(frozen=True)
class Number:
    """A metric's value and its standard error; None where it is not finite, or was not told."""

    value: float | None
    stderr: float | None
    better: str | None  # higher, lower


@dataclass(frozen=True)
class Task:
    """One task, or a group of tasks that is reported as one.

    `about` is what has to be the same where two models are held against each other on it.
    """

    about: Values
    numbers: Mapping[str, Number]  # metric, with its filter where it has one


@dataclass(frozen=True)
class Results:
    """What the file tells: no path, host, user or device.

    Attributes:
        harness: its version.
        model: the model as it was named, for comparing alone: it may be a path.
        adapted: whether an adapter was laid on that model.
        parameters: of the model, as the harness counted them.
        tasks: by name, in the order of the file.
    """

    harness: str | None
    model: str | None
    adapted: bool
    parameters: int | None
    tasks: Mapping[str, Task]


def lm_eval(document: Document) -> Results | None:
    """What the file tells; None where it is another.

    Of a group that has a value of its own, the parts are counted and not listed, as in the harness's table of groups.

    Raises:
        HubpubError: HP-A08.
    """
    data = document.mapping("results", "versions", "config")
    results = data.get("results")
    if not isinstance(results, dict):
        return None
    told = {
        name: numbers for name, entry in results.items() if (numbers := _numbers(document, data, name, entry))
    }
    groups = {name: below for name, below in _mapping(data, "group_subtasks").items() if below}
    parts = {part for name in told for part in _below(groups, name)}
    tasks = {
        name: Task(
            _about(document, data, name, [part for part in _below(groups, name) if part not in groups]),
            numbers,
        )
        for name, numbers in told.items()
        if name not in parts
    }
    config = _mapping(data, "config")
    arguments = _arguments(config.get("model_args"))
    version = data.get("lm_eval_version")
    return Results(
        harness=version if isinstance(version, str) and re.fullmatch(r"[\w.+]{1,40}", version) else None,
        model=_text(arguments.get("pretrained")),
        adapted=_text(arguments.get("peft")) is not None,
        parameters=_whole(document, config, "model_num_parameters"),
        tasks=tasks,
    )


def _numbers(document: Document, data: Mapping[str, Json], task: str, entry: Json) -> dict[str, Number]:
    """The metrics of a task: `acc,none`, with `acc_stderr,none` beside it."""
    if not isinstance(entry, dict):
        raise document.fault(f"{task} in {document.name} is no mapping of metrics to values", task)
    higher = _mapping(_mapping(data, "higher_is_better"), task)
    found = {}
    for key, value in entry.items():
        metric, _, chosen = key.partition(",")
        if key in NO_METRICS or metric.endswith(STDERR) or isinstance(value, str):
            continue
        for name in (task, metric, *([chosen] if chosen else [])):
            if not NAME.fullmatch(name):
                what = f"{document.name} has a task or metric by the name {name[:40]!r}"
                raise document.fault(f"{what}, which no fact can be named by", key)
        stderr = entry.get(f"{metric}{STDERR}{',' if chosen else ''}{chosen}")
        better = "higher" if higher.get(metric) is True else "lower" if higher.get(metric) is False else None
        name = metric if chosen in ("", NO_FILTER) else f"{metric}.{chosen}"
        found[name] = Number(
            _finite(document, key, value),
            None if isinstance(stderr, str) else _finite(document, key, stderr),
            better,
        )
    return found


def _about(document: Document, data: Mapping[str, Json], task: str, parts: Sequence[str]) -> Values:
    """Everything that decides what a task asks, and of how many."""
    samples = [_mapping(_mapping(data, "n-samples"), leaf) for leaf in parts or (task,)]
    config = _mapping(_mapping(data, "configs"), task)
    dataset = config.get("dataset_path")
    version = _mapping(data, "versions").get(task)
    about: Values = {
        "version": str(version) if isinstance(version, str | int | float) else None,
        "shots": _whole(document, _mapping(data, "n-shot"), task),
        "rows": _sum(_whole(document, each, "effective") for each in samples),
        "rows_in_all": _sum(_whole(document, each, "original") for each in samples),
        "dataset": dataset if isinstance(dataset, str) and HUB_ID.fullmatch(dataset) else None,
        "parts": len(parts) or None,
        "chat_template": bool(data["chat_template"]) if "chat_template" in data else None,
        "system_instruction": bool(data["system_instruction"]) if "system_instruction" in data else None,
    }
    return {name: value for name, value in about.items() if value is not None}


def _below(groups: Mapping[str, Json], name: str) -> tuple[str, ...]:
    """What a group is made of, the groups in it and their parts too; nothing where it is no group."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        below = groups.get(waiting.pop())
        parts = [part for part in below if isinstance(part, str)] if isinstance(below, list) else []
        waiting += [part for part in parts if part not in found]
        found |= dict.fromkeys(parts)
    return tuple(part for part in found if part != name)


def _arguments(value: Json) -> Mapping[str, Json]:
    """How the model was named: a mapping, or in older files `pretrained=acme/model,peft=out`."""
    if isinstance(value, str):
        return dict(part.partition("=")[::2] for part in value.split(","))
    return value if isinstance(value, dict) else {}


def _mapping(data: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _sum(counts: Iterable[int | None]) -> int | None:
    found = list(counts)
    known = [count for count in found if count is not None]
    return sum(known) if known and len(known) == len(found) else None


def _whole(document: Document, data: Mapping[str, Json], key: str) -> int | None:
    value = data.get(key)
    return None if value is None else read_as(whole, document, key, value)


def _finite(document: Document, key: str, value: Json) -> float | None:
    return None if value is None else read_as(if_finite, document, key, value)
