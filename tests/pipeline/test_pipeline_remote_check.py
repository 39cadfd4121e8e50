"""How a check reads a repo on a Hub: side by side, a few files at once, and no more than it needs."""

from __future__ import annotations

import _thread
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from publisher.checks.observe.footers import SplitFooters
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.statements import Elsewhere
from publisher.checks.observe.target import Absent, Headers, RepoView
from publisher.checks.observe.texts import FAR_FILES, Texts
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.errors import HubpubError
from publisher.hub.port import RepoState
from publisher.hub.remote import RemoteHub
from publisher.pipeline.foreign import parse_place
from publisher.pipeline.read_ahead import ReadAhead
from publisher.pipeline.remote_check import HubSource, look_at
from publisher.pipeline.side_by_side import AT_ONCE, side_by_side
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

REPO = RepoRef("local/many")
HALF_A_MINUTE_S = 30.0


@dataclass
class Load:
    """How many are at work, and were at most."""

    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.now -= 1


@dataclass(frozen=True)
class WatchedHub(RemoteHub):
    """The client as it is; each part of a file takes 20 ms longer and is written down."""

    load: Load = field(default_factory=Load)
    fetched: list[tuple[str, int, int]] = field(default_factory=list)

    def read_range(self, ref: RepoRef, revision: str, path: str, start: int, stop: int) -> bytes:
        with self.load:
            self.fetched.append((path, start, stop))
            time.sleep(0.02)
            return super().read_range(ref, revision, path, start, stop)


def write_repo(folder: Path) -> None:
    """Twelve shards, twelve texts, a card and a configuration."""
    places = {}
    for number in range(1, 13):
        name = f"model-{number:05d}-of-00012.safetensors"
        header = {f"layers.{number}": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
        raw = json.dumps(header).encode()
        (folder / name).write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(16))
        places[f"layers.{number}"] = name
        (folder / f"notes-{number}.txt").write_text(f"note {number}\n", "utf-8")
    index = {"metadata": {"total_size": 12 * 16}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    (folder / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A\n", "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    write_repo(folder)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    with EmbeddedHub(tmp_path_factory.mktemp("hub")) as hub:
        api = HfApi(hub.url, token=hub.token)
        api.create_repo(REPO.repo_id)
        api.upload_folder(repo_id=REPO.repo_id, folder_path=folder)
        yield hub


@pytest.fixture
def hub(served: EmbeddedHub) -> WatchedHub:
    return WatchedHub(served.url, served.token, "local")


def ahead(hub: WatchedHub) -> ReadAhead:
    return ReadAhead(HubSource(hub, REPO, "main"))


def threads_left() -> list[str]:
    """Those that still work for us, after a moment to end in."""
    deadline = time.monotonic() + HALF_A_MINUTE_S
    while time.monotonic() < deadline:
        left = [each.name for each in threading.enumerate() if each.name.startswith("side-by-side")]
        if not left:
            return []
        time.sleep(0.01)
    return left


def test_results_stand_in_the_order_of_their_items_whichever_came_first() -> None:
    """A report must not depend on which answer was the quickest."""

    def later_is_faster(number: int) -> int:
        time.sleep((20 - number) / 1000)
        return number * number

    assert tuple(number * number for number in range(20)) == side_by_side(later_is_faster, range(20))
    assert () == side_by_side(later_is_faster, ())
    assert [] == threads_left()


def test_no_more_than_a_few_are_at_work_at_once() -> None:
    """A Hub counts requests, and answers 429 to who sends too many."""
    load = Load()

    def work(_: int) -> None:
        with load:
            time.sleep(0.005)

    side_by_side(work, range(100))

    assert 2 <= load.most <= AT_ONCE


def test_the_first_fault_ends_it_and_nothing_more_is_begun() -> None:
    """Of a thousand files that may not be read, one is told of, at once."""
    begun: list[int] = []
    goes_on = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise HubpubError("HP-H03", "not for you", where="here", hint="ask")
        goes_on.wait(HALF_A_MINUTE_S)

    with pytest.raises(HubpubError, match="not for you"):
        side_by_side(work, range(1000))
    goes_on.set()

    assert [] == threads_left()
    assert len(begun) <= AT_ONCE


def test_after_an_interruption_nothing_is_waited_for_and_no_thread_stays() -> None:
    """Ctrl-C ends a check of a Hub that has gone silent at once, and not after two minutes."""
    begun: list[int] = []
    answered = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number == 5:
            _thread.interrupt_main()
        answered.wait(HALF_A_MINUTE_S)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(1000))
    seconds = time.monotonic() - started
    answered.set()

    assert seconds < HALF_A_MINUTE_S / 2
    assert [] == threads_left()
    assert len(begun) <= AT_ONCE


def test_headers_and_texts_are_fetched_side_by_side_each_once_and_no_weights(
    hub: WatchedHub, folder: Path
) -> None:
    """A hundred shards one after the other are a hundred times the way to the Hub and back."""
    view = RepoView(ahead(hub))
    headers, texts = view.observe(Headers), {text.path: text.content for text in Texts(view.source)}
    here = RepoView(FolderSource(folder))

    assert 2 <= hub.load.most <= AT_ONCE
    assert here.observe(Headers) == headers
    assert {text.path: text.content for text in Texts(here.source)}.items() <= texts.items()
    assert len(hub.fetched) == len(set(hub.fetched))
    assert all(stop < (folder / path).stat().st_size for path, _, stop in hub.fetched if "-of-" in path)


def test_the_report_is_that_of_the_same_files_in_a_folder(hub: WatchedHub, folder: Path) -> None:
    """Whoever fetches in another order may not find other things."""
    there = check_view(RepoView(ahead(hub)), choose(["WGT", "SEC", "META"]), "it")
    here = check_view(RepoView(FolderSource(folder)), choose(["WGT", "SEC", "META"]), "it")

    assert [(each.code, each.path, each.line) for each in here.findings] == [
        (each.code, each.path, each.line) for each in there.findings
    ]


def test_a_card_alone_brings_nothing_along(hub: WatchedHub) -> None:
    """The card of an earlier release is asked for its licence; its thousand other texts are not."""
    assert not isinstance(RepoView(ahead(hub)).observe(Metadata), Absent)
    assert ["README.md"] == [path for path, _, _ in hub.fetched]


def test_what_cannot_be_fetched_is_told_once_as_the_hub_says_it(served: EmbeddedHub, folder: Path) -> None:
    """A repo that was deleted while it is read is no repo without faults."""
    api = HfApi(served.url, token=served.token)
    api.create_repo("local/gone")
    api.upload_folder(repo_id="local/gone", folder_path=folder)
    hub = WatchedHub(served.url, served.token, "local")
    source = ReadAhead(HubSource(hub, RepoRef("local/gone"), "main"))
    api.delete_repo("local/gone")
    with pytest.raises(HubpubError) as caught:
        RepoView(source).observe(Headers)

    assert "HP-H04" == caught.value.code
    assert [] == threads_left()
    assert len(hub.fetched) <= 2 * AT_ONCE


def test_footers_are_read_by_their_last_bytes_side_by_side(served: EmbeddedHub, tmp_path: Path) -> None:
    """Rows of a dataset are counted without its rows, on a Hub as here."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(12):
        table = arrow.table({"text": [f"{number} {row}" * 50 for row in range(500)]})
        parquet.write_table(table, folder / f"train-{number:05d}-of-00012.parquet", compression="none")
    api = HfApi(served.url, token=served.token)
    api.create_repo("local/rows", repo_type="dataset")
    api.upload_folder(repo_id="local/rows", folder_path=tmp_path, repo_type="dataset")
    hub = WatchedHub(served.url, served.token, "local")
    footers = RepoView(ReadAhead(HubSource(hub, RepoRef("local/rows", "dataset"), "main"))).observe(
        SplitFooters
    )

    assert not isinstance(footers, Absent)
    assert 6000 == sum(footer.rows for footer in footers.of["train"])
    assert 2 <= hub.load.most <= AT_ONCE
    assert (
        sum(stop - start for _, start, stop in hub.fetched)
        < sum(file.stat().st_size for file in folder.iterdir()) // 10
    )


@dataclass(frozen=True)
class OldNames(RemoteHub):
    """The real Hub leads from `gpt2` to a repo; the embedded one has no such names."""

    def state(self, ref: RepoRef) -> RepoState | None:
        known = RepoRef("openai-community/gpt2")
        return RepoState(known, False, False, None, {}, {}) if ref.repo_id == "gpt2" else super().state(ref)


def test_a_base_without_an_owner_and_a_path_are_told_apart(served: EmbeddedHub) -> None:
    """`base_model: gpt2` is sound; no Hub is asked about a folder, and what is no name does not end the check."""
    bases = ["gpt2", REPO.repo_id, "local/nowhere", "./here", "my model", "/home/me/x"]
    api = HfApi(served.url, token=served.token)
    api.create_repo("local/based")
    api.upload_file(
        path_or_fileobj=f"---\nbase_model: {json.dumps(bases)}\n---\n".encode(),
        path_in_repo="README.md",
        repo_id="local/based",
    )
    hub = OldNames(served.url, served.token, "local")
    asked = look_at(parse_place("hf://local/based"), hub).observe(Elsewhere)

    assert not isinstance(asked, Absent)
    assert {**dict.fromkeys(bases), "gpt2": True, REPO.repo_id: True} == asked.has


def test_of_ten_thousand_texts_a_thousand_are_fetched_and_the_rest_is_told(tmp_path: Path) -> None:
    """A Hub refuses who asks ten thousand times; what lies on top is read before what lies deep."""

    class Far(FolderSource):
        near = False

    (tmp_path / "annotations").mkdir()
    for number in range(FAR_FILES + 4):
        (tmp_path / "annotations" / f"{number}.json").write_text("{}", "utf-8")
    (tmp_path / "train.sh").write_text("cd /home/somebody/run\n", "utf-8")
    report = check_view(RepoView(Far(tmp_path)), choose(["SEC082", "SEC083"]), "it")
    here = check_view(RepoView(FolderSource(tmp_path)), choose(["SEC082", "SEC083"]), "it")

    assert ["train.sh"] == [finding.path for finding in report.findings]
    assert [
        ("SEC082", "5 more texts were not fetched"),
        ("SEC083", "5 more texts were not fetched"),
    ] == [(skip.code, skip.reason) for skip in report.skipped]
    assert () == here.skipped
