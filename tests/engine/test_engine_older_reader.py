"""What the previous major of transformers makes of our files: the real one, in a folder of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from publisher.engine import memory, older_reader, quantize, transformers_4
from publisher.engine.jobs import Quantize, ReadByOlder
from publisher.errors import HubpubError

pytestmark = [pytest.mark.models, pytest.mark.long]
ABOUT = "transformers_4"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """transformers 4, from the package index."""
    try:
        return str(transformers_4.installed(tmp_path_factory.mktemp("transformers")))
    except HubpubError as error:
        pytest.skip(error.what)


def read(kind: Any, folder: Path, packages: str, base: Path | None = None) -> dict[str, Any]:
    job = ReadByOlder(kind, str(folder), packages, str(base) if base else None, ("1+1=?", "the car"))
    told = older_reader.run(job, lambda event: None).measured
    return {m.id.removeprefix(f"validate.{kind}."): m.value for m in told}


def test_a_base_an_adapter_and_four_bits_say_the_same_in_both(
    tiny_base: Path, tiny_adapter: Path, packages: str, tmp_path: Path
) -> None:
    """Loading, tokens, logits and greedy answers."""
    quantize.run(Quantize(str(tiny_base), str(tmp_path / "nf4")), lambda event: None)
    found = (
        read("base", tiny_base, packages),
        read("adapter", tiny_adapter, packages, tiny_base),
        read("nf4", tmp_path / "nf4", packages),
    )

    assert [(True, transformers_4.VERSION)] * 3 == [(f[ABOUT], f[f"{ABOUT}_version"]) for f in found]
    assert all(f[f"{ABOUT}_max_logit_difference"] < 0.1 for f in found)


def test_a_rope_that_only_version_5_finds_is_told(tiny_base: Path, packages: str, tmp_path: Path) -> None:
    """Version 4 takes its default in silence, and answers otherwise."""
    folder = shutil.copytree(tiny_base, tmp_path / "b")
    config = json.loads((folder / "config.json").read_text())
    config.pop("rope_theta")
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": 3.0}
    (folder / "config.json").write_text(json.dumps(config))
    found = read("base", folder, packages)

    assert found[ABOUT] is False
    assert found[f"{ABOUT}_fault"].startswith("a logit differs by ")


def test_an_architecture_that_version_4_does_not_know_is_no_error(
    tiny_base: Path, packages: str, tmp_path: Path
) -> None:
    """Models are younger than versions; the card says so, and a gate may forbid it."""
    folder = shutil.copytree(tiny_base, tmp_path / "b")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama_9"}))
    found = read("base", folder, packages)

    assert found[ABOUT] is False
    assert found[f"{ABOUT}_fault"].startswith("it does not load: ValueError: ")


def test_of_a_model_larger_than_memory_it_is_unknown(
    tiny_base: Path, packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is tried that could not end well."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 1)

    assert {ABOUT: None} == read("base", tiny_base, packages)
