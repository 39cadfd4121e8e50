"""What the runner remembers: results in the workspace, and, where that is gone, the lock and the Hub."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from publisher.errors import HubpubError
from publisher.evidence.files import load_json
from publisher.evidence.hashes import HashCache
from publisher.evidence.record import restore
from publisher.hub.port import Hub
from publisher.manifest.lock import Lock, write_whole
from publisher.manifest.project import ReleasePaths
from publisher.pipeline.fetch import fetch_file
from publisher.pipeline.folders import made_aside, place
from publisher.pipeline.run import Stage
from publisher.records.artifacts import KINDS, README, Artifact, FileRecord, Kind, RepoRef
from publisher.records.digest import canonical_json
from publisher.records.forms import FORMS
from publisher.records.runs import Cards, Made, Measured, Variants


@dataclass(frozen=True)
class WorkspaceMemory:
    """Results as JSON under `.hubpub/<name>/stages/`, found again from the lock where those are gone."""

    paths: ReleasePaths
    lock: Lock | None
    hub: Callable[[], Hub]
    may_train: bool  # --train was said
    hashes: HashCache
    clock: Callable[[], float] = time.time
    never_train: bool = False  # --no-train was said, and the manifest trains
    at_hand: Mapping[str, Path] = field(default_factory=dict)  # the user's own weights, by sha256

    def recall(self, stage: Stage, key: str) -> tuple[Any, str]:
        """The result that was kept under this key; see `Memory`.

        Raises:
            HubpubError: HP-R03 where a training was done elsewhere and its result can neither be found nor be
                made again without saying so, or where nothing shall be trained here.
        """
        found, why = self._recalled(stage, key)
        if found is None and self.never_train and stage.makes.__name__ == "Adapter":
            raise HubpubError(
                "HP-R03",
                f"this would train, and --no-train was said: {why}",
                where=str(self.paths.manifest),
                hint=f"where it is trained: hubpub release {self.paths.name} --until verify, and commit the lock; "
                f"here: hubpub promote {self.paths.name}",
            )
        return found, why

    def _recalled(self, stage: Stage, key: str) -> tuple[Any, str]:
        file = self._file(stage)
        if file.is_file():
            return self._from_workspace(stage, key, file)
        locked = self.lock.stages.get(stage.name) if self.lock else None
        if locked is None or self.lock is None:
            return None, "nothing was made yet"
        training = stage.makes.__name__ == "Adapter"
        if locked.key == key or training:
            found = self._from_lock(stage, self.lock)
            if found is not None and locked.key == key:
                self._write(stage, key, found)  # when it was measured, the lock does not say
                return found, "restored as the lock has it"
        if training and not self.may_train and self._published_somewhere(self.lock):
            raise HubpubError(
                "HP-R03",
                "the adapter was trained elsewhere and its files are neither here nor on the Hub, "
                "or its settings changed since",
                where=str(self.paths.manifest),
                hint=f"hubpub release {self.paths.name} --train (trains it again, as a new version)",
            )
        return None, "inputs, settings or packages changed"

    def keep(self, stage: Stage, key: str, result: Any) -> None:
        """Keep a result that was measured just now; its files' hashes are known from their inventory."""
        now = datetime.fromtimestamp(int(self.clock()), UTC)
        self._write(stage, key, result, measured_at=now.isoformat().replace("+00:00", "Z"))

    def _write(self, stage: Stage, key: str, result: Any, **more: str) -> None:
        for folder, files in self._files_of(result):
            self.hashes.learn(folder, files)
        plain = {"key": key, "packages": stage.installed, "result": self._movable(result), **more}
        write_whole(self._file(stage), canonical_json(plain, indent=1) + "\n")

    def drop(self, stages: Iterable[Stage], released: Collection[Kind]) -> None:
        """Delete artifacts that were released, and forget them: the lock and the Hub have them."""
        for stage in stages:
            kinds = KINDS_OF.get(stage.makes.__name__, frozenset()) & set(released)
            if kinds:
                self._file(stage).unlink(missing_ok=True)
            for kind in kinds:
                shutil.rmtree(self.paths.artifact(kind), ignore_errors=True)

    def _file(self, stage: Stage) -> Path:
        return self.paths.stages / f"{stage.name}.json"

    def _from_workspace(self, stage: Stage, key: str, file: Path) -> tuple[Any, str]:
        kept: Any = load_json(file)
        if kept.get("key") != key:
            return None, "inputs, settings or packages changed"
        try:
            result = self._placed(TypeAdapter(stage.makes).validate_python(kept["result"]))
        except ValidationError:
            return None, "was kept by another version of hubpub"
        for folder, files in self._files_of(result):
            if not self.hashes.holds(folder, files):
                return None, f"files under {folder.name}/ changed on disk"
        return result, "unchanged"

    def _files_of(self, result: Any) -> list[tuple[Path, Any]]:
        if artifacts := _artifacts(result):
            return [(Path(artifact.folder), artifact.files) for artifact in artifacts]
        if isinstance(result, Cards):
            return [place for kind, files in result.files.items() for place in self._card_files(kind, files)]
        return []

    def _card_files(self, kind: Kind, files: Sequence[FileRecord]) -> Iterator[tuple[Path, Any]]:
        """A card's files. Its README lies in git's sight: the one in the artifact's folder may hold others' edits."""
        yield self.paths.artifact(kind), tuple(file for file in files if file.path != README)
        file = self.paths.card(kind)
        yield file.parent, tuple(replace(each, path=file.name) for each in files if each.path == README)

    def _within(self, folder: Path) -> str:
        return folder.relative_to(self.paths.workspace).as_posix()

    def _movable(self, result: Any) -> Any:
        """A result whose folder is named from the workspace on, so that a project may be moved or copied."""
        return _elsewhere(result, lambda folder: self._within(Path(folder)))

    def _placed(self, result: Any) -> Any:
        """The same result where the workspace lies now."""
        return _elsewhere(result, lambda folder: str(self.paths.workspace / folder))

    def foresee(self, stage: Stage, key: str) -> Any:
        """What `recall` would bring back from the lock and the Hub, or None. Fetches nothing, writes nothing."""
        locked = self.lock.stages.get(stage.name) if self.lock else None
        if self.lock is None or locked is None or locked.key != key or self._file(stage).is_file():
            return None
        return self._promised(stage, self.lock)

    def _from_lock(self, stage: Stage, lock: Lock) -> Any:
        promised = self._promised(stage, lock)
        if promised is None or not all(self._fetch(artifact, lock) for artifact in _artifacts(promised)):
            return None
        restore(promised.facts, self.paths.evidence)
        return promised

    def _promised(self, stage: Stage, lock: Lock) -> Any:
        """The result as the lock names it, wherever its files are."""
        facts = tuple(fact for fact in lock.facts if fact.stage == stage.name)
        if issubclass(stage.makes, Measured):
            return stage.makes(facts)
        kinds = KINDS_OF.get(stage.makes.__name__, frozenset())
        found = [self._locked(kind, lock) for kind in KINDS if kind in kinds and kind in lock.artifacts]
        artifacts = tuple(artifact for artifact in found if artifact is not None)
        if not artifacts or len(artifacts) < len(found):
            return None
        return stage.makes(artifacts if stage.makes is Variants else artifacts[0], facts)

    def _locked(self, kind: Kind, lock: Lock) -> Artifact | None:
        """An artifact as the lock names it; None where it was not released on this Hub."""
        locked, released = lock.artifacts[kind], lock.released.get(self.hub().host)
        if released is None or locked.repo not in released.commits:
            return None
        return Artifact(kind, str(self.paths.artifact(kind)), locked.files)

    def _fetch(self, artifact: Artifact, lock: Lock) -> bool:
        """Bring an artifact's files back by digest: from the Hub, or from where the user has them still."""
        hub, kind = self.hub(), artifact.kind
        locked = lock.artifacts[kind]
        released = lock.released[hub.host]
        commit = released.made_at.get(locked.repo, released.commits[locked.repo])
        ref = RepoRef(locked.repo, "dataset" if kind == "dataset" else "model")
        if hub.state(ref) is None:
            return False
        with made_aside(self.paths.artifact(kind)) as aside:
            for record in locked.files:
                if (near := self.at_hand.get(record.sha256)) is not None:
                    place(near, aside / record.path)
                elif fetch_file(hub, ref, commit, record.path, aside) != record.sha256:
                    raise HubpubError(
                        "HP-R01",
                        f"{record.path} of {locked.repo} is not the file that the lock names",
                        where=f"{hub.endpoint}/{locked.repo}",
                        hint="git pull the lock, or release the next version",
                    )
        return True

    def _published_somewhere(self, lock: Lock) -> bool:
        """Whether training again could contradict a published version; a rehearsal whose Hub is gone cannot."""
        hub = self.hub()
        elsewhere = any(host != "local" for host in lock.released)
        locked = lock.artifacts.get("adapter")
        here = locked is not None and hub.state(RepoRef(locked.repo)) is not None
        return elsewhere or here


def _artifacts(result: Any) -> tuple[Artifact, ...]:
    """The artifacts that a result holds."""
    if isinstance(result, Variants):
        return result.artifacts
    return (result.artifact,) if isinstance(result, Made) else ()


def _elsewhere(result: Any, to: Callable[[str], str]) -> Any:
    """A result whose artifacts lie in other folders."""
    moved = tuple(replace(artifact, folder=to(artifact.folder)) for artifact in _artifacts(result))
    if isinstance(result, Variants):
        return replace(result, artifacts=moved)
    return replace(result, artifact=moved[0]) if isinstance(result, Made) else result


KINDS_OF: dict[str, frozenset[Kind]] = {
    "Base": frozenset({"base"}),
    "Dataset": frozenset({"dataset"}),
    "Adapter": frozenset({"adapter"}),
    "Merged": frozenset({"merged"}),
    "Quantized": frozenset({"nf4"}),
    "Ggufs": frozenset({"gguf"}),
    "Variants": frozenset(FORMS),
}
