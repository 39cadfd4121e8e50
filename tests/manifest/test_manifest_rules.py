"""What fits together, and what the project's defaults and policy say about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.manifest.project import Project
from publisher.manifest.schema import Manifest

Load = Callable[..., Manifest]
Faults = Callable[..., list[tuple[str, str]]]

HEAD = "manifest: 1\nowner: acme\n"
HUB_BASE = "base: google/gemma-3-12b-it@96b6f1e\n"
ADAPTER = HEAD + HUB_BASE + "adapter: acme/old@main\nartifacts: [adapter]\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            HUB_BASE + "adapter: a/b\ntrain: {}\ndataset: {folder: d}\nartifacts: [adapter]",
            "exclude each other",
        ),
        (HUB_BASE + "artifacts: [merged]", "artifacts adapter and merged need"),
        (HUB_BASE + "artifacts: [adapter]", "artifacts adapter and merged need"),
        (HUB_BASE + "artifacts: [dataset]", "the dataset artifact needs"),
        (HUB_BASE + "dataset: acme/rows\nartifacts: [dataset]", "the dataset artifact needs"),
        (HUB_BASE + "train: {}\nartifacts: [adapter]", "train needs a dataset"),
        (HUB_BASE + "dataset: acme/rows\ntrain: {}\nartifacts: [adapter]", "train needs a dataset"),
        (HUB_BASE + "adapter: a/b\nevaluate: {}\nartifacts: [adapter]", "evaluate needs a dataset"),
        ("base: {folder: here}\nartifacts: [nf4]", "base needs its Hub id"),
    ],
)
def test_what_does_not_fit_together_is_told_in_the_first_second(faults: Faults, text: str, what: str) -> None:
    """And not by a stage, after an hour of training."""
    ((_, found),) = faults(HEAD + text + "\n")

    assert what in found


def test_everything_that_does_not_fit_together_is_told_at_once(faults: Faults) -> None:
    """Nobody mends one line a run."""
    ((_, found),) = faults(HEAD + HUB_BASE + "artifacts: [dataset, merged]\nevaluate: {}\n")

    assert 3 == len(found.split("; "))


@pytest.mark.parametrize(
    ("base", "what"),
    [
        ("{package: llm}", "package and file belong together"),
        ("{file: x.gguf}", "package and file belong together"),
        ("{origin: acme/model}", "name a model, a folder or a package"),
        ("acme", "must be a Hub id"),
        ("acme/a b", "must be a Hub id"),
    ],
)
def test_a_base_is_a_hub_id_a_folder_or_a_file_in_a_package(faults: Faults, base: str, what: str) -> None:
    """Anything else cannot be found."""
    ((_, found),) = faults(HEAD + f"base: {base}\nadapter: a/b\nartifacts: [adapter]\n")

    assert what in found


@pytest.mark.parametrize(
    "dataset", ["{}", "{folder: d, link: acme/rows}", "{folder: d, build: {from: scenes}}"]
)
def test_a_dataset_has_exactly_one_source(faults: Faults, dataset: str) -> None:
    """Two would leave open which one was trained on."""
    ((_, found),) = faults(ADAPTER + f"dataset: {dataset}\n")

    assert "give exactly one of link, folder and build" in found


def test_a_release_of_nothing_is_refused(faults: Faults) -> None:
    """Exactly what `artifacts:` lists is released."""
    ((_, found),) = faults(ADAPTER.replace("[adapter]", "[]"))

    assert "artifacts" in found


def test_gates_bound_facts_from_above_and_below_or_against_the_base(load: Load) -> None:
    """A model that misses them is not written about, let alone published."""
    manifest = load(
        ADAPTER + "gates: {evaluate.merged.loss: {must_beat: base, max: 2}, evaluate.rows: {min: 10}}\n"
    )
    gate = manifest.gates["evaluate.merged.loss"]

    assert ("base", 2.0, None) == (gate.must_beat, gate.max, gate.min)
    assert 10.0 == manifest.gates["evaluate.rows"].min


def test_project_yaml_gives_defaults_and_the_manifest_wins(load: Load) -> None:
    """A team writes its owner once."""
    defaults = "manifest: 1\nowner: team\nvisibility: public\nhub: local\nevidence: digests\nlicence: mit\n"
    bare = load("manifest: 1\n" + HUB_BASE + "adapter: a/b\nartifacts: [adapter]\n", defaults=defaults)
    own = load(ADAPTER + "visibility: private\n")

    assert ("team", "public", "local", "digests", "mit") == (
        bare.owner,
        bare.visibility,
        bare.hub,
        bare.evidence,
        bare.licence,
    )
    assert ("acme", "private", "local") == (own.owner, own.visibility, own.hub)


def test_a_fault_in_project_yaml_is_told_as_one_of_that_file(faults: Faults, project: Project) -> None:
    """Not at a line of the manifest, which has no such line."""
    found = faults(ADAPTER, defaults="manifest: 1\nonwer: team\npolicy: {owner: [team]}\n")

    assert [
        ("2:1", "onwer: unknown key; did you mean owner?"),
        ("3:10", "policy.owner: unknown key; did you mean owners?"),
    ] == found


@pytest.mark.parametrize(
    ("policy", "line", "what"),
    [
        ("{owners: [team]}", "", "owner of acme/demo-lora is not among team"),
        ("{visibility: [private]}", "visibility: public", "visibility public is not allowed"),
        ("{licences: [mit, gemma]}", "licence: gpl-3.0", "licence gpl-3.0 is not among mit, gemma"),
        ("{require: [gates]}", "", "gates is required and missing"),
        ("{require: [card.limitations]}", "card: {title: T}", "card.limitations is required and missing"),
    ],
)
def test_policy_cannot_be_overridden_by_a_manifest(faults: Faults, policy: str, line: str, what: str) -> None:
    """What a team forbids is told before anything runs, and exits 2."""
    ((_, found),) = faults(ADAPTER + line + "\n", code="HP-M05", defaults=f"manifest: 1\npolicy: {policy}\n")

    assert what == found


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("{promote: seperate}", "policy.promote: should be 'separate', not 'seperate'"),
        ("{promote: true}", "policy.promote: should be 'separate', not True"),
    ],
)
def test_a_policy_on_promotion_that_is_misspelt_is_refused(faults: Faults, given: str, what: str) -> None:
    """Read as no policy, it would let everything through."""
    ((_, found),) = faults(ADAPTER, defaults=f"manifest: 1\npolicy: {given}\n")

    assert what == found


def test_a_manifest_has_no_say_in_policy(faults: Faults) -> None:
    """`promote: separate` could be lifted by whoever it is meant for."""
    assert ["policy: unknown key"] == [what for _, what in faults(ADAPTER + "policy: {promote: null}\n")]


def test_policy_looks_at_each_artifact_s_own_repo_visibility_and_licence(faults: Faults) -> None:
    """The long form is no way around it."""
    artifacts = "{adapter: {repo: stranger/x, visibility: public, licence: gpl-3.0}}"
    found = faults(
        ADAPTER.replace("[adapter]", artifacts),
        code="HP-M05",
        defaults="manifest: 1\npolicy: {owners: [acme], visibility: [private], licences: [mit]}\n",
    )

    assert [
        "owner of stranger/x is not among acme",
        "visibility public is not allowed",
        "licence gpl-3.0 is not among mit",
    ] == [what for _, what in found]


def test_a_manifest_within_the_policy_is_loaded(load: Load) -> None:
    """The policy is no obstacle to those who keep it."""
    defaults = (
        "manifest: 1\npolicy: {owners: [acme], visibility: [private], licences: [mit], require: [smoke]}\n"
    )

    assert "mit" == load(ADAPTER + "licence: mit\nsmoke: [{prompt: hi}]\n", defaults=defaults).licence


def test_the_policy_holds_for_repos_that_are_superseded_as_well(faults: Faults) -> None:
    """Their cards are written to, so they are no way around it either."""
    ((_, found),) = faults(
        ADAPTER + "supersedes: stranger/old\n",
        code="HP-M05",
        defaults="manifest: 1\npolicy: {owners: [acme]}\n",
    )

    assert "owner of stranger/old is not among acme" == found


@pytest.mark.parametrize(
    ("artifacts", "expected"),
    [
        ("[adapter]", {"adapter": "acme/old"}),
        ("[dataset, adapter]", {"adapter": "acme/old"}),
        ("[adapter, merged, nf4]", {"merged": "acme/old"}),
    ],
)
def test_one_superseded_id_is_replaced_by_the_merged_or_only_model(
    load: Load, artifacts: str, expected: dict[str, str]
) -> None:
    """The short form is the normal form; every reader meets the long one."""
    text = ADAPTER.replace("[adapter]", artifacts) + "supersedes: acme/old\ndataset: {folder: data}\n"

    assert expected == load(text).supersedes


@pytest.mark.parametrize(
    ("artifacts", "supersedes", "what"),
    [
        ("[adapter, nf4]", "acme/old", "supersedes: which artifact replaces it? write {<artifact>: <repo>}"),
        (
            "[adapter]",
            "{merged: acme/old}",
            "supersedes names an artifact that is not released, or the dataset",
        ),
        ("[adapter]", "{adapter: old}", "supersedes: must be Hub ids, owner/name, not old"),
    ],
)
def test_what_supersedes_what_must_be_clear(
    faults: Faults, artifacts: str, supersedes: str, what: str
) -> None:
    """A wrong note on somebody's model is worse than none."""
    ((_, found),) = faults(ADAPTER.replace("[adapter]", artifacts) + f"supersedes: {supersedes}\n")

    assert found.startswith(what)
