"""The lock: committed to git, so its bytes depend on nothing but what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from publisher.errors import HubpubError
from publisher.manifest.lock import (
    Lock,
    LockedArtifact,
    LockedStage,
    Released,
    read_lock,
    write_lock,
    write_whole,
)
from publisher.records.artifacts import FileRecord
from publisher.records.facts import CommandSource, Fact, FileSource, StatedSource

FACTS = (
    Fact(
        "train.steps", 63, None, "known", "train", FileSource("evidence/train.json", "a" * 64, "/measured/x")
    ),
    Fact("base.licence", "gemma", None, "known", "resolve", CommandSource("hub", "b" * 64)),
    Fact("train.loss", None, "nats/token", "unknown", "train", FileSource("evidence/train.json", "a" * 64)),
    Fact("train.log", [{"loss": 0.1, "step": 1}], None, "known", "train", StatedSource("ä, “word”")),
    Fact("evaluate.x", True, None, "known", "evaluate", StatedSource("s"), stand_in=True),
)
LOCK = Lock(
    name="demo",
    facts=tuple(sorted(FACTS, key=lambda fact: fact.id)),
    artifacts={"adapter": LockedArtifact("acme/demo-lora", (FileRecord("a.json", 2, "c" * 64),))},
    stages={"train": LockedStage("d" * 64, 1, {"torch": "2.13.0"})},
    released={"local": Released("1.0.0+card.2", {"acme/demo-lora": "e" * 40})},
)


def test_a_lock_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Facts keep their kind of source, and numbers stay numbers."""
    write_lock(tmp_path / "release.lock.json", LOCK)

    assert LOCK == read_lock(tmp_path / "release.lock.json")


def test_the_same_lock_is_the_same_bytes_in_whatever_order_it_was_gathered(tmp_path: Path) -> None:
    """A second run must not show up as a difference in git."""
    write_lock(tmp_path / "one.json", LOCK)
    write_lock(tmp_path / "two.json", replace(LOCK, facts=LOCK.facts[::-1]))
    write_lock(tmp_path / "three.json", read_lock(tmp_path / "one.json") or Lock())
    content = (tmp_path / "one.json").read_bytes()

    assert content == (tmp_path / "two.json").read_bytes() == (tmp_path / "three.json").read_bytes()
    assert content.endswith(b"}\n")
    assert "“word”".encode() in content
    assert b"\r" not in content


def test_no_lock_is_none_and_no_error(tmp_path: Path) -> None:
    """Before the first run there is none."""
    assert read_lock(tmp_path / "release.lock.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<<<<<<< HEAD\n{}\n=======\n",
        b'{"schema": "hubpub/lock/2"}',
        b'{"schema": "hubpub/lock/1", "facts": [{"id": "a"}]}',
        b'{"schema": "hubpub/lock/1", "artifacts": {"adapter": {"repo": "a/b", "files": [{"path": "x"}]}}}',
        b"\xff\xfe\x00",
        b"[]",
    ],
)
def test_a_lock_that_cannot_be_read_is_told_with_a_mend(tmp_path: Path, content: bytes) -> None:
    """A merge conflict in it is the usual cause."""
    (tmp_path / "release.lock.json").write_bytes(content)
    with pytest.raises(HubpubError) as caught:
        read_lock(tmp_path / "release.lock.json")

    assert ("HP-M04", "git checkout release.lock.json, or delete it to start over") == (
        caught.value.code,
        caught.value.hint,
    )


def test_a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Readers see the old one or the new one."""
    write_whole(tmp_path / "a" / "file.txt", "one\n")
    write_whole(tmp_path / "a" / "file.txt", "two\n")

    assert [("file.txt", "two\n")] == [(p.name, p.read_text()) for p in (tmp_path / "a").iterdir()]
