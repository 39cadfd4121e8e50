"""Large files written past the page cache: whatever the sizes and borders, the bytes are those that were given."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys

import pytest

from publisher.weights import written as module
from publisher.weights.written import written


@pytest.fixture
def small(monkeypatch):
    """Pieces of two pages, so that a few kilobytes have many borders."""
    monkeypatch.setattr(module, "PIECE", 8192)


@pytest.mark.parametrize("seed", range(6))
def test_bytes_and_ranges_of_another_file_follow_one_another(tmp_path, small, seed):
    """Borders of pieces, of writes and of the file fall anywhere."""
    chance = random.Random(seed)
    source = tmp_path / "source"
    source.write_bytes(chance.randbytes(60_000))
    wanted = bytearray()
    with source.open("rb", buffering=0) as stream, written(tmp_path / "out", 10) as sink:
        for _ in range(chance.randrange(1, 30)):
            start = chance.randrange(60_000)
            count = chance.choice((0, 1, 4096, chance.randrange(30_000)))
            count = min(count, 60_000 - start)
            if chance.random() < 0.5:
                sink.copy(stream, start, count)
            else:
                sink.write(source.read_bytes()[start : start + count])
            wanted += source.read_bytes()[start : start + count]

    assert bytes(wanted) == (tmp_path / "out").read_bytes()
    assert 0o644 == (tmp_path / "out").stat().st_mode & 0o777


def test_what_was_given_may_be_changed_at_once(tmp_path, small):
    """Whoever computes slices uses one buffer for all of them."""
    buffer = bytearray(b"a" * 10_000)
    with written(tmp_path / "out", 20_000) as sink:
        sink.write(buffer)
        buffer[:] = b"b" * 10_000
        sink.write(buffer)

    assert b"a" * 10_000 + b"b" * 10_000 == (tmp_path / "out").read_bytes()


def test_a_file_system_that_refuses_direct_writes_gets_cached_ones(tmp_path, small, monkeypatch):
    """Some refuse when the file is opened, others when it is written to."""
    opened, wrote = os.open, os.pwrite
    direct: set[int] = set()

    def refuse_to_open(path, flags, *mode):
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no direct files here")
        return opened(path, flags, *mode)

    def refuse_to_write(descriptor, data, at):
        import fcntl

        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
            direct.add(descriptor)
            raise OSError(errno.EINVAL, "no direct writes here")
        return wrote(descriptor, data, at)

    monkeypatch.setattr(os, "open", refuse_to_open)
    with written(tmp_path / "one", 30_000) as sink:
        sink.write(b"x" * 30_000)
    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "pwrite", refuse_to_write)
    with written(tmp_path / "other", 30_000) as sink:
        sink.write(b"x" * 30_000)

    assert direct
    assert b"x" * 30_000 == (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_source_that_ends_early_is_an_error(tmp_path):
    """Zeros in the place of weights would be a model that nearly works."""
    (tmp_path / "source").write_bytes(b"x" * 100)
    with (
        pytest.raises(OSError, match="ends 50 bytes early"),
        (tmp_path / "source").open("rb", buffering=0) as source,
        written(tmp_path / "out", 150) as sink,
    ):
        sink.copy(source, 0, 150)


def test_a_file_that_has_no_room_is_refused_before_its_first_byte(tmp_path):
    """A limit on the size of files stands in for a full disk: the error is the system's own."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from publisher.weights.written import written\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "with written(Path(sys.argv[1]), 4 << 20) as sink:\n"
        "    sink.write(bytes(4 << 20))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=False
    )

    assert (1, True) == (done.returncode, "File too large" in done.stderr)
