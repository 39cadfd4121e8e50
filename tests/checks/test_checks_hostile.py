"""A stranger's repo: nothing in it may crash the check, hang it, or eat the machine's memory."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from checks_samples import A_TOKEN, safetensors

from publisher.checks.observe.target import RepoView
from publisher.checks.registry import all_rules
from publisher.checks.run import check_folder, check_view
from publisher.checks.screen import to_text
from publisher.checks.source import FolderSource
from publisher.records.findings import Report, SkippedRule

LIMIT_S = 16  # of processor time: the longest needs three, eight on a slow machine that is busy too
HANG_S = 120  # waiting for a pipe takes no processor time


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    """Two alarms, so that a hang is a failure of this test and not of the whole run."""

    def fail(*_: object) -> None:
        raise AssertionError(f"worked longer than {LIMIT_S} s, or waited longer than {HANG_S} s")

    before = [(each, signal.signal(each, fail)) for each in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.alarm(HANG_S)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)
    for each, handler in before:
        signal.signal(each, handler)


def check(folder: Path, text: str | bytes) -> Report:
    (folder / "README.md").write_bytes(text.encode() if isinstance(text, str) else text)
    report = check_folder(folder)
    to_text(report, FolderSource(folder))
    return report


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


MB10 = 10 * 1024 * 1024
LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 40)
)


@pytest.mark.parametrize(
    "text",
    [
        "x" * MB10,
        "`" * MB10,
        "[More Information " * (MB10 // 18),
        "<!--" * (MB10 // 4),
        "{{ a" * (MB10 // 4),
        "/home/" * (MB10 // 6),
        "hf_" * (MB10 // 3),
        "-sk-" * (MB10 // 16),
        "# hubpub: ignore[" * (MB10 // 17),
        "---\n" * (MB10 // 40),
        "[" * MB10,
    ],
    ids=lambda text: text[:8].strip(),
)
def test_ten_megabytes_of_one_thing_are_read_in_linear_time(tmp_path: Path, text: str) -> None:
    """Patterns that backtrack would need hours for these."""
    check(tmp_path, f"---\nlicense: mit\n---\n{text}")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{'> ' * depth}a\n" for depth in range(1, 2000)) + ">" * 10_000 + " a\n",
        "".join(f"{' ' * 2 * depth}- a\n" for depth in range(2000)),
        "<div>" * 10_000 + "a",
        "[" * 10_000 + "a" + "](b)" * 10_000,
        "**" * 10_000 + "a",
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 180_000,
        "| a " * 400_000 + "|\n" + "|---" * 1000 + "|\n",
        "[a](b.png) " * 180_000,
        "[a](b.png)\n" * 180_000,
        "[a](https://huggingface.co/a/b)\n" * 60_000,
        "Paper: x\n" * 180_000,
        "google/gemma-2-12b\n" * 100_000,
        "# a\n" * 400_000,
        "```python\n" * 180_000,
        "```python\nimport a\nx = foo(b)\n```\n" * 40_000,
        "\n" * 2_000_000,
    ],
    ids=[
        "quotations", "lists", "divs", "brackets", "emphasis", "long table", "wide table", "links in a line", "links", "addresses",
        "papers", "models", "headings", "fences", "snippets", "nothing",
    ],
)  # fmt: skip
def test_megabytes_of_many_things_are_read_in_linear_time(tmp_path: Path, text: str) -> None:
    """Where each line asks a question of the whole text, a million lines take a day."""
    (tmp_path / "config.json").write_text("{}")

    check(tmp_path, f"---\nlicense: mit\n---\n{text}")


def test_a_rule_that_finds_ten_thousand_faults_leaves_the_others_out_and_says_so(tmp_path: Path) -> None:
    """A report that nobody can read takes memory like one that somebody can."""
    report = check(tmp_path, "---\nlicense: mit\n---\n" + "[a](b.png)\n" * 10_001)

    assert 10_000 == len([finding for finding in report.findings if finding.code == "CARD009"])
    assert SkippedRule("CARD009", "more than 10,000 findings: the others are left out") in report.skipped


def test_a_card_with_more_lines_than_are_read_says_so(tmp_path: Path) -> None:
    """What was not looked at was not found good."""
    report = check(tmp_path, "---\nlicense: mit\n---\n" + "\n" * 100_000)

    assert SkippedRule("CLAIM120", "README.md: only the first 100,000 lines were read") in report.skipped


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        (LAUGHS, "aliases stand for more than 50,000 values"),
        ("a: &a [*a]\n", "aliases stand for more than 50,000 values"),
        ("a: " + "[" * 20_000 + "\n", "nested too deeply"),
        ("a: " + "[" * 200 + "]" * 200 + "\n", "nested too deeply"),
        ("a: " + "x" * 300_000 + "\n", "larger than 256 kB"),
    ],
    ids=["billion laughs", "inside itself", "deep and open", "deep", "large"],
)
def test_front_matter_that_would_eat_the_memory_is_not_read_and_the_report_says_so(
    tmp_path: Path, yaml: str, reason: str
) -> None:
    """Not read is not the same as wrong, and not the same as good."""
    report = check(tmp_path, f"---\n{yaml}---\n# A\n")

    assert set() == codes(report)
    assert any(skip.code == "META010" and reason in skip.reason for skip in report.skipped)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"---\nlicense: mit\n---\n\xff\xfe\xfa broken \x80\n", "CARD004"),
        (b"---\nlicense: m\0it\n---\n# A\n", "CARD004"),
        (b"---\n\tlicense: mit\n---\n# A\n", "CARD003"),
        (b"---\n!!python/object/apply:os.system [ls]\n---\n# A\n", "CARD003"),
        (b"---\nlicense: *nobody\n---\n# A\n", "CARD003"),
        (b"---\nlicense: [{[\n---\n# A\n", "CARD003"),
        (b"---\n? [a, b]\n: 1\n? {c: 1}\n: 2\n---\n# A\n", "META010"),
        (b"\xef\xbb\xbf---\r\nlicense: Apache\r\n---\r\n# A\r\n", "META011"),
        (b"\0" * 1000, "CARD002"),
        (b"\n \n", "CARD001"),
    ],
    ids=["bytes", "nul", "tab", "python", "alias", "brackets", "odd keys", "windows", "zeros", "blank"],
)
def test_odd_bytes_are_a_finding_and_no_crash(tmp_path: Path, text: bytes, code: str) -> None:
    """Whatever an editor or an attacker left there."""
    assert code in codes(check(tmp_path, text))


@pytest.mark.parametrize(
    "value",
    [
        "1", "[1, [2]]", "{a: {b: 1}}", "true", "null", "9" * 5000, "1e999", ".nan", "2020-01-01", "0x1F", '"\\0"'
    ],
)  # fmt: skip
def test_any_key_may_hold_any_value(tmp_path: Path, value: str) -> None:
    """Rules expect text, and get what the author wrote."""
    keys = (
        "license license_name library_name base_model base_model_relation pipeline_tag tags configs datasets"
    )
    lines = "".join(f"{key}: {value}\n" for key in keys.split())
    for name in ("adapter_config.json", "config.json", "tokenizer_config.json", "a.safetensors.index.json"):
        (tmp_path / name).write_text("{}")

    check(tmp_path, f"---\n{lines}---\n# A\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 10_000,
        "\ufffe",
        '{"r": NaN}',
        '{"a": "\\ud800"}',
    ],
    ids=[
        "empty",
        "list",
        "null",
        "open",
        "deep list",
        "deep map",
        "digits",
        "noncharacter",
        "nan",
        "surrogate",
    ],
)
def test_any_json_file_may_hold_anything(tmp_path: Path, text: str) -> None:
    """Configurations are what attackers and crashed trainers write."""
    for name in ("adapter_config.json", "config.json", "tokenizer_config.json", "a.safetensors.index.json"):
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors("x.lora_A.weight F32 8x8"))

    check(tmp_path, "---\nlicense: mit\nlibrary_name: peft\n---\n# A\n")


@pytest.mark.parametrize(
    "config",
    [
        {"peft_type": "LORA", "r": "8", "target_modules": ["q"], "rank_pattern": {"(a+)+$": 4, "q": "x"}},
        {"peft_type": "LORA", "r": 8, "target_modules": [1, None], "rank_pattern": [1]},
        {"peft_type": "LORA", "r": 8, "target_modules": "(a+)+$", "target_parameters": 1},
        {"peft_type": ["LORA"], "r": {}, "target_modules": {"a": 1}, "revision": [1]},
        {"peft_type": "LORA", "r": -1, "target_modules": [], "base_model_name_or_path": 7},
    ],
)
def test_any_adapter_configuration_is_judged_without_running_its_patterns(
    tmp_path: Path, config: dict[str, object]
) -> None:
    """`(a+)+$` against a long name takes longer than the universe has left."""
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    names = f"{'a' * 60}.lora_A.weight F32 8x8\n{'a' * 60}.lora_B.weight F32 8x8\nodd.lora_A F32 8\nlora_A.weight F32 8x8"
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors(names))

    check(tmp_path, "---\nlicense: mit\nlibrary_name: peft\n---\n# A\n")


def header(text: str, data: int = 0) -> bytes:
    return len(text.encode()).to_bytes(8, "little") + text.encode() + bytes(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a header alone needs more"),
        (b"\0" * 7, "a header alone needs more"),
        ((2**60).to_bytes(8, "little") + b"{}", "claims 1,152,921,504,606,846,976 bytes"),
        (b"\xff" * 64, "claims 18,446,744,073,709,551,615 bytes"),
        (header("[" * 100_000), "not JSON"),
        (header('{"a": 1'), "not JSON"),
        (header("[]"), "not a mapping"),
        (header('{"a": 1}'), "`a` is malformed"),
        (header('{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', 4), "`a` is malformed"),
        (header('{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}', 4), "`a` is malformed"),
        (header('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}', 8), "expected to start at 0"),
        (header('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}', 8), "expected to start at 0"),
        (header('{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', 4), "is not what F32"),
        (header('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', 8), "4 bytes at the end"),
        (header('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', 1), "ends 3 bytes early"),
        (
            header(f'{{"a": {{"dtype": "F32", "shape": [{",".join(["9223372036854775807"] * 2000)}], "data_offsets": [0, 4]}}}}', 4),
            "is not what F32",
        ),
        (
            header('{"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}, "a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}'),
            "not JSON",
        ),
    ],
)  # fmt: skip
def test_any_header_of_a_weight_file_is_described(tmp_path: Path, content: bytes, message: str) -> None:
    """The first thing an attacker writes is a length that nobody can allocate."""
    (tmp_path / "model.safetensors").write_bytes(content)

    found = [f.message for f in check_folder(tmp_path, select=["WGT040"]).findings]

    assert any(message in line for line in found), found


def test_a_dtype_from_the_future_is_not_called_damage(tmp_path: Path) -> None:
    """Formats grow; what is not known is not wrong."""
    text = '{"a": {"dtype": "F2_E1", "shape": [7], "data_offsets": [0, 3]}}'
    (tmp_path / "model.safetensors").write_bytes(header(text, 3))

    assert () == check_folder(tmp_path, select=["WGT040"]).findings


def test_links_pipes_and_odd_names_are_survived(tmp_path: Path) -> None:
    """A pipe that is opened waits for ever; a link to / would be walked for ever; names are bytes."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "root").symlink_to("/")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.txt")).write_text(f"token {A_TOKEN}")
    deep = tmp_path.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "x.pkl").write_text("")

    report = check(tmp_path, "---\nlicense: mit\n---\n# A\n")

    assert {"pipe.json", "root", "self"} == {f.path for f in report.findings if f.code == "FILE094"}
    assert ["caf\\xe9.txt"] == [f.path for f in report.findings if f.code == "SEC082"]
    assert "SEC080" in codes(report)


NAMES = (
    "README.md", "config.json", "adapter_config.json", "adapter_model.safetensors", "model.safetensors.index.json", "a.gguf",
    "pytorch_model.bin", "data/train-00000-of-00001.parquet", "data/a.png", "chat_template.jinja", "tokenizer.json", "b.tar.gz",
    "a.zip", ".gitattributes", "evidence/facts.json", "trainer_state.json", "rows.jsonl", "LICENSE", ".eval_results/a.yaml",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device"])
def test_what_is_no_file_under_a_files_name_is_not_opened(tmp_path: Path, kind: str) -> None:
    """`mkfifo README.md`, and a check waits until somebody writes into it; /dev/zero never ends."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(path if kind == "loop" else "/dev/zero")

    report = check_folder(tmp_path)

    assert ("FILE094" in codes(report)) == (kind != "folder")


class Vanishing(FolderSource):
    """A folder whose files are gone as soon as they were listed, or after a few reads; or are not what they were."""

    def __init__(self, folder: Path, reads: int, instead: bytes | None = None) -> None:
        super().__init__(folder)
        self._left, self._instead = reads, instead

    def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
        self._left -= 1
        if self._left < 0 and self._instead is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        content = super().read(path, start=start, limit=limit) if self._left >= 0 else self._instead or b""
        return content[:limit]


@pytest.mark.parametrize("instead", [None, b"", b"PK\x03\x04", b"\x93" * 40])
def test_files_that_vanish_or_change_during_the_check_are_survived(
    tmp_path: Path, instead: bytes | None
) -> None:
    """A training run writes into the folder, or the disk is unplugged."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("---\nlicense: mit\n---\n# A\n" if name == "README.md" else '{"a": 1}')

    for reads in range(0, 60, 3):
        report = check_view(RepoView(Vanishing(tmp_path, reads, instead)), all_rules(), "it")

        assert report.findings or report.skipped


def test_a_linked_file_is_read_as_in_the_hubs_own_cache(tmp_path: Path) -> None:
    """A snapshot in the Hub's cache consists of links to blobs."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1").write_text("---\ntags: [a]\n---\n# A\n")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "README.md").symlink_to("../blobs/1")

    assert {"META010"} == codes(check_folder(tmp_path / "snapshot"))


def test_a_secret_behind_the_part_that_is_read_is_announced_as_not_looked_at(tmp_path: Path) -> None:
    """Rows of a dataset may fill a disk; nobody may believe that all of them were read."""
    with (tmp_path / "rows.jsonl").open("wb") as file:
        file.write(b"x" * 9000)
        file.truncate(33 * 1024 * 1024)
        file.seek(0)

    report = check_folder(tmp_path, select=["SEC082"])

    assert (SkippedRule("SEC082", "rows.jsonl: only the first 32 MB were read"),) == report.skipped


def test_thousands_of_patterns_and_files_are_matched_in_time(tmp_path: Path) -> None:
    """Patterns with many stars and choices, and a card with a configuration for every language."""
    (tmp_path / "data").mkdir()
    for number in range(2000):
        (tmp_path / "data" / f"{'a' * 100}{number}.parquet").touch()
    patterns = [
        "data/" + "*a" * 40 + "*b",
        "**/" * 200 + "x",
        "{a,b}" * 200,
        "[" * 3000,
        "data/[!a-z",
        "**",
        "/",
    ]
    configs = "".join(
        f"- config_name: c{n}\n  data_files: {json.dumps(pattern)}\n" for n, pattern in enumerate(patterns)
    )
    configs += "".join(f"- config_name: d{n}\n  data_files: nothing-{n}/*.parquet\n" for n in range(1500))

    report = check(tmp_path, f"---\nlicense: mit\nconfigs:\n{configs}---\n# A\n")

    assert 1500 <= len([f for f in report.findings if f.code == "DATA100"])
