"""What changed since the version before: read from the Hub, measured, and written into the tag."""

from __future__ import annotations

import hashlib
import json
import subprocess
from fnmatch import fnmatchcase
from typing import Any

import pytest
from release_family import FailingHub, Family

from publisher.evidence.record import record
from publisher.hub.remote import RemoteHub
from publisher.pipeline.steps.tensors import tensors_text
from publisher.records.answers import kept_answer
from publisher.records.artifacts import Kind
from publisher.records.changes import Earlier, Tensor
from publisher.records.digest import canonical_json
from publisher.records.facts import Fact, Facts, FileSource, Measurement
from publisher.release.before import Before, number_before, read_before
from publisher.release.changes import MEASURED as COMPARED
from publisher.release.changes import compare, tag_notes
from publisher.release.promote import promote
from publisher.staging.server import EmbeddedHub

MEASURED: dict[str, Any] = {
    "evaluate.merged.loss": 1.41523,
    "evaluate.merged.perplexity": 4.1175,
    "evaluate.adapter.loss": 1.4,
    "evaluate.rows": 64,
    "evaluate.tokens": 1187,
    "merged.size_bytes": 5000,
    "train.seconds": 46.31,
    "dataset.rows": 912,
    "dataset.columns": ["prompt", "completion"],
}
UNITS = {"evaluate.merged.loss": "nats/token", "merged.size_bytes": "bytes", "dataset.rows": "rows"}


def tensors(*letters: str, **others: str) -> dict[str, Tensor]:
    """Tensors by name; `q="1"` is another `q` than `q="2"`."""
    contents = {**{letter: letter for letter in letters}, **others}
    return {n: Tensor("BF16", (2, 3), hashlib.sha256(c.encode()).hexdigest()) for n, c in contents.items()}


def measured(**changes: Any) -> Facts:
    """The facts of a run; `evaluate_merged_loss=1.2` changes one."""
    values = MEASURED | {name.replace("__", "."): value for name, value in changes.items()}
    source = FileSource("evidence/x.json", hashlib.sha256(b"x").hexdigest())
    return Facts(
        Fact(i, value, UNITS.get(i), "known", i.split(".")[0], source) for i, value in values.items()
    )


def says_of_itself(family: Family, kind: Kind, facts: Facts, found: dict[str, Tensor] | None) -> None:
    """The evidence that the card stage puts beside a card."""
    document = {"schema": "hubpub/facts/1", "facts": list(facts.values())}
    family.write(kind, "evidence/facts.json", canonical_json(document).encode())
    if found is not None:
        family.write(kind, "evidence/tensors.json", tensors_text(found).encode())


def changes_of(
    hub: RemoteHub, family: Family, kind: Kind, facts: Facts, found: dict[str, Tensor] | None, asked: str
) -> Facts:
    """What the stage `changes` would record of one artifact; facts of their own, by id."""
    version = family.version(hub, asked)
    package = next(package for package in family.packages() if package.kind == kind)
    earlier = version.earlier[kind]
    before = read_before(hub, earlier, kind, family.root / "memo")
    return Facts(
        record("changes", compare(hub, package, earlier, before, found, facts), family.root / "evidence")
    )


def values(facts: Facts, kind: Kind) -> dict[str, Any]:
    return {i.removeprefix(f"changes.{kind}."): fact.value for i, fact in facts.items()}


def release_with_notes(hub: RemoteHub, family: Family, asked: str, facts: Facts, message: str = "") -> None:
    """The whole way, as the pipeline goes it."""
    plan = family.plan(hub, asked=asked)
    staged = family.stage(hub, plan)
    proven = family.verify(hub, plan, staged)
    notes = {kind: tag_notes(facts, kind) for kind in family.kinds}
    promote(hub, plan, family.packages(), staged, proven, family.journal, message=message, notes=notes)


def tag_message(embedded: EmbeddedHub, repo_id: str, tag: str) -> str:
    """What `git show TAG` says before it comes to the commit."""
    (folder,) = (embedded._data / "repos").glob(f"*--{repo_id.replace('/', '--')}--*.git")
    shown = subprocess.run(
        ["git", "-C", str(folder), "show", "--no-patch", tag], capture_output=True, text=True, check=True
    ).stdout
    return shown.split("\n\n", 1)[1].partition("\ncommit ")[0].strip()


@pytest.fixture
def released(hub: RemoteHub, family: Family) -> Family:
    """Version 1.0.0, with what it says of itself."""
    family.write("merged", "config.json", b'{"rope": {"factor": 8.0}, "dtype": "float16", "layers": 30}')
    for kind in family.kinds:
        says_of_itself(family, kind, measured(), tensors("k", "q", "v") if kind != "dataset" else None)
    family.release(hub, asked="1.0.0")
    return family


@pytest.fixture
def changed(hub: RemoteHub, released: Family) -> Facts:
    """Version 1.1.0 is made: other weights, other settings, a better loss. What is measured of that."""
    released.write("merged", "model.safetensors", b"N" * 5000)
    released.write("merged", "config.json", b'{"rope": {"factor": 32.0}, "layers": 30, "tied": true}')
    released.write("merged", "chat_template.jinja", b"{{ messages }}")
    now = measured(evaluate__merged__loss=1.26034, train__seconds=99.0)
    return changes_of(hub, released, "merged", now, tensors("k", "new", q="other"), "1.1.0")


def test_tensors_files_settings_and_numbers_are_compared(changed: Facts) -> None:
    """Everything that a user of 1.0.0 may ask about 1.1.0; times are the machine's and say nothing."""
    assert {
        "since": "1.0.0",
        "tensors_changed": 1,
        "tensors_added": 1,
        "tensors_removed": 1,
        "tensors_total": 3,
        "files_changed": ["config.json", "model.safetensors"],
        "files_added": ["chat_template.jinja"],
        "files_removed": [],
        "settings": [
            {"name": "dtype", "before": '"float16"', "after": None},
            {"name": "rope.factor", "before": "8.0", "after": "32.0"},
            {"name": "tied", "before": None, "after": "true"},
        ],
        "same_held_out_rows": True,
        "metrics": [
            {"name": "evaluate.merged.loss", "before": 1.41523, "after": 1.26034, "unit": "nats/token"}
        ],
    } == values(changed, "merged")


def test_a_tensor_of_another_shape_or_type_has_changed(hub: RemoteHub, released: Family) -> None:
    """Equal bytes read as another type are other weights."""
    found = tensors("k", "q", "v")
    found["q"] = Tensor("F16", (2, 3), found["q"].sha256)
    found["v"] = Tensor("BF16", (3, 2), found["v"].sha256)
    told = values(changes_of(hub, released, "merged", measured(), found, "1.1.0"), "merged")

    assert (2, 0, 0) == tuple(told[f"tensors_{what}"] for what in ("changed", "added", "removed"))


def test_an_unchanged_artifact_says_that_nothing_changed(hub: RemoteHub, released: Family) -> None:
    """A base that the next version carries along as it is."""
    told = values(
        changes_of(hub, released, "adapter", measured(), tensors("k", "q", "v"), "1.1.0"), "adapter"
    )

    assert (0, 0, 0, 3) == tuple(told[f"tensors_{w}"] for w in ("changed", "added", "removed", "total"))
    assert [[]] * 5 == [told[f"files_{w}"] for w in ("changed", "added", "removed")] + [
        told["settings"],
        told["metrics"],
    ]


def test_losses_on_other_held_out_rows_are_left_out(hub: RemoteHub, released: Family) -> None:
    """A lower loss on easier rows is no better model; sizes can be compared all the same."""
    now = measured(evaluate__merged__loss=0.5, evaluate__tokens=90, merged__size_bytes=6000)
    told = values(changes_of(hub, released, "merged", now, tensors("k", "q", "v"), "1.1.0"), "merged")

    assert told["same_held_out_rows"] is False
    assert ["merged.size_bytes"] == [row["name"] for row in told["metrics"]]


@pytest.mark.parametrize(("kind", "about"), [("gguf", "gguf.q8_0"), ("awq", "awq")])
def test_what_quantized_weights_cost_is_compared_too(kind: Kind, about: str) -> None:
    """A file that lost more than in the version before is news."""
    assert any(fnmatchcase(f"evaluate.{about}.loss", pattern) for pattern in COMPARED[kind])


def test_a_dataset_is_compared_by_its_rows_and_columns(hub: RemoteHub, released: Family) -> None:
    """It has neither tensors nor a configuration."""
    now = measured(dataset__rows=1824, dataset__columns=["prompt", "completion", "scene_id"])
    told = values(changes_of(hub, released, "dataset", now, None, "1.1.0"), "dataset")

    assert [{"name": "dataset.rows", "before": 912, "after": 1824, "unit": "rows"}] == told["metrics"]
    assert ["dataset.columns"] == [row["name"] for row in told["settings"]]
    assert not [name for name in told if name.startswith("tensors")]


def test_a_release_that_is_older_than_these_digests_is_unknown_not_unchanged(
    hub: RemoteHub, family: Family
) -> None:
    """Silence would read as `nothing changed`."""
    family.release(hub, asked="1.0.0")
    family.write("merged", "model.safetensors", b"N" * 5000)
    facts = changes_of(hub, family, "merged", measured(), tensors("k"), "1.1.0")
    unknown = [i.removeprefix("changes.merged.") for i, fact in facts.items() if fact.status == "unknown"]
    notes = tag_notes(facts, "merged")

    assert ["metrics", "tensors_added", "tensors_changed", "tensors_removed"] == unknown
    assert "tensors: unknown, one of the two versions carries no digests of them" in notes
    assert "changed: model.safetensors" in notes


def test_the_same_weight_files_hold_the_same_tensors_whether_digested_before_or_not(
    hub: RemoteHub, family: Family
) -> None:
    """What can be told from the files' own sha256 needs no digests."""
    family.release(hub, asked="1.0.0")
    family.write("merged", "config.json", b'{"a": 1}')
    told = values(changes_of(hub, family, "merged", measured(), tensors("k", "q"), "1.1.0"), "merged")

    assert (0, 0, 0, 2) == tuple(told[f"tensors_{w}"] for w in ("changed", "added", "removed", "total"))
    assert [{"name": "a", "before": None, "after": "1"}] == told["settings"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": "x", "tensors": {"q": 7}}', b"\xff\xfe"])
def test_evidence_that_is_not_ours_is_unknown_and_stops_nothing(
    content: bytes, hub: RemoteHub, family: Family
) -> None:
    """Anybody may have put a file of that name there."""
    family.write("merged", "evidence/tensors.json", content)
    family.write("merged", "evidence/facts.json", content)
    family.release(hub, asked="1.0.0")
    family.write("merged", "model.safetensors", b"N" * 5000)
    told = values(changes_of(hub, family, "merged", measured(), tensors("k"), "1.1.0"), "merged")

    assert (None, None) == (told["tensors_changed"], told["metrics"])


def test_a_second_run_asks_the_hub_nothing_of_the_version_before(hub: RemoteHub, released: Family) -> None:
    """A commit never changes; a run with nothing to do must stay quick."""
    earlier = released.version(hub, "1.1.0").earlier["merged"]
    memo = released.root / "memo"
    first = read_before(hub, earlier, "merged", memo)
    watched = FailingHub(hub, at=1, fault=AssertionError("asked"), only=frozenset({"tree", "read"}))
    second = read_before(watched, earlier, "merged", memo)  # type: ignore[arg-type]

    assert first == second
    assert [] == watched.done


def test_a_memo_of_another_hubpub_is_read_anew(hub: RemoteHub, released: Family) -> None:
    """A cache may cost time, never truth."""
    earlier = released.version(hub, "1.1.0").earlier["merged"]
    memo = released.root / "memo"
    first = read_before(hub, earlier, "merged", memo)
    (memo / f"{earlier.commit}.json").write_text(json.dumps({"files": "none"}))

    assert first == read_before(hub, earlier, "merged", memo)
    assert isinstance(first, Before)


def test_the_version_before_is_the_highest_one_below_by_semver() -> None:
    """A fix of an old line is held against that line, and a candidate comes before its release."""
    tags = [
        "v1.0.0",
        "v1.9.0",
        "v1.10.0",
        "v2.0.0-rc.2",
        "v2.0.0-rc.10",
        "v3.0.0",
        "latest",
        "hubpub/v1.5.0/run",
    ]

    assert "1.10.0" == number_before("1.10.1", tags)
    assert "1.9.0" == number_before("1.10.0", tags)
    assert "2.0.0-rc.10" == number_before("2.0.0", tags)
    assert None is number_before("1.0.0", tags)
    assert "1.9.0" == number_before("1.10.1", tags, withdrawn={"1.10.0"})


def test_a_version_knows_what_each_repo_carried_before_it(hub: RemoteHub, released: Family) -> None:
    """The first version has none; the same version again has none either, so its card stays as it is."""
    heads = {kind: hub.state(released.ref(kind)) for kind in released.kinds}
    tagged = {kind: state.tags["v1.0.0"] for kind, state in heads.items() if state is not None}

    assert {} == released.version(hub, "1.0.0").earlier
    assert {
        kind: Earlier(released.ref(kind), "1.0.0", tagged[kind]) for kind in released.kinds
    } == released.version(hub, "1.1.0").earlier


def test_git_show_of_the_tag_tells_what_changed(
    hub: RemoteHub, released: Family, changed: Facts, embedded: EmbeddedHub
) -> None:
    """A clone is enough: name and version, the changelog, and how it was proven."""
    release_with_notes(hub, released, "1.1.0", changed)
    told = tag_message(embedded, released.ref("merged").repo_id, "v1.1.0")
    head, _, proof = told.rpartition("\n\n")

    assert (
        """\
demo 1.1.0

Changes since v1.0.0:
tensors: 1 changed, 1 added, 1 removed of 3
changed: config.json
changed: model.safetensors
added: chat_template.jinja
setting: dtype: "float16" → not set
setting: rope.factor: 8.0 → 32.0
setting: tied: not set → true
measured: evaluate.merged.loss: 1.4152 nats/token → 1.2603 nats/token"""
        == head
    )
    assert "proof: run" == proof.splitlines()[0]
    assert proof.splitlines()[1].startswith("staged: ")


def test_the_authors_own_words_come_first_and_name_and_version_below(
    hub: RemoteHub, released: Family, changed: Facts, embedded: EmbeddedHub
) -> None:
    """`-m TEXT` is the subject; the changelog is there all the same."""
    release_with_notes(hub, released, "1.1.0", changed, message="Trained on twice the rows")
    told = tag_message(embedded, released.ref("merged").repo_id, "v1.1.0").splitlines()

    assert ["Trained on twice the rows", "", "demo 1.1.0", "", "Changes since v1.0.0:"] == told[:5]


def test_a_first_versions_tag_has_no_changelog(hub: RemoteHub, family: Family, embedded: EmbeddedHub) -> None:
    """There is nothing that it could have changed from."""
    release_with_notes(hub, family, "1.0.0", Facts())
    told = tag_message(embedded, family.ref("merged").repo_id, "v1.0.0").splitlines()

    assert ["demo 1.0.0", "", "proof: run"] == told[:3]


def test_a_tag_of_a_thousand_changes_stays_readable() -> None:
    """A model cut into other shards changes every file."""
    rows = [{"name": f"field_{n}", "before": "1", "after": "2"} for n in range(1000)]
    found = [Measurement("changes.nf4.since", "1.0.0"), Measurement("changes.nf4.settings", rows)]
    source = FileSource("evidence/changes.json", hashlib.sha256(b"").hexdigest())
    notes = tag_notes(
        Facts(Fact(m.id, m.value, m.unit, m.status, "changes", source) for m in found), "nf4"
    ).splitlines()

    assert "setting: field_19: 1 → 2" == notes[-2]
    assert "… and 980 more" == notes[-1]


def test_a_dataset_of_which_only_the_card_changed_says_so(hub: RemoteHub, released: Family) -> None:
    """An empty list would leave the reader guessing."""
    notes = tag_notes(changes_of(hub, released, "dataset", measured(), None, "1.1.0"), "dataset")

    assert "Changes since v1.0.0:\nnothing but the card" == notes


def test_a_line_a_tensor_so_that_git_diff_shows_which_changed() -> None:
    """`git diff v1.0.0 v1.1.0 -- evidence/tensors.json` is then the list of the changed ones; it is plain JSON."""
    before, after = (tensors_text(tensors("k", "q", v=content)).splitlines() for content in ("1", "2"))
    differing = [one for one, other in zip(before, after, strict=True) if one != other]
    document = json.loads("\n".join(before))

    assert ['"v":{"dtype":"BF16"'] == [line[:19] for line in differing]
    assert ("hubpub/tensors/1", ["k", "q", "v"]) == (document["schema"], list(document["tensors"]))


def test_test_prompts_that_are_answered_otherwise_are_named(hub: RemoteHub, family: Family) -> None:
    """What users of both versions would see; of GGUF files the type is named, since one may differ alone."""
    asked = {"max_new_tokens": 8}

    def answering(second: str) -> Facts:
        rows = [kept_answer("1+1=?", asked, "2"), kept_answer("2+2=?", asked, second)]
        return measured(validate__merged__answers=rows, validate__merged__q8_0__answers=rows)

    says_of_itself(family, "merged", answering("4"), None)
    family.release(hub, asked="1.0.0")
    family.write("merged", "model.safetensors", b"N" * 5000)
    facts = changes_of(hub, family, "merged", answering("five"), None, "1.1.0")
    told = values(facts, "merged")

    assert (4, 2, ["2+2=?", "q8_0: 2+2=?"]) == tuple(
        told[name] for name in ("answers_asked", "answers_changed", "prompts_changed")
    )
    assert "test prompts: 2 of 4 answered otherwise\nanswered otherwise: 2+2=?" in tag_notes(facts, "merged")


def test_answers_that_the_version_before_does_not_tell_are_unknown(hub: RemoteHub, released: Family) -> None:
    """A release that is older than this fact has answered something, and nobody knows what."""
    now = measured(validate__merged__answers=[kept_answer("1+1=?", {}, "2")])
    facts = changes_of(hub, released, "merged", now, tensors("k", "q", "v"), "1.1.0")

    assert ["unknown"] * 3 == [
        facts[f"changes.merged.{name}"].status
        for name in ("answers_asked", "answers_changed", "prompts_changed")
    ]
    assert "test prompts" not in tag_notes(facts, "merged")
