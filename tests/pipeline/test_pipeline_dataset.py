"""Building a dataset: the one stage alone, from a Hub too, with what it reads in its key."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache, hash_cache
from publisher.hub.port import Add
from publisher.hub.remote import RemoteHub
from publisher.manifest.dataset import DatasetSettings
from publisher.pipeline.dataset_draft import build_dataset, built, draft_dataset
from publisher.pipeline.dataset_source import places_of
from publisher.pipeline.inputs import dataset_of
from publisher.pipeline.opened import Release
from publisher.pipeline.services import Source
from publisher.records.artifacts import RepoRef

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.models

MANIFEST = """
manifest: 1
owner: alice
base: nobody/has-this-base
artifacts: [dataset]
dataset: {{build: {build}}}
"""


def rows(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"{n}?", "completion": f"it is {n}"} for n in range(count)]


def lines(of: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in of).encode()


def png() -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(stored, "PNG")
    return stored.getvalue()


@pytest.fixture
def publish(alice: RemoteHub) -> Callable[..., str]:
    """Commits files to a dataset of alice's; returns the commit."""

    def commit(name: str, files: dict[str, bytes]) -> str:
        ref = RepoRef(f"alice/{name}", "dataset")
        alice.create(ref, private=False)
        state = alice.state(ref)
        assert state is not None
        assert state.head is not None
        adds = [Add(path, content) for path, content in files.items()]
        return alice.commit(ref, "main", adds, title="Rows", body="", parent=state.head)

    return commit


def test_a_dataset_of_the_hub_is_built_at_its_revision(
    alice: RemoteHub, publish: Callable[..., str], open_release: Callable[..., Release], notes: Any
) -> None:
    """Later commits change nothing, the base need not exist, and nothing that was fetched is left behind."""
    table = pa.Table.from_pylist(rows(20))
    stored = io.BytesIO()
    pq.write_table(table, stored)
    revision = publish("rows", {"data/train-00000.parquet": stored.getvalue(), "notes.jsonl": b"{}\n"})
    publish("rows", {"data/train-00000.parquet": b"another", "data/more.parquet": b"more"})
    release = open_release(MANIFEST.format(build=f"{{from: hub, repo: alice/rows@{revision}}}"))

    facts = build_dataset(release, alice, alice, notes)

    assert ("alice/rows", revision) == tuple(
        facts.value(f"dataset.source_{name}") for name in ("repo", "revision")
    )
    assert (20, {"train": 17, "validation": 3}) == ((drafted := built(facts)).made, drafted.rows)
    assert [] == list(release.paths.scratch.glob("*"))


def test_json_lines_of_the_hub_bring_their_pictures(
    alice: RemoteHub, publish: Callable[..., str], open_release: Callable[..., Release], notes: Any
) -> None:
    """Pictures lie beside the file that names them; archives and weights that lie there, too, are not fetched."""
    shown = [row | {"images": ["pictures/a.png"]} for row in rows(6)]
    readme = b"---\nlicense: mit\n---\n# Rows\n"
    files = {
        "rows.jsonl": lines(shown),
        "pictures/a.png": png(),
        "README.md": readme,
        "everything.tar": b"tar",
    }
    revision = publish("shown", files)
    release = open_release(MANIFEST.format(build=f"{{from: hub, repo: alice/shown@{revision}}}"))
    settings = release.manifest.dataset.build

    with places_of(settings, release.paths, Source(alice), notes) as places:
        fetched = {path.name for path in places.source.rglob("*") if path.is_file()}
    build_dataset(release, alice, alice, notes)

    assert {"rows.jsonl", "a.png"} == fetched

    (path,) = release.paths.artifact("dataset").glob("data/train-*.parquet")
    assert [{"bytes": png(), "path": "a.png"}] == pq.read_table(path).to_pylist()[0]["images"]


@pytest.mark.parametrize(
    ("build", "code", "says"),
    [
        ("{from: hub, repo: alice/nothing@v1}", "HP-D01", "does not exist on this Hub"),
        ("{from: hub, repo: alice/plain@THERE}", "HP-D01", "has neither Parquet files nor JSON lines"),
        ("{from: hub, repo: alice/plain@nowhere}", "HP-H04", ""),
        ("{from: hub, repo: alice/plain@main}", "HP-M01", "must be pinned"),
    ],
)
def test_what_a_hub_does_not_have_is_told(
    alice: RemoteHub,
    publish: Callable[..., str],
    open_release: Callable[..., Release],
    notes: Any,
    build: str,
    code: str,
    says: str,
) -> None:
    """With the key of the manifest that names it."""
    build = build.replace("THERE", publish("plain", {"notes.txt": b"no rows"}))

    with pytest.raises(HubpubError) as caught:
        build_dataset(open_release(MANIFEST.format(build=build)), alice, alice, notes)

    assert code == caught.value.code
    assert says in caught.value.what


def test_a_second_build_finds_the_first_and_changed_rows_are_built_again(
    alice: RemoteHub, open_release: Callable[..., Release], notes: Any
) -> None:
    """The file is part of the key, not its name alone."""
    release = open_release(MANIFEST.format(build="{from: jsonl, file: rows.jsonl}"))
    file = release.paths.folder / "rows.jsonl"
    file.write_bytes(lines(rows(10)))

    for _ in range(2):
        build_dataset(release, alice, alice, notes)
    file.write_bytes(lines(rows(11)))
    facts = build_dataset(release, alice, alice, notes)

    assert ["dataset", "dataset"] == notes.worked
    assert 11 == facts.value("dataset.rows")


def test_every_file_that_rows_depend_on_changes_the_key(tmp_path: Any) -> None:
    """The held-out file and the prompt of an enhancement too."""
    recipes = {
        "held.jsonl": {"from": "jsonl", "file": "rows.jsonl", "validation": "held.jsonl"},
        "own.j2": {"from": "scenes", "enhance": {"model": "m", "prompt": "own.j2"}},
    }
    (tmp_path / "rows.jsonl").write_text("{}")
    for name, recipe in recipes.items():
        settings = DatasetSettings.model_validate({"build": recipe})
        keys = set()
        for content in ("one", "another"):
            (tmp_path / name).write_text(content)
            with hash_cache(tmp_path / f"{content}.json") as hashes:
                keys.add(_key(settings, tmp_path, hashes))

        assert 2 == len(keys)


def _key(settings: DatasetSettings, root: Any, hashes: HashCache) -> str:
    given = dataset_of(settings, root, hashes)
    assert given is not None
    return given.digest


def test_a_draft_counts_what_a_build_would_keep_and_writes_nothing(
    alice: RemoteHub, open_release: Callable[..., Release], notes: Any
) -> None:
    """Asked before hours of a language model's time are paid for."""
    release = open_release(MANIFEST.format(build="{from: scenes, scenes: 3, expressions_per_item: 1}"))

    drafted = draft_dataset(release, alice, notes)

    assert not release.paths.artifact("dataset").exists()
    facts = build_dataset(release, alice, alice, notes)
    assert built(facts) == drafted


@pytest.mark.parametrize("dataset", ["acme/rows", "{build: null, folder: data}"])
def test_what_is_not_built_has_no_draft(
    alice: RemoteHub, open_release: Callable[..., Release], notes: Any, dataset: str
) -> None:
    """A link is only named, a folder is there already."""
    manifest = MANIFEST.format(build="x").replace("{build: x}", dataset).replace("[dataset]", "[base]")

    with pytest.raises(HubpubError) as caught:
        draft_dataset(
            open_release(manifest.replace("nobody/has-this-base", "{model: a/b, folder: b}")), alice, notes
        )

    assert "HP-M09" == caught.value.code
