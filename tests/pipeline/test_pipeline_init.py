"""Drafting a release from an adapter, a published repo and a card: ids, pins, and no word that is not known."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import HubpubError
from publisher.hub.port import Add, Hub
from publisher.hub.remote import RemoteHub
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest, repo_refs
from publisher.pipeline.init.draft import Wanted, draft_of
from publisher.pipeline.init.write import Written, write_release
from publisher.records.artifacts import RepoRef

names = (f"r{number}" for number in count())


def write_adapter(folder: Path, base: str, *, layers: int = 2, hidden: int = 8, **config: Any) -> Path:
    """An adapter of rank 1 on q_proj, all zero: its header is all that is read."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "peft_type": "LORA",
        "r": 1,
        "lora_alpha": 2,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": base,
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings | config))
    header, end = {}, 0
    for layer in range(layers):
        for side, shape in (("A", [1, hidden]), ("B", [hidden, 1])):
            name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{side}.weight"
            header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + 2 * hidden]}
            end += 2 * hidden
    raw = json.dumps(header).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(end))
    return folder


def nowhere() -> Hub:
    """A Hub that cannot be reached, as the port says it."""
    raise HubpubError("HP-H01", "the Hub cannot be reached", hint="try again")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def repo(alice: RemoteHub) -> Any:
    """Publish files in a new model repo of alice; returns its reference."""

    def publish(files: dict[str, bytes], *, name: str | None = None) -> RepoRef:
        ref = RepoRef(f"alice/init-{name or next(names)}")
        alice.create(ref, private=False)
        state = alice.state(ref)
        assert state is not None
        operations = [Add(path, content) for path, content in files.items()]
        alice.commit(ref, "main", operations, title="x", body="", parent=str(state.head))
        return ref

    return publish


def head(hub: RemoteHub, ref: RepoRef) -> str:
    state = hub.state(ref)
    assert state is not None
    return str(state.head)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def init(project: Project, hub: Any, **wanted: Any) -> Written:
    return write_release(
        project, draft_of(project, Wanted("demo", **wanted), lambda: hub if hub else nowhere())
    )


def manifest(project: Project) -> Manifest:
    return load_manifest(project, "demo")


def open_questions(written: Written) -> list[str]:
    assert {"HP-M11"} >= {one.code for one in written.open}
    return [one.what for one in written.open]


def test_an_adapter_folder_becomes_a_manifest_with_its_base_pinned(
    project: Project, alice: RemoteHub, repo: Any, tmp_path: Path
) -> None:
    """The id from its configuration, the commit from the Hub, the path relative to the manifest, the repo written out."""
    base = repo({"config.json": b"{}"})
    write_adapter(tmp_path / "out" / "a", base.repo_id)
    written = init(project, alice, adapter=str(tmp_path / "out" / "a"), owner="acme")
    made = manifest(project)

    assert [] == open_questions(written)
    assert (base.repo_id, head(alice, base)) == (made.base.model, made.base.revision)
    assert "../../out/a" == made.adapter
    assert {"adapter": RepoRef("acme/demo-lora")} == repo_refs(made, "demo")
    assert "rank" not in (written.folder / "release.yaml").read_text(), "r is a fact, and not typed in twice"


def test_what_a_trainer_wrote_down_is_named_and_its_leftovers_are_left(
    project: Project, tmp_path: Path
) -> None:
    """As TRL leaves its output folder: state and log beside the adapter, pickles, checkpoints further down."""
    folder = write_adapter(tmp_path / "out", "acme/base")
    state = {
        "global_step": 2,
        "max_steps": 2,
        "log_history": [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}],
    }
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "training_args.bin").write_bytes(b"PK")
    write_adapter(folder / "checkpoint-2", "acme/base")
    (folder / "checkpoint-2" / "optimizer.pt").write_bytes(b"PK")
    init(project, None, adapter=str(folder), owner="acme")

    assert ("../../out", ("../../out",)) == (manifest(project).adapter, manifest(project).training_run)


def test_a_run_that_contradicts_itself_is_told_and_not_named(project: Project, tmp_path: Path) -> None:
    """Files of two trainings in one folder: the release would refuse them, so the manifest does not begin with it."""
    folder = write_adapter(tmp_path / "out", "acme/base")
    state = {"global_step": 1, "max_steps": 1, "log_history": [{"step": 1, "loss": 2.0}]}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "args.json").write_text(json.dumps({"learning_rate": 1e-4, "max_steps": 9, "output_dir": "x"}))
    draft = draft_of(project, Wanted("demo", "acme", adapter=str(folder)), nowhere)

    assert draft.model.run is None or draft.model.told[-1].startswith("a release measures")


def test_checkpoints_alone_are_pointed_at(project: Project, tmp_path: Path) -> None:
    """A training that was stopped: the last checkpoint is the adapter, and its user says so."""
    for step in (90, 100):
        write_adapter(tmp_path / "out" / f"checkpoint-{step}", "acme/base")
    with pytest.raises(HubpubError) as caught:
        init(project, None, adapter=str(tmp_path / "out"))

    assert "HP-A07" == caught.value.code
    assert caught.value.hint.endswith("checkpoint-100")


def test_without_a_network_the_base_stays_unpinned_and_the_manifest_says_so(
    project: Project, tmp_path: Path
) -> None:
    """Offline is no reason to refuse."""
    write_adapter(tmp_path / "a", "acme/base")
    written = init(project, None, adapter=str(tmp_path / "a"), owner="acme")

    assert ("acme/base", None) == (manifest(project).base.model, manifest(project).base.revision)
    assert "not pinned: the Hub cannot be reached" in (written.folder / "release.yaml").read_text()


def test_the_revision_that_an_adapter_names_goes_before_the_hubs_main(
    project: Project, tmp_path: Path
) -> None:
    """It was trained on that one."""
    write_adapter(tmp_path / "a", "acme/base", revision="ab12")
    init(project, None, adapter=str(tmp_path / "a"), owner="acme")

    assert "ab12" == manifest(project).base.revision


def test_a_base_that_is_a_folder_elsewhere_is_asked_for_with_what_the_shapes_say(
    project: Project, tmp_path: Path
) -> None:
    """Training scripts leave such paths; neither the path nor a guess is published."""
    write_adapter(tmp_path / "a", "/home/someone/models/g3", layers=48, hidden=3840)
    written = init(project, None, adapter=str(tmp_path / "a"), owner="acme")

    (question,) = open_questions(written)
    assert "g3" in question
    assert "its shapes are those of gemma-3-12b" in question
    assert "/home/someone" not in (written.folder / "release.yaml").read_text()


def test_a_base_that_the_shapes_contradict_is_asked_for(project: Project, tmp_path: Path) -> None:
    """48 layers are no Gemma-2-9B."""
    write_adapter(tmp_path / "a", "google/gemma-2-9b-it", layers=48, hidden=3840)
    written = init(project, None, adapter=str(tmp_path / "a"), owner="acme")

    assert [
        "base is open: the adapter names google/gemma-2-9b-it, and its shapes are those of gemma-3-12b"
    ] == (open_questions(written))


def test_a_base_that_the_hub_does_not_know_is_asked_for(
    project: Project, alice: RemoteHub, tmp_path: Path
) -> None:
    """It never existed, or this account may not see it."""
    write_adapter(tmp_path / "a", "alice/no-such-base")
    written = init(project, alice, adapter=str(tmp_path / "a"), owner="acme")

    (question,) = open_questions(written)
    assert "alice/no-such-base is not on" in question


def test_an_unknown_owner_is_asked_for_and_the_projects_is_not_repeated(
    project: Project, tmp_path: Path
) -> None:
    """A name would be a guess; a default stands in project.yaml already."""
    write_adapter(tmp_path / "a", "acme/base", revision="ab12")
    written = init(project, None, adapter=str(tmp_path / "a"))

    assert ["owner is open: whose account or organisation on the Hub"] == open_questions(written)
    (project.cards / "project.yaml").write_text("manifest: 1\nowner: acme\n")
    second = draft_of(project, Wanted("second", adapter=str(tmp_path / "a")), nowhere)
    assert [] == open_questions(write_release(project, second))
    assert "owner:" not in project.release("second").manifest.read_text()
    assert {"adapter": RepoRef("acme/second-lora")} == repo_refs(load_manifest(project, "second"), "second")


def test_prose_that_nobody_has_written_is_one_line_that_the_check_reports(
    project: Project, tmp_path: Path
) -> None:
    """An honest TODO, and no template of empty headings."""
    from publisher.checks.run import check_card

    write_adapter(tmp_path / "a", "acme/base", revision="ab12")
    written = init(project, None, adapter=str(tmp_path / "a"), owner="acme")
    file = written.folder / "limitations.md"
    codes = [finding.code for finding in check_card(file, select=["CARD005"]).findings]

    assert ("intended_use.md", "limitations.md") == written.to_write
    assert (1, ["CARD005"]) == (len(file.read_text().splitlines()), codes)


def test_an_adapter_on_the_hub_is_read_without_its_weights(
    project: Project, alice: RemoteHub, repo: Any, tmp_path: Path
) -> None:
    """Pinned to the commit that was looked at; only configuration and header travel."""
    ref = repo(bytes_of(write_adapter(tmp_path / "a", "/disk/g3", layers=48, hidden=3840)))
    written = init(project, alice, adapter=ref.repo_id, owner="alice")

    (question,) = open_questions(written)
    assert "gemma-3-12b" in question
    assert f"adapter: {ref.repo_id}@{head(alice, ref)}" in (written.folder / "release.yaml").read_text()


CARD = """\
---
license: mit
language: [en, pt]
tags: [aerial, lora, "base_model:adapter:x/y"]
datasets: [alice/rows, alice/more]
widget: [{text: hi}]
model-index:
- name: m
  results:
  - task: {type: text-generation}
    dataset: {name: held out, type: x}
    metrics: [{type: accuracy, name: Accuracy, value: 91.5}]
---
# Harbour

It sees ships.

## Limitations

Ships only. Tried on 3 harbours.
"""


def test_a_published_adapter_is_adopted_under_its_own_id_with_its_words(
    project: Project, alice: RemoteHub, repo: Any, tmp_path: Path
) -> None:
    """Repo, visibility and prose as they are; its numbers wait for their sources."""
    base = repo({"config.json": b"{}"})
    files = bytes_of(write_adapter(tmp_path / "a", base.repo_id))
    ref = repo({**files, "README.md": CARD.encode()})
    written = init(project, alice, repo=ref.repo_id)
    text = (written.folder / "release.yaml").read_text()

    assert 2 == len(open_questions(written))
    assert {"model.accuracy_held_out", "model.tried_harbours"} == set(
        re.findall(r"stated\.(\S+) is open", " ".join(open_questions(written)))
    )
    answered = re.sub(r'"\?\? [^"]*"', "my notes", text)
    (written.folder / "release.yaml").write_text(answered)
    made = manifest(project)
    assert {"adapter": ref} == repo_refs(made, "demo")
    assert (f"{ref.repo_id}@{head(alice, ref)}", "public") == (made.adapter, made.visibility)
    assert (base.repo_id, head(alice, base)) == (made.base.model, made.base.revision)
    assert ("mit", "alice/rows") == (made.licence, made.dataset.link if made.dataset else None)
    assert (("en", "pt"), ("aerial",), "Harbour") == (made.card.language, made.card.tags, made.card.title)
    assert "Ships only.\n" == (written.folder / "limitations.md").read_text()
    assert "alice/more" in text, "a second dataset has no key, and is not forgotten"


def test_a_published_model_is_adopted_with_the_adapter_beside_it(
    project: Project, alice: RemoteHub, repo: Any, tmp_path: Path
) -> None:
    """A merged model is made of an adapter; where the usual repo holds one, that is it."""
    base = repo({"config.json": b"{}"})
    merged = repo({"config.json": b"{}", "model.safetensors": b"x"}, name="whole")
    beside = repo(bytes_of(write_adapter(tmp_path / "a", base.repo_id)), name="whole-lora")
    written = init(project, alice, repo=merged.repo_id)
    made = manifest(project)

    assert [] == open_questions(written)
    assert {"merged": merged} == repo_refs(made, "demo")
    assert (f"{beside.repo_id}@{head(alice, beside)}", base.repo_id) == (made.adapter, made.base.model)


def test_a_published_model_without_its_adapter_asks_for_it(
    project: Project, alice: RemoteHub, repo: Any
) -> None:
    """Nothing else can make it again."""
    card = b"---\nbase_model: google/gemma-2-12b-it\n---\n# M\n"
    merged = repo({"config.json": b"{}", "model.safetensors": b"x", "README.md": card})
    asked = open_questions(init(project, alice, repo=merged.repo_id))

    assert ["base is open: the card says google/gemma-2-12b-it"] == asked[:1]
    assert f"adapter is open: the adapter that {merged.repo_id} was made with" in asked[1]


@pytest.mark.parametrize(("files", "code"), [({"notes.txt": b"hello"}, "HP-M10"), (None, "HP-H04")])
def test_a_repo_that_holds_nothing_to_adopt_is_refused(
    project: Project, alice: RemoteHub, repo: Any, files: dict[str, bytes] | None, code: str
) -> None:
    """Before anything is written."""
    address = repo(files).repo_id if files else "alice/no-such-repo"
    with pytest.raises(HubpubError) as caught:
        init(project, alice, repo=address)

    assert code == caught.value.code
    assert not project.cards.exists()


def test_a_licence_of_its_own_comes_with_its_name_and_where_its_text_is(
    project: Project, tmp_path: Path
) -> None:
    """`other` alone says nothing; a gate's words are named, since nothing takes them over."""
    front = (
        "license: other\nlicense_name: harbour-1\nlicense_link: LICENSE\nextra_gated_prompt: Who are you?\n"
    )
    (tmp_path / "README.md").write_text(f"---\n{front}---\n# M\n\nSees ships.\n\n## Access\n\nFor all.\n")
    draft = draft_of(project, Wanted("demo", owner="acme", card=tmp_path / "README.md"), nowhere)
    written = write_release(project, draft)
    text = (written.folder / "release.yaml").read_text()

    assert "licence: other\nlicence_name: harbour-1\nlicence_link: LICENSE\n" in text
    assert "  sections:\n    access: access.md\n" in text, (
        "a section that is called like a key is no such key"
    )
    assert ["base is open", "adapter is open"] == [what.partition(":")[0] for what in open_questions(written)]
    assert [("front matter extra_gated_prompt", "write it under card.access")] == [
        (left.title, left.why) for left in draft.words.left
    ]


def test_a_card_beside_an_adapter_gives_the_words_and_the_adapter_the_rest(
    project: Project, tmp_path: Path
) -> None:
    """The usual case: an output folder, and the README that somebody wrote for it."""
    write_adapter(tmp_path / "a", "acme/base", revision="ab12")
    (tmp_path / "README.md").write_text(CARD)
    written = init(project, None, adapter=str(tmp_path / "a"), card=tmp_path / "README.md", owner="acme")

    assert {"release.yaml", "summary.md", "limitations.md"} == {file.name for file in written.files}
    assert "base: acme/base@ab12" in (written.folder / "release.yaml").read_text()
    assert () == written.to_write
