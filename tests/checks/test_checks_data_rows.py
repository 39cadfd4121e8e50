"""Rules that judge rows: on real Parquet, JSON and CSV files, a sample of them and all of them."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from dataset_recipes import build_in, recipe
from typer.testing import CliRunner

from publisher.checks.observe.boxes import decode_runs, flaws
from publisher.checks.observe.depth import Depth
from publisher.checks.observe.dialogues import flaw
from publisher.checks.observe.duplicates import DuplicateFinder, row_digest
from publisher.checks.observe.personal import find_personal
from publisher.checks.observe.rowscan import RowScan
from publisher.checks.observe.tablerows import Placed, SplitFiles, TableRows
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_view
from publisher.checks.source import FolderSource
from publisher.cli.app import app
from publisher.pipeline.tables import table_reader
from publisher.records.findings import Finding, Report, Severity

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.models

Rows = list[dict[str, Any]]


def write_parquet(path: Path, rows: Rows, features: dict[str, Any] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def check_rows(folder: Path, *codes: str, deep: bool = False) -> Report:
    view = RepoView(FolderSource(folder), Depth(deep), table_reader())
    return check_view(view, choose(codes or ["DATA"]), "dataset")


def found(report: Report) -> list[tuple[str, Severity, str, int | None]]:
    return [(f.code, f.severity, f.path, f.line) for f in report.findings]


def test_the_data_that_this_project_makes_is_sound(tmp_path: Path) -> None:
    """Images in rows, boxes, prompts of one pattern: quiet, and every row was read."""
    build_in(tmp_path, recipe("scenes", scenes=12))

    report = check_rows(tmp_path, deep=True)

    assert () == report.findings
    assert {"no README.md"} == {skip.reason for skip in report.skipped}


def test_a_test_row_that_was_trained_on_is_found_in_parquet(tmp_path: Path) -> None:
    """Leakage, whichever split is read first by name, and whatever a row's id says."""
    write_parquet(
        tmp_path / "data/train-00000-of-00001.parquet",
        [{"id": n, "prompt": f"Describe the ship number {n}.", "answer": "grey"} for n in range(30)],
    )
    write_parquet(
        tmp_path / "data/test-00000-of-00001.parquet",
        [{"id": 90, "prompt": "describe the  ship number 7. ", "answer": "GREY"}, {"id": 91, "prompt": "Name it, please, now.", "answer": "x"}],
    )  # fmt: skip

    (finding,) = check_rows(tmp_path, "DATA107").findings

    assert "1 of 2 rows of `test` stand in `train` too" == finding.message
    assert "the first: row 1, as row 8 of data/train-00000-of-00001.parquet" == finding.hint
    assert ("data/test-00000-of-00001.parquet", Severity.WARNING) == (finding.path, finding.severity)


def test_copies_inside_a_split_are_a_note_and_short_rows_are_none(tmp_path: Path) -> None:
    """Labels repeat; sentences that repeat are worth a word."""
    write_lines(
        tmp_path / "train.jsonl", [{"text": "The very same long sentence."}] * 3 + [{"text": "yes"}] * 50
    )

    assert [("DATA107", Severity.NOTE, "train.jsonl", 2)] == found(check_rows(tmp_path, "DATA107"))


def test_configurations_may_share_rows(tmp_path: Path) -> None:
    """`all` holds what `subset` holds; nobody tests one with the other."""
    row = {"text": "One sentence that stands in both."}
    write_lines(tmp_path / "a.jsonl", [row])
    write_lines(tmp_path / "b.jsonl", [row])
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\nconfigs:\n- config_name: all\n  data_files: [{split: train, path: a.jsonl}]\n"
        "- config_name: some\n  data_files: [{split: test, path: b.jsonl}]\n---\n"
    )

    assert () == check_rows(tmp_path, "DATA107").findings


def test_of_duplicates_no_more_is_kept_than_the_bound() -> None:
    """Flat memory: what comes later is compared, and the report says with how much."""
    split = SplitFiles("default", "train", ("a.jsonl",))
    finder = DuplicateFinder(most=2)
    for number, word in enumerate(["one", "two", "three", "three", "one"], start=1):
        finder.see(Placed(split, "a.jsonl", number, number, {"text": f"the long sentence about {word}"}))

    assert finder.full
    assert [(1, 5)] == [(copies.count, copies.first.number) for copies in finder.copies]


def test_an_image_is_the_same_under_another_name() -> None:
    """Files are renamed between splits."""
    one = {"image": {"bytes": b"x" * 100, "path": "a.png"}}
    other = {"image": {"bytes": b"x" * 100, "path": "b.png"}}

    assert row_digest(one, "default") == row_digest(other, "default")
    assert row_digest(one, "default") != row_digest(
        {"image": {"bytes": b"y" * 100, "path": "a.png"}}, "default"
    )


def test_a_sample_sees_the_first_rows_and_deep_sees_all(tmp_path: Path) -> None:
    """What was not read is said, with the flag that reads it."""
    rows = [{"completion": f"answer number {n}"} for n in range(1500)]
    rows[1400]["completion"] = "Processing error: 500"
    write_lines(tmp_path / "train.jsonl", rows)

    quick, deep = check_rows(tmp_path, "DATA108"), check_rows(tmp_path, "DATA108", deep=True)

    assert () == quick.findings
    assert ["of each split the first 1,000 rows were read; --deep reads all"] == [
        s.reason for s in quick.skipped
    ]
    assert [("DATA108", Severity.WARNING, "train.jsonl", 1401)] == found(deep)
    assert () == deep.skipped


def test_deep_is_a_flag_of_the_command(tmp_path: Path) -> None:
    """From the command line to the last row of a Parquet file."""
    rows = [{"completion": f"answer number {n}"} for n in range(1200)] + [
        {"completion": "Error code: 429 - slow down"}
    ]
    write_parquet(tmp_path / "data/train-00000-of-00001.parquet", rows)
    command = ["check", str(tmp_path), "--select", "DATA108", "--format", "json"]

    quick, deep = (json.loads(CliRunner().invoke(app, [*command, *more]).stdout) for more in ([], ["--deep"]))

    assert [] == quick["findings"]
    assert ["an error message in place of data in the column `completion`: 1 of 1,201 rows"] == [
        finding["message"] for finding in deep["findings"]
    ]


def test_all_rows_are_read_in_flat_memory(tmp_path: Path) -> None:
    """Twice the rows may not take twice the memory, hashes aside."""
    (tmp_path / "data").mkdir()
    schema = pa.schema(
        [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("n", pa.int64())]
    )
    with pq.ParquetWriter(
        tmp_path / "data/train-00000-of-00001.parquet", schema, use_dictionary=False
    ) as writer:
        for start in range(0, 400, 100):
            rows = [
                {"image": {"bytes": n.to_bytes(2, "big") * 50_000, "path": "a.bin"}, "n": n}
                for n in range(start, start + 100)
            ]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    tracemalloc.start()

    report = check_rows(tmp_path, "DATA107", deep=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert ((), ()) == (report.findings, report.skipped)
    assert peak < 20_000_000  # the images alone are 40 MB


def test_labels_are_held_against_the_names_that_the_file_declares(tmp_path: Path) -> None:
    """`-1` is how a secret label is written; 2 of two names is nothing."""
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
    }
    rows = [{"text": f"review {n}", "label": label} for n, label in enumerate([0, 1, -1, 2, None, 0])]
    write_parquet(tmp_path / "data/train-00000-of-00001.parquet", rows, features)

    findings: tuple[Finding, ...] = check_rows(tmp_path, "DATA108").findings

    assert [
        "a label that is not declared in the column `label`: 1 of 6 rows",
        "no label in the column `label`: 1 of 6 rows",
    ] == [finding.message for finding in findings]


def test_a_card_declares_labels_for_csv(tmp_path: Path) -> None:
    """Texts are encoded by name; one that is no name stops the loading."""
    (tmp_path / "train.csv").write_text("text,label\nfine,pos\nbad,neg\nodd,neutral\n")
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n"
        "        names:\n          '0': neg\n          '1': pos\n---\n"
    )

    assert [("DATA108", Severity.WARNING, "train.csv", 4)] == found(check_rows(tmp_path, "DATA108"))


def test_most_rows_without_a_text_are_meant_so(tmp_path: Path) -> None:
    """A column that is mostly empty is optional; one that rarely is has holes."""
    write_lines(
        tmp_path / "train.jsonl", [{"caption": "", "response": "a"}] * 9 + [{"caption": "x", "response": ""}]
    )

    assert ["an empty text in the column `response`: 1 of 10 rows"] == [
        f.message for f in check_rows(tmp_path, "DATA108").findings
    ]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train.jsonl", '{"a": 1}\n{"a": \n', "line 2 is no JSON: train.jsonl"),
        ("train.json", "[" * 100_000, "no JSON (RecursionError): train.json"),
        (
            "train.csv",
            'a,b\n"' + "x" * 200_000 + '",2\n',
            "line 2: field larger than field limit (131072): train.csv",
        ),
    ],
)
def test_what_cannot_be_read_is_said_once_and_stops_nothing(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    """A check ends with a report, whatever the files hold."""
    (tmp_path / name).write_text(content)
    (tmp_path / "README.md").write_text("---\nlicense: mit\ntask_categories: [other]\n---\n")

    report = check_rows(tmp_path, "DATA107", "DATA108")

    assert () == report.findings
    assert {reason} == {skip.reason for skip in report.skipped}


def test_a_damaged_parquet_file_is_unread_and_not_clean(tmp_path: Path) -> None:
    """Half a file holds half the rows; nobody may say that they are fine."""
    path = tmp_path / "data/train-00000-of-00001.parquet"
    write_parquet(path, [{"text": f"sentence number {n} of this file"} for n in range(100)])
    raw = bytearray(path.read_bytes())
    raw[4:400] = bytes(396)
    path.write_bytes(raw)

    report = check_rows(tmp_path, "DATA107")

    assert [True] == [skip.reason.startswith("cannot be read as Parquet") for skip in report.skipped]


def test_rows_are_not_read_over_a_network(tmp_path: Path) -> None:
    """A check of a published repo downloads no data."""
    write_lines(tmp_path / "train.jsonl", [{"text": "x"}])
    source = FolderSource(tmp_path)
    source.near = False

    rows = RepoView(source, table_reader()).observe(TableRows)

    assert Absent("a check downloads no data, so nobody looked at the rows") == rows


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Ask anna.lindqvist@kth-maps.se about it", "e-mail address"),
        ("call +49 30 6789 4321 after six", "telephone number"),
        ("call +1 (415) 867-5309", "telephone number"),
        ("IBAN: DE44 5001 0517 5407 3249 31", "bank account (IBAN)"),
        ("client ip: 93.184.216.34 connected", "IP address"),
    ],
)
def test_what_belongs_to_a_person_is_found(text: str, kind: str) -> None:
    """Each kind, as people write it."""
    assert {kind} == find_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "name@example.com, you@your-domain.example and info@kth.se",
        "git@github.com:owner/repo.git",
        "https://user:pw@host.company.org/x and logo@2x.png",
        "noreply@huggingface.co, 123+octocat@users.noreply.github.com",
        "@decorator.method on class@module",
        "+1 555 0100 123 and +49 123 456 789 0",
        "5 +10 200 3000 and 2+2 = 4, +3.14159",
        "version 93.184.216.34, host 192.168.1.10, ip 10.0.0.1, address 203.0.113.7, ip 127.0.0.1",
        "DE89 3704 0044 0532 0130 00",
        "DE44 5001 0517 5407 3249 32",
        "SERIAL AB12 3456 7890 1234",
        "call me at 555-1234 or on +0 12",
    ],
)
def test_what_belongs_to_nobody_is_left_alone(text: str) -> None:
    """Examples, roles, private networks, numbers of films, wrong check digits."""
    assert set() == find_personal(text)


def test_a_finding_does_not_publish_what_it_found(tmp_path: Path) -> None:
    """Reports are pasted into issues."""
    write_lines(tmp_path / "train.jsonl", [{"text": "Ask anna.lindqvist@kth-maps.se"}])

    (finding,) = check_rows(tmp_path, "DATA111").findings

    assert "e-mail address in the column `text`: 1 of 1 rows" == finding.message
    assert "lindqvist" not in str(finding)


def packed(runs: list[int]) -> str:
    """COCO's code, the other way round: differences to two runs before, five bits a character."""
    written = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != -1 if bits & 0x10 else value != 0
            written += chr(48 + (bits | 0x20 if more else bits))
    return written


@pytest.mark.parametrize("runs", [[16], [0, 4, 12], [3, 2, 6, 1, 4], [100_000, 7, 90_000, 40_393]])
def test_packed_masks_decode_to_the_runs_that_made_them(runs: list[int]) -> None:
    """AerialD's masks are COCO's run lengths."""
    assert runs == decode_runs(packed(runs))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 9}, "width": 9, "height": 9}, []),
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 10}, "width": 9, "height": 9}, ["a box that reaches over the image of 9x9 pixels"]),
        ({"bndbox": {"xmin": 5, "ymin": 0, "xmax": 5, "ymax": 9}}, ["a box without area"]),
        ({"bbox": [5, 0, 500, 9], "width": 9, "height": 9}, []),
        ({"bbox": None}, []),
        ({"group_size": 2, "bboxes": [{"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 9}]}, ["group_size is not the number of its bboxes"]),
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 2}, "segmentation": str({"size": [4, 4], "counts": packed([0, 4, 12])}), "area": 4}, []),
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 2}, "segmentation": {"size": [4, 4], "counts": packed([0, 4, 11])}}, ["a segmentation that does not decode to its size"]),
        ({"bbox": {"xmin": 0, "ymin": 0, "xmax": 2, "ymax": 2}, "segmentation": "{'size': [4, 4], 'counts': __import__('os')}"}, ["a segmentation that cannot be read"]),
    ],
)  # fmt: skip
def test_a_row_of_aeriald_is_held_against_itself(row: dict[str, Any], expected: list[str]) -> None:
    """Boxes in lists are of another schema, whose corners nobody knows; text is never evaluated."""
    assert expected == list(flaws(row))


def turns(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": "x"} for role in roles]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (turns("system", "user", "assistant", "user", "assistant"), None),
        ([{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}], None),
        (turns("user", "assistant", "tool", "tool", "assistant"), None),
        (turns("narrator", "user"), None),
        ("user: hi", None),
        (turns("user"), "the assistant does not have the last word"),
        (turns("user", "user", "assistant"), "two turns of one role follow each other"),
        ([], "no turns"),
    ],
)
def test_a_conversation_takes_turns(value: Any, expected: str | None) -> None:
    """Tools break the turns rightly; roles that nobody knows are left alone."""
    assert expected == flaw(value)


def test_prompts_without_answers_are_a_note(tmp_path: Path) -> None:
    """A dataset of prompts ends with the user, in every row."""
    write_parquet(tmp_path / "data/train-00000-of-00001.parquet", [{"messages": turns("user")}] * 5)

    assert [Severity.NOTE] == [f.severity for f in check_rows(tmp_path, "DATA114").findings]


def test_latin_letters_say_nothing_of_a_language(tmp_path: Path) -> None:
    """Code and addresses are Latin in every language."""
    write_lines(
        tmp_path / "train.jsonl", [{"text": "def ship(harbor): return harbor.ships " * 10 + "船在港口"}]
    )
    (tmp_path / "README.md").write_text("---\nlicense: mit\nlanguage: zh\n---\n")

    assert () == check_rows(tmp_path, "DATA115").findings


def test_all_rules_share_one_pass(tmp_path: Path) -> None:
    """Seven rules over a large dataset read it once."""
    write_lines(tmp_path / "train.jsonl", [{"text": "x"}])
    reads: list[str] = []

    class Counting(FolderSource):
        def read(self, path: str, *, start: int = 0, limit: int | None = None) -> bytes:
            reads.append(path)
            return super().read(path, start=start, limit=limit)

    view = RepoView(Counting(tmp_path), table_reader())
    check_view(view, choose(["DATA107", "DATA108", "DATA110", "DATA111", "DATA114"]), "dataset")

    assert not isinstance(view.observe(RowScan), Absent)
    assert 1 == reads.count("train.jsonl")


def test_one_fault_in_many_files_is_one_finding(tmp_path: Path) -> None:
    """AerialD keeps each item in a folder of its own: 500 files with an error in each third are no 167 findings."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\ntask_categories: [image-segmentation]\n---\n")
    box = {"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 9}
    for number in range(30):
        said = "Processing error: no answer" if number % 3 == 0 else "the grey ship"
        folder = tmp_path / f"P{number:03}_obj_1"
        folder.mkdir()
        item = {"item_id": number, "bbox": box, "enhanced_data": {"unique_description": said}}
        (folder / "enhanced_expressions.json").write_text(json.dumps(item, indent=1))

    (finding,) = check_rows(tmp_path, "DATA103", "DATA108", "DATA110").findings

    assert ("DATA108", "P000_obj_1/enhanced_expressions.json") == (finding.code, finding.path)
    assert "an error message in place of data in the column `enhanced_data`: 10 of 30 rows" == finding.message
