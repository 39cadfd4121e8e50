"""A family of tiny packages, one call that takes it from plan to promotion, and what may happen in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from publisher.errors import HubpubError
from publisher.evidence.files import inventory
from publisher.hub.port import Add, Hub, Operation
from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import Kind, RepoRef, is_card_file
from publisher.records.plans import Package, Plan
from publisher.records.receipts import Promoted, Proven, Staged, Version, least
from publisher.release.journal import Journal
from publisher.release.plan import make_plan
from publisher.release.promote import clear, promote
from publisher.release.publish import stage
from publisher.release.receipt import keep_receipt, make_receipt
from publisher.release.verify import verify
from publisher.release.version import decide_version

NAME = "demo"
CARD = "---\nlicense: mit\ntags: [aerial]\n---\n# {}\n"
FILES: dict[Kind, dict[str, bytes]] = {
    "base": {"model.safetensors": b"B" * 5000, "config.json": b"{}", "README.md": b""},
    "dataset": {"data/train-00000-of-00001.parquet": b"PAR1 rows PAR1", "README.md": b""},
    "adapter": {
        "adapter_model.safetensors": b"A" * 2000,
        "adapter_config.json": b'{"r": 4}',
        "README.md": b"",
    },
    "merged": {"model.safetensors": b"M" * 5000, "config.json": b"{}", "README.md": b""},
}
WRITES = frozenset(
    {
        "create",
        "commit",
        "create_branch",
        "delete_branch",
        "create_tag",
        "delete_tag",
        "set_visibility",
        "add_to_collection",
        "move",
        "propose",
        "retitle_proposal",
        "comment",
        "open_proposal",
    }
)


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Family:
    """What lies on this machine: one folder an artifact, in repos of its own names."""

    root: Path
    owner: str
    kinds: tuple[Kind, ...]
    public: tuple[Kind, ...] = ()
    collection: str | None = None
    proofs: list[str] = field(default_factory=list)  # kinds that were loaded and run, in order
    without_folder: bool = False
    named: str = NAME  # what the repos' ids begin with
    former: Mapping[Kind, RepoRef] = field(default_factory=dict)  # as the lock has it

    def __post_init__(self) -> None:
        for kind in self.kinds:
            for path, content in FILES[kind].items():
                self.write(kind, path, content or CARD.format(kind).encode())

    def write(self, kind: Kind, path: str, content: bytes | None) -> None:
        """Write a file of an artifact; None deletes it."""
        file = self.root / kind / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)

    def ref(self, kind: Kind) -> RepoRef:
        """The artifact's repo."""
        return RepoRef(f"{self.owner}/{self.named}-{kind}", "dataset" if kind == "dataset" else "model")

    def packages(self) -> tuple[Package, ...]:
        """As the pipeline packs them."""
        return tuple(
            Package(
                kind,
                self.ref(kind),
                None if self.without_folder else str(self.root / kind),
                inventory(self.root / kind),
                inventory(self.root / kind, keep=is_card_file),
                private=kind not in self.public,
            )
            for kind in self.kinds
        )

    @property
    def journal(self) -> Journal:
        """One a Hub."""
        return Journal(self.root / "journal.jsonl", lambda: 0.0)

    def plan(self, hub: Hub, *, asked: str | None = None, allow_delete: Collection[str] = ()) -> Plan:
        """Version and plan against the Hub as it is now."""
        packages = self.packages()
        version = self.version(hub, asked)
        return make_plan(hub, NAME, packages, version, allow_delete=allow_delete, former=self.former)

    def version(self, hub: Hub, asked: str | None = None) -> Version:
        """What the Hub's tags say this is."""
        return decide_version(hub, self.packages(), asked=asked, last=None, name=NAME, former=self.former)

    def stage(self, hub: Hub, plan: Plan, on_bytes: Callable[[int], None] | None = None) -> Staged:
        """Send it to the branches."""
        return stage(
            hub, plan, self.packages(), self.journal, on_bytes and (lambda size, known: on_bytes(size))
        )

    def verify(self, hub: Hub, plan: Plan, staged: Staged) -> Proven:
        """Fetch back; the load test is a note of which artifact would be loaded."""

        def prove(package: Package) -> Mapping[str, Any]:
            self.proofs.append(package.kind)
            return {"loads": True}

        return verify(
            hub,
            plan,
            self.packages(),
            staged,
            self.journal,
            level="run",
            prove=prove,
            proof_key=lambda package: package.digest,
        )

    def promote(self, hub: Hub, plan: Plan, staged: Staged, proven: Proven) -> Promoted:
        """Onto main; the receipt is kept, and what promotion leaves is taken away."""
        promoted = promote(
            hub, plan, self.packages(), staged, proven, self.journal, collection=self.collection
        )
        levels = {proof.kind: proof.level for proof in proven.proofs}
        receipt = make_receipt(
            hub, plan, self.packages(), promoted,
            proof=least(levels.values()), levels=levels, checks={}, environment={},
        )  # fmt: skip
        keep_receipt(receipt, self.root)
        clear(hub, [repo.ref for repo in plan.repos if repo.changes], plan.label, self.journal)
        return promoted

    def receipt(self, label: str = "1.0.0") -> Any:
        """The receipt that was kept of a version or card revision."""
        return json.loads((self.root / "receipts" / f"{label}.json").read_text())

    def release(
        self, hub: Hub, *, asked: str | None = None, allow_delete: Collection[str] = ()
    ) -> tuple[Plan, Promoted]:
        """The whole way."""
        plan = self.plan(hub, asked=asked, allow_delete=allow_delete)
        staged = self.stage(hub, plan)
        proven = self.verify(hub, plan, staged)
        return plan, self.promote(hub, plan, staged, proven)


@dataclass
class FailingHub:
    """The real Hub behind a program that dies, or a network that loses an answer, at the n-th write.

    `after` says whether that write was done. Death between reads leaves the Hub as death after the write before.
    """

    hub: RemoteHub
    at: int
    fault: BaseException
    only: frozenset[str] = WRITES
    after: bool = True
    done: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.hub, name)
        if name not in self.only:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            self.done.append(name)
            hit = len(self.done) == self.at
            if hit and not self.after:
                raise self.fault
            result = real(*args, **kwargs)
            if hit:
                raise self.fault
            return result

        return call


def lost_answer() -> HubpubError:
    """What the port says when the connection breaks."""
    return HubpubError("HP-H01", "the Hub cannot be reached", hint="try again", passing=True)


@dataclass(frozen=True)
class Seen:
    """A repo as anyone may compare it with another of the same contents."""

    files: dict[str, str]
    commits: tuple[str, ...]
    tags: dict[str, dict[str, str]]
    branches: tuple[str, ...]
    private: bool


def look(hub: Hub, ref: RepoRef) -> Seen:
    """Files, titles, tags with what they hold, branches, visibility."""
    state = hub.state(ref)
    assert state is not None
    return Seen(
        {f.path: f.blob_id for f in hub.tree(ref, "main")},
        tuple(c.title for c in hub.commits(ref, "main")),
        {tag: {f.path: f.blob_id for f in hub.tree(ref, at)} for tag, at in state.tags.items()},
        tuple(sorted(state.branches)),
        state.private,
    )


def push(hub: Hub, ref: RepoRef, *operations: Operation | tuple[str, bytes]) -> str:
    """Someone else's commit on main."""
    state = hub.state(ref)
    assert state is not None
    assert state.head is not None
    whole = [Add(*each) if isinstance(each, tuple) else each for each in operations]
    return hub.commit(ref, "main", whole, title="Edited on the website", body="", parent=state.head)


def read(hub: Hub, ref: RepoRef, path: str, revision: str = "main") -> bytes:
    """A file of a repo."""
    return b"".join(hub.read(ref, revision, path))
