"""The parsers that read a stranger's bytes, each as a function that takes any bytes and raises nothing.

What a parser documents as its outcome is caught here, and nothing else: whatever comes out is a defect. The same
functions are fed by hypothesis (`test_fuzz_parsers.py`) and by atheris (`coverage_guided.py`).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from publisher.checks.baseline import Baseline
from publisher.checks.observe import archives, pictures
from publisher.checks.observe.chat import (
    RefusedError,
    TemplateFaultError,
    UnjudgedError,
    parse,
    render,
)
from publisher.checks.observe.claims import Claims
from publisher.checks.observe.footers import parse_footer
from publisher.checks.observe.frontmatter import Block, UnboundedError, find_block, read_yaml
from publisher.checks.observe.ignores import ignores_in
from publisher.checks.observe.jsons import JsonFile, NotJsonError, parse_json
from publisher.checks.observe.outline import Outline
from publisher.checks.observe.pickles import scan_pickle
from publisher.checks.observe.readme import Readme
from publisher.checks.observe.snippets import Snippets
from publisher.checks.observe.tensors import read_header
from publisher.checks.observe.thrift import ThriftError
from publisher.checks.run import check_folder
from publisher.checks.secrets import find_secrets, mask
from publisher.checks.source import Entry
from publisher.errors import HubpubError
from publisher.weights.gguf import GgufError, read_gguf
from publisher.weights.header import read_header as read_own_header

Target = Callable[[bytes], None]

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is the ship?"},
    {"role": "assistant", "content": "At the pier."},
]


class Bytes:
    """A source that holds one file, whatever it is asked for."""

    whole = near = True

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def entries(self) -> tuple[Entry, ...]:
        return ()

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        return self._raw[start:] if limit is None else self._raw[start : start + limit]


def front_matter(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    find_block(tuple(text.split("\n")))
    with contextlib.suppress(UnboundedError):
        top, _ = read_yaml(Block(1, 2 + text.count("\n"), text))
        if top is not None:
            assert all(value.line >= 1 for value in top.walk())


def card(raw: bytes) -> None:
    readme = Readme.parse(raw)
    outline, snippets = Outline(readme), Snippets(readme)
    claims = Claims(outline, None)
    lines = len(readme.lines)
    assert all(1 <= passage.line <= lines for passage in outline.passages)
    assert all(1 <= block.first <= lines + 1 for block in snippets.blocks)
    _ = (outline.sections, outline.unread, snippets.parsed, snippets.commands)
    _ = (claims.numbers, claims.bases, claims.targets, tuple(ignores_in("README.md", readme)))
    assert all(text[secret.start : secret.end] for text in (readme.text,) for secret in find_secrets(text))
    mask(readme.text)


def safetensors(raw: bytes) -> None:
    header = read_header(Bytes(raw), Entry("a.safetensors", len(raw)))
    # Two readers of one format: what the strict one takes, the one that explains must not call damaged.
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        try:
            own = read_own_header(Path(file.name))
        except HubpubError:
            return
    assert not header.faults
    assert set(own.tensors) == set(header.tensors)


def json_file(raw: bytes) -> None:
    try:
        text, data = parse_json(raw)
    except NotJsonError:
        return
    file = JsonFile("config.json", text, data)
    for key in data:
        place = file.place(key)
        assert file.line(key) is not None
        assert place is None or place.raw == "" or json.loads(place.raw) is not ...


def gguf(raw: bytes) -> None:
    with contextlib.suppress(GgufError):
        read_gguf(raw)


def pickle(raw: bytes) -> None:
    scan_pickle(raw)


def parquet(raw: bytes) -> None:
    with contextlib.suppress(ThriftError):
        parse_footer(raw)


def template(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    with contextlib.suppress(TemplateFaultError, RefusedError, UnjudgedError):
        parse(text)
        render(text, MESSAGES)


def baseline(raw: bytes) -> None:
    with contextlib.suppress(HubpubError):
        Baseline.parse(raw.decode("utf-8", "replace"), "baseline.json").text()


def archive(raw: bytes) -> None:
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        tuple(archives.Archives(Bytes(raw)).members(Entry(name, len(raw))))


def picture(raw: bytes) -> None:
    pictures.look(raw)
    pictures.look(raw, whole=False, last=raw[-64:])


def whole_check(raw: bytes) -> None:
    """The bytes as a card beside configurations, all rules over them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "README.md").write_bytes(raw)
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
        check_folder(folder)


TARGETS: dict[str, Target] = {
    each.__name__.replace("_", "-"): each
    for each in (
        front_matter, card, safetensors, json_file, gguf, pickle, parquet, template, baseline, archive, picture, whole_check,
    )
}  # fmt: skip
