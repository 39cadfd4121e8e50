"""READMEs as the Hub reads them."""

from __future__ import annotations

import pytest

from publisher.card.markdown import tidy
from publisher.card.metadata import front_matter, front_matter_text, size_category
from publisher.card.readme import Fault, code_blocks, parse
from publisher.card.view import Sibling
from publisher.records.artifacts import KINDS


def test_front_matter_and_body_come_apart_and_know_their_lines():
    """Findings point at lines of the file, not of the block."""
    readme = parse("---\nlicense: mit\ntags:\n- a\n---\n\n# Title\n")

    assert (
        readme.front_matter,
        readme.body,
        readme.body_line,
        readme.yaml_line,
    ) == ({"license": "mit", "tags": ["a"]}, "\n# Title\n", 6, 2)


@pytest.mark.parametrize(
    "text",
    ["# No block\n", "text\n---\nlicense: mit\n---\n", "---\nnever closed\n", "", "----\na: 1\n----\n"],
)
def test_without_a_block_on_top_all_is_body(text):
    """The Hub does not look further down either."""
    assert ({}, text, None) == (parse(text).front_matter, parse(text).body, parse(text).yaml)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(end):
    """Cards edited on Windows exist."""
    readme = parse(f"---{end}license: mit{end}---\n# T\n")

    assert (readme.front_matter, readme.body_line) == ({"license": "mit"}, 4)


def test_a_byte_order_mark_is_no_part_of_the_readme():
    """The Hub's client reads files as utf-8-sig."""
    assert parse("\ufeff---\nlicense: mit\n---\n").front_matter == {"license": "mit"}


def test_yaml_that_cannot_be_read_is_a_fault_with_its_place():
    """A linter must go on after it."""
    assert Fault("could not find expected ':'", 4, 1) == parse("---\na: 1\nb\nc: 2\n---\n").fault
    assert Fault("the front matter is no mapping of fields to values", 2) == parse("---\n- a\n---\n").fault


def test_code_blocks_of_a_language_are_found_with_the_line_of_their_code():
    """A snippet that fails is reported where it stands."""
    text = (
        "# T\n\n```python\na = 1\nb = 2\n```\n\n~~~py\n```\nc\n~~~\n```bash\nls\n```\n````python\n```\n````\n"
    )

    assert [(block.code, block.line) for block in code_blocks(text, "python")] == [
        ("a = 1\nb = 2\n", 4),
        ("```\nc\n", 9),
        ("```\n", 16),
    ]


def test_headings_without_anything_under_them_are_dropped_and_code_is_left_alone():
    """Never an empty heading."""
    text = "# T\n\n## Empty\n\n### Also\n\n\n\n## Full\ntext\n\n\n```\n## code\n\n\n\n```\n## Last\n\n---\n\nend\n"

    assert tidy(text) == "# T\n\n## Full\n\ntext\n\n```\n## code\n\n\n\n```\n\n---\n\nend\n"


def test_the_wrapped_lines_of_a_template_become_one_line_a_paragraph():
    """Another number then changes one line of a diff, not the whole paragraph."""
    assert tidy("a\nb\n\n- x\n- y\n\n| a |\n|---|\n") == "a b\n\n- x\n- y\n\n| a |\n|---|\n"


@pytest.mark.parametrize("kind", KINDS)
def test_front_matter_written_is_front_matter_read(kind, card_of):
    """What the Hub parses is what we meant."""
    fields = front_matter(card_of(kind))

    assert fields == parse(front_matter_text(fields)).front_matter


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("base", ("HuggingFaceTB/SmolLM2-135M-Instruct", "quantized", "transformers")),
        ("adapter", ("luisml77/SmolLM2-135M-Instruct-Q4_1-dequantized", "adapter", "peft")),
        ("merged", ("luisml77/SmolLM2-135M-Instruct-Q4_1-dequantized", "finetune", "transformers")),
        ("nf4", ("luisml77/smollm2-aerial", "quantized", "transformers")),
    ],
)
def test_each_model_names_what_it_was_made_from(kind, expected, card_of):
    """The Hub draws its family tree from these."""
    fields = front_matter(card_of(kind))

    assert expected == (fields["base_model"], fields["base_model_relation"], fields["library_name"])


def test_a_quantization_without_a_merged_sibling_names_the_base(card_of):
    """A quantizer's release has no adapter."""
    card = card_of("nf4", siblings=(Sibling("dataset", "a/b"),), base_repo="acme/model")

    assert front_matter(card)["base_model"] == "acme/model"


def test_words_that_yaml_1_1_takes_for_something_else_are_quoted():
    """`no` is Norwegian, not false; most readers of the Hub still speak YAML 1.1."""
    assert (
        front_matter_text({"language": ["no", "en"], "version": "1.0"})
        == '---\nlanguage:\n- "no"\n- en\nversion: "1.0"\n---\n'
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**13, "n>1T")],
)
def test_the_size_category_follows_from_the_rows(rows, expected):
    """Counted, not typed."""
    assert expected == size_category(rows)
