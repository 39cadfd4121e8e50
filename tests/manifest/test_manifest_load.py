"""Reading a manifest: every fault at once, each where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.errors import HubpubError
from publisher.manifest.load import load_manifest
from publisher.manifest.project import Project, find_project
from publisher.manifest.schema import Manifest, repo_refs, visibility_of
from publisher.records.artifacts import RepoRef

Load = Callable[..., Manifest]
Faults = Callable[..., list[tuple[str, str]]]

SHORT = """\
manifest: 1
owner: acme
base: google/gemma-3-12b-it@96b6f1e
adapter: ../../out/adapter
artifacts: [adapter]
"""
TRAINS = """\
manifest: 1
owner: acme
base: google/gemma-3-12b-it@96b6f1e
dataset: {build: {from: scenes}}
artifacts: [dataset, adapter, merged]
"""


def test_the_short_form_is_opened_up_and_everything_else_has_a_default(load: Load) -> None:
    """Five lines are a whole manifest; readers of it meet the long form only."""
    manifest = load(SHORT)

    assert ("google/gemma-3-12b-it", "96b6f1e") == (manifest.base.model, manifest.base.revision)
    assert ({"adapter"}, "private", "full") == (
        set(manifest.artifacts),
        manifest.visibility,
        manifest.evidence,
    )
    assert {"adapter": RepoRef("acme/demo-lora")} == repo_refs(manifest, "demo")


def test_the_long_form_says_the_same(load: Load) -> None:
    """Strings stand for the usual short forms, mappings for the long ones."""
    long = SHORT.replace(
        "base: google/gemma-3-12b-it@96b6f1e",
        "base: {model: google/gemma-3-12b-it, revision: 96b6f1e}",
    ).replace("[adapter]", "{adapter: }")

    assert load(SHORT) == load(long)


def test_authors_datasets_and_artifacts_have_short_forms(load: Load) -> None:
    """What is usual is short."""
    manifest = load(
        TRAINS
        + "train: {}\ncard: {authors: [Ada, {name: Grace, url: 'https://example.org'}]}\n"
        + "visibility: public\n"
    )
    linked = load(SHORT + "dataset: acme/rows\n")

    assert ["Ada", "Grace"] == [author.name for author in manifest.card.authors]
    assert linked.dataset is not None
    assert "acme/rows" == linked.dataset.link


def test_default_repo_ids_stand_in_promotion_order_and_do_not_depend_on_siblings(load: Load) -> None:
    """A release that grows keeps the names that it has."""
    manifest = load(
        TRAINS.replace(
            "[dataset, adapter, merged]", "{nf4: {repo: other/small}, merged: {}, dataset: {}, adapter: {}}"
        )
        + "train: {}\n"
    )

    assert [
        ("dataset", RepoRef("acme/demo-data", "dataset")),
        ("adapter", RepoRef("acme/demo-lora")),
        ("merged", RepoRef("acme/demo")),
        ("nf4", RepoRef("other/small")),
    ] == list(repo_refs(manifest, "demo").items())


def test_an_artifact_s_own_visibility_wins(load: Load) -> None:
    """Weights may be public while the data is not."""
    manifest = load(
        TRAINS.replace("[dataset, adapter, merged]", "{dataset: {visibility: private}, adapter: {}}")
        + "train: {}\nvisibility: public\n"
    )

    assert ("private", "public") == (visibility_of(manifest, "dataset"), visibility_of(manifest, "adapter"))


def test_a_number_may_be_written_with_an_exponent_and_no_is_a_word(load: Load) -> None:
    """YAML 1.2: in 1.1, `2e-4` was a text and `no` was false."""
    manifest = load(TRAINS + "train: {learning_rate: 2e-4}\nstated: {a: {value: no, source: on}}\n")

    assert manifest.train is not None
    assert 0.0002 == manifest.train.learning_rate
    assert ("no", "on") == (manifest.stated["a"].value, manifest.stated["a"].source)


def test_a_date_and_a_version_stay_the_words_that_were_written(load: Load) -> None:
    """JSON has no dates, and a fact says what its author wrote."""
    manifest = load(SHORT + "version: 1.0.0\nstated: {a: {value: 2026-03-01, source: s}}\n")

    assert ("1.0.0", "2026-03-01") == (manifest.version, manifest.stated["a"].value)


def test_all_faults_come_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    """Nobody mends one line a run."""
    found = faults(
        """\
        manifest: 1
        visibilty: public
        base: gemma
        artifacts: [adapter, onnx]
        train:
          learning_rate: "2e-4"
          lora: {r: 0, alhpa: 32}
        smoke:
          - {prompt: hi, expect: {matches: "("}}
          - {expect: {}}
        """
    )

    assert [
        ("1:1", "owner: is missing"),
        ("2:1", "visibilty: unknown key; did you mean visibility?"),
        ("3:1", "base.model: must be a Hub id, owner/name, not 'gemma'"),
        ("6:3", "train.learning_rate: should be a valid number, not '2e-4'"),
        ("7:10", "train.lora.r: should be greater than or equal to 1, not 0"),
        ("7:16", "train.lora.alhpa: unknown key; did you mean alpha?"),
    ] == [fault for fault in found if fault[0] not in ("4:1", "9:27", "10:5")]
    by_place = dict(found)
    assert by_place["4:1"].startswith("artifacts.onnx: should be 'base', 'dataset', 'adapter'")
    assert by_place["9:27"].startswith("smoke.0.expect.matches: is no regular expression")
    assert "smoke.1.prompt: is missing" == by_place["10:5"]
    assert [place for place, _ in found] == sorted(
        (place for place, _ in found), key=lambda place: tuple(map(int, place.split(":")))
    )


@pytest.mark.parametrize(
    ("line", "place", "what"),
    [
        ("train: {steps: 2.5}", "6:9", "train.steps: should be a valid integer"),
        ("train: {steps: '4'}", "6:9", "train.steps: should be a valid integer"),
        ("train: {seed: true}", "6:9", "train.seed: should be a valid integer"),
        ("train: {learning_rate: .nan}", "6:9", "train.learning_rate: should be a valid number"),
        ("train: {learning_rate: .inf}", "6:9", "train.learning_rate: should be a valid number"),
        ("visibility: no", "6:1", "visibility: should be 'private' or 'public', not 'no'"),
        ("version: 1.0", "6:1", "version: should be a valid string, not 1.0"),
        ("version: v1.0.0", "6:1", "version: must be a semantic version"),
        ("licence: Apache 2", "6:1", "licence: String should match pattern"),
        ("smoke: hello", "6:1", "smoke: should be a valid array, not 'hello'"),
        ("card: {citation: {year: 'soon'}}", "6:19", "card.citation.year: should be a valid integer"),
        ("gates: {evaluate.merged.loss: {maximum: 3}}", "6:32", "unknown key"),
        ("accept: [{code: SEC080}]", "6:10", "accept.0.reason: is missing"),
    ],
)
def test_a_value_of_another_kind_is_named_where_it_stands(
    faults: Faults, line: str, place: str, what: str
) -> None:
    """Numbers are read strictly: "4" is a text, and so is what YAML 1.1 took for a truth value."""
    ((found_place, found),) = faults(SHORT + line + "\n")

    assert place == found_place
    assert what in found


def test_a_key_that_is_written_twice_is_refused(faults: Faults) -> None:
    """Which one counted would depend on the reader."""
    ((place, what),) = faults(SHORT + "owner: someone-else\n")

    assert ("6:1", True) == (place, "duplicate key" in what)


def test_what_is_no_yaml_is_said_with_its_place(faults: Faults) -> None:
    """The commonest slip of all: a bracket that stays open."""
    ((place, what),) = faults("manifest: 1\nartifacts: [adapter\nowner: acme\n")

    assert place.startswith("3:")
    assert "is missing" not in what


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_a_file_that_is_no_mapping_is_one_fault(faults: Faults, text: str) -> None:
    """Not sixteen missing keys."""
    assert [("1:1", "the file must be a mapping of keys to values")] == faults(text)


@pytest.mark.parametrize("content", [b"owner: \xff\xfe\n", "owner: ä\n".encode("utf-16"), b"owner: \x00\n"])
def test_bytes_that_are_no_utf_8_text_are_a_fault_of_the_manifest(faults: Faults, content: bytes) -> None:
    """And no crash."""
    ((_, what),) = faults(content)

    assert "not YAML" in what or "special characters" in what


def test_a_byte_order_mark_is_nothing_to_complain_about(load: Load) -> None:
    """Some editors write one."""
    assert "acme" == load(b"\xef\xbb\xbf" + SHORT.encode()).owner


def test_an_alias_bomb_is_refused_before_it_unfolds(faults: Faults) -> None:
    """Ten lines that would be ten thousand million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    ((_, what),) = faults("\n".join(lines) + "\n")

    assert "unfolds to more than 50,000 values" == what


@pytest.mark.parametrize(
    "text", ["owner: &a [*a]\n", "owner: " + "[" * 800 + "]" * 800 + "\n", "owner: &a {b: *a}\n"]
)
def test_a_document_without_a_bottom_is_refused(faults: Faults, text: str) -> None:
    """An alias of itself, or brackets by the thousand."""
    assert "1:1" in dict(faults(text))


def test_a_file_of_a_megabyte_is_no_manifest(faults: Faults) -> None:
    """It is refused by its size alone."""
    ((_, what),) = faults("# " + "x" * 1_000_000 + "\n")

    assert "larger than 1,000,000 bytes" in what


def test_an_unknown_release_suggests_the_ones_that_sound_like_it(load: Load, project: Project) -> None:
    """A typed name is the commonest argument."""
    load(SHORT)
    with pytest.raises(HubpubError) as near:
        load_manifest(project, "dmeo")
    with pytest.raises(HubpubError) as far:
        load_manifest(project, "zzzzz")

    assert ("HP-M02", ["demo"], "hubpub release demo") == (
        near.value.code,
        near.value.data["near"],
        near.value.hint,
    )
    assert ("HP-M02", "hubpub init zzzzz") == (far.value.code, far.value.hint)


def test_prose_that_is_named_must_be_there_and_all_that_is_not_is_said(
    load: Load, faults: Faults, project: Project
) -> None:
    """A card with an empty section would be the alternative."""
    card = "card: {limitations: limits.md, intended_use: use.md, sections: {training: how.md}}\n"
    found = faults(SHORT + card, code="HP-M06")
    for name in ("limits.md", "use.md", "how.md"):
        (project.release("demo").folder / name).write_text("words")

    assert [
        "card.intended_use names use.md, which does not exist",
        "card.limitations names limits.md, which does not exist",
        "card.training names how.md, which does not exist",
    ] == [what for _, what in found]
    assert "limits.md" == load(SHORT + card).card.prose_files["limitations"]


def test_a_project_is_found_from_any_folder_inside_it(project: Project) -> None:
    """Commands work wherever one happens to stand."""
    below = project.root / "a" / "b"
    below.mkdir(parents=True)
    with pytest.raises(HubpubError) as caught:
        find_project(project.root.parent)

    assert project == find_project(below)
    assert "HP-M03" == caught.value.code
