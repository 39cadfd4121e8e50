"""The hash cache: quick where stat can vouch for a file, and never wrong where it cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from publisher.evidence import hashes as hashes_module
from publisher.evidence.files import inventory, sha256_of
from publisher.evidence.hashes import SECOND, HashCache, hash_cache

LONG_AGO = 1_600_000_000_123_456_789  # ns


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read, in order."""
    names: list[str] = []

    def counted(file: Path) -> str:
        names.append(file.name)
        return sha256_of(file)

    monkeypatch.setattr(hashes_module, "sha256_of", counted)
    return names


def aged(file: Path, content: bytes = b"weights") -> Path:
    """A file whose stamps lie well before any cache that is written now."""
    file.write_bytes(content)
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    return file


def later(file: Path) -> None:
    """Let the cache have been written an hour from now, so that today's ctimes are old beside it."""
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 3600 * SECOND))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_stat_vouches_for_is_not_read_again(tmp_path: Path, read: list[str]) -> None:
    """24 GB are hashed once, not at every plan."""
    weights = aged(tmp_path / "weights")
    with hash_cache(tmp_path / "hashes.json") as cache:
        first = cache.sha256(weights)
    later(tmp_path / "hashes.json")

    assert (sha(b"weights"), sha(b"weights")) == (first, HashCache(tmp_path / "hashes.json").sha256(weights))
    assert ["weights"] == read


def test_a_file_changed_in_the_tick_of_its_hashing_is_hashed_again(tmp_path: Path, read: list[str]) -> None:
    """Size and times are the same then: git's rule for racy entries is what notices."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"old....")
    with hash_cache(tmp_path / "hashes.json") as cache:
        cache.sha256(weights)
    stamp = hashes_module._stamp(weights)
    with weights.open("r+b") as stream:
        stream.write(b"new....")
    same_to_stat = HashCache(tmp_path / "hashes.json")
    same_to_stat._known["weights"] = (hashes_module._stamp(weights), sha(b"old...."))  # as if in one tick

    assert stamp[0] == weights.stat().st_size
    assert sha(b"new....") == same_to_stat.sha256(weights)
    assert ["weights", "weights"] == read


@pytest.mark.parametrize("change", ["content", "touched", "replaced"])
def test_size_times_and_inode_each_tell_of_a_change(tmp_path: Path, read: list[str], change: str) -> None:
    """mtime alone can be set back: by rsync, by tar, by a copy that keeps times."""
    weights = aged(tmp_path / "weights")
    with hash_cache(tmp_path / "hashes.json") as cache:
        cache.sha256(weights)
    later(tmp_path / "hashes.json")
    if change == "content":
        weights.write_bytes(b"other w")
    elif change == "touched":
        os.utime(weights, ns=(LONG_AGO + 1, LONG_AGO + 1))
    else:
        aged(tmp_path / "aside", b"other w").replace(weights)
    found = HashCache(tmp_path / "hashes.json").sha256(weights)

    assert sha(weights.read_bytes()) == found
    assert ["weights", "weights"] == read


def test_an_inventory_that_was_just_made_is_learned_without_reading(tmp_path: Path, read: list[str]) -> None:
    """What a stage has made was hashed a moment ago."""
    folder = tmp_path / "artifact"
    folder.mkdir()
    aged(folder / "weights")
    files = inventory(folder)
    with hash_cache(tmp_path / "hashes.json") as cache:
        cache.learn(folder, files)
    later(tmp_path / "hashes.json")

    assert HashCache(tmp_path / "hashes.json").holds(folder, files)
    assert [] == read


def test_other_bytes_a_cut_file_and_an_absent_one_are_not_held(tmp_path: Path) -> None:
    """Stages are skipped on this word."""
    folder = tmp_path / "artifact"
    folder.mkdir()
    aged(folder / "a")
    files = inventory(folder)
    cache = HashCache(tmp_path / "hashes.json")
    whole = cache.holds(folder, files)
    aged(folder / "a", b"WEIGHTS")
    other = cache.holds(folder, files)
    aged(folder / "a", b"weight")
    cut = cache.holds(folder, files)
    (folder / "a").unlink()

    assert (True, False, False, False) == (whole, other, cut, cache.holds(folder, files))


def test_a_touched_file_with_its_old_bytes_is_still_held(tmp_path: Path) -> None:
    """A checkout or a copy changes times, and that alone is no reason to merge again."""
    folder = tmp_path / "artifact"
    folder.mkdir()
    aged(folder / "a")
    files = inventory(folder)
    os.utime(folder / "a")

    assert HashCache(tmp_path / "hashes.json").holds(folder, files)


def test_files_that_are_gone_are_forgotten_and_a_moved_project_is_not(tmp_path: Path) -> None:
    """The cache neither grows for ever nor starts anew after `mv`."""
    project = tmp_path / "project"
    project.mkdir()
    aged(project / "stays"), aged(project / "goes")
    cache = HashCache(project / "hashes.json")
    cache.sha256(project / "stays"), cache.sha256(project / "goes")
    (project / "goes").unlink()
    cache.save()
    shutil.move(project, tmp_path / "moved")

    assert {"stays"} == set(HashCache(tmp_path / "moved" / "hashes.json")._known)
