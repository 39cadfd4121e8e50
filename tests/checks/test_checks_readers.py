"""The bounded readers of strangers' files: GGUF heads, pickles' opcodes, chat templates, an adapter's numbers."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from checks_samples import gguf

from publisher.checks.observe import chat, duties
from publisher.checks.observe.chat import RefusedError, TemplateFaultError, UnjudgedError
from publisher.checks.observe.duties import inherited, says
from publisher.checks.observe.frontmatter import Block, read_yaml
from publisher.checks.observe.pickles import Pickles, scan_pickle
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.values import has_broken
from publisher.checks.run import check_folder
from publisher.checks.source import FolderSource
from publisher.weights.gguf import GgufError, read_gguf

USER = [{"role": "user", "content": "Hello"}]


def test_a_gguf_head_is_read_as_far_as_it_goes() -> None:
    """Vocabularies follow the general metadata; only the beginning of a file is fetched."""
    whole = gguf({"general.architecture": "gemma3", "general.license": "gemma"})

    header = read_gguf(whole)
    cut = read_gguf(whole[:-3])

    assert ("gemma", True) == (header.text("general.license"), header.whole)
    assert ({"general.architecture": "gemma3"}, False) == (cut.metadata, cut.whole)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GGUF",
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
        b"GGUF" + struct.pack("<IQQ", 3 << 24, 0, 1),
        b"GGUF" + struct.pack("<IQQ", 9, 0, 1),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<I", 99),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 9, 2**60),
    ],
    ids=["empty", "short", "entries", "big-endian", "version", "key", "type", "nested"],
)
def test_a_gguf_head_that_claims_nonsense_is_refused(head: bytes) -> None:
    """A length field is a stranger's number; nothing of that size may be made."""
    with pytest.raises(GgufError):
        read_gguf(head)


def test_an_endless_gguf_array_ends_with_the_head() -> None:
    """2^60 texts in 100 bytes."""
    head = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 2**60) + bytes(64)

    assert not read_gguf(head).whole


class Attack:
    """Unpickling this runs a command; scanning it must not."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/never",)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_pickle_shows_what_it_would_import(protocol: int) -> None:
    """STACK_GLOBAL takes its names from the stack, older protocols write them out."""
    scan = scan_pickle(pickle.dumps([Attack(), {"a": 1}], protocol=protocol))

    assert 1 == len(scan.dangerous)
    assert scan.dangerous[0].endswith(".system")


def test_a_memoized_module_name_is_followed() -> None:
    """The second import of a module repeats its name by the memo's number."""
    raw = b"\x80\x04\x8c\x02os\x94\x8c\x04path\x94\x93h\x00\x8c\x06system\x94\x93."

    assert {("os", "path"), ("os", "system")} == scan_pickle(raw).imports


def test_a_torch_archive_is_scanned_inside_and_a_bomb_is_cut_off(tmp_path: Path) -> None:
    """The pickle of a .pt lies in a zip; a zip of zeros may unpack to gigabytes."""
    with zipfile.ZipFile(tmp_path / "model.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Attack()))
        archive.writestr("archive/bomb.pkl", bytes(64 * 1024 * 1024))
    size = (tmp_path / "model.pt").stat().st_size

    scan = Pickles(FolderSource(tmp_path)).scan("model.pt", size)

    assert 1 == len(scan.dangerous)
    assert not scan.whole


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x80", b"PK\x03\x04", b"\x8d" + b"\xff" * 8, b"I" + b"9" * 10_000 + b"\n.", b"h\x05.", b"\x93."],
)
def test_what_is_no_pickle_has_no_imports_that_matter(raw: bytes, tmp_path: Path) -> None:
    """Lengths beyond the file, numbers of any size, a memo that was never filled."""
    (tmp_path / "a.pkl").write_bytes(raw)

    assert () == Pickles(FolderSource(tmp_path)).scan("a.pkl", len(raw)).dangerous


def test_ordinary_tensors_and_paths_are_not_dangerous() -> None:
    """Else every training_args.bin would be an attack."""
    raw = pickle.dumps([Path("out"), io.BytesIO(b"x"), range(3), Exception])

    assert () == scan_pickle(raw).dangerous


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ 2 ** 99999999 }}",
        "{{ 'x'.center(999999999) }}",
        "{{ '%999999999d' % 1 }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{{ x | center(999999999) }}",
    ],
)
def test_a_template_that_would_eat_time_or_memory_is_left_alone(template: str) -> None:
    """It is a stranger's program, and jinja2's sandbox counts neither."""
    with pytest.raises((UnjudgedError, TemplateFaultError)):
        chat.render(template, USER)


def test_a_template_is_rendered_as_transformers_does() -> None:
    """Blocks eat their line ends, `generation` is known, `~` and loops work as ever."""
    template = (
        "{{ bos_token }}{% for m in messages %}\n  {% if m.role == 'user' %}\n{{ '[' ~ m['content'] | trim ~ ']' }}"
        "{% endif %}\n{% if loop.last %}{% generation %}!{% endgeneration %}{% endif %}\n{% endfor %}"
    )

    assert "<s>[Hello]!" == chat.render(template, USER)
    with pytest.raises(RefusedError):
        chat.render("{{ raise_exception('no') }}", USER)


@pytest.mark.parametrize(
    ("dtype", "number", "broken"),
    [
        ("F32", struct.pack("<f", 1e38), False),
        ("F32", struct.pack("<f", float("nan")), True),
        ("F32", struct.pack("<f", float("-inf")), True),
        ("F64", struct.pack("<d", 1e308), False),
        ("F64", struct.pack("<d", float("inf")), True),
        ("F16", struct.pack("<e", 65504.0), False),
        ("F16", struct.pack("<e", float("nan")), True),
        ("BF16", struct.pack("<f", 3e38)[2:], False),
        ("BF16", struct.pack("<f", float("nan"))[2:], True),
    ],
)
def test_broken_numbers_are_told_by_their_bytes(dtype: str, number: bytes, broken: bool) -> None:
    """The largest finite number of each type is one bit away."""
    one = {"F32": "<f", "F64": "<d", "F16": "<e"}
    fine = struct.pack("<f", 1.0)[2:] if dtype == "BF16" else struct.pack(one[dtype], 1.0)

    assert broken == has_broken(fine * 5 + number + fine, dtype)


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("google/gemma-3-12b-it", "gemma"),
        ("google/gemma-2b", "gemma"),
        ("google/paligemma2-3b-pt-224", "gemma"),
        ("google/gemma-4-31B-it", "gemma4"),
        ("google/gemma-scope-2b-pt-res", None),
        ("meta-llama/Llama-2-7b-hf", "llama2"),
        ("meta-llama/Meta-Llama-3-8B", "llama3"),
        ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "llama3.1"),
        ("meta-llama/Llama-3.2-1B", "llama3.2"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3.3"),
        ("meta-llama/Llama-4-Scout-17B-16E", "llama4"),
        ("openlm-research/open_llama_3b", None),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", None),
        ("Qwen/Qwen2.5-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen2.5-72B", "qwen"),
        ("Qwen/Qwen2.5-7B", "apache"),
        ("Qwen/Qwen3-32B", "apache"),
        ("Qwen/Qwen1.5-7B-Chat", "tongyi-qianwen"),
        ("mistralai/Mistral-Large-Instruct-2411", "mrl"),
        ("mistralai/Mistral-7B-v0.1", "apache"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "mit"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "deepseek"),
        ("gemma-3-4b", None),
    ],
)
def test_a_base_is_filed_under_its_licence(base: str, family: str | None) -> None:
    """The word gemma, llama or qwen alone says nothing: generations and sizes differ."""
    top, _ = read_yaml(Block(1, 3, f"base_model: {base}"))
    assert top is not None

    found = inherited(Metadata(top, 1))

    assert ([family] if family else []) == [base.family.key for base in found]


def test_a_notice_is_recognised_whatever_its_line_breaks_and_its_sign_of_copyright() -> None:
    """The sentence counts, not how an editor wrapped it."""
    wanted = "Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved."

    assert says(
        "NOTICE\n\nLlama 3.2 is licensed under the Llama 3.2\nCommunity License, Copyright (c) Meta Platforms, Inc. All\nRights Reserved",
        wanted,
    )
    assert not says("Llama 3.1 is licensed under the Llama 3.1 Community License", wanted)


def test_every_family_of_the_table_can_be_used() -> None:
    """A misspelt key or pattern in the data must not wait for the first user."""
    keys = [family.key for family in duties._families()]

    assert len(keys) == len(set(keys))
    assert all(family.ids and family.link for family in duties._families())


def test_a_pickle_that_reaches_the_machine_is_an_error_and_another_a_warning(tmp_path: Path) -> None:
    """Old weights as .bin are no attack."""
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(Attack()))

    findings = check_folder(tmp_path, select=["SEC080"]).findings

    assert [("a.pkl", "warning"), ("b.pkl", "error")] == [(f.path, str(f.severity)) for f in findings]
