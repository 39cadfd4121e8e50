"""Benchmarks that lm-evaluation-harness ran: read its files, and hold them against each other and against the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import HubpubError
from publisher.evidence.imported.document import Document, read_document, unreadable
from publisher.evidence.imported.lm_eval import Results, Task, lm_eval
from publisher.records.benchmarks import FILE, STDERR, Benchmark
from publisher.records.facts import Facts, Json, Measurement

PATTERN = "results*.json"  # of a folder, these are read
HINT = "name the results_*.json that lm_eval --output_path wrote"
ALIKE = "run both models again with the same tasks and settings, or take the file out of lm_eval:"
AGAIN = "run lm_eval on the weights as they are now, and name that file; or take this one out of lm_eval:"
COUNTED = (
    "base",
    "merged",
)  # models whose parameters the harness counts as we do: nothing packed, nothing laid on them

Places = Mapping[str, Sequence[str]]  # kind of model → files, or folders of them


@dataclass(frozen=True)
class Source:
    """One file of one model's results."""

    kind: str
    document: Document
    results: Results


def result_files(root: Path, places: Sequence[str]) -> tuple[Path, ...]:
    """The files that are named, and those of a named folder and of the folder that the harness makes below it."""
    found: dict[Path, None] = {}
    for place in places:
        at = root / place
        inside = sorted([*at.glob(PATTERN), *at.glob(f"*/{PATTERN}")]) if at.is_dir() else [at]
        found |= dict.fromkeys(inside)
    return tuple(found)


def read_benchmarks(root: Path, places: Places, base: str | None) -> tuple[Source, ...]:
    """Read every file that is named.

    Args:
        root: the manifest's folder.
        places: for each kind of model, files or folders.
        base: the base model's Hub id.

    Raises:
        HubpubError: HP-A08, a file that cannot be read; HP-A09, results of another model than the manifest says, or
            that are not comparable with each other.
    """
    sources = [
        Source(kind, document, results)
        for kind, of_kind in places.items()
        for place in of_kind
        for document, results in _read(root, place)
    ]
    for source in sources:
        _refuse_other_model(source, base)
    _refuse_differences(sources)
    return tuple(sources)


def refuse_other_weights(
    sources: Iterable[Source], made: Facts, weights: Mapping[str, Sequence[str]], before: Facts
) -> None:
    """Hold the results against the weights that they are said to be of.

    Args:
        sources: what was read.
        made: facts of the artifacts as they are now.
        weights: for each kind of model, the sha256 of its weights' files, as far as they are known.
        before: facts of the last run. A file that was read for other weights is not of these.

    Raises:
        HubpubError: HP-A09.
    """
    for source in sources:
        counted = made.value(f"{source.kind}.parameters") if source.kind in COUNTED else None
        told = source.results.parameters
        if counted is not None and told is not None and told != counted and not source.results.adapted:
            what = f"{source.document.name} is of a model of {told:,} parameters, and {source.kind} has {counted:,}"
            raise _contradiction(source, what, [told, counted], hint=AGAIN)
    for kind, of_kind in _by_kind(sources).items():
        same = set(before.value(f"{FILE}{kind}.sha256", ())) & {source.document.sha256 for source in of_kind}
        were = before.value(f"{FILE}{kind}.weights", ())
        now = weights.get(kind, ())
        if same and now and not set(were) <= set(now):
            what = f"the weights of {kind} are other ones than when {of_kind[0].document.name} was first read"
            raise _contradiction(of_kind[0], what, [list(were), list(now)], hint=AGAIN)


def measurements(sources: Iterable[Source], weights: Mapping[str, Sequence[str]]) -> tuple[Measurement, ...]:
    """Everything that was read as measurements, in order of their ids."""
    found: dict[str, Measurement] = {}
    for kind, of_kind in _by_kind(sources).items():
        for each in (*_of_files(kind, of_kind, weights.get(kind, ())), *_of_tasks(kind, of_kind)):
            found.setdefault(each.id, each)
    return tuple(found[fact_id] for fact_id in sorted(found))


def _read(root: Path, place: str) -> Iterator[tuple[Document, Results]]:
    files = result_files(root, [place])
    if not files:
        raise unreadable(root / place, f"{place} holds no {PATTERN}", hint=HINT)
    for file in files:
        document = read_document(file)
        results = lm_eval(document)
        if results is None or not results.tasks:
            raise unreadable(file, f"{file.name} holds no results of lm-evaluation-harness", hint=HINT)
        yield document, results


def _refuse_other_model(source: Source, base: str | None) -> None:
    """What the file itself says of its model: a base with an adapter is none, and a bare base is not the tuned one."""
    name, results = source.document.name, source.results
    if source.kind == "base" and results.adapted:
        raise _contradiction(source, f"{name} is of a model with an adapter, and not of the base", None)
    if source.kind != "base" and base is not None and results.model == base and not results.adapted:
        raise _contradiction(source, f"{name} is of the base model {base}, and not of {source.kind}", base)


def _refuse_differences(sources: Sequence[Source]) -> None:
    """Two columns of one table have to be of the same questions; two files of one model, the same numbers."""
    first: dict[str, tuple[Source, Task]] = {}
    numbers: dict[tuple[str, str], tuple[Source, Task]] = {}
    for source in sources:
        for name, task in source.results.tasks.items():
            other, known = first.setdefault(name, (source, task))
            for key in sorted(known.about.keys() | task.about.keys()):
                one, two = known.about.get(key), task.about.get(key)
                if one != two:
                    what = f"{name}: {key} is {one} in {other.document.name} of {other.kind}"
                    raise _contradiction(
                        source, f"{what} and {two} in {source.document.name} of {source.kind}", [one, two]
                    )
            other, known = numbers.setdefault((source.kind, name), (source, task))
            if known.numbers != task.numbers:
                what = f"{other.document.name} and {source.document.name} have different results of {source.kind} on {name}"
                raise _contradiction(source, what, None)


def _of_files(kind: str, sources: Sequence[Source], weights: Sequence[str]) -> Iterator[Measurement]:
    yield Measurement(f"{FILE}{kind}.name", sorted({source.document.name for source in sources}))
    yield Measurement(f"{FILE}{kind}.sha256", sorted({source.document.sha256 for source in sources}))
    harness = sorted({source.results.harness for source in sources if source.results.harness})
    yield Measurement(f"{FILE}{kind}.harness", harness or None, None, "known" if harness else "unknown")
    if weights:
        yield Measurement(f"{FILE}{kind}.weights", sorted(weights))


def _of_tasks(kind: str, sources: Sequence[Source]) -> Iterator[Measurement]:
    for source in sources:
        for name, task in source.results.tasks.items():
            for metric, number in task.numbers.items():
                benchmark = Benchmark(name, metric)
                yield _measured(benchmark.of(kind), number.value)
                yield _measured(f"{benchmark.of(kind)}{STDERR}", number.stderr)
                yield _measured(benchmark.better, number.better)
            for key, value in task.about.items():
                yield Measurement(Benchmark(name, "").about(key), value)


def _measured(fact_id: str, value: Json) -> Measurement:
    return Measurement(fact_id, value, None, "unknown" if value is None else "known")


def _by_kind(sources: Iterable[Source]) -> dict[str, list[Source]]:
    found: dict[str, list[Source]] = {}
    for source in sources:
        found.setdefault(source.kind, []).append(source)
    return found


def _contradiction(source: Source, what: str, values: Json, *, hint: str = ALIKE) -> HubpubError:
    return HubpubError(
        "HP-A09",
        what,
        where=str(source.document.file),
        hint=hint,
        values=values,
    )
