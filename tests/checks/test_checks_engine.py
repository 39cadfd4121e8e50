"""Feeding, skipping, suppressing, sorting and reporting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import A_TOKEN, safetensors

from publisher.checks.report import to_github, to_json
from publisher.checks.run import check_card, check_folder
from publisher.checks.screen import to_text
from publisher.checks.source import FolderSource
from publisher.errors import HubpubError
from publisher.records.findings import Finding, Recognised, Report, Severity, SkippedRule


def card(folder: Path, text: str) -> Path:
    path = folder / "README.md"
    path.write_text(text, "utf-8")
    return path


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_card_alone_is_checked_and_rules_that_need_its_repo_say_that_they_did_not_run(
    tmp_path: Path,
) -> None:
    """A rule that could not look must never seem to have found nothing."""
    path = card(tmp_path, "---\nlicense: mit\nbase_model: /mnt/x/y\n---\n# A\n")

    report = check_card(path, select=["META"])

    assert ["META018"] == codes(report)
    assert SkippedRule("META019", "only a card was given, not its repo's files") in report.skipped


def test_a_card_by_another_name_is_judged_as_the_readme_that_it_will_be(tmp_path: Path) -> None:
    """`model_cards/NAME/cards/merged.md` is what will lie on the Hub as README.md."""
    path = tmp_path / "merged.md"
    path.write_text("---\ntags: [x]\n---\n# A\n", "utf-8")

    report = check_card(path, target="merged", select=["META"])

    assert ("merged", "README.md", ["META010"]) == (report.target, report.findings[0].path, codes(report))


def test_a_broken_front_matter_is_one_finding_and_no_rule_guesses_what_it_says(tmp_path: Path) -> None:
    """One slip in the YAML must not look like a missing licence."""
    text = "---\nlicense: mit\nbase_model: [a\n---\n# A\n"
    report = check_card(card(tmp_path, text), select=["META", "CARD003"])

    assert ["CARD003"] == codes(report)
    assert SkippedRule("META010", "README.md: the front matter cannot be read") in report.skipped


def test_a_broken_adapter_config_is_reported_once_and_the_rules_that_need_it_are_skipped(
    tmp_path: Path,
) -> None:
    """Else a file that nobody can read would pass every rule about it."""
    card(tmp_path, "---\nlicense: mit\nlibrary_name: peft\n---\n# A\n")
    (tmp_path / "adapter_config.json").write_text('{"r": 8,\n "peft_type"', "utf-8")
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors("x.lora_A.weight F32 8x8"))

    report = check_folder(tmp_path, select=["CFG", "ADPT"])

    assert [("CFG058", 2)] == [(finding.code, finding.line) for finding in report.findings]
    assert "ADPT027" in {skip.code for skip in report.skipped}


def test_findings_are_sorted_by_path_line_and_code(tmp_path: Path) -> None:
    """Two runs, and two machines, must print the same report."""
    card(tmp_path, "---\nlicense: Apache 2\ndataset: x\nlicense: mit\n---\n\n[More Information Needed]\n")
    (tmp_path / "a.pkl").write_bytes(b"x")
    (tmp_path / "Z.pkl").write_bytes(b"x")

    codes = ["META014", "CARD003", "CARD005", "SEC080"]
    places = [(f.path, f.line, f.code) for f in check_folder(tmp_path, select=codes).findings]

    assert [
        ("README.md", 3, "META014"),
        ("README.md", 4, "CARD003"),
        ("README.md", 7, "CARD005"),
        ("Z.pkl", None, "SEC080"),
        ("a.pkl", None, "SEC080"),
    ] == places


@pytest.mark.parametrize(
    "text",
    [
        "---\nlicense: Apache 2  # hubpub: ignore[META011] agreed with legal\n---\n# A\n",
        "---\n# hubpub: ignore[META011] agreed with legal\nlicense: Apache 2\n---\n# A\n",
    ],
    ids=["same line", "line above"],
)
def test_a_finding_that_the_author_answered_for_is_listed_with_his_reason(tmp_path: Path, text: str) -> None:
    """What was taken on knowingly stays visible."""
    report = check_card(card(tmp_path, text), select=["META", "HUBP"])

    line = 2 if "Apache 2  #" in text else 3
    assert () == report.findings
    assert (
        SkippedRule("META011", f"README.md:{line} ignored by its author: agreed with legal") in report.skipped
    )


def test_a_comment_in_markdown_answers_for_its_line_and_the_next_only(tmp_path: Path) -> None:
    """A comment that silenced a whole card would be forgotten there."""
    text = (
        "---\nlicense: mit\n---\n<!-- hubpub: ignore[CARD005] quotes the template -->\n"
        "[More Information Needed]\n[More Information Needed]\n"
    )

    report = check_card(card(tmp_path, text), select=["CARD005"])

    assert [("CARD005", 6)] == [(finding.code, finding.line) for finding in report.findings]


def test_an_untouched_template_is_not_forty_findings(tmp_path: Path) -> None:
    """What PEFT writes by itself has forty times the same line; nobody reads the rest of such a report."""
    report = check_card(card(tmp_path, "---\nlicense: mit\n---\n" + "- [More Information Needed]\n" * 40))

    assert [4, 5, 6, 7, 8] == [finding.line for finding in report.findings]
    assert report.findings[-1].message.endswith("and in 35 more lines")


def test_no_form_of_the_report_shows_a_secret(tmp_path: Path) -> None:
    """Reports end in public CI logs; the token would be leaked by the tool that looks for it."""
    card(tmp_path, f"---\nlicense: {A_TOKEN}\nlibrary_name: x\n---\nlogin({A_TOKEN!r})\n")

    report = check_folder(tmp_path, select=["META011", "SEC082"])
    printed = to_text(report, FolderSource(tmp_path)) + to_github(report) + json.dumps(to_json(report))

    assert ["META011", "SEC082", "SEC082"] == codes(report)
    assert A_TOKEN[:12] not in printed
    assert A_TOKEN[12:] not in printed


def test_a_report_cannot_steer_the_terminal_that_shows_it(tmp_path: Path) -> None:
    """A card may be a stranger's: an escape sequence in it could rewrite what the user sees."""
    card(tmp_path, '---\nlicense: "\\x1b[2Jevil"\n---\n[More Information Needed] \x1b[2J\n')
    (tmp_path / "a\x1b[2J.pkl").write_bytes(b"")

    report = check_folder(tmp_path)

    assert "\x1b" not in to_text(report, FolderSource(tmp_path)) + to_github(report)


FINDING = Finding("CARD005", Severity.WARNING, "placeholder text `X`", "README.md", 2, 3, "write: it, 100%")


def test_the_json_document_is_the_one_that_was_promised() -> None:
    """Scripts read these names."""
    seen = Recognised("here", "adapter", "a LoRA adapter", (("settings", "rank 8"),))
    skipped = (SkippedRule("WGT042", "no shard index", missing=True),)

    assert {
        "schema": "hubpub/check/1",
        "target": "here",
        "recognised": [
            {
                "target": "here",
                "kind": "adapter",
                "title": "a LoRA adapter",
                "details": {"settings": "rank 8"},
            }
        ],
        "findings": [
            {
                "code": "CARD005",
                "severity": "warning",
                "message": "placeholder text `X`",
                "path": "README.md",
                "line": 2,
                "column": 3,
                "hint": "write: it, 100%",
                "fixable": False,
            }
        ],
        "skipped": [{"code": "WGT042", "reason": "no shard index"}],
        "summary": {"error": 0, "warning": 1, "note": 0},
        "baselined": 0,
        "statements": [],
    } == to_json(Report("here", (FINDING,), skipped, recognised=(seen,)))


def test_a_clean_report_says_so_and_github_gets_nothing() -> None:
    """Silence could also be a crash."""
    assert "here: nothing found\n" == to_text(Report("here", ()))
    assert "" == to_github(Report("here", ()))


def test_github_annotations_point_into_the_users_own_repository() -> None:
    """The card is checked as README.md, and lies in model_cards/."""
    line = to_github(Report("here", (FINDING,)), "model_cards/x/{}".format)

    assert (
        "::warning file=model_cards/x/README.md,line=2,col=3,title=CARD005"
        "::placeholder text `X` (write: it, 100%25)\n"
    ) == line


def test_a_target_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A typing slip must not read as a repo without findings."""
    with pytest.raises(HubpubError) as folder:
        check_folder(tmp_path / "no")
    with pytest.raises(HubpubError) as readme:
        check_card(tmp_path / "no.md")

    assert ("HP-M09", "HP-M09") == (folder.value.code, readme.value.code)
