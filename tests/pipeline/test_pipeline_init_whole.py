"""Drafting a release from a whole model and from a dataset: what the folder tells is not asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from parquet_rows import write_rows
from quantized_folders import write_awq, write_source

from publisher.checks.known.licence_texts import licence_text
from publisher.errors import HubpubError
from publisher.hub.port import Hub
from publisher.hub.remote import RemoteHub
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest, repo_refs
from publisher.pipeline.init.draft import Wanted, draft_of
from publisher.pipeline.init.write import Written, write_release
from publisher.records.artifacts import RepoRef

ROWS = [{"prompt": "a b", "completion": "c"}, {"prompt": "d e", "completion": "f"}]


def nowhere() -> Hub:
    raise HubpubError("HP-H01", "the Hub cannot be reached", hint="try again")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def readme(folder: Path, **front: str) -> Path:
    lines = "".join(f"{key}: {value}\n" for key, value in front.items())
    (folder / "README.md").write_text(f"---\n{lines}---\n# It\n")
    return folder


def write_lines(file: Path, *rows: dict[str, str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def init(project: Project, hub: Any = None, **wanted: Any) -> tuple[Written, Manifest | None]:
    opened = (lambda: hub) if hub else nowhere
    written = write_release(project, draft_of(project, Wanted("demo", owner="acme", **wanted), opened))
    return written, None if written.open else load_manifest(project, "demo")


def test_a_full_fine_tune_becomes_a_manifest_that_names_what_it_was_tuned_from(
    project: Project, tmp_path: Path
) -> None:
    """Licence and base stand in its card; it is released under the release's own name, its words on its own card."""
    out = readme(write_source(tmp_path / "out" / "sft"), license="mit", base_model="acme/base")
    written, made = init(project, model=out)
    assert made is not None
    assert made.base is not None

    assert ("../../out/sft", "acme/base", "mit") == (made.base.folder, made.base.origin, made.licence)
    assert {"base": RepoRef("acme/demo")} == repo_refs(made, "demo")
    assert {
        "base.intended_use": "intended_use.md",
        "base.limitations": "limitations.md",
    } == made.card.sections
    assert ("intended_use.md", "limitations.md") == written.to_write


def test_what_a_trainer_left_beside_a_model_is_told_and_stays(project: Project, tmp_path: Path) -> None:
    """Its arguments are a pickle, and a checkpoint holds an optimizer."""
    out = readme(write_source(tmp_path / "out"), license="mit")
    (out / "training_args.bin").write_bytes(b"pickle")
    (out / "checkpoint-7").mkdir()
    draft = draft_of(project, Wanted("demo", owner="acme", model=out), nowhere)

    assert "left where they are: checkpoint-7, training_args.bin" in draft.model.told


@pytest.mark.parametrize("published", [True, False])
def test_the_name_in_a_configuration_is_taken_only_where_the_hub_has_such_a_model(
    published: bool, project: Project, alice: RemoteHub, tmp_path: Path
) -> None:
    """`out/run` is a folder of a trainer's machine as well as it is an id."""
    named = f"alice/tuned-from-{published}".lower()
    if published:
        alice.create(RepoRef(named), private=False)
    out = readme(write_source(tmp_path / "out", _name_or_path=named), license="mit")
    _, made = init(project, alice, model=out)
    assert made is not None
    assert made.base is not None

    assert (named if published else None) == made.base.origin


def test_the_text_of_a_licence_tells_it_and_without_one_it_is_asked(project: Project, tmp_path: Path) -> None:
    """Two questions at most: the account, and the licence that nothing beside the weights tells."""
    out = write_source(tmp_path / "out")
    asked: list[str] = []

    def ask(question: str, default: str | None) -> str | None:
        asked.append(question)
        return default

    draft = draft_of(project, Wanted("open", model=out), nowhere, ask)
    (out / "LICENSE").write_text(str(licence_text("apache-2.0")))
    _, made = init(project, model=out)
    assert made is not None

    assert 2 == len(asked)
    assert str(draft.words.licence[0].value).startswith("??")
    assert "apache-2.0" == made.licence


def _as_adapter(folder: Path) -> None:
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")


@pytest.mark.parametrize(
    ("fill", "code", "hint"),
    [
        (lambda f: None, "HP-M09", "--from-model FOLDER"),
        (_as_adapter, "HP-M10", "--from-adapter"),
        (write_awq, "HP-M10", "--from-files"),
        (lambda f: write_source(f / "checkpoint-7"), "HP-B04", "checkpoint-7"),
        (lambda f: (write_source(f) / "model.safetensors").rename(f / "pytorch_model.bin"), "HP-W03", ""),
    ],
    ids=["nothing", "an adapter", "quantized", "checkpoints", "pickled"],
)
def test_a_folder_that_is_no_whole_model_is_refused_with_what_would_take_it(
    fill: Any, code: str, hint: str, project: Project, tmp_path: Path
) -> None:
    fill(tmp_path / "out")
    with pytest.raises(HubpubError) as caught:
        init(project, model=tmp_path / "out")

    assert code == caught.value.code
    assert hint in str(caught.value.hint)
    assert not (tmp_path / "model_cards").exists()


def test_parquet_with_the_hubs_names_is_released_as_it_is(project: Project, tmp_path: Path) -> None:
    """No model, no test prompt: a dataset is released by itself."""
    write_rows(ROWS, tmp_path / "rows" / "data" / "train-00000-of-00001.parquet")
    readme(tmp_path / "rows", license="cc-by-4.0", language="de")
    _, made = init(project, dataset=tmp_path / "rows")
    assert made is not None
    assert made.dataset is not None

    assert ("../../rows", None, "cc-by-4.0") == (made.dataset.folder, made.base, made.licence)
    assert {"dataset": RepoRef("acme/demo", "dataset")} == repo_refs(made, "demo")
    assert (("de",), ()) == (made.card.language, made.smoke)


def test_parquet_with_other_names_is_built_with_its_columns_renamed(project: Project, tmp_path: Path) -> None:
    write_rows([{"Question": "a", "Answer": "b"}], tmp_path / "rows" / "mine.parquet")
    readme(tmp_path / "rows", license="mit")
    _, made = init(project, dataset=tmp_path / "rows")
    assert made is not None
    assert made.dataset is not None
    assert made.dataset.build is not None

    assert ("parquet", {"prompt": "Question", "completion": "Answer"}) == (
        made.dataset.build.from_,
        made.dataset.build.columns,
    )


def test_json_lines_beside_what_is_held_out_become_a_recipe(project: Project, tmp_path: Path) -> None:
    write_lines(tmp_path / "rows" / "train.jsonl", *ROWS)
    write_lines(tmp_path / "rows" / "valid.jsonl", {"prompt": "x", "completion": "y"})
    readme(tmp_path / "rows", license="mit")
    _, made = init(project, dataset=tmp_path / "rows")
    assert made is not None
    assert made.dataset is not None

    assert ("../../rows/train.jsonl", "../../rows/valid.jsonl") == made.dataset.places


def test_columns_that_nobody_knows_wait_for_their_author(project: Project, tmp_path: Path) -> None:
    """What stands in `a` is not guessed."""
    write_lines(tmp_path / "rows" / "train.jsonl", {"a": "1", "b": "2"})
    readme(tmp_path / "rows", license="mit")
    written, _ = init(project, dataset=tmp_path / "rows")

    assert {"HP-M11"} == {one.code for one in written.open}
    assert any("a, b" in one.what for one in written.open)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [("a.txt", "x", "HP-D01"), ("a.jsonl", "[1]\n", "HP-D02"), ("a.parquet", "x", "HP-D02")],
)
def test_a_folder_without_rows_is_refused_before_a_manifest_is_written(
    name: str, text: str, code: str, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / name).write_text(text)
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(HubpubError) as caught:
        init(project, dataset=tmp_path / "rows")

    assert code == caught.value.code
    assert not (tmp_path / "model_cards").exists()
