"""What a rehearsal swaps, what it leaves, and where it may go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import Exit, HubpubError
from publisher.hub.remote import HF, RemoteHub
from publisher.manifest.project import Project
from publisher.manifest.schema import BaseSettings, Manifest, repo_refs
from publisher.pipeline.look import plan_locked, preflight_problems
from publisher.pipeline.opened import Release
from publisher.pipeline.services import LastVersion, Source, Wishes
from publisher.pipeline.stand_in import LENGTH, STEPS, as_rehearsed, model_type_of, rehearsal_of
from publisher.pipeline.steps.preflight import preflight
from publisher.records.facts import Fact, StatedSource
from publisher.records.runs import Measured
from publisher.records.stand_in import MARK

Open = Callable[..., Release]

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = RemoteHub("http://192.0.2.1", "hf_x", "elsewhere")  # an address for documentation: nobody answers

GATED = {
    "manifest": 1,
    "owner": "acme",
    "base": {"model": "google/gemma-3-4b-it"},
    "dataset": {
        "build": {
            "from": "aeriald",
            "folder": "pictures",
            "enhance": {"model": "m", "base_url": "https://example.com/v1"},
        }
    },
    "train": {"steps": 500, "max_length": 700},
    "artifacts": {"dataset": {}, "adapter": {}, "merged": {"repo": "acme/other-name"}, "gguf": {}},
    "collection": "Aerial",
    "supersedes": {"merged": "acme/old"},
    "gates": {"evaluate.merged.loss": {"must_beat": "base"}},
}


def manifest(**changes: object) -> Manifest:
    return Manifest.model_validate_json(json.dumps({**GATED, **changes}))


def gated(**changes: object) -> Manifest:
    return rehearsal_of(manifest(**changes), "aerial").manifest


def test_every_repo_of_a_rehearsal_has_an_id_of_its_own() -> None:
    """The collection as well; and no older repo is told that it was replaced."""
    rehearsed = gated()

    assert {
        "dataset": "acme/aerial-data-stand-in",
        "adapter": "acme/aerial-lora-stand-in",
        "merged": "acme/other-name-stand-in",
        "gguf": "acme/aerial-GGUF-stand-in",
    } == {kind: ref.repo_id for kind, ref in repo_refs(rehearsed, "aerial").items()}
    assert ("Aerial-stand-in", {}) == (rehearsed.collection, rehearsed.supersedes)


def test_data_are_drawn_in_the_form_that_the_manifest_trains_on() -> None:
    """AerialD shows pictures, so the drawn scenes are shown too; nobody's photographs are needed."""
    data = gated().dataset
    assert data is not None
    assert data.build is not None

    assert ("scenes", "image-text") == (data.build.from_, data.build.format)


def test_no_endpoint_is_asked_but_one_on_this_machine() -> None:
    """A rehearsal costs nothing; a scripted endpoint shows that the step works."""
    here = {
        "from": "scenes",
        "enhance": {"model": "m", "base_url": "http://127.0.0.1:9/v1", "api_key_env": None},
    }
    away, near = gated(), gated(dataset={"build": here})

    assert away.dataset is not None
    assert near.dataset is not None
    assert (None, "http://127.0.0.1:9/v1") == (
        getattr(away.dataset.build, "enhance", 0),
        getattr(near.dataset.build, "enhance").base_url,  # noqa: B009
    )
    told = rehearsal_of(manifest(), "aerial").swapped
    assert "dataset.enhance: no endpoint is asked in a rehearsal" in told


def test_the_training_is_the_manifests_for_a_few_steps() -> None:
    """Lengths are counted by another tokenizer, so no example may be too long by it."""
    train = gated().train
    assert train is not None

    assert (STEPS, LENGTH, manifest().train.lora) == (train.steps, train.max_length, train.lora)  # type: ignore[union-attr]


def test_an_adapter_from_elsewhere_is_trained_in_its_place() -> None:
    """It would not fit the stand-in; and so needs rows, which a link does not bring."""
    taken = {"train": None, "adapter": "acme/adapter@1", "dataset": "acme/data", "artifacts": ["adapter"]}
    rehearsed = gated(**taken, supersedes={})

    assert (None, True) == (rehearsed.adapter, rehearsed.train is not None)
    assert rehearsed.dataset is not None
    assert rehearsed.dataset.build is not None


def test_files_that_were_made_elsewhere_are_made_here_or_left_out() -> None:
    """A stand-in has no quantization that another program wrote."""
    brought = {"merged": {}, "gguf": {"files": "*.gguf", "mmproj": "mm.gguf"}, "awq": {"folder": "awq"}}
    rehearsed = gated(artifacts=brought)
    told = rehearsal_of(manifest(artifacts=brought), "aerial").swapped

    assert {"merged", "gguf"} == set(rehearsed.artifacts)
    assert (None, None) == (rehearsed.artifacts["gguf"].files, rehearsed.artifacts["gguf"].mmproj)
    assert "awq: left out, made elsewhere" in told


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("google/gemma-3-12b-it", "gemma3"),
        ("google/gemma-3-1b-it", "gemma3_text"),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama"),
    ],
)
def test_gated_bases_are_known_by_name(tmp_path: Path, model: str, kind: str) -> None:
    """Nobody is asked: a gated base hands out no configuration either."""
    assert kind == model_type_of(BaseSettings(model=model), tmp_path, ELSEWHERE)


def test_a_configuration_that_lies_here_tells_the_architecture(tmp_path: Path) -> None:
    """Its weights are not needed for a rehearsal."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "qwen3"}')

    assert "qwen3" == model_type_of(BaseSettings(model="acme/mine", folder="base"), tmp_path, ELSEWHERE)


def test_a_base_that_nobody_knows_is_refused_with_what_would_help(tmp_path: Path, alice: RemoteHub) -> None:
    """Rather than rehearsed with an architecture that it may not have."""
    with pytest.raises(HubpubError) as caught:
        model_type_of(BaseSettings(model="acme/no-such-model"), tmp_path, alice)

    assert ("HP-M10", True) == (caught.value.code, "config.json" in caught.value.hint)


def test_a_rehearsal_is_not_signed_and_says_so() -> None:
    """A signature over random weights would be as good as one over the model."""
    rehearsal = rehearsal_of(manifest(sign="release.pub"), "aerial")

    assert None is rehearsal.manifest.sign
    assert "sign: left out, whoever trusts a key trusts what it signed" in rehearsal.swapped


def test_lock_and_cards_of_the_real_release_are_not_those_of_its_rehearsal(tmp_path: Path) -> None:
    """What git sees stays as it is."""
    real, rehearsed = (Project(tmp_path).release("x", stand_in=stand_in) for stand_in in (False, True))

    assert rehearsed.folder == real.folder
    assert tmp_path / ".hubpub" / "x@stand-in" == rehearsed.workspace
    assert [rehearsed.workspace] * 2 == [rehearsed.lock.parent, rehearsed.card("merged").parent.parent]
    assert real.folder == real.lock.parent


def test_facts_of_a_rehearsal_say_so() -> None:
    """So that no card and no gate takes them for the model's."""
    fact = Fact("train.steps", 4, None, "known", "train", StatedSource("s"))

    assert (True,) == tuple(fact.stand_in for fact in as_rehearsed(Measured((fact,))).facts)
    assert "no record of facts" == as_rehearsed("no record of facts")


@pytest.fixture
def refused(open_release: Open) -> Callable[[Release], HubpubError]:
    """The error of a preflight for a Hub elsewhere."""

    def look(release: Release) -> HubpubError:
        with pytest.raises(HubpubError) as caught:
            preflight(
                release.paths,
                ELSEWHERE,
                Source(ELSEWHERE),
                release.manifest,
                release.identity,
                Wishes(),
                LastVersion(None),
            )
        return caught.value

    return look


def test_a_rehearsal_for_a_hub_elsewhere_is_refused_before_it_is_asked_anything(
    open_release: Open, refused: Callable[[Release], HubpubError]
) -> None:
    """By what its name resolves to, in the first second."""
    opened = open_release()
    release = Release.open(opened.project, opened.paths.name, stand_in=True)

    assert ("HP-M12", Exit.USAGE) == ((error := refused(release)).code, error.exit_code)


@pytest.mark.parametrize("where", ["base", "adapter"])
def test_marked_weights_that_were_copied_into_a_real_release_are_refused(
    open_release: Open, refused: Callable[[Release], HubpubError], where: str
) -> None:
    """The mark goes along with the file."""
    release = open_release(
        "manifest: 1\nowner: alice\nbase: {model: alice/base, folder: base}\nadapter: adapter\n"
        "artifacts: [adapter]\n"
    )
    folder = release.paths.folder / where
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({MARK: True}))

    assert ("HP-M12", str(folder / "config.json")) == ((error := refused(release)).code, error.where)


def test_a_plan_from_the_lock_of_a_rehearsal_is_refused_elsewhere(open_release: Open) -> None:
    """`plan` has no files to look at, only what the lock says was measured."""
    from dataclasses import replace

    from publisher.manifest.lock import Lock

    release = open_release()
    measured = Fact("base.stand_in", True, None, "known", "resolve", StatedSource("s"))

    with pytest.raises(HubpubError) as caught:
        plan_locked(replace(release, lock=Lock(name=release.paths.name, facts=(measured,))), ELSEWHERE, None)

    assert "HP-M12" == caught.value.code


def test_the_reference_case_without_access_says_first_how_to_get_it() -> None:
    """With neither token nor terms accepted, before anything is looked for elsewhere."""
    hub = RemoteHub(HF, None, "huggingface.co")
    first, second, *_ = preflight_problems(Release.open(Project(ROOT), "gemma-aerial-12b"), hub, hub)

    assert [("HP-H02", Exit.HUB), ("HP-B02", Exit.HUB)] == [(e.code, e.exit_code) for e in (first, second)]
    assert "--stand-in --hub local" in second.hint


@pytest.mark.parametrize("name", ["gemma-aerial-12b", "smollm2-aerial"])
def test_every_release_of_this_project_can_be_rehearsed(name: str) -> None:
    """By its manifest, without anything that it names being here."""
    release = Release.open(Project(ROOT), name, stand_in=True)

    assert release.swapped
    assert all(ref.repo_id.endswith("-stand-in") for ref in release.identity.refs.values())
    assert model_type_of(release.manifest.base, release.paths.folder, ELSEWHERE) in ("gemma3", "llama")
