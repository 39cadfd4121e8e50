"""The parts that rules lean on: front matter as the Hub cuts it, globs as `datasets` reads them, line numbers."""

from __future__ import annotations

import re

import pytest
from checks_samples import A_TOKEN

from publisher.checks.known.hub_ids import is_hub_id, why_no_id
from publisher.checks.known.ids import licences, metadata_keys, pipeline_tags
from publisher.checks.observe.frontmatter import find_block, read_yaml
from publisher.checks.observe.globs import Glob
from publisher.checks.observe.jsons import JsonFile, parse_json
from publisher.checks.observe.readme import Readme
from publisher.checks.quoting import clean, quote
from publisher.checks.secrets import find_secrets, mask

# What huggingface_hub 2.4 says of itself: exactly the Hub server's (repocard.py, REGEX_YAML_BLOCK).
HUB = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(\r\n|\n|$))")


@pytest.mark.parametrize(
    "text",
    [
        "---\na: 1\n---\n",
        "---\na: 1\n---",
        "---\r\na: 1\r\n---\r\nbody",
        "\n\n  ---\na: 1\n---  \nbody",
        "---\n---\na: 1\n---\n",
        "---\n---\n",
        "--- \na: 1\n---\n",
        "---\na: 1\n --- \n---x\n---\t\nbody",
        "text\n---\na: 1\n---\n",
        "---\na: 1\n",
        "---\n\n---\n",
        "",
    ],
)
def test_the_block_is_cut_as_the_hub_cuts_it(text: str) -> None:
    """What we call metadata must be what the Hub takes for it."""
    expected = HUB.search(text)
    block = find_block(Readme(text).lines)

    found = block.text if block is not None and block.last is not None else None
    assert (re.sub(r"\r\n?", "\n", expected[2]) if expected else None) == found


def test_values_have_their_lines_and_yaml_1_2_its_words() -> None:
    """`no` is Norwegian, a date is text, and a finding must point at the line that holds it."""
    block = find_block(
        Readme("\n---\nlanguage: [no, en]\nwhen: 2020-01-01\nn: 010\nx:\n  y: 0x1F\n---\n").lines
    )
    assert block is not None

    value, faults = read_yaml(block)

    assert value is not None
    assert ({"language": ["no", "en"], "when": "2020-01-01", "n": 10, "x": {"y": 31}}, ()) == (
        value.data,
        faults,
    )
    assert [("language", 3), ("when", 4), ("n", 5), ("x", 6)] == [
        (key, member.key_line) for key, member in dict(value.items).items()
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("data/*.csv", "data/a.csv", True),
        ("data/*.csv", "data/x/a.csv", False),
        ("data/**", "data/x/a.csv", True),
        ("data/**/*.csv", "data/a.csv", True),
        ("data/**.csv", "data/x/y/a.csv", True),
        ("**", "a", True),
        ("./a.csv", "a.csv", True),
        ("data", "data/a.csv", True),
        ("data/", "data/a.csv", True),
        ("dat", "data/a.csv", False),
        ("train-?????-of-*.parquet", "train-00000-of-00001.parquet", True),
        ("*.{csv,json}", "a.json", True),
        ("*.{csv,json}", "a.txt", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("a[", "a[", True),
        ("*a*b*c*", "xaybzc", True),
        ("*a*b*c", "xaybzd", False),
    ],
)
def test_globs_mean_what_datasets_means_by_them(pattern: str, path: str, meant: bool) -> None:
    """A pattern that works on the Hub must not be reported."""
    assert meant == Glob(pattern).matches(path)


def test_keys_of_a_json_file_have_their_lines_also_behind_nested_ones() -> None:
    """The finding belongs to the top-level `r`, not to the one inside."""
    text = '{\n "a": {"r": [1, {"r": "}"}]},\n "q\\"x": 1,\n "r": 2}'
    file = JsonFile("x.json", *parse_json(text.encode()))

    assert (2, 3, 4, None) == (file.line("a"), file.line('q"x'), file.line("r"), file.line("b"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a\n```python\nx\n```\nb", "pcccp"),
        ("~~~~\n~~~\n```\n~~~~\nb", "ccccp"),
        ("```\nnever closed", "cc"),
        ("a ``` b\nc", "pp"),
        ("``` a`b\nc", "pp"),
        ("<!-- one -->\n<!-- two\nx\n-->\nb", "mmmmp"),
        ("---\na: 1\n---\n```\n# x\n```", "fffccc"),
    ],
)
def test_lines_are_prose_code_comment_or_front_matter(text: str, kinds: str) -> None:
    """A placeholder in a program is not one in a sentence."""
    letters = {"prose": "p", "code": "c", "comment": "m", "front matter": "f"}

    assert kinds == "".join(letters[line.kind] for line in Readme(text).classified)


@pytest.mark.parametrize("text", ["google/gemma-3-12b-it", "openai-community/gpt2", "a/b.c_d-e", "gpt2"])
def test_ids_of_the_hub_are_accepted(text: str) -> None:
    """Old models have no owner in their id."""
    assert why_no_id(text) is None
    assert ("/" in text) == is_hub_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "/a/b",
        "./a",
        "../a",
        "~/a",
        "C:\\a",
        "a\\b",
        "a/b/c",
        "None",
        "",
        "https://hf.co/a/b",
        "a/b@main",
        "a b/c",
        ".",
    ],
)
def test_paths_and_addresses_are_not(text: str) -> None:
    """Each of these was found in a published card or configuration."""
    assert why_no_id(text) is not None


@pytest.mark.parametrize(
    "token",
    [
        A_TOKEN,
        "sk-" + "aB3dE6gH9jK2mN5pQ8sT" + "T3BlbkFJ" + "aB3dE6gH9jK2mN5pQ8sT",
        "gh" + "p_" + "aB3dE6gH9jK2mN5pQ8sTuV1wX4yZ7aB0cD3e",
        "AK" + "IA" + "QWERTYUIOP234567",
        "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7qWs" * 3,
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEA" * 3,
    ],
    ids=lambda token: token[:12],
)
def test_secrets_are_found_and_masked(token: str) -> None:
    """By the shapes that their issuers publish."""
    text = f"before '{token}' after"

    assert [(8, 8 + len(token))] == [(found.start, found.end) for found in find_secrets(text)]
    assert f"before '{token[:4]}***' after" == mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "hf_" + "x" * 34,
        "AKIAIOSFODNN7EXAMPLE",
        "task-" + "a" * 48,
        "hf_hub_download(repo_id, filename)",
        "disk-" + "aB3dE6gH9jK2mN5pQ8sTuV1wX4yZ7aB0cD3eF6gH9jK2mN5p",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "sk-...",
    ],
)
def test_placeholders_and_words_are_no_secrets(text: str) -> None:
    """A tutorial may show where a token goes."""
    assert () == find_secrets(text)


def test_a_quotation_is_short_one_line_and_masked_before_it_is_cut() -> None:
    """Half a token is still half a token."""
    assert "`a b`" == quote("a\nb")
    assert A_TOKEN[8:20] not in clean("x" * 60 + A_TOKEN, 80)


def test_the_lists_of_ids_have_the_lengths_that_their_sources_had() -> None:
    """A list that was cut in half would warn about good cards."""
    assert (83, 57) == (len(licences()), len(pipeline_tags()))
    assert {"license", "base_model", "configs", "model-index"} <= metadata_keys()
