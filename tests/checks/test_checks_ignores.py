"""Comments by which an author answers for a finding: what they speak of, and when they say nothing any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.checks.fix import mended
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_card, check_folder
from publisher.checks.source import FolderSource
from publisher.records.findings import Report

TEMPLATE = "[More Information Needed]\n"
HEAD = "---\nlicense: mit\n---\n"


def found(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.line) for finding in report.findings]


def of_card(folder: Path, text: str, *select: str, ignore: tuple[str, ...] = ()) -> Report:
    path = folder / "README.md"
    path.write_text(text, "utf-8")
    return check_card(path, select=select or ("META010", "META011", "CARD005", "HUBP"), ignore=ignore)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}<!-- hubpub: ignore[CARD005] quoted -->\n\n{TEMPLATE}",
        f"{HEAD}<!-- hubpub: ignore[CARD005, META999] quoted -->\n{TEMPLATE}",
        f"{HEAD}<!-- hubpub: ignore[card005] quoted -->\n<!-- hubpub: ignore[META011] x -->\n{TEMPLATE}",
    ],
    ids=["blank line between", "several codes", "two comments"],
)
def test_a_comment_alone_speaks_of_the_next_line_with_words(tmp_path: Path, text: str) -> None:
    """Markdown wants a blank line below a comment."""
    assert "CARD005" not in [code for code, _ in found(of_card(tmp_path, text))]


def test_a_comment_above_a_code_block_speaks_of_all_of_it(tmp_path: Path) -> None:
    """A block has no room for comments in every language; what follows it is judged again."""
    block = "```text\nlogin at /home/jane/x\nand /home/jane/y\n```\nand /home/jane/z\n"
    text = f"{HEAD}<!-- hubpub: ignore[SEC083] a made-up user -->\n\n{block}"

    assert [("SEC083", 6), ("SEC083", 7), ("SEC083", 9)] == found(
        of_card(tmp_path, f"{HEAD}\n{block}\n", "SEC083", "HUBP")
    )
    assert [("SEC083", 10)] == found(of_card(tmp_path, text, "SEC083", "HUBP"))


def test_a_comment_in_the_front_matter_speaks_of_what_is_missing_there(tmp_path: Path) -> None:
    """A key that is not there has no line."""
    text = "---\n# hubpub: ignore[META010] the base's owner decides in May\ntags: [x]\n---\n# A\n"

    assert [("META010", 1)] == found(of_card(tmp_path, "---\ntags: [x]\n---\n# A\n"))
    assert [] == found(of_card(tmp_path, text))


def test_other_files_are_answered_for_in_themselves(tmp_path: Path) -> None:
    """A training configuration is YAML as well; a comment in one file says nothing of another."""
    (tmp_path / "README.md").write_text(f"{HEAD}# A\n", "utf-8")
    (tmp_path / "train.yaml").write_text(
        "# hubpub: ignore[SEC083] our public cluster\nout: /home/jane/x\n", "utf-8"
    )
    (tmp_path / "eval.yaml").write_text("out: /home/jane/x\n", "utf-8")

    report = check_folder(tmp_path, select=["SEC083", "HUBP"])

    assert [("eval.yaml", 1)] == [(finding.path, finding.line) for finding in report.findings]
    assert ["train.yaml:2 ignored by its author: our public cluster"] == [
        skip.reason for skip in report.skipped if skip.code == "SEC083"
    ]


def test_a_comment_without_a_reason_silences_nothing_and_is_told(tmp_path: Path) -> None:
    """Why is the whole point."""
    text = f"{HEAD}[More Information Needed] <!-- hubpub: ignore[CARD005] -->\n"

    assert [("CARD005", 4), ("HUBP002", 4)] == found(of_card(tmp_path, text))


def test_a_comment_that_hides_nothing_any_more_is_told_code_by_code(tmp_path: Path) -> None:
    """It would hide the next fault in that place."""
    text = "---\nlicense: Apache 2  # hubpub: ignore[META011, CARD005] agreed\n---\n# A\n"
    report = of_card(tmp_path, text)

    assert [("HUBP001", 2)] == found(report)
    assert report.findings[0].message.startswith("CARD005 finds nothing here any more")


def test_a_rule_that_was_not_chosen_or_could_not_look_leaves_its_comment_alone(tmp_path: Path) -> None:
    """`--select META` must not ask for the deletion of what the next full run needs."""
    needed = "---\nlicense: Apache 2  # hubpub: ignore[META011] agreed\n---\n# A\n"
    alone = f"{HEAD}<!-- hubpub: ignore[FILE092] kept on purpose -->\n# A\n"

    assert [] == found(of_card(tmp_path, needed, ignore=("META011",)))
    assert [] == found(of_card(tmp_path, alone)), "a card alone has no files to look at"
    assert [("HUBP001", 4)] == found(check_folder(tmp_path, select=["HUBP"])), (
        "with its repo, the rule has looked"
    )


@pytest.mark.parametrize(
    "text",
    [
        "`<!-- hubpub: ignore[CARD005] why -->` is how a finding is ignored.\n",
        "Write `# hubpub: ignore[CODE] reason`.\n",
        "# hubpub: ignore[META011] as a heading\n",
        "```markdown\n<!-- hubpub: ignore[CODE] reason -->\n```\n",
    ],
)
def test_words_about_such_comments_are_none(tmp_path: Path, text: str) -> None:
    """Cards explain their tools."""
    assert [] == found(of_card(tmp_path, HEAD + text))


def test_what_is_answered_for_is_not_mended_either(tmp_path: Path) -> None:
    """An author who keeps a spelling on purpose keeps it."""
    card = "---\n# hubpub: ignore[META014] the court's spelling\nlicence: mit\n---\n# A\n"
    (tmp_path / "README.md").write_text(card, "utf-8")
    answered = mended(RepoView(FolderSource(tmp_path)), choose(["META014"]))
    (tmp_path / "README.md").write_text(card.replace("hubpub:", "note:"), "utf-8")

    assert {} == answered
    assert ["README.md"] == list(mended(RepoView(FolderSource(tmp_path)), choose(["META014"])))
