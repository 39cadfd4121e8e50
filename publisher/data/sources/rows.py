"""Rows that are there already: every one is looked at, and all faults are told at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from publisher.data.enhance.records import Target
from publisher.data.package import image, list_of, text
from publisher.data.sample import Drawn, OnProgress, Row, Sample
from publisher.data.sources.chat import faults_of, images_asked, plain_messages
from publisher.data.sources.files import JsonlRows, Read, RowFile, files_in, split_told
from publisher.errors import HubpubError
from publisher.manifest.dataset import HubSettings, JsonlSettings, ParquetSettings
from publisher.records.digest import canonical_json
from publisher.records.facts import Json, Measurement

OURS = ("prompt", "completion", "messages", "images")
_SHOWN = 20  # faults that are told in full


class RowSource:
    """A `Source` of rows from files; their other columns are left out."""

    def __init__(
        self,
        files: Sequence[RowFile],
        columns: Mapping[str, str],
        by: str | None,
        where: Path,
        own_splits: bool,
    ) -> None:
        """Take the files.

        Args:
            files: in order.
            columns: our column → theirs, where the names differ.
            by: a column whose values stay on one side of the split.
            where: what errors name.
            own_splits: whether the files' splits are kept.
        """
        self._files = files
        self._names = {name: columns.get(name, name) for name in OURS}
        self._by = by
        self._where = where
        self._own_splits = own_splits
        self._left_out: set[str] = set()
        self._form = ""
        self._columns: tuple[str, ...] = ()

    @property
    def features(self) -> Mapping[str, Json]:
        """`prompt` and `completion`, or `messages`; and `images` where a row has one."""
        typed = {
            "images": list_of(image()),
            "messages": list_of({"role": text(), "content": text()}),
            "prompt": text(),
            "completion": text(),
        }
        return {name: typed[name] for name in self._columns}

    def read(self, on_progress: OnProgress) -> Drawn:
        """Every row of every file.

        Raises:
            HubpubError: HP-D01, no rows; HP-D02, the columns are not those of a training; HP-D06, rows are malformed.
        """
        samples: list[Sample] = []
        faults: list[tuple[str, str]] = []
        for number, file in enumerate(self._files, start=1):
            for read in file.rows(self._names):
                found = [*read.faults] or [*self._faults(read)] or [*self._other_form(read)]
                faults += [(read.where, fault) for fault in found]
                if not found:
                    samples.append(self._sample(read, file.split))
            on_progress(number, len(self._files))
        if faults:
            raise _refusal(faults)
        if not samples:
            raise HubpubError(
                "HP-D01", "there are no rows", hint="name another source", where=str(self._where)
            )
        ours = {name for sample in samples for name in sample.columns}
        self._columns = tuple(name for name in ("images", "messages", "prompt", "completion") if name in ours)
        return Drawn(tuple(samples), len(samples), {})

    def row(self, sample: Sample) -> Row:
        """Its columns, and an empty list where others have images."""
        return {name: sample.columns.get(name, []) for name in self._columns}

    def category(self, sample: Sample) -> str:  # noqa: ARG002 — of rows nothing is known
        """Unknown."""
        return ""

    def is_ambiguous(self, sample: Sample) -> bool:  # noqa: ARG002 — of rows nothing is known
        """Never: nothing is known of what rows speak of."""
        return False

    def targets(self, samples: Iterable[Sample]) -> Sequence[Target]:  # noqa: ARG002 — of rows nothing is known
        """None."""
        return ()

    def measure(self, splits: Mapping[str, Iterable[Sample]]) -> tuple[Measurement, ...]:  # noqa: ARG002 — all are alike
        """The columns that did not come along."""
        return (Measurement("dataset.columns_left_out", sorted(self._left_out)),) if self._left_out else ()

    def _ours(self, read: Read) -> dict[str, Json]:
        theirs = {theirs: ours for ours, theirs in self._names.items()}
        # Parquet has every column in every row: what is null there is not there.
        return {
            theirs[name]: value
            for name, value in read.columns.items()
            if name in theirs and value is not None
        }

    def _faults(self, read: Read) -> Iterator[str]:
        row = self._ours(read)
        if not row:
            known = ", ".join(sorted(read.columns)) or "none"
            raise HubpubError(
                "HP-D02",
                f"the columns are not those of a training: {known}",
                where=f"{self._where}: {read.where}",
                hint="columns: {prompt: <theirs>, completion: <theirs>}, or {messages: <theirs>}",
                columns=sorted(read.columns),
            )
        yield from faults_of(row)
        asked = images_asked(row)
        if asked is not None and asked != len(read.pictures):
            yield f"its turns have a place for {asked} images, and it lists {len(read.pictures)}"
        if self._by is not None and read.columns.get(self._by) is None:
            yield f"has no {self._by}, by which it is split"

    def _other_form(self, read: Read) -> Iterator[str]:
        """A row of turns among pairs, or the other way round: no table has both."""
        form = "messages" if "messages" in self._ours(read) else "prompt and completion"
        self._form = self._form or form
        if form != self._form:
            yield f"has {form}, and the first row {self._form}"

    def _sample(self, read: Read, split: str | None) -> Sample:
        row = self._ours(read)
        used = {*self._names.values(), *([self._by] if self._by else [])}
        self._left_out |= set(read.columns) - used
        columns: dict[str, Json] = {"images": list(read.pictures)} if read.pictures else {}
        if "messages" in row:
            turns = plain_messages(row["messages"])
            columns["messages"] = turns
            asks, answer = canonical_json(turns[:-1]), turns[-1]["content"]
        else:
            columns |= {name: row[name] for name in ("prompt", "completion")}
            asks, answer = row["prompt"], row["completion"]
        return Sample(
            answer=answer,
            asks=asks,
            group=str(read.columns[self._by]) if self._by else read.where,
            where=read.where,
            columns=columns,
            shown=read.shown,
            split=split if self._own_splits else None,
        )


def open_rows(settings: JsonlSettings | ParquetSettings | HubSettings, root: Path) -> RowSource:
    """The files that a recipe names.

    Args:
        settings: the recipe.
        root: what its paths are relative to; of a Hub's dataset, where its files were fetched to.

    Raises:
        HubpubError: HP-D01, they do not exist.
    """
    by = settings.split.by
    keeps_splits = by in (None, "given")
    column = None if by in (None, "given", "row") else by
    if isinstance(settings, JsonlSettings):
        where, files = root / settings.file, _json_lines(settings, root)
    else:
        where = root / settings.folder if isinstance(settings, ParquetSettings) else root
        files = files_in(where)
    return RowSource(files, settings.columns, column, where, keeps_splits)


def _json_lines(settings: JsonlSettings, root: Path) -> list[RowFile]:
    file = root / settings.file
    held_out = root / settings.validation if settings.validation else None
    for path in filter(None, (file, held_out)):
        if not path.is_file():
            raise HubpubError(
                "HP-D01", f"the file {path.name} does not exist", where=str(path), hint="check dataset.build"
            )
    if held_out is None:
        return [JsonlRows(file, file.name, split_told(Path(file.name)))]
    return [JsonlRows(file, file.name, "train"), JsonlRows(held_out, held_out.name, "validation")]


def _refusal(faults: Sequence[tuple[str, str]]) -> HubpubError:
    """One error that carries them all."""
    errors = [
        HubpubError("HP-D06", what, where=where, hint="mend the row or leave it out")
        for where, what in faults[:_SHOWN]
    ]
    if len(faults) > _SHOWN:
        errors.append(
            HubpubError(
                "HP-D06",
                f"and {len(faults) - _SHOWN:,} faults more",
                hint="mend the first ones, and run again",
            )
        )
    errors[0].data |= {"all": errors, "faults": len(faults)}
    return errors[0]
