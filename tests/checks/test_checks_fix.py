"""`--fix` mends what it names, twice is once, and every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks_samples import write_sample

from publisher.checks.fix import apply, mended
from publisher.checks.observe.target import RepoView
from publisher.checks.page import Sample
from publisher.checks.registry import all_rules
from publisher.checks.rule import Edit, Rule
from publisher.checks.run import check_folder
from publisher.checks.source import FolderSource

FIXABLE = [
    (rule, sample)
    for rule in all_rules()
    if rule.fixable
    for sample in rule.page.samples
    if sample.kind == "Bad"
]


def fix(folder: Path, rules: tuple[Rule, ...] = ()) -> dict[str, bytes]:
    changes = mended(RepoView(FolderSource(folder)), rules or all_rules())
    for name, (_, after) in changes.items():
        (folder / name).write_bytes(after)
    return {name: after for name, (_, after) in changes.items()}


@pytest.mark.parametrize(
    ("rule", "sample"), FIXABLE, ids=lambda case: case.code if isinstance(case, Rule) else case.kind
)
def test_what_is_called_fixable_is_gone_after_the_fix_and_a_second_one_finds_nothing(
    tmp_path: Path, rule: Rule, sample: Sample
) -> None:
    """A fix that does not mend would be run again and again."""
    write_sample(sample, tmp_path)
    fixable = [finding for finding in check_folder(tmp_path, select=[rule.code]).findings if finding.fixable]

    fix(tmp_path, (rule,))
    left = [finding for finding in check_folder(tmp_path, select=[rule.code]).findings if finding.fixable]

    assert [] == left
    assert {} == fix(tmp_path, (rule,))
    assert fixable or rule.code in (
        "ADPT024",
        "CFG057",
        "TOK066",
        "WGT042",
        "SEC083",
        "META019",
        "META020",
        "META023",
        "DATA101",
        "DATA102",
        "DATA105",
        "SNIP145",
        "CARD002",
        "CARD004",
        "CARD010",
        "CARD008",
        "CLAIM120",
        "CLAIM121",
        "CLAIM122",
        "CLAIM128",
        "CLAIM132",
    )  # where only the author can choose


CARD = (
    b"\xef\xbb\xbf---\r\n# my card\r\nlicence: mit   # ours\r\nlanguage: [ 'English', fr ]\r\n"
    b'library_name: "transformers"\r\n---\r\n\r\nlicence: mit, English   \r\n\r\ntransformers\r\n'
)


def test_a_card_with_a_byte_order_mark_windows_lines_quotes_and_comments_keeps_all_of_it(
    tmp_path: Path,
) -> None:
    """The diff that a user reviews shows the fault and nothing else."""
    (tmp_path / "README.md").write_bytes(CARD)
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "acme/base"}')

    fix(tmp_path)

    assert (
        b"\xef\xbb\xbf---\r\nbase_model: acme/base\r\n# my card\r\nlicense: mit   # ours\r\nlanguage: [ 'en', fr ]\r\n"
        b'library_name: "peft"\r\n---\r\n\r\nlicence: mit, English   \r\n\r\ntransformers\r\n'
    ) == (tmp_path / "README.md").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "{license: mit, tags: [a]}\n",
        "  license: mit\n  tags: [a]\n",
        "license: mit\nlibrary_name:\n",
        "license: mit\nlibrary_name: transformers # hubpub: ignore[META017] loaded by our own code\n",
    ],
    ids=["flow", "indented", "empty value", "answered for"],
)
def test_where_an_edit_would_break_the_front_matter_or_the_author_answered_nothing_is_changed(
    tmp_path: Path, text: str
) -> None:
    """A half-right fix of a stranger's card is worse than the finding."""
    (tmp_path / "README.md").write_text(f"---\n{text}---\n# A\n")
    (tmp_path / "adapter_config.json").write_text("{}")

    assert {} == fix(tmp_path)


def test_a_card_without_front_matter_is_not_given_keys_in_its_text(tmp_path: Path) -> None:
    """There is no block to write into, and its licence is the author's to choose."""
    (tmp_path / "README.md").write_text("# A\n\nText\n")
    (tmp_path / "adapter_config.json").write_text("{}")

    assert {} == fix(tmp_path)


def test_a_notice_is_made_and_one_that_is_there_keeps_its_words(tmp_path: Path) -> None:
    """Other people's notices must stay."""
    (tmp_path / "README.md").write_text(
        "---\nlicense: gemma\nbase_model: google/gemma-3-4b-it\n---\n# Fine-tuned\n"
    )
    sentence = (
        b"Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n"
    )

    fix(tmp_path)
    made = (tmp_path / "NOTICE").read_bytes()
    (tmp_path / "NOTICE").write_bytes(b"Copyright Acme")
    fix(tmp_path)

    assert sentence == made
    assert b"Copyright Acme\n" + sentence == (tmp_path / "NOTICE").read_bytes()


@pytest.mark.parametrize(
    "edit",
    [
        Edit("a", 9, "x", 1, "y"),
        Edit("a", 1, "x", 7, "y"),
        Edit("a", 1, "x", 1, "z"),
        Edit("a", 2, "x", 1, "y"),
    ],
    ids=["no line", "no column", "other text", "not UTF-8"],
)
def test_an_edit_whose_place_holds_something_else_is_not_made(edit: Edit) -> None:
    """The file may have changed since it was read."""
    raw = b"y = 1\n\xff\xfe\n"

    assert raw == apply(raw, edit)
