"""Licences: every family's duties by the base's name, texts that are what their publisher has, and fixes that add nothing."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from publisher.card.templates import built_in_folder
from publisher.checks.fix import mended
from publisher.checks.known.ids import licences
from publisher.checks.known.licence_texts import licence_page, licence_text
from publisher.checks.observe.duties import inherited, is_free
from publisher.checks.observe.earlier import Earlier
from publisher.checks.observe.itself import Itself
from publisher.checks.observe.readme import Metadata
from publisher.checks.observe.target import Absent, RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_folder, check_view
from publisher.checks.source import FolderSource
from publisher.records.findings import Severity

DATA = json.loads(files("publisher.checks.known").joinpath("licences.json").read_text("utf-8"))


def repo(folder: Path, front_matter: str, body: str = "Finds objects in pictures.\n") -> Path:
    (folder / "README.md").write_text(f"---\n{front_matter}---\n# Aerial\n\n{body}")
    (folder / "config.json").write_text("{}")
    return folder


def fix(folder: Path, code: str) -> dict[str, str]:
    changes = mended(RepoView(FolderSource(folder)), choose([code]))
    for name, (_, after) in changes.items():
        (folder / name).write_bytes(after)
    return {name: after.decode() for name, (_, after) in changes.items()}


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-3-4b-it", "gemma"),
        ("google/gemma-3n-E2B-it", "gemma"),
        ("google/paligemma2-3b-pt-224", "gemma"),
        ("google/gemma-4-E2B-it", "gemma4"),
        ("meta-llama/Llama-2-7b-hf", "llama2"),
        ("meta-llama/Meta-Llama-3-8B", "llama3"),
        ("meta-llama/Llama-3.1-8B", "llama3.1"),
        ("unsloth/Llama-3.2-1B", "llama3.2"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3.3"),
        ("meta-llama/Llama-4-Scout-17B-16E", "llama4"),
        ("Qwen/Qwen-7B", "tongyi-qianwen"),
        ("Qwen/Qwen2.5-72B-Instruct", "qwen"),
        ("Qwen/Qwen2.5-VL-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen2.5-7B", "apache"),
        ("Qwen/Qwen3-8B", "apache"),
        ("mistralai/Mistral-7B-v0.1", "apache"),
        ("mistralai/Ministral-3-3B-Instruct-2512", "apache"),
        ("mistralai/Mistral-Large-Instruct-2411", "mrl"),
        ("mistralai/Codestral-22B-v0.1", "mnpl"),
        ("nvidia/Mistral-NeMo-Minitron-8B-Base", "nvidia-open-model"),
        ("nvidia/Nemotron-3-Diarization", "openmdw"),
        ("deepseek-ai/DeepSeek-V2-Lite", "deepseek"),
        ("deepseek-ai/DeepSeek-V3", "deepseek"),
        ("deepseek-ai/DeepSeek-V3-0324", "mit"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("bigscience/bloom-560m", "bloom-rail"),
        ("bigcode/starcoder2-3b", "bigcode-openrail"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "openrail++"),
        ("stabilityai/stable-diffusion-3.5-large", "stabilityai"),
        ("black-forest-labs/FLUX.1-dev", "flux-dev"),
        ("black-forest-labs/FLUX.1-schnell", None),
        ("tiiuae/Falcon3-1B-Instruct", "falcon"),
        ("tiiuae/falcon-7b", "apache"),
        ("tencent/HunyuanVideo", "tencent-hunyuan"),
        ("CohereLabs/aya-expanse-8b", "cohere-nc"),
        ("openai-community/gpt2", None),
    ],
)
def test_a_base_comes_under_the_licence_of_its_generation(
    tmp_path: Path, base: str, family: str | None
) -> None:
    """One maker's models come under several licences, and a wrong one is a wrong accusation."""
    card = RepoView(FolderSource(repo(tmp_path, f"base_model: {base}\n"))).observe(Metadata)
    assert not isinstance(card, Absent)

    assert family == next((found.family.key for found in inherited(card)), None)


def test_the_table_names_ids_of_the_hub_patterns_that_compile_and_where_each_licence_is() -> None:
    """An id that the Hub does not know would be a hint that makes the card worse."""
    known = set(licences())
    for row in DATA["families"]:
        re.compile(row["base"])
        re.compile(row.get("names", ""))

        assert set(row["ids"]) <= known | {"openrail++"}
        assert row["link"].startswith("https://")
    assert set(DATA["free"]) <= known
    assert not any(is_free(licence) for licence in DATA["data"]["terms"].values())


def test_every_text_that_is_given_out_is_byte_for_byte_what_its_index_says() -> None:
    """A licence with one word changed is another licence."""
    index = json.loads((built_in_folder() / "licences" / "index.json").read_text("utf-8"))
    for row in index["texts"]:
        text = licence_text(row["id"])

        if "holder" in row:  # whoever releases must be named in it, and nobody can guess who that is
            assert text is None
        else:
            assert text is not None
            assert row["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert licence_text("cc-by-nc-4.0") is None
    assert "https://creativecommons.org/licenses/by-nc/4.0/legalcode" == licence_page("cc-by-nc-4.0")


def test_a_missing_licence_is_written_whole_and_a_second_fix_writes_nothing(tmp_path: Path) -> None:
    """The text that goes along is the licence, not a summary of it."""
    repo(tmp_path, "license: apache-2.0\nbase_model: Qwen/Qwen2.5-7B\n")

    assert {"LICENSE": licence_text("apache-2.0")} == fix(tmp_path, "LIC072")
    assert {} == fix(tmp_path, "LIC072")
    assert () == check_folder(tmp_path, select=["LIC072", "LIC077"]).findings


@pytest.mark.parametrize(
    ("front_matter", "hint"),
    [
        ("license: gemma\nbase_model: google/gemma-3-4b-it\n", "https://ai.google.dev/gemma/terms"),
        ("license: mit\nbase_model: Qwen/Qwen2.5-7B\n", "https://www.apache.org/licenses/LICENSE-2.0.txt"),
        (
            "license: apache-2.0\nbase_model: [Qwen/Qwen2.5-7B, google/gemma-3-4b-it]\n",
            "https://www.apache.org/licenses/LICENSE-2.0.txt",
        ),
    ],
    ids=["no text here", "another licence than the base's", "two bases"],
)
def test_a_text_that_is_not_here_or_not_the_only_one_is_linked_and_not_written(
    tmp_path: Path, front_matter: str, hint: str
) -> None:
    """A LICENSE file with the wrong text is worse than none."""
    repo(tmp_path, front_matter)

    (finding,) = check_folder(tmp_path, select=["LIC072"]).findings

    assert f"its text is not here; add it as LICENSE: {hint}" == finding.hint
    assert {} == fix(tmp_path, "LIC072")


@pytest.mark.parametrize(
    ("relation", "sentence"),
    [
        ("", "A modified version of google/gemma-3-4b-it. "),
        ("base_model_relation: quantized\n", "A quantized version of google/gemma-3-4b-it. "),
        ("base_model_relation: merge\n", "A merge of google/gemma-3-4b-it. "),
    ],
)
def test_the_modification_is_said_before_the_first_paragraph_and_in_no_heading(
    tmp_path: Path, relation: str, sentence: str
) -> None:
    """What is written says no more than the front matter does."""
    front_matter = f"license: gemma\nbase_model: google/gemma-3-4b-it\n{relation}"
    repo(tmp_path, front_matter, "- a list\n\nFinds objects in pictures.\n")

    changed = fix(tmp_path, "LIC074")

    expected = f"---\n{front_matter}---\n# Aerial\n\n- a list\n\n{sentence}Finds objects in pictures.\n"
    assert {"README.md": expected} == changed
    assert () == check_folder(tmp_path, select=["LIC074"]).findings


def test_a_card_without_a_paragraph_is_left_to_its_author(tmp_path: Path) -> None:
    """A sentence inside of a table or a picture would break it."""
    repo(
        tmp_path,
        "license: gemma\nbase_model: google/gemma-3-4b-it\n",
        "| a | b |\n|---|---|\n\n![x](y.png)\n",
    )

    assert {} == fix(tmp_path, "LIC074")


def test_a_notice_that_only_copies_need_is_a_note_and_one_for_derivatives_an_error(tmp_path: Path) -> None:
    """The research licence of Mistral asks for it with Mistral's own files; Gemma's terms ask for it everywhere."""
    severities = []
    for name, base in (("a", "mistralai/Mistral-Large-Instruct-2411"), ("b", "google/gemma-3-4b-it")):
        (tmp_path / name).mkdir()
        repo(tmp_path / name, f"license: other\nbase_model: {base}\n")
        severities += [
            finding.severity for finding in check_folder(tmp_path / name, select=["LIC071"]).findings
        ]

    assert [Severity.NOTE, Severity.ERROR] == severities


@pytest.mark.parametrize(
    ("front_matter", "found"),
    [
        ("license: apache-2.0\ndatasets: [HuggingFaceH4/no_robots]\n", True),
        ("license: mit\nsource_datasets: [extended|LoveDA]\n", True),
        ("license: cc-by-nc-4.0\ndatasets: [HuggingFaceH4/no_robots]\n", False),
        ("license: other\ndatasets: [HuggingFaceH4/no_robots]\n", False),
        ("license: llama3.1\ndatasets: [tatsu-lab/alpaca]\n", True),
        ("license: unknown\ndatasets: [tatsu-lab/alpaca]\n", False),
        ("license: apache-2.0\ndatasets: [acme/loveda-like]\n", False),
        ("datasets: [tatsu-lab/alpaca]\n", False),
    ],
)
def test_data_for_research_only_is_told_of_where_the_licence_allows_commercial_use(
    tmp_path: Path, front_matter: str, found: bool
) -> None:
    """A warning that is wrong once is not believed the next time."""
    repo(tmp_path, front_matter)

    assert found == bool(check_folder(tmp_path, select=["LIC075"]).findings)


def test_a_changed_licence_is_told_of_only_where_the_release_before_is_known(tmp_path: Path) -> None:
    """A folder has no history: the rule is skipped with that reason, and never passed."""
    view = RepoView(FolderSource(repo(tmp_path, "license: cc-by-nc-4.0\n")))
    rules = choose(["LIC078"])

    changed = check_view(view.told(Earlier("v1.0.0", ("apache-2.0",))), rules, "x")
    same = check_view(view.told(Earlier("v1.0.0", ("CC-BY-NC-4.0",))), rules, "x")
    unknown = check_view(view, rules, "x")

    assert ["the card says `cc-by-nc-4.0`; v1.0.0 was released under `apache-2.0`"] == [
        finding.message for finding in changed.findings
    ]
    assert ((), ()) == (same.findings, same.skipped)
    assert [("LIC078", "no earlier release is known: only a published repo's tags tell")] == [
        (skip.code, skip.reason) for skip in unknown.skipped
    ]


@pytest.mark.parametrize(
    ("repo_id", "found"),
    [("acme/Llama-3.1-aerial", False), ("acme/aerial-8b", True), (None, False)],
)
def test_a_repo_whose_name_lacks_what_its_licence_asks_for_is_told_of_where_its_name_is_known(
    tmp_path: Path, repo_id: str | None, found: bool
) -> None:
    """The Llama licences rule the name of the model, and most models are named by their repo alone."""
    repo(tmp_path, "license: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\n", "Built with Llama.\n")
    view = RepoView(FolderSource(tmp_path), Itself(repo_id))

    assert found == bool(check_view(view, choose(["LIC073"]), "x").findings)
