"""Weights that other programs quantized: told apart, held against their source, linked, proven as far as they can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from quantized_folders import CONFIG, write_awq, write_fp8, write_mlx, write_quantized, write_source

from publisher.engine.worker import Limits
from publisher.errors import HubpubError
from publisher.evidence.hashes import HashCache
from publisher.hub.remote import RemoteHub
from publisher.manifest.schema import repo_refs
from publisher.pipeline.inputs import variants_of
from publisher.pipeline.levels import Levels
from publisher.pipeline.look import preflight_problems
from publisher.pipeline.memory import WorkspaceMemory
from publisher.pipeline.release import Release
from publisher.pipeline.services import Engine
from publisher.pipeline.stages import STAGES
from publisher.pipeline.steps.merge import Merging
from publisher.pipeline.steps.preflight import needed
from publisher.pipeline.steps.validate import CompatibleWith, probe_job, validate
from publisher.pipeline.steps.variants import variant_problems, variants
from publisher.records.artifacts import Artifact, Kind, RepoRef
from publisher.records.runs import Base, Made, Variants

Open = Callable[..., Release]

PACKED = {"quant_method": "compressed-tensors", "format": "pack-quantized"}
MANIFEST = """
manifest: 1
owner: quantco
licence: apache-2.0
source: {model: acme/tiny, folder: base}
artifacts:
  awq: {folder: ../../q/awq, proof: static}
  mlx: {folder: ../../q/mlx, proof: static}
"""


@pytest.fixture
def release(open_release: Open, tmp_path: Path) -> Release:
    """Two folders of a quantizer, and the model that they were made of."""
    opened = open_release(MANIFEST)
    write_source(opened.paths.folder / "base")
    write_awq(tmp_path / "q" / "awq")
    write_mlx(tmp_path / "q" / "mlx")
    return opened


def made(release: Release) -> Variants:
    paths = release.paths
    given = variants_of(release.manifest, paths.folder, HashCache(paths.hashes))
    assert given is not None
    base = Base(Artifact("base", str(paths.folder / "base"), ()), ())
    return variants(paths, given, base, None)


def test_each_form_has_a_repo_of_its_own_and_its_files_are_linked(release: Release, tmp_path: Path) -> None:
    """Nothing is written twice, and a quantizer's own README is neither published nor written into."""
    (tmp_path / "q" / "awq" / "README.md").write_text("mine")
    found = made(release)
    facts = {fact.id: fact.value for fact in found.facts}
    linked = release.paths.artifact("awq") / "model.safetensors"

    assert {"awq": RepoRef("quantco/tiny-AWQ"), "mlx": RepoRef("quantco/tiny-MLX")} == repo_refs(
        release.manifest, "tiny"
    )
    assert ["awq", "mlx"] == [artifact.kind for artifact in found.artifacts]
    assert (tmp_path / "q" / "awq" / "model.safetensors").samefile(linked)
    assert not (release.paths.artifact("awq") / "README.md").exists()
    assert ("awq", 4, 16) == tuple(facts[f"awq.{name}"] for name in ("method", "bits", "group_size"))
    assert ("mlx", 4) == (facts["mlx.method"], facts["mlx.bits"])
    assert facts["awq.same_shape"] is facts["awq.same_vocabulary"] is facts["awq.same_chat_template"] is True


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda q: write_awq(q, hidden_size=32), "hidden_size is 32, the source's is 16"),
        (lambda q: write_awq(q, architectures=["QwenForCausalLM"]), "architecture is QwenForCausalLM"),
        (lambda q: (q / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0}}}'), "other tokens"),
    ],
)
def test_weights_of_another_model_are_refused(
    release: Release, tmp_path: Path, spoil: Callable[[Path], object], what: str
) -> None:
    """The folder of last week's model, under this week's name."""
    spoil(tmp_path / "q" / "awq")
    with pytest.raises(HubpubError) as caught:
        made(release)

    assert "HP-W05" == caught.value.code
    assert what in caught.value.what


def test_the_language_part_of_a_model_that_takes_images_may_stand_alone(
    release: Release, tmp_path: Path
) -> None:
    """Many quantizers leave the vision part out; the card says that such files take no images."""
    source = {"architectures": ["GemmaForConditionalGeneration"], "text_config": CONFIG, "vision_config": {}}
    (release.paths.folder / "base" / "config.json").write_text(json.dumps(source))
    facts = {fact.id: fact.value for fact in made(release).facts}

    assert facts["awq.text_only"] is True
    assert facts["awq.same_shape"] is True


def problems(release: Release, tmp_path: Path) -> list[HubpubError]:
    from publisher.staging.server import EmbeddedHub

    with EmbeddedHub(tmp_path / "hub") as served:
        hub = RemoteHub(served.url, token=served.token, host="local")
        return preflight_problems(release, hub, hub)


@pytest.mark.parametrize(
    ("spoil", "code", "what"),
    [
        (
            lambda q: write_mlx(q),
            "HP-W05",
            "released as awq, and its config.json says that it is quantized by mlx",
        ),
        (lambda q: write_source(q), "HP-W05", "says that it is not quantized"),
        (lambda q: (q / "model.safetensors").write_bytes(b"version https://git-lfs"), "HP-W01", "damaged"),
        (lambda q: (q / "model.safetensors").rename(q / "pytorch_model.bin"), "HP-W03", "runs code"),
        (lambda q: q.rename(q.with_name("gone")), "HP-B04", "artifacts.awq does not exist"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told_in_the_first_second(
    release: Release, tmp_path: Path, spoil: Callable[[Path], object], code: str, what: str
) -> None:
    """Before the source is fetched, which takes longer than anything else of such a release."""
    spoil(tmp_path / "q" / "awq")
    (problem,) = problems(release, tmp_path)

    assert code == problem.code
    assert what in problem.what


def test_a_proof_that_this_machine_cannot_give_is_refused_with_the_line_to_write(
    release: Release, open_release: Open, tmp_path: Path
) -> None:
    """Not after an hour, and not by silently proving less."""
    told = problems(open_release(MANIFEST.replace(", proof: static", "")), tmp_path)

    assert ["HP-E01", "HP-E01"] == [problem.code for problem in told]
    assert told[1].hint.startswith("mlx: {folder: ../../q/mlx, proof: static}")


@pytest.mark.parametrize(
    ("kind", "said", "needs"),
    [
        ("awq", {"quant_method": "awq"}, ["not installed: gptqmodel"]),
        ("awq", PACKED, ["not installed: compressed_tensors"]),
        ("compressed_tensors", PACKED, ["not installed: compressed_tensors"]),
        ("fp8", {"quant_method": "fp8"}, []),
        ("nvfp4", {"quant_method": "modelopt", "quant_algo": "NVFP4"}, ["transformers does not read it"]),
    ],
)
def test_what_a_proof_needs_is_told_by_the_method_and_not_by_the_name(
    open_release: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    kind: Kind, said: dict[str, object], needs: list[str],
) -> None:  # fmt: skip
    """One form is written by several programs, and AWQ by one of them is read by another package than AWQ by another."""
    write_quantized(tmp_path / "q" / "own", said)
    release = open_release(
        MANIFEST.partition("artifacts:")[0] + f"artifacts: {{{kind}: {{folder: ../../q/own}}}}\n"
    )
    monkeypatch.setattr("publisher.pipeline.steps.variants.find_spec", lambda name: None)
    found = list(variant_problems(release.paths, release.manifest, Levels.of(release.manifest)))

    assert needs == [problem.what.partition("on this machine: ")[2] for problem in found]


def test_a_release_of_own_folders_needs_no_torch(release: Release) -> None:
    """A quantizer's machine need not have it to publish what it made elsewhere."""
    assert () == needed(release.manifest, Levels.of(release.manifest))


def test_packed_weights_are_not_quantized_once_more_in_the_proof(release: Release, tmp_path: Path) -> None:
    """They have their bits already; a full model is also loaded in 4 bits."""
    base = Base(Artifact("base", "", ()), ())
    jobs = [probe_job(Made(Artifact(kind, "", ()), ()), base, ()) for kind in ("awq", "merged")]

    assert [False, True] == [job.in_4bit for job in jobs]


def test_the_runner_remembers_them_wherever_the_project_lies(release: Release) -> None:
    """A project may be moved; a file that was quantized again under its name is another one."""
    stage = next(stage for stage in STAGES if stage.makes is Variants)
    memory = WorkspaceMemory(release.paths, None, lambda: None, False, HashCache(release.paths.hashes))  # type: ignore[arg-type,return-value]
    memory.keep(stage, "key", made(release))
    kept, why = memory.recall(stage, "key")
    linked = release.paths.artifact("awq") / "model.safetensors"
    linked.unlink()
    linked.write_bytes(b"other")
    changed, because = memory.recall(stage, "key")

    assert (True, "unchanged") == (isinstance(kept, Variants), why)
    assert (None, "files under awq/ changed on disk") == (changed, because)


@pytest.mark.parametrize(
    ("kind", "said", "bits"),
    [
        ("gptq", {"quant_method": "gptq", "bits": 4, "group_size": 128}, 4),
        ("fp8", {"quant_method": "fp8", "weight_block_size": [128, 128]}, 8),
        ("nvfp4", {"quant_method": "modelopt", "quant_algo": "NVFP4"}, 4),
        ("exl3", {"quant_method": "exl3", "bits": 4.65}, 4.65),
        (
            "fp8",
            {
                "quant_method": "compressed-tensors",
                "format": "float-quantized",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            8,
        ),
    ],
)
def test_what_each_program_writes_is_told_apart(
    kind: str, said: dict[str, object], bits: float, tmp_path: Path
) -> None:
    """By `quantization_config` alone, wherever it keeps the number of bits."""
    from publisher.weights.variant import kinds_of, read_variant

    folder = write_quantized(tmp_path / "q", said)
    found = list(kinds_of(folder))

    assert kind == found[0]
    assert bits == read_variant(found[0], folder).bits


@pytest.mark.models
def test_what_quantizing_costs_is_measured_where_the_weights_can_be_run(
    open_release: Open, notes: Any, tiny_base: Path, tmp_path: Path
) -> None:
    """On the source's own words, beside the source; of the other form, which no program here runs, nothing is known."""
    pytest.importorskip("torch")
    release = open_release(MANIFEST.replace("awq: {folder: ../../q/awq, proof: static}", "fp8: {folder: q}"))
    base = Base(Artifact("base", str(tiny_base), ()), ())
    packed = Artifact("fp8", str(write_fp8(tiny_base, tmp_path / "fp8")), ())
    engine, levels = Engine(release.paths.scratch, notes, Limits()), Levels({"mlx": "static"})
    of, none = (release.paths, engine, release.identity, levels, (), CompatibleWith(), Merging()), [None] * 4
    found = validate(*of, base, *none, Variants((packed, replace(packed, kind="mlx")), ()))
    facts = {fact.id: fact.value for fact in found.facts}

    assert "bfloat16" == facts["validate.fp8.compute_dtype"], (
        "what it is unpacked to, however slow that is here"
    )
    assert 0.001 < facts["validate.fp8.kl_to_base"] < 0.1
    assert facts["validate.fp8.positions_to_base"] > 20
    assert ["validate.proof.mlx"] == [name for name in facts if "mlx" in name]
