"""4-bit on this machine: tried with real bitsandbytes where it is installed, and judged by what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from publisher.pipeline.doctor import uses_four_bit
from publisher.pipeline.four_bit import INSTALL, NEEDS, WITH_CUDA, four_bit, judged
from publisher.pipeline.machine import Machine, look_at_machine
from publisher.pipeline.release import Release

WORKS = {"device": "cpu", "relative_error": 0.0998, "gradient": True}
MANIFEST = """
manifest: 1
owner: alice
base: {{model: alice/base, folder: base}}
dataset: {{folder: data}}
train: {{method: {method}}}
artifacts: [{artifacts}]
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """This one, as if it had no GPU."""
    return replace(look_at_machine(tmp_path_factory.mktemp("machine")), gpus=())


@pytest.mark.models
def test_a_layer_is_quantized_and_passed_forth_and_back(machine: Machine) -> None:
    """In the child that a release would use. About a tenth off its full weights: less would be no NF4."""
    pytest.importorskip("torch")
    found = four_bit(machine)

    assert ("4-bit", "ok", "") == (found.name, found.answer, found.mend)
    assert 5 < float(found.why.rpartition("forth and back, ")[2].partition("%")[0]) < 15


@pytest.mark.parametrize("package", NEEDS)
def test_without_the_packages_it_is_not_tried_and_says_so(machine: Machine, package: str) -> None:
    """Unknown, not missing: the machine may well be able to."""
    found = four_bit(replace(machine, packages={**machine.packages, package: None}))

    assert ("unknown", INSTALL) == (found.answer, found.mend)
    assert package in found.why


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            {"relative_error": 0.0},
            "on cpu a layer came out 0.0% off its full weights, where NF4 is about 10% off",
        ),
        (
            {"relative_error": 1.3},
            "on cpu a layer came out 130.0% off its full weights, where NF4 is about 10% off",
        ),
        (
            {"relative_error": float("nan")},
            "on cpu a layer came out nan% off its full weights, where NF4 is about 10% off",
        ),
        ({"gradient": False}, "on cpu a layer has no finite gradient"),
    ],
    ids=["not quantized", "noise", "not a number", "no gradient"],
)
def test_what_comes_out_wrong_is_no_4_bit(machine: Machine, told: dict[str, object], why: str) -> None:
    """A training would go on for hours and learn nothing."""
    found = judged(machine, {**WORKS, **told})

    assert ("missing", why) == (found.answer, found.why)
    assert found.mend


def test_a_gpu_that_torch_does_not_see_is_told_with_its_mend(machine: Machine) -> None:
    """nvidia-smi knows of one, and the installed torch was built for the CPU: silently, all would take days."""
    gpus = ("NVIDIA H200, 143771 MiB",)
    seen = judged(replace(machine, gpus=gpus), {**WORKS, "device": "cuda:0"})
    unseen = judged(replace(machine, gpus=gpus), WORKS)

    assert ("ok", "missing", WITH_CUDA) == (seen.answer, unseen.answer, unseen.mend)


@pytest.mark.parametrize(
    ("method", "artifacts", "wanted"),
    [("qlora", "adapter", True), ("lora", "adapter, nf4", True), ("lora", "adapter", False)],
)
def test_it_is_tried_where_a_release_needs_it(
    open_release: Callable[..., Release], method: str, artifacts: str, wanted: bool
) -> None:
    """It takes ten seconds."""
    release = open_release(MANIFEST.format(method=method, artifacts=artifacts))

    assert wanted == uses_four_bit(release.manifest)
