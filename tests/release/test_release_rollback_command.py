"""`hubpub rollback` on a machine that has the manifest, the lock and the Hub, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from release_family import CARD, NAME, FailingHub, Family, Killed, look, push, read

from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.port import Hub
from publisher.hub.remote import RemoteHub
from publisher.manifest.lock import Lock, LockedArtifact, LockedStage, Released, read_lock, write_lock
from publisher.manifest.project import Project
from publisher.pipeline.look import plan_locked, preflight_problems, rendered_from_lock
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.release import Release
from publisher.pipeline.reprove import reprove
from publisher.pipeline.rollback import RolledBack, run_rollback
from publisher.pipeline.run import Stage
from publisher.records.artifacts import Kind
from publisher.records.facts import Fact, FileSource
from publisher.records.runs import Dataset

HUBPUB = Path(sys.executable).with_name("hubpub")
KINDS: tuple[Kind, ...] = ("dataset", "adapter")
ROWS = "data/train-00000-of-00001.parquet"
MANIFEST = """
manifest: 1
owner: {owner}
licence: mit
base: {{model: someone/base}}
adapter: out
dataset: {{folder: data}}
artifacts:
  dataset: {{repo: {owner}/demo-dataset}}
  adapter: {{repo: {owner}/demo-adapter, visibility: public}}
"""


@dataclass(frozen=True)
class Checkout:
    """Two versions of a family on the Hub, and a checkout whose lock knows the newer one."""

    family: Family
    hub: RemoteHub
    root: Path

    @property
    def release(self) -> Release:
        """As the command opens it."""
        return Release.open(Project(self.root), NAME)

    @property
    def lock(self) -> Lock:
        """As it is committed."""
        lock = read_lock(self.release.paths.lock)
        assert lock is not None
        return lock

    @property
    def released(self) -> Released:
        """What the lock says of this Hub."""
        return self.lock.released["local"]

    def rollback(self, version: str | None, *, hub: Hub | None = None, **options: Any) -> RolledBack:
        """The command, confirmed."""
        options.setdefault("confirm", lambda plan: True)
        return run_rollback(self.release, hub or self.hub, version, **options)

    def heads(self) -> dict[str, str]:
        """Repo id → commit of main."""
        refs = [self.family.ref(kind) for kind in self.family.kinds]
        return {ref.repo_id: self.hub.commits(ref, "main")[0].id for ref in refs}

    def hubpub(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The program, as a process of its own."""
        return subprocess.run(
            [HUBPUB, *arguments, "--hub", self.hub.endpoint],
            cwd=self.root,
            env={**os.environ, "HF_TOKEN": str(self.hub.token)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )


def write_version(family: Family, number: str) -> None:
    family.write("dataset", ROWS, f"PAR1 {number} PAR1".encode())
    family.write("adapter", "adapter_model.safetensors", number.encode() * 400)
    for kind in family.kinds:
        family.write(kind, "README.md", CARD.format(f"{kind} {number}").encode())


@pytest.fixture
def checkout(hub: RemoteHub, tmp_path: Path, make_family: Any) -> Checkout:
    family = make_family(KINDS, public=("adapter",))
    for number in ("1.0.0", "1.1.0"):
        write_version(family, number)
        _, promoted = family.release(hub, asked=number)
    root = tmp_path / "checkout"
    folder = root / "model_cards" / NAME
    folder.mkdir(parents=True)
    (folder / "release.yaml").write_text(MANIFEST.format(owner=family.owner))
    source = FileSource("evidence/counts.json", "ab" * 32, "")
    facts = tuple(
        Fact(f"dataset.{name}", value, unit, "known", "dataset", source)
        for name, value, unit in (
            ("rows", 16, "rows"),
            ("train.rows", 12, "rows"),
            ("validation.rows", 4, "rows"),
            ("size_bytes", 1200, "bytes"),
            ("columns", ["prompt", "completion"], None),
        )
    )
    write_lock(
        folder / "release.lock.json",
        Lock(
            name=NAME,
            facts=facts,
            artifacts={p.kind: LockedArtifact(p.ref.repo_id, p.contents, p.card) for p in family.packages()},
            stages={"dataset": LockedStage("the key", 1)},
            released={"local": Released("1.1.0", promoted.commits)},
        ),
    )
    return Checkout(family, hub, root)


def test_the_command_goes_back_with_nothing_but_lock_and_hub(checkout: Checkout, hub: RemoteHub) -> None:
    """A process of its own: the plan on stderr, one document on stdout, and a second run has nothing to do."""
    ran = checkout.hubpub("rollback", NAME, "1.0.0", "--yes", "--format", "json")
    document = json.loads(ran.stdout)
    again = checkout.hubpub("rollback", NAME, "1.0.0")
    seen = look(hub, checkout.family.ref("adapter"))

    assert (0, 0, f"{NAME} on {hub.endpoint}: nothing to do\n") == (
        ran.returncode,
        again.returncode,
        again.stdout,
    )
    assert ("hubpub/rollback/1", "rolled back", "1.0.0", ["1.1.0"]) == tuple(
        document[key] for key in ("schema", "state", "version", "withdrawn")
    )
    assert ["adapter", "dataset"] == [repo["artifact"] for repo in document["repos"]]
    assert checkout.heads() == {repo["repo_id"]: repo["commit"] for repo in document["repos"]}
    assert "1.1.0 at " in ran.stderr
    assert "0 B of weights or data sent" in ran.stderr
    assert seen.tags["v1.0.0"]["adapter_model.safetensors"] == seen.files["adapter_model.safetensors"]


def test_the_banner_on_the_hub_is_the_one_of_the_templates(checkout: Checkout, hub: RemoteHub) -> None:
    """A project's own words for it count as well."""
    own = checkout.root / "templates" / "partials" / "withdrawn.md.j2"
    own.parent.mkdir(parents=True)
    checkout.rollback("1.0.0", only="dataset")
    own.write_text("> **Withdrawn: {{ card.withdrawn | join(', ') }}.** Sorry.\n")
    checkout.rollback("1.0.0")
    built_in, theirs = (read(hub, checkout.family.ref(kind), "README.md").decode() for kind in KINDS)

    assert "# dataset 1.0.0\n\n> **Withdrawn: 1.1.0.** This is version 1.0.0. What was" in built_in
    assert "# adapter 1.0.0\n\n> **Withdrawn: 1.1.0.** Sorry.\n" in theirs


def test_the_lock_says_what_main_holds_and_where_its_artifacts_are(checkout: Checkout) -> None:
    """Artifacts and facts stay those that were made here; the other Hubs' releases as well."""
    path = checkout.release.paths.lock
    write_lock(
        path,
        replace(checkout.lock, released={**checkout.lock.released, "huggingface.co": Released("1.1.0", {})}),
    )
    before = checkout.lock
    done = checkout.rollback("1.0.0")
    after = checkout.lock

    assert ("1.0.0", done.commits, ("1.1.0",), before.released["local"].commits) == (
        checkout.released.version,
        checkout.released.commits,
        checkout.released.withdrawn,
        checkout.released.made_at,
    )
    assert replace(before, released={}) == replace(after, released={})
    assert before.released["huggingface.co"] == after.released["huggingface.co"]


def test_the_lock_is_settled_by_the_next_run_where_the_first_died_before_it(checkout: Checkout) -> None:
    """On the Hub there is nothing to do any more."""
    before = checkout.release.paths.lock.read_bytes()
    checkout.rollback("1.0.0")
    settled = checkout.lock
    checkout.release.paths.lock.write_bytes(before)
    done = checkout.rollback("1.0.0", confirm=lambda plan: False)

    assert not done.plan.changes_anything
    assert settled == checkout.lock


def test_each_rollback_that_did_something_leaves_a_receipt_of_its_own(checkout: Checkout) -> None:
    """What was released stays in the receipts of releases; a run with nothing to do has nothing to write down."""
    first = checkout.rollback("1.0.0", only="adapter")
    second = checkout.rollback("1.0.0")
    third = checkout.rollback("1.0.0")
    folder = checkout.release.paths.hub("local") / "receipts"
    kept = [json.loads((folder / f"rollback-{number}.json").read_text()) for number in (1, 2)]

    assert [folder / "rollback-1.json", folder / "rollback-2.json", None] == [
        done.receipt for done in (first, second, third)
    ]
    assert [["adapter"], ["adapter", "dataset"]] == [[r["artifact"] for r in each["repos"]] for each in kept]
    assert [first.commits, second.commits] == [
        {repo["repo_id"]: repo["commit"] for repo in each["repos"]} for each in kept
    ]
    assert ["1.1.0", "1.0.0"] == [kept[0]["repos"][0]["was"], kept[1]["repos"][0]["was"]]
    assert "python" in kept[0]["environment"]


def test_going_forward_again_leaves_the_lock_as_it_was_but_for_the_commits(checkout: Checkout) -> None:
    """main holds the lock's artifacts again, so they are nowhere else."""
    before = checkout.released
    checkout.rollback("1.0.0")
    done = checkout.rollback("1.1.0")

    assert replace(before, commits=done.commits) == checkout.released


def test_with_only_the_release_keeps_its_version_until_every_repo_has_gone_back(checkout: Checkout) -> None:
    """The lock's version is the release's; each repo's commit is its own."""
    before = checkout.released
    checkout.rollback("1.0.0", only="adapter")
    half = checkout.released
    checkout.rollback("1.0.0", only="dataset")
    ids = {kind: checkout.family.ref(kind).repo_id for kind in KINDS}

    assert ("1.1.0", ("1.1.0",), [ids["adapter"]]) == (half.version, half.withdrawn, list(half.made_at))
    assert before.commits[ids["dataset"]] == half.commits[ids["dataset"]]
    assert ("1.0.0", checkout.heads()) == (checkout.released.version, checkout.released.commits)


def test_a_plan_that_is_not_confirmed_changes_nothing(checkout: Checkout) -> None:
    """Without a terminal and without --yes."""
    before = checkout.heads(), checkout.lock
    ran = checkout.hubpub("rollback", NAME, "1.0.0")

    assert (2, True) == (ran.returncode, "error[HP-R04]" in ran.stderr)
    assert before == (checkout.heads(), checkout.lock)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0.9.0"], "there is no 0.9.0 of demo to go back to; there is 1.0.0, 1.1.0"),
        ([], "say which version main of demo shall hold: 1.0.0, 1.1.0"),
        (["1.0.0", "--only", "nf4"], "nf4 is not among the artifacts of demo"),
        (["1.0.0", "--only", "readme"], "'readme' is none of"),
    ],
)
def test_what_is_not_there_is_a_usage_error(checkout: Checkout, arguments: list[str], said: str) -> None:
    """With what there is."""
    ran = checkout.hubpub("rollback", NAME, *arguments, "--yes")

    assert (2, True) == (ran.returncode, "error[HP-M09]" in ran.stderr)
    assert said in ran.stderr


def test_nothing_of_it_on_this_hub_is_said(checkout: Checkout, tmp_path: Path) -> None:
    """Another Hub, or another owner."""
    (checkout.root / "model_cards" / NAME / "release.yaml").write_text(MANIFEST.format(owner="nobody"))
    (checkout.root / "model_cards" / NAME / "release.lock.json").unlink()
    with pytest.raises(HubpubError) as caught:
        checkout.rollback("1.0.0")

    assert ("HP-R02", 2) == (caught.value.code, caught.value.exit_code)


def test_the_committed_cards_carry_the_banner_while_they_are_of_an_older_version(checkout: Checkout) -> None:
    """`hubpub card --check` and the preview read the lock; a rehearsal elsewhere says nothing here."""
    plain = rendered_from_lock(checkout.release)["dataset"].text
    checkout.rollback("1.0.0")
    warned = rendered_from_lock(checkout.release)["dataset"].text
    manifest = checkout.root / "model_cards" / NAME / "release.yaml"
    manifest.write_text(manifest.read_text() + "version: 1.2.0\n")
    newer = rendered_from_lock(checkout.release)["dataset"].text

    assert ["Withdrawn" in text for text in (plain, warned, newer)] == [False, True, False]
    assert "> **Withdrawn: 1.1.0.** This is version 1.0.0." in warned


@pytest.mark.parametrize("known", [True, False])
def test_a_withdrawn_version_is_refused_in_the_first_second(checkout: Checkout, known: bool) -> None:
    """Before anything is trained; asked for by the manifest, or by a lock that has not heard of the rollback."""
    stale = checkout.release.paths.lock.read_bytes()
    checkout.rollback("1.0.0")
    manifest = checkout.root / "model_cards" / NAME / "release.yaml"
    if known:
        manifest.write_text(manifest.read_text() + "version: 1.1.0\n")
    else:
        checkout.release.paths.lock.write_bytes(stale)
    problems = {p.code: p for p in preflight_problems(checkout.release, checkout.hub, checkout.hub)}
    with pytest.raises(HubpubError) as planned:
        plan_locked(checkout.release, checkout.hub, None)

    refused = problems["HP-R08"]
    assert (2, "1.2.0") == (refused.exit_code, refused.data["proposal"])
    assert known == ("set version: in the manifest" in refused.hint)
    assert ("HP-R08", "1.2.0") == (planned.value.code, planned.value.data["proposal"])


def test_what_lies_here_is_known_as_the_withdrawn_version(checkout: Checkout) -> None:
    """Nobody asked for 1.1.0 by name; its files are still those of the lock."""
    checkout.rollback("1.0.0")
    with pytest.raises(HubpubError) as caught:
        plan_locked(checkout.release, checkout.hub, None)

    assert ("HP-R08", True) == (caught.value.code, caught.value.what.startswith("what lies here is 1.1.0"))
    assert plan_locked(checkout.release, checkout.hub, "1.2.0").changes_anything


def test_artifacts_of_the_lock_are_restored_from_where_they_still_are(checkout: Checkout) -> None:
    """A fresh machine makes 1.2.0 of the data of 1.1.0, which main does not hold any more."""
    checkout.rollback("1.0.0")
    release = checkout.release
    memory = WorkspaceMemory(
        release.paths, release.lock, lambda: checkout.hub, False, HashCache(release.paths.hashes)
    )

    def dataset() -> Dataset:
        raise AssertionError("nothing runs")

    found, why = memory.recall(Stage(dataset, why="", remembered=True), "the key")

    assert "restored as the lock has it" == why
    assert b"PAR1 1.1.0 PAR1" == (Path(found.artifact.folder) / ROWS).read_bytes()


def test_proving_again_says_that_main_was_rolled_back(checkout: Checkout) -> None:
    """The lock's digests are those of what was withdrawn: no damage, and no proof."""
    checkout.rollback("1.0.0")
    with pytest.raises(HubpubError) as caught:
        reprove(checkout.release, checkout.hub, checkout.hub, None, level="static")  # type: ignore[arg-type]

    assert ("HP-R02", True) == (caught.value.code, "was rolled back" in caught.value.what)


def test_a_repo_that_was_renamed_on_the_hub_is_found_under_its_former_name(
    checkout: Checkout, hub: RemoteHub
) -> None:
    """The manifest has the new id already, the Hub has not."""
    manifest = checkout.root / "model_cards" / NAME / "release.yaml"
    manifest.write_text(manifest.read_text().replace("demo-adapter", "demo-lora"))
    done = checkout.rollback("1.0.0")

    assert checkout.heads() == done.commits
    assert ["demo back to 1.0.0: adapter"] == [look(hub, checkout.family.ref("adapter")).commits[0]]


def test_a_half_done_first_release_is_taken_back_by_the_command(
    hub: RemoteHub, tmp_path: Path, make_family: Any
) -> None:
    """There is no version to name; the lock knows nothing of it yet, and need not exist."""
    family = make_family(KINDS, public=("adapter",))
    dying = FailingHub(hub, at=1, fault=Killed(), only=frozenset({"set_visibility"}))
    with pytest.raises(Killed):
        family.release(dying, asked="1.0.0")
    folder = tmp_path / "fresh" / "model_cards" / NAME
    folder.mkdir(parents=True)
    (folder / "release.yaml").write_text(MANIFEST.format(owner=family.owner))
    fresh = Checkout(family, hub, tmp_path / "fresh")
    was_public = not look(hub, family.ref("adapter")).private
    ran = fresh.hubpub("rollback", NAME, "--yes")
    again = fresh.hubpub("rollback", NAME, "--format", "json")

    assert (0, 0, True, True) == (
        ran.returncode,
        again.returncode,
        was_public,
        look(hub, family.ref("adapter")).private,
    )
    assert "nothing was deleted; complete it with: hubpub release demo" in ran.stdout
    assert "! becomes private" in ran.stderr
    assert ("nothing to do", None) == (json.loads(again.stdout)["state"], json.loads(again.stdout)["version"])
    assert not (folder / "release.lock.json").exists()


def test_files_of_others_are_named_in_the_plan(checkout: Checkout, hub: RemoteHub) -> None:
    """Whoever confirms sees that they stay."""
    push(hub, checkout.family.ref("adapter"), ("theirs.gguf", b"GGUF"))
    ran = checkout.hubpub("rollback", NAME, "1.0.0")

    assert "= 1 file of others stay: theirs.gguf" in ran.stderr.replace("stays", "stay")
