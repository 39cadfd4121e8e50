"""`hubpub doctor` and `hubpub release --reserve`: what is there and what is missing, before anything is begun."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ci_issuer import Runner, running_runner, trusted
from cli_runs import Project, Ran

from publisher.hub.remote import RemoteHub
from publisher.records.artifacts import RepoRef
from publisher.staging.server import EmbeddedHub

BASE, DATA = "acme/tiny-base", "acme/tiny-data"
USERS = {
    "users": [
        {
            "name": "alice",
            "organisations": ["acme"],
            "tokens": [{"token": "hf_alice"}, {"token": "hf_alice_reads", "role": "read"}],
        },
        {"name": "bob", "tokens": [{"token": "hf_bob"}]},
    ],
    "trusted_publishers": trusted(BASE, f"datasets/{DATA}"),
}
WORKFLOW = """
on: push
jobs:
  release:
    environment:
      name: production
    steps:
      - run: hubpub release tiny --yes
"""


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("doctor-hub")
    (folder / "users.yaml").write_text(json.dumps(USERS))
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        yield running


@pytest.fixture
def alice(served: EmbeddedHub) -> RemoteHub:
    return RemoteHub(served.url, "hf_alice", "hub.test")


@pytest.fixture
def runner() -> Iterator[Runner]:
    with running_runner() as running:
        yield running


@pytest.fixture
def light(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of an environment without torch, in which 4-bit is not tried: that takes ten seconds."""
    folder = tmp_path_factory.mktemp("light")
    (folder / "sitecustomize.py").write_text(
        "from importlib import metadata\n"
        "real = metadata.version\n"
        "def version(name):\n"
        "    if name == 'torch': raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
    )
    return {"PYTHONPATH": str(folder)}


def _rights(ran: Ran) -> dict[str, dict[str, str]]:
    repos = ran.document["release"]["repos"]
    return {repo["repo_id"]: {r["name"]: r["answer"] for r in repo["rights"]} for repo in repos}


def _codes(ran: Ran) -> list[str]:
    return [problem["code"] for problem in ran.document["release"]["problems"] if problem["code"] != "HP-E01"]


def test_the_machine_is_told_where_there_is_no_project(
    tmp_path: Path, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """The first thing that is typed after installing."""
    ran = Project(tmp_path)("doctor", "--hub", served.url, HF_TOKEN="hf_alice", **light)

    assert 0 == ran.code, ran.err
    for word in (
        "python",
        "huggingface_hub",
        "hf_xet",
        "torch",
        "cores",
        "memory",
        "disk",
        "gpu",
        "children in",
    ):
        assert f"\n  {word}" in ran.out
    assert f"{served.url}\n  as alice, with a token of the kind write, in acme" in ran.out
    assert not list(tmp_path.iterdir()), "looking leaves nothing behind"


def test_looking_at_the_machine_imports_no_torch(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """A broken torch is one reason to ask; only a child tries it."""
    broken = Path(light["PYTHONPATH"])
    (broken / "torch").mkdir()
    (broken / "torch" / "__init__.py").write_text("raise RuntimeError('torch was imported')\n")
    ran = project("doctor", "--hub", served.url, HF_TOKEN="hf_alice", **light)

    assert 0 == ran.code, ran.err
    assert "\n  torch" in ran.out


def test_a_machine_without_the_heavy_packages_is_told_how_to_get_them(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """The light core is enough to ask; what could not be tried is unknown."""
    ran = project("doctor", "--hub", served.url, HF_TOKEN="hf_alice", **light)

    assert "4-bit       unknown  not tried: torch not installed" in ran.out
    assert "torch            not installed" in ran.out
    assert 'pip install "hubpub[models]"' in ran.out


def _abilities(ran: Ran) -> dict[str, dict[str, str]]:
    return {ability["name"]: ability for ability in ran.document["abilities"]}


def test_every_no_has_its_mend(project: Project, tmp_path: Path) -> None:
    """No Hub there, no account, nobody to commit as: each with what to type."""
    ran = project(
        "doctor", "tiny", "--hub", "http://127.0.0.1:9", "--format", "json",
        HF_TOKEN="", HOME=str(tmp_path / "nobody"), GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
    )  # fmt: skip
    found = _abilities(ran)
    lacking = {name: one for name, one in found.items() if one["answer"] == "missing"}

    assert {"hub", "account", "git"} <= lacking.keys()
    assert [] == [name for name, one in lacking.items() if not one["mend"]]
    assert "hubpub --hub local" not in found["hub"]["mend"]
    assert "the Hub cannot be reached" in found["hub"]["why"]
    assert 'git config --global user.name "…" && git config --global user.email "…"' == found["git"]["mend"]
    assert "4-bit" not in found, "nothing of tiny is in 4-bit"


def test_a_hub_that_answers_is_there_for_those_without_a_token_too(
    project: Project, served: EmbeddedHub
) -> None:
    """Whoever has no account yet must not look for a network that works."""
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    subprocess.run(["git", "config", "user.name", "Ada"], cwd=project.root, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=project.root, check=True)
    ran = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="")
    found = _abilities(ran)

    assert ("ok", "missing") == (found["hub"]["answer"], found["account"]["answer"])
    assert "hf auth login" in found["account"]["mend"]
    assert ("ok", "as Ada <ada@example.org>") == (found["git"]["answer"], found["git"]["why"])


def test_a_machine_without_a_token_may_still_be_looked_at(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """Who we are is part of the answer, not a condition of it."""
    ran = project("doctor", "--hub", served.url, "--format", "json", HF_TOKEN="", **light)

    assert 0 == ran.code
    assert (None, "HP-H02") == (ran.document["hub"]["account"], ran.document["hub"]["code"])
    assert ("hubpub/doctor/1", None) == (ran.document["schema"], ran.document["release"])
    assert ran.document["machine"]["cores"] >= 1


def test_a_member_of_the_organisation_has_every_right(project: Project, served: EmbeddedHub) -> None:
    """Before the first release there is nothing to ask but the namespace."""
    ran = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_alice")

    assert ran.code in (0, 4), ran.err  # 4: the light core has no torch
    assert [] == _codes(ran)
    assert {
        repo: {"create": "ok", "write": "ok", "settings": "ok", "collection": "ok"} for repo in (BASE, DATA)
    } == (_rights(ran))
    assert "ok" == ran.document["release"]["base"]["answer"]


@pytest.mark.parametrize(
    ("token", "why", "mend"),
    [
        ("hf_alice_reads", "the token may only read", "a token that may write: http://127.0.0.1:"),
        (
            "hf_bob",
            "bob is neither acme nor a member of it",
            "have acme take you in, or another owner: --owner bob",
        ),
    ],
)
def test_rights_that_are_missing_end_in_3(
    project: Project, served: EmbeddedHub, token: str, why: str, mend: str
) -> None:
    """A pipeline can ask before it trains."""
    ran = project("doctor", "tiny", "--hub", served.url, HF_TOKEN=token)

    assert 3 == ran.code
    assert f"create      MISSING  {why}" in ran.out
    assert 1 == ran.out.count(f"mend:    {mend}"), "two repos lack it, and one command mends both"


def test_writing_is_asked_of_the_hub_where_the_repo_is_there(
    project: Project, served: EmbeddedHub, alice: RemoteHub
) -> None:
    """`auth-check` says it without writing."""
    alice.create(RepoRef(BASE), private=False)
    theirs = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_bob")
    ours = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_alice")

    assert ("ok", "missing") == (_rights(theirs)[BASE]["create"], _rights(theirs)[BASE]["write"])
    assert ("ok", "ok") == (_rights(ours)[BASE]["write"], _rights(ours)[BASE]["settings"])


def test_a_machine_that_cannot_ends_in_4(project: Project, served: EmbeddedHub) -> None:
    """All rights are there, and the disk is not."""
    base = project.root / "model_cards" / "tiny" / "inputs" / "base"
    for number in range(8):
        with (base / f"model-{number}.safetensors").open("wb") as file:
            file.truncate(1 << 43)  # sparse: 8 TiB that take no room
    ran = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_alice")

    assert 4 == ran.code, ran.err
    assert ["HP-X01"] == _codes(ran)
    assert ran.document["release"]["peak_bytes"] > 1 << 46


def test_a_keyless_job_is_told_what_it_lacks_and_then_that_nothing_is_missing(
    project: Project, served: EmbeddedHub, runner: Runner
) -> None:
    """The way of a new project: doctor, reserve by hand, doctor."""
    job = {**runner.variables, "HF_TOKEN": ""}
    before = project("doctor", "tiny", "--hub", served.url, "--format", "json", **job)
    refused = project("release", "tiny", "--reserve", "--yes", "--hub", served.url, **job)
    reserved = project("release", "tiny", "--reserve", "--yes", "--hub", served.url, HF_TOKEN="hf_alice")
    after = project("doctor", "tiny", "--hub", served.url, "--format", "json", **job)

    assert (3, ["HP-H03"]) == (before.code, _codes(before))
    assert "repository acme/training, ref refs/heads/main, sub job" == before.document["hub"]["account"]
    assert ("missing", "missing") == (_rights(before)[BASE]["create"], _rights(before)[BASE]["write"])
    assert (3, ["HP-H03"]) == (refused.code, refused.codes)
    assert 0 == reserved.code, reserved.err
    assert after.code in (0, 4), after.out
    assert {"ok"} == {answer for rights in _rights(after).values() for answer in rights.values()}


def test_a_keyless_job_may_not_make_public(project: Project, served: EmbeddedHub, runner: Runner) -> None:
    """That is one run by hand, and doctor says so beforehand."""
    project("release", "tiny", "--reserve", "--yes", "--hub", served.url, HF_TOKEN="hf_alice")
    manifest = project.root / "model_cards" / "tiny" / "release.yaml"
    manifest.write_text(f"{manifest.read_text()}visibility: public\n")
    ran = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="", **runner.variables)

    assert (3, "missing") == (ran.code, _rights(ran)[BASE]["settings"])
    assert "ok" == _rights(ran)[BASE]["write"]


def test_reserving_says_what_is_to_be_entered_where(
    project: Project, served: EmbeddedHub, alice: RemoteHub
) -> None:
    """The form asks for it, and the folder knows it."""
    folder = project.root / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "a-test.yml").write_text("on: push\n")
    (folder / "release.yml").write_text(WORKFLOW)
    for command in (["init", "-q"], ["remote", "add", "origin", "git@github.com:acme/training.git"]):
        subprocess.run(["git", *command], cwd=project.root, check=True)
    ran = project("release", "tiny", "--reserve", "--yes", "--hub", served.url, HF_TOKEN="hf_alice")

    assert 0 == ran.code, ran.err
    assert f"\n  {served.url}/{BASE}/settings\n  {served.url}/datasets/{DATA}/settings\n" in ran.out
    assert "repository   acme/training" in ran.out
    assert "workflow     release.yml" in ran.out
    assert "environment  production" in ran.out
    assert [True, True] == [alice.state(ref).private for ref in (RepoRef(BASE), RepoRef(DATA, "dataset"))]
    assert (project.root / ".hubpub" / "tiny" / "hubs").is_dir(), "the journal"


def test_reserving_is_confirmed_and_does_nothing_twice(
    project: Project, served: EmbeddedHub, alice: RemoteHub
) -> None:
    """As a plan is."""
    arguments = ("release", "tiny", "--reserve", "--hub", served.url)
    unconfirmed = project(*arguments, HF_TOKEN="hf_alice")
    nothing = alice.state(RepoRef(BASE))
    first = project(*arguments, "--yes", "--format", "json", HF_TOKEN="hf_alice")
    second = project(*arguments, "--format", "json", HF_TOKEN="hf_alice")

    assert (2, ["HP-R04"]) == (unconfirmed.code, unconfirmed.codes)
    assert f"Plan for tiny --reserve on {served.url}" in unconfirmed.err
    assert nothing is None
    assert [True, True] == [repo["made"] for repo in first.document["repos"]]
    assert [False, False] == [repo["made"] for repo in second.document["repos"]]
    assert "hubpub/reserve/1" == first.document["schema"]
    assert ["acme/tiny-base", "datasets/acme/tiny-data"] == [r["resource"] for r in first.document["repos"]]


LLAMA = {
    "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip
TRAINED = """
manifest: 1
owner: acme
base: {model: acme/base, folder: inputs/base}
dataset: {folder: inputs/data}
train: {method: qlora, lora: {r: 16}, batch_size: 4, gradient_accumulation: 4, max_length: 1024, epochs: 2}
artifacts: [adapter, merged, nf4]
card: {limitations: limitations.md}
licence: apache-2.0
"""


def _trained(project: Project) -> Project:
    """A release whose base is here as its configuration alone: 8 billion weights that nobody has."""
    folder = project.root / "model_cards" / "tiny"
    (folder / "release.yaml").write_text(TRAINED)
    (folder / "inputs" / "base" / "config.json").write_text(json.dumps(LLAMA))
    return project


def test_memory_is_estimated_from_the_base_s_configuration_alone(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """Before 16 GB are fetched: NF4 of all but the two tables of 128,256 rows, those in float32, and rank 16 on q k v o."""
    ran = _trained(project)(
        "doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_alice", **light
    )
    effort = ran.document["release"]["effort"]
    tables = 2 * 128256 * 4096
    layers = 32 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 4096 * 14336)
    trained = 32 * 16 * (2 * (4096 + 4096) + 2 * (4096 + 1024))

    assert ("its config.json", "CPU") == (effort["source"], effort["place"])
    assert int(layers * 0.52) + 4 * tables == effort["training_bytes"]["base"]
    assert 16 * trained == effort["training_bytes"]["trained"]
    assert sum(effort["training_bytes"].values()) == effort["peak_bytes"]["train"]
    assert ["train", "merge", "quantize", "validate"] == list(effort["peak_bytes"])
    assert effort["peak_bytes"]["merge"] < 1e9 < effort["peak_bytes"]["validate"]


def test_the_time_of_epochs_is_unknown_until_their_rows_are(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """A number that nobody can know is not made up."""
    ran = _trained(project)("doctor", "tiny", "--hub", served.url, HF_TOKEN="hf_alice", **light)

    assert "time of the training: unknown until the dataset is built" in ran.out
    assert "estimated from its config.json" in ran.out


def test_a_training_that_memory_does_not_do_for_is_told_with_what_would_take_less(
    project: Project, served: EmbeddedHub, light: dict[str, str]
) -> None:
    """It would be told after the download as well, and after an hour."""
    _trained(project)
    manifest = project.root / "model_cards" / "tiny" / "release.yaml"
    manifest.write_text(manifest.read_text().replace("batch_size: 4", "batch_size: 4096"))
    ran = project("doctor", "tiny", "--hub", served.url, "--format", "json", HF_TOKEN="hf_alice", **light)
    told = next(p for p in ran.document["release"]["problems"] if p["code"] == "HP-X02")

    assert "`batch_size: 1` with `gradient_accumulation: 16384` (the same steps) takes" in told["hint"]
