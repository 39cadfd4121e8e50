"""What other programs packed, beside the models of a release: read where transformers reads it here, unknown where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from quantized_folders import write_awq, write_fp8, write_mlx

from publisher.engine import evaluate, evaluate_packed, memory
from publisher.engine.jobs import Evaluate, JobResult
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")


def run(job: Evaluate) -> JobResult:
    return evaluate.run(job, lambda event: None)


def values(result: JobResult) -> dict[str, Any]:
    return {m.id.removeprefix("evaluate."): m.value for m in result.measured}


@pytest.fixture(scope="module")
def fp8(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_fp8(tiny_base, tmp_path_factory.mktemp("forms") / "fp8"))


def test_a_form_that_transformers_reads_is_measured_on_the_same_rows_and_asked_the_same(
    tiny_base: Path, tiny_data: Path, fp8: str
) -> None:
    """Eight bits move the losses a little, and every one of them is there."""
    result = run(Evaluate(str(tiny_data), str(tiny_base), variants={"fp8": fp8}, answer_rows=(0, 1)))
    losses = result.details["row_losses"]

    assert ["base", "fp8"] == list(losses)
    assert losses["base"] != losses["fp8"]
    assert losses["base"] == pytest.approx(losses["fp8"], rel=0.05)
    assert 2 == len(result.details["answers"]["fp8"])
    assert "fp8.unmeasured" not in values(result)


def test_a_form_that_nothing_here_reads_is_unknown_and_says_why(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """The base's numbers must not fail for it, and no number may be made up."""
    folders = {"awq": str(write_awq(tmp_path / "awq")), "mlx": str(write_mlx(tmp_path / "mlx"))}
    result = run(Evaluate(str(tiny_data), str(tiny_base), variants=folders))
    found = values(result)

    assert ["base"] == list(result.details["row_losses"])
    assert "not installed where the others were measured: gptqmodel" == found["awq.unmeasured"]
    assert evaluate_packed.NOT_READ == found["mlx.unmeasured"]
    assert {"unknown"} == {m.status for m in result.measured if m.id.endswith((".awq.loss", ".mlx.loss"))}


def test_what_lacks_weights_is_not_measured_as_if_it_were_whole(
    tiny_base: Path, tiny_data: Path, fp8: str, tmp_path: Path
) -> None:
    """transformers fills holes with random numbers."""
    from safetensors.torch import load_file, save_file

    for file in Path(fp8).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    result = run(Evaluate(str(tiny_data), str(tiny_base), variants={"fp8": str(tmp_path)}))

    assert evaluate_packed.NOT_HERE == values(result)["fp8.unmeasured"]


def test_a_damaged_file_is_an_error(tiny_base: Path, tiny_data: Path, fp8: str, tmp_path: Path) -> None:
    """Unknown is for what cannot be read here, not for what nobody can read."""
    for file in Path(fp8).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HubpubError) as caught:
        run(Evaluate(str(tiny_data), str(tiny_base), variants={"fp8": str(tmp_path)}))

    assert "HP-W01" == caught.value.code


def test_where_the_models_stay_in_their_files_what_was_packed_is_unknown(
    tiny_base: Path, tiny_data: Path, fp8: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layer by layer its packed weights would be read for the model's own."""
    (tmp_path / "tiny-Q8_0.gguf").touch()
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)
    job = Evaluate(str(tiny_data), str(tiny_base), variants={"fp8": fp8}, gguf=str(tmp_path))
    result = run(job)
    found = values(result)

    assert (True, ["base"]) == (result.details["streamed"], list(result.details["row_losses"]))
    assert [evaluate_packed.TOO_LARGE] * 2 == [found[f"{kind}.unmeasured"] for kind in ("fp8", "gguf.q8_0")]
