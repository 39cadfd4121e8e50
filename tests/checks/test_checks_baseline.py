"""What is known of old is left out, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import A_TOKEN

from publisher.checks.baseline import Baseline, Entry, Key, entries_of, keys_of
from publisher.checks.lines import Lines
from publisher.checks.run import check_folder
from publisher.checks.source import FolderSource
from publisher.errors import HubpubError
from publisher.records.findings import Finding, Report, Severity

OLD = "# A\n[More Information Needed]\nText\n[More Information Needed]\n"


def looked(folder: Path, card: str, *select: str) -> tuple[Report, tuple[Key, ...]]:
    (folder / "README.md").write_text(card, "utf-8")
    report = check_folder(folder, select=select or ["CARD005"])
    return report, keys_of(report, Lines(FolderSource(folder)), str)


def baseline_of(folder: Path, card: str, *select: str) -> Baseline:
    return Baseline(entries_of(*looked(folder, card, *select)))


def test_lines_may_move_and_what_is_new_is_shown(tmp_path: Path) -> None:
    """A baseline that breaks with every edit above is thrown away by the end of the week."""
    known = baseline_of(tmp_path, OLD)
    moved = known.left_out_of(*looked(tmp_path, f"# A\n\nNew words\n\n{OLD}"))
    more = known.left_out_of(*looked(tmp_path, f"{OLD}Model: [More Information Needed]\n"))

    assert ((), 2) == (moved.findings, moved.baselined)
    assert ([5], 2) == ([finding.line for finding in more.findings], more.baselined)


def test_the_same_once_more_is_new(tmp_path: Path) -> None:
    """Two were taken on, not three."""
    known = baseline_of(tmp_path, OLD)
    report = known.left_out_of(*looked(tmp_path, f"{OLD}[More Information Needed]\n"))

    assert ([5], 2) == ([finding.line for finding in report.findings], report.baselined)
    assert 1 == sum(report.summary.values()), "what is known does not count"


def test_what_stands_in_a_line_without_words_is_known_by_its_message(tmp_path: Path) -> None:
    """Missing keys stand at the `---`; one of them must not hide another. Line numbers in messages may change."""
    known = baseline_of(tmp_path, "---\ntags: [x]\n---\n# A\n", "META")
    report, keys = looked(tmp_path, "---\ntags: [x]\nlibrary_name: peft\n---\n# A\n", "META")
    other = Finding("META010", Severity.ERROR, "another fault", "README.md", 1)
    told = [Finding("X001", Severity.NOTE, f"also in line {line}", "a.bin") for line in ("3", "4, 5 and 6")]
    lines = Lines(None)

    assert "META010" not in [finding.code for finding in known.left_out_of(report, keys).findings]
    assert (other,) == known.left_out_of(
        Report("x", (other,)), keys_of(Report("x", (other,)), Lines(FolderSource(tmp_path)), str)
    ).findings
    assert keys_of(Report("x", (told[0],)), lines, str) == keys_of(Report("x", (told[1],)), lines, str)


def test_what_no_longer_occurs_is_told_where_its_rule_has_looked(tmp_path: Path) -> None:
    """What another target or rule would find says nothing."""
    known = baseline_of(tmp_path, OLD)
    _, keys = looked(tmp_path, "# A\n[More Information Needed]\n")

    assert [("CARD005", "README.md", 1)] == [
        (entry.code, entry.path, entry.count) for entry in known.gone(keys, lambda entry: True)
    ]
    assert () == known.gone(keys, lambda entry: False)


def test_the_file_is_sorted_read_back_and_holds_no_secret(tmp_path: Path) -> None:
    """It is committed, and its changes are read."""
    known = baseline_of(tmp_path, f"{OLD}login('{A_TOKEN}')\n", "CARD005", "SEC082")
    text = known.text()

    assert "hubpub/baseline/1" == json.loads(text)["schema"]
    assert sorted(known.entries) == list(Baseline.parse(text, "b.json").entries)
    assert text == Baseline.parse(text, "b.json").text()
    assert A_TOKEN[4:12] not in text
    assert '\n  {"path": "README.md", "code": "CARD005", "fingerprint": "' in text


def test_an_empty_baseline_is_a_file_too() -> None:
    """A repo without findings has one from the first day on."""
    assert Baseline(()) == Baseline.parse(Baseline(()).text(), "b.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "hubpub/check/1", "findings": []}', "[" * 100_000,
             '{"schema": "hubpub/baseline/1", "findings": [{"code": "X"}]}',
             '{"schema": "hubpub/baseline/1", "findings": 3}',
             '{"schema": "hubpub/baseline/1", "findings": [{"path": "a", "code": "X", "fingerprint": "0", "count": "1", "message": ""}]}']
)  # fmt: skip
def test_what_is_no_baseline_is_refused_with_its_name(text: str) -> None:
    """Never overwritten, never taken for an empty one."""
    with pytest.raises(HubpubError) as caught:
        Baseline.parse(text, "other.json")

    assert ("HP-M09", "other.json") == (caught.value.code, caught.value.where)


def test_an_entry_speaks_of_its_own_file_only(tmp_path: Path) -> None:
    """The same template text in another card is a new finding."""
    report, keys = looked(tmp_path, OLD)
    elsewhere = Baseline(
        tuple(Entry(f"other/{e.path}", e.code, e.fingerprint, e.count, "") for e in entries_of(report, keys))
    )

    assert report.findings == elsewhere.left_out_of(report, keys).findings
