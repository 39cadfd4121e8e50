"""merge and quantize on folders that belong to no release."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from cli_runs import Project

pytestmark = pytest.mark.models
NORMS_MANIFEST = """
manifest: 1
owner: alice
licence: mit
base: {folder: base}
artifacts: {base: {repo: alice/tiny, proof: static}}
card: {limitations: limits.md}
"""


def run_cli(*arguments, root):
    """hubpub, in a folder."""
    return Project(root)(*arguments)


@pytest.fixture(scope="module")
def merged(tiny_base, tiny_adapter, tmp_path_factory):
    """The command's outcome, and the folder that it wrote."""
    out = tmp_path_factory.mktemp("plain") / "new" / "merged"
    ran = run_cli(
        "merge",
        "--base",
        str(tiny_base),
        "--adapter",
        str(tiny_adapter),
        "--out",
        str(out),
        "--format",
        "json",
        root=tiny_base,
    )
    return ran, out


def test_two_folders_become_a_third(merged, tiny_base, tiny_merged):
    """Whoever has an adapter and its base needs no manifest to merge them."""
    from safetensors.torch import load_file

    ran, out = merged
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (out, tiny_merged))

    assert 0 == ran.code, ran.err
    assert ("hubpub/merge/1", 8, "full") == tuple(
        json.loads(ran.out)[key] for key in ("schema", "changed_tensors", "merge_base")
    )
    assert {file.name for file in tiny_base.iterdir()} == {file.name for file in out.iterdir()}
    assert all((ours[name] == theirs[name]).all() for name in theirs)


def test_a_folder_becomes_a_4_bit_checkpoint_that_loads_as_it_is(merged, tmp_path):
    """The result is what transformers' own users load, without a configuration of theirs."""
    from transformers import AutoModelForCausalLM

    ran = run_cli("quantize", "--model", str(merged[1]), "--out", str(tmp_path / "nf4"), root=tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "nf4")

    assert 0 == ran.code, ran.err
    assert "quantized_layers  14" in ran.out
    assert "Linear4bit" == type(model.model.layers[0].mlp.up_proj).__name__


def test_what_is_there_already_is_not_replaced(tiny_base, tiny_adapter, tmp_path):
    """It may hold anything, and nobody asked for its end."""
    (tmp_path / "precious.txt").write_text("x")
    ran = run_cli(
        "merge",
        "--base",
        str(tiny_base),
        "--adapter",
        str(tiny_adapter),
        "--out",
        str(tmp_path),
        root=tiny_base,
    )

    assert (2, True) == (ran.code, "exists already" in ran.err)
    assert ["precious.txt"] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["merge"], "give a release's name, or --base, --adapter and --out"),
        (["quantize", "--model", "."], "give a release's name, or --model and --out"),
        (["merge", "demo", "--base", "."], "give a release's name or folders, not both"),
        (
            ["merge", "--base", "x", "--adapter", "y", "--out", "z", "--merge-base", "best"],
            "none of full, nf4",
        ),
        (["quantize", "--model", "nowhere", "--out", "z"], "there is no folder"),
    ],
)
def test_a_half_named_job_is_a_usage_error(arguments, told, tmp_path):
    """What is missing is said, not guessed."""
    ran = run_cli(*arguments, root=tmp_path)

    assert (2, True) == (ran.code, told in ran.err), ran.err


def test_a_base_and_an_adapter_of_a_hub_are_merged_like_folders(merged, tiny_base, tiny_adapter, tmp_path):
    """Nobody should have to download what is fetched anyway."""
    from publisher.hub.port import Add
    from publisher.hub.remote import RemoteHub
    from publisher.records.artifacts import RepoRef
    from publisher.staging.server import EmbeddedHub

    with EmbeddedHub(tmp_path / "hub") as embedded:
        hub = RemoteHub(embedded.url, embedded.token, "local")
        owner = hub.account().name
        for name, folder in (("base", tiny_base), ("adapter", tiny_adapter)):
            ref = RepoRef(f"{owner}/{name}")
            hub.create(ref, private=True)
            adds = [Add(file.name, file) for file in folder.iterdir()]
            hub.commit(ref, "main", adds, title="Write", body="", parent=str(hub.state(ref).head))
        places = ("--base", f"{owner}/base", "--adapter", f"{owner}/adapter@main", "--hub", embedded.url)
        project = Project(tmp_path)
        ran = project("merge", *places, "--out", "out", HF_TOKEN=embedded.token)
        unknown = project(
            "merge", "--base", f"{owner}/nothing", *places[2:], "--out", "x", HF_TOKEN=embedded.token
        )
    ours, theirs = (
        {file.name: file.read_bytes() for file in folder.iterdir()}
        for folder in (tmp_path / "out", merged[1])
    )

    assert 0 == ran.code, ran.err
    assert theirs == ours
    assert (3, ["HP-H04"]) == (unknown.code, unknown.codes)


def test_norms_since_a_version_are_one_document(tmp_path: Path) -> None:
    """What `validate` says besides does not stand in a script's way."""
    room = tmp_path / "model_cards" / "tiny"
    (room / "base").mkdir(parents=True)
    (room / "base" / "config.json").write_text(
        '{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}'
    )
    (room / "limits.md").write_text("It knows nothing.\n")
    (room / "release.yaml").write_text(NORMS_MANIFEST)
    run = Project(tmp_path)

    def weigh(value: float) -> None:
        header = json.dumps({"a.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        raw = len(header).to_bytes(8, "little") + header + struct.pack("<f", value)
        (room / "base" / "model.safetensors").write_bytes(raw)

    weigh(2.0)
    run("release", "tiny", "1.0.0", "--yes", "--hub", "local")
    weigh(3.0)
    found = run("validate", "tiny", "--norms", "1.0.0", "--hub", "local", "--format", "json").document

    assert "hubpub/norms/1" == found["schema"]
    assert [{"module": "a", "change": 1.0, "before": 2.0, "relative": 0.5}] == found["artifacts"]["base"]
