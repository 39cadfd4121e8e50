"""Everything that a repo's evidence states, held against the repo's own files.

`evidence/facts.json` fact by fact: the file that each was read from has the digest and the value that it names, and
what can be counted again is counted again; `evidence/tensors.json` against the headers of the weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from publisher.checks.observe.claim_words import Subject
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.jsons import MAX_BYTES, FactsFile, ModelConfig, TensorsFile
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.recounted import Answer, Found, Recounted, Unknown
from publisher.checks.observe.stated import StatedFact, StatedFacts
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.observe.tensors import Headers, Tensor
from publisher.records.facts import CommandSource, FileSource, Json, StatedSource
from publisher.records.findings import Outcome, Statement

_OF_THE_BASE: dict[Subject, str] = {
    "layers": "base.layers", "hidden size": "base.hidden_size",
    "heads": "base.heads", "kv heads": "base.kv_heads",
}  # fmt: skip
_MOST_TENSORS = 20  # that are told one by one


@dataclass(frozen=True)
class Elsewhere:
    """Which of the repos that a card names its Hub has; None where that is not for this Hub to say."""

    hub: str
    has: Mapping[str, bool | None]

    @classmethod
    def observe(cls, _: RepoView) -> Absent:
        """Files do not tell; who can ask a Hub gives the view this beforehand."""
        return Absent("no Hub was asked")


@dataclass(frozen=True)
class Held:
    """One statement, and the place that it stands in. `proven`: it was held against what cannot mean anything else."""

    statement: Statement
    path: str
    line: int | None = None
    proven: bool = True


@dataclass(frozen=True)
class Statements:
    """All statements of the evidence, and of the front matter where a Hub was asked."""

    all: tuple[Held, ...]

    @classmethod
    def observe(cls, view: RepoView) -> Statements | Absent:
        """Hold each against the files; Absent where nothing is stated that could be."""
        facts = view.observe(StatedFacts)
        if isinstance(facts, Absent):
            named = tuple(_bases(view))
            return cls(named) if named else facts
        return cls((*_facts(view, facts), *_tensors(view), *_printed(view, facts), *_bases(view)))


def _facts(view: RepoView, facts: StatedFacts) -> Iterator[Held]:
    recounted = view.observe(Recounted)
    evidence = _Evidence(view)
    for fact_id in sorted(facts.by_id):
        fact = facts.by_id[fact_id]
        answer = Unknown(recounted.reason) if isinstance(recounted, Absent) else recounted.answer(fact_id)
        yield Held(_judge(fact, answer, evidence), FactsFile.file, fact.line)
    named = {f.source for f in facts.by_id.values() if isinstance(f.source, FileSource)}
    for path, sha256 in sorted({(source.path, source.sha256) for source in named}):
        yield Held(evidence.digest(path, sha256), path if path in evidence else FactsFile.file)


def _judge(fact: StatedFact, answer: Answer, evidence: _Evidence) -> Statement:
    """The files have the first word, then the evidence: two files that agree may both be forged."""
    if isinstance(answer, Found):
        # Targets have no order: a training made elsewhere lists them in its own.
        stated = sorted(fact.value, key=str) if _is_targets(fact) else fact.value
        fits = next((value for value in answer.values if _same(stated, value)), None)
        if fits is None:
            return Statement(
                fact.id, fact.value, answer.values[0] if answer.values else None, Outcome.FAILS, answer.where
            )
    source = fact.source
    recorded = evidence.value(source) if isinstance(source, FileSource) else None
    if isinstance(recorded, Found) and not _same(fact.value, recorded.values[0]):
        return Statement(fact.id, fact.value, recorded.values[0], Outcome.FAILS, recorded.where)
    if isinstance(answer, Found):
        return Statement(fact.id, fact.value, fits, Outcome.HOLDS, answer.where)
    reason = answer.reason
    if isinstance(source, StatedSource):
        reason = f"its author says so: {source.stated}"
    elif isinstance(source, CommandSource):
        reason = f"a command told it: {source.command}"
    elif isinstance(recorded, Found):
        reason += f"; {recorded.where} says the same"
    return Statement(fact.id, fact.value, None, Outcome.UNKNOWN, reason)


def _is_targets(fact: StatedFact) -> bool:
    return fact.id.endswith(".target_modules") and isinstance(fact.value, list)


def _same(stated: Json, found: Json) -> bool:
    """Equal as JSON is: `true` is not 1, and 4.0 is 4."""
    if isinstance(stated, bool) or isinstance(found, bool):
        return stated is found
    if isinstance(stated, list) and isinstance(found, list):
        return len(stated) == len(found) and all(map(_same, stated, found))
    return bool(stated == found)


@dataclass(frozen=True)
class _Evidence:
    """The files that facts point to, each read once."""

    view: RepoView
    _read: dict[str, bytes | Absent] = field(default_factory=dict)
    _parsed: dict[str, Json] = field(default_factory=dict)

    def __contains__(self, path: object) -> bool:
        return not isinstance(self.raw(str(path)), Absent)

    def raw(self, path: str) -> bytes | Absent:
        """A file's bytes."""
        if path not in self._read:
            self._read[path] = self._fetch(path)
        return self._read[path]

    def _fetch(self, path: str) -> bytes | Absent:
        files = self.view.observe(Files)
        entry = None if isinstance(files, Absent) else files.get(path)
        if entry is None or not entry.readable:
            return Absent("that file is not in this repo")
        if entry.size > MAX_BYTES:
            return Absent("that file is too large to be read for a check")
        try:
            return self.view.source.read(path)
        except OSError as error:
            return Absent(f"that file cannot be read: {error.strerror}")

    def digest(self, path: str, sha256: str) -> Statement:
        """Whether a file is the one that facts were read from."""
        raw = self.raw(path)
        if isinstance(raw, Absent):
            return Statement(path, sha256, None, Outcome.UNKNOWN, raw.reason)
        found = hashlib.sha256(raw).hexdigest()
        status = Outcome.HOLDS if found == sha256 else Outcome.FAILS
        return Statement(path, sha256, found, status, "sha256 of the file")

    def value(self, source: FileSource) -> Found | None:
        """What a JSON file has where a fact points; None where there is no saying."""
        raw = self.raw(source.path)
        if not source.pointer.startswith("/") or isinstance(raw, Absent):
            return None
        if source.path not in self._parsed:
            try:
                self._parsed[source.path] = json.loads(raw)
            except (ValueError, RecursionError):
                self._parsed[source.path] = None
        return Found((_resolve(self._parsed[source.path], source.pointer),), source.path)


def _resolve(document: Json, pointer: str) -> Json:
    """RFC 6901; None where the pointer leads nowhere."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def _tensors(view: RepoView) -> Iterator[Held]:
    """Names, types and shapes: the digests are of bytes that a check does not read."""
    file, headers = view.observe(TensorsFile), view.observe(Headers)
    if isinstance(file, Absent):
        return
    stated = file.data.get("tensors")
    if not isinstance(stated, dict):
        return
    count = f"{len(stated):,} tensors"
    stem = "adapter_model" if view.observe(RepoKind) is RepoKind.ADAPTER else "model"
    files = [] if isinstance(headers, Absent) else [h for h in headers.files if h.path.startswith(stem)]
    if isinstance(headers, Absent) or any(header.faults or header.pointer for header in files):
        reason = headers.reason if isinstance(headers, Absent) else "not all weight files can be read"
        yield Held(Statement(file.path, count, None, Outcome.UNKNOWN, reason), file.path)
        return
    found = {name: tensor for header in files for name, tensor in header.tensors.items()}
    wrong = [
        name
        for name in sorted(stated.keys() | found.keys())
        if _entry(stated.get(name)) != _entry(found.get(name))
    ]
    where = "names, types and shapes in the headers of the weights"
    if not wrong:
        yield Held(Statement(file.path, count, count, Outcome.HOLDS, where), file.path)
    for name in wrong[:_MOST_TENSORS]:
        pair = _entry(stated.get(name)), _entry(found.get(name))
        yield Held(
            Statement(f"{file.path}: {name}", *pair, Outcome.FAILS, where), file.path, _line(file, name)
        )
    if len(wrong) > _MOST_TENSORS:
        more = f"{len(wrong) - _MOST_TENSORS:,} more tensors"
        yield Held(Statement(f"{file.path}: {more}", None, None, Outcome.FAILS, where), file.path)


def _entry(tensor: Json | Tensor) -> str | None:
    """`F32 2x16`; None for no tensor."""
    if isinstance(tensor, Tensor):
        return f"{tensor.dtype} {'x'.join(map(str, tensor.shape))}"
    if not isinstance(tensor, dict) or not isinstance(tensor.get("shape"), list):
        return None
    return f"{tensor.get('dtype')} {'x'.join(map(str, tensor['shape']))}"


def _line(file: TensorsFile, name: str) -> int | None:
    position = file.text.find(json.dumps(name, ensure_ascii=False))
    return None if position < 0 else file.text.count("\n", 0, position) + 1


def _printed(view: RepoView, facts: StatedFacts) -> Iterator[Held]:
    """Numbers of the base in a card whose repo has no config.json: none of a kind is what was measured."""
    claims = view.observe(Claims)
    if isinstance(claims, Absent) or not isinstance(view.observe(ModelConfig), Absent):
        return
    for subject, fact_id in _OF_THE_BASE.items():
        stated, measured = [each for each in claims.of(subject) if each.high], facts.value(fact_id)
        if stated and type(measured) is int and not any(each.agrees(measured) for each in stated):
            name, reason = f"{README}:{stated[0].line} {subject}", f"{fact_id} of {FactsFile.file}"
            failed = Statement(name, stated[0].text, measured, Outcome.FAILS, reason)
            yield Held(failed, README, stated[0].line, proven=False)


def _bases(view: RepoView) -> Iterator[Held]:
    """Whether the models that the card is based on exist, where their Hub was asked."""
    asked, card = view.observe(Elsewhere), view.observe(Metadata)
    if isinstance(asked, Absent) or isinstance(card, Absent):
        return
    for value in card.texts("base_model"):
        there = asked.has.get(value.data)
        status = {True: Outcome.HOLDS, False: Outcome.FAILS, None: Outcome.UNKNOWN}[there]
        found = value.data if there else None
        reason = (
            f"it is on {asked.hub}" if there else f"not on {asked.hub}, or not to be seen with this token"
        )
        statement = Statement(f"{README}:{value.line} base_model", value.data, found, status, reason)
        yield Held(statement, README, value.line, proven=False)
