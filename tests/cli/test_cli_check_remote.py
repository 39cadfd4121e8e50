"""`hubpub check` of what a Hub has: the rules and the statements, over HTTP, without downloading weights."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_runs import HUBPUB, REPOSITORY, Project, Ran, environment_of
from counting_relay import counting
from huggingface_hub import HfApi

from publisher.checks.registry import choose
from publisher.checks.report import to_json
from publisher.checks.run import check_view
from publisher.errors import Exit
from publisher.hub.remote import RemoteHub
from publisher.pipeline.foreign import parse_place
from publisher.pipeline.remote_check import look_at
from publisher.staging.server import EmbeddedHub

sys.path.append(str(REPOSITORY / "benchmarks"))

from tiny_project import NAME, shapes_of, write_configuration, write_project

ADAPTER, BASE, DATA = "acme/tiny-lora", "acme/tiny-base", "acme/tiny-data"
HEAVY = ("torch", "transformers", "peft", "numpy", "pyarrow", "datasets")


@dataclass(frozen=True)
class Released:
    """A release that is on a Hub, and its project."""

    root: Path
    hub: EmbeddedHub

    @property
    def api(self) -> HfApi:
        return HfApi(self.hub.url, token=self.hub.token)

    def check(self, target: str, *options: str, at: Path | None = None, hub: str = "") -> Ran:
        """From a folder that is no project, as strangers do it."""
        place = at or self.root / "elsewhere"
        place.mkdir(exist_ok=True)
        return Project(place)(
            "check", target, "--hub", hub or self.hub.url, *options, HF_TOKEN=self.hub.token
        )

    def look(self, place: str) -> Ran:
        """The same in this process: what the command does between its words and its exit code."""
        hub = RemoteHub(self.hub.url, self.hub.token, "local")
        report = check_view(look_at(parse_place(place), hub), choose(), place)
        return Ran(int(report.summary["error"] > 0), json.dumps(to_json(report)), "")

    def forged(self, repo: str, path: str, before: str, after: str) -> str:
        """The address of a branch on which a text of a file was replaced, as on the website."""
        branch = f"forged-{len(self.api.list_repo_refs(repo).branches)}"
        file = self.root / ".hubpub" / NAME / "artifacts" / ("adapter" if repo == ADAPTER else "base") / path
        text = file.read_text()
        assert before in text
        self.api.create_branch(repo, branch=branch)
        forged = text.replace(before, after, 1).encode()
        self.api.upload_file(path_or_fileobj=forged, path_in_repo=path, repo_id=repo, revision=branch)
        return f"hf://{repo}@{branch}"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    root = tmp_path_factory.mktemp("released")
    write_project(root)
    ran = Project(root)("release", NAME, "1.0.0", "--hub", "local", "--proof", "static", "--yes")
    assert 0 == ran.code, ran.err
    with EmbeddedHub(root / ".hubpub" / "_hub") as hub:
        yield Released(root, hub)


def write_zeros(file: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A safetensors file of float32 zeros."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    raw = json.dumps(header).encode()
    file.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(end))


def statements(ran: Ran) -> dict[str, Any]:
    """The statements by what they are about."""
    return {each["fact"]: each for each in ran.document["statements"]}


def failing(ran: Ran) -> dict[str, tuple[Any, Any]]:
    """Stated and found, of what does not hold."""
    return {
        fact: (each["stated"], each["found"])
        for fact, each in statements(ran).items()
        if each["status"] == "does not hold"
    }


def codes(ran: Ran) -> list[str]:
    return [finding["code"] for finding in ran.document["findings"]]


def test_an_honest_adapter_holds_in_everything_that_can_be_counted_again(released: Released) -> None:
    """Anyone may see without trusting anyone that a card's numbers are those of the files."""
    ran = released.check(f"hf://{ADAPTER}", "--format", "json")
    found = statements(ran)
    holding = {fact for fact, each in found.items() if each["status"] == "holds"}

    assert 0 == ran.code, ran.out
    assert ([], {}) == (codes(ran), failing(ran))
    assert {
        "adapter.parameters", "adapter.tensors", "adapter.modules", "adapter.dtype", "adapter.size_bytes",
        "adapter.r", "adapter.alpha", "adapter.target_modules", "base.repo",
        "evidence/train.json", "evidence/resolve.json", "evidence/tensors.json", "README.md:3 base_model",
    } <= holding  # fmt: skip
    assert "cannot be recomputed" == found["base.parameters"]["status"]
    assert "not in this repo" in found["base.parameters"]["reason"]


def test_a_base_and_a_dataset_hold_too(released: Released) -> None:
    """Each kind of repo is counted by its own files: headers and configuration, or the footers of the data."""
    base = statements(released.look(f"hf://{BASE}@v1.0.0"))
    data = statements(released.look(f"hf://datasets/{DATA}"))

    assert {"holds"} == {
        base[f"base.{fact}"]["status"]
        for fact in (
            "parameters",
            "dtype",
            "layers",
            "hidden_size",
            "vocab_size",
            "size_bytes",
            "chat_template",
        )
    }
    assert {"holds"} == {
        data[f"dataset.{fact}"]["status"]
        for fact in ("rows", "train.rows", "validation.rows", "columns", "size_bytes")
    }


def test_what_a_check_does_not_download_is_said_and_not_passed(released: Released) -> None:
    """NaN in an adapter cannot be seen in its header."""
    ran = released.look(f"hf://{ADAPTER}")

    assert [
        {
            "code": "ADPT029",
            "reason": "a check downloads no weights, so nobody looked at the adapter's numbers",
        }
    ] == [skip for skip in ran.document["skipped"] if skip["code"] == "ADPT029"]


def test_a_forged_number_is_found_by_the_files_with_both_values(released: Released) -> None:
    """The first thing that a cheat would change."""
    place = released.forged(ADAPTER, "evidence/facts.json", '"value": 512', '"value": 512000')
    ran = released.check(place, "--format", "json")
    text = released.check(place)

    assert (1, ["CLAIM140"]) == (ran.code, codes(ran))
    assert {"adapter.parameters": (512000, 512)} == failing(ran)
    assert (
        "adapter.parameters"
        in (released.root / ".hubpub/tiny/artifacts/adapter/evidence/facts.json")
        .read_text()
        .splitlines()[ran.document["findings"][0]["line"] - 1]
    )
    assert " 1 do not, " in text.out
    assert "✗ adapter.parameters: 512000, found 512 (the header of adapter_model.safetensors)" in text.out
    assert "✓" not in text.out, "what holds is listed with -v only"


def test_a_forged_number_that_no_file_tells_differs_from_its_evidence(released: Released) -> None:
    """The base's weights are elsewhere; what was measured of them lies beside the fact."""
    place = released.forged(ADAPTER, "evidence/facts.json", '"value": 5712', '"value": 7000000000')
    ran = released.look(place)

    assert (1, {"base.parameters": (7000000000, 5712)}) == (ran.code, failing(ran))


def test_forged_evidence_has_another_digest_than_its_facts_name(released: Released) -> None:
    """Else a fact and its evidence could be changed together."""
    place = released.forged(ADAPTER, "evidence/resolve.json", "5712", "5713")
    ran = released.look(place)

    assert 1 == ran.code
    assert {"base.parameters", "evidence/resolve.json"} == set(failing(ran))


def test_a_forged_shape_of_one_tensor_is_found(released: Released) -> None:
    """Whoever compares versions by their digests must be able to trust the list."""
    place = released.forged(BASE, "evidence/tensors.json", '"shape":[32,16]', '"shape":[32,61]')
    ran = released.look(place)

    assert 1 == ran.code
    assert [("F32 32x61", "F32 32x16")] == list(failing(ran).values())


def test_another_rank_in_the_adapter_s_configuration_contradicts_facts_card_and_tensors(
    released: Released,
) -> None:
    """PEFT would refuse the files; the page would say that all is well."""
    place = released.forged(ADAPTER, "adapter_config.json", '"r": 2', '"r": 16')
    ran = released.look(place)

    assert 1 == ran.code
    assert (2, 16) == failing(ran)["adapter.r"]
    assert ["rank 2"] == [stated for fact, (stated, _) in failing(ran).items() if fact.endswith(" rank")]
    assert {"ADPT027", "CLAIM123", "CLAIM140"} <= set(codes(ran))


def test_a_number_of_the_base_that_was_edited_in_the_card_is_a_warning(released: Released) -> None:
    """An adapter's repo has no configuration of the base; the evidence has what was measured."""
    place = released.forged(ADAPTER, "README.md", "| Layers | 2 |", "| Layers | 48 |")
    ran = released.look(place)

    assert 0 == ran.code
    assert [("48", 2)] == list(failing(ran).values())
    assert [("CLAIM140", "warning")] == [(f["code"], f["severity"]) for f in ran.document["findings"]]


def test_all_statements_are_listed_on_demand(released: Released) -> None:
    """Whoever wants to know what was looked at."""
    ran = released.check(ADAPTER, "-v")

    assert "✓ adapter.r: 2 (adapter_config.json)" in ran.out
    assert (
        "– base.layers: 2 (the files that it is about are not in this repo; evidence/resolve.json says the same)"
        in ran.out
    )


@pytest.mark.parametrize("target", ["hf://acme/never-made", "acme/never-made", f"hf://{ADAPTER}@v9.9.9"])
def test_a_repo_or_revision_that_is_not_there_ends_with_exit_code_3(released: Released, target: str) -> None:
    """As for everything that the Hub refuses."""
    ran = released.check(target)

    assert (3, ["HP-H04"], "") == (ran.code, ran.codes, ran.out)


def test_a_folder_of_the_same_name_is_the_folder(released: Released, tmp_path: Path) -> None:
    """What lies here is meant before what lies elsewhere; its statements are held against its files as well."""
    folder = tmp_path / "acme" / "tiny-lora"
    shutil.copytree(released.root / ".hubpub" / NAME / "artifacts" / "adapter", folder)
    honest = released.check(ADAPTER, "--format", "json", at=tmp_path)
    facts = folder / "evidence" / "facts.json"
    facts.write_text(facts.read_text().replace('"value": 512', '"value": 513', 1))
    forged = released.check(ADAPTER, "--format", "json", at=tmp_path)

    assert (0, {}) == (honest.code, failing(honest))
    assert not [fact for fact in statements(honest) if "base_model" in fact], "no Hub was asked"
    assert (1, {"adapter.parameters": (513, 512)}) == (forged.code, failing(forged))


def test_a_repo_is_not_mended_where_it_is(released: Released) -> None:
    """--fix writes files; a Hub's are changed by a release."""
    ran = released.check(f"hf://{ADAPTER}", "--fix")

    assert (2, ["HP-M09"]) == (ran.code, ran.codes)


def test_no_weights_are_downloaded(released: Released, tmp_path: Path) -> None:
    """A check of a 24 GB model takes seconds: of 5.5 MB of weights, only the header travels."""
    write_configuration(tmp_path / "repo", 256, 2, 256)
    write_zeros(tmp_path / "repo" / "model.safetensors", shapes_of(256, 2, 256))
    (tmp_path / "repo" / "README.md").write_text("---\nlicense: mit\n---\n- Parameters: 1.38M\n- Layers: 3\n")
    size = (tmp_path / "repo" / "model.safetensors").stat().st_size
    released.api.create_repo("acme/large", exist_ok=True)
    released.api.upload_folder(repo_id="acme/large", folder_path=tmp_path / "repo")
    with counting(released.hub.url) as relay:
        ran = released.check("acme/large", "--format", "json", hub=relay.url)

    assert size > 5_000_000
    assert relay.served < 100_000
    assert 1 == ran.code, ran.err
    assert {"README.md:5 layers": ("3", 2)} == failing(ran)
    assert "holds" == statements(ran)["README.md:4 parameters"]["status"]


def test_of_a_hundred_shards_only_the_headers_travel(released: Released, tmp_path: Path) -> None:
    """Side by side, and yet not a byte of the 26 MB of numbers: a model of 200 GB is checked from a laptop."""
    folder, places = tmp_path / "repo", {}
    folder.mkdir()
    for number in range(1, 101):
        name = f"model-{number:05d}-of-00100.safetensors"
        shapes: dict[str, tuple[int, ...]] = {f"model.layers.{number}.mlp.up_proj.weight": (256, 256)}
        write_zeros(folder / name, shapes)
        places |= dict.fromkeys(shapes, name)
    index = {"metadata": {"total_size": 100 * 256 * 256 * 4}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n- Parameters: 6.55M\n")
    released.api.create_repo("acme/shards", exist_ok=True)
    released.api.upload_folder(repo_id="acme/shards", folder_path=folder)
    with counting(released.hub.url) as relay:
        ran = released.check("acme/shards", "--deep", "--format", "json", hub=relay.url)

    assert relay.served < 500_000
    assert "holds" == statements(ran)["README.md:4 parameters"]["status"], ran.err
    assert not [code for code in codes(ran) if code.startswith("WGT")]


def test_rows_on_a_hub_are_left_out_with_the_reason_also_with_deep(released: Released) -> None:
    """A check that was asked for everything may not look as if it had seen everything."""
    for options in ((), ("--deep",)):
        ran = released.check(f"hf://datasets/{DATA}", "--format", "json", *options)
        left_out = {
            skip["code"] for skip in ran.document["skipped"] if "nobody looked at the rows" in skip["reason"]
        }

        assert {"DATA107", "DATA108", "DATA110"} <= left_out
        assert "holds" == statements(ran)["dataset.rows"]["status"]


def test_ctrl_c_ends_a_check_of_a_hub_that_has_gone_silent(tmp_path: Path) -> None:
    """Eight requests are under way then, each of which would wait for two minutes."""
    folder, faults = tmp_path / "repo", tmp_path / "faults.yaml"
    folder.mkdir()
    for number in range(20):
        (folder / f"notes-{number}.txt").write_text(f"note {number}\n")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A\n")
    faults.write_text("rules: [{endpoint: resolve.resolve, path: '*.txt', delay_s: 100}]\n")
    with EmbeddedHub(tmp_path / "hub", faults=faults) as hub:
        api = HfApi(hub.url, token=hub.token)
        api.create_repo("local/silent")
        api.upload_folder(repo_id="local/silent", folder_path=folder)
        check = subprocess.Popen(
            [HUBPUB, "check", "hf://local/silent", "--hub", hub.url],
            cwd=tmp_path,
            env=environment_of({"HF_TOKEN": hub.token}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        told = tmp_path / "hub" / "faults.jsonl"
        deadline = time.monotonic() + 60
        while not (told.exists() and told.read_text().count(".txt") >= 8) and time.monotonic() < deadline:
            time.sleep(0.05)
        check.send_signal(signal.SIGINT)
        out, err = check.communicate(timeout=30)

    assert 8 == told.read_text().count(".txt"), "no more than eight at once, and no one new after Ctrl-C"
    assert (Exit.INTERRUPTED, "", ["HP-I01"]) == (
        check.returncode,
        out,
        Ran(check.returncode, out, err).codes,
    )


def test_a_light_install_checks_repos_and_counts_rows(released: Released) -> None:
    """`pip install hubpub` has no pyarrow; the footers of Parquet files are read all the same."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}));"
        f"sys.argv = ['hubpub', 'check', 'hf://datasets/{DATA}', '--hub', {released.hub.url!r}, '--format', 'json'];"
        "from publisher.cli.app import main; main()"
    )
    environment = {"HF_TOKEN": released.hub.token, "PATH": "/usr/bin:/bin", "HOME": str(released.root)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    found = {each["fact"]: each for each in json.loads(done.stdout)["statements"]}

    assert 0 == done.returncode, done.stderr
    assert "holds" == found["dataset.rows"]["status"]
    assert "holds" == found["dataset.size_bytes"]["status"]


def test_a_repo_that_names_itself_as_its_base_is_told(released: Released) -> None:
    """Only who opens the repo by its id can know."""
    place = released.forged(ADAPTER, "README.md", f"base_model: {BASE}", f"base_model: {ADAPTER}")

    report = json.loads(released.look(place).out)

    assert ["META021"] == [each["code"] for each in report["findings"] if each["code"] == "META021"]


def test_a_licence_that_differs_from_the_tagged_release_before_it_is_told_of(released: Released) -> None:
    """Only the repo's own tags know what was promised with the last release."""
    forged = released.look(
        released.forged(ADAPTER, "README.md", "license: apache-2.0", "license: cc-by-nc-4.0")
    )
    first = released.look(f"hf://{ADAPTER}")

    assert "LIC078" in codes(forged)
    assert "LIC078" not in codes(first)
    assert "LIC078" in {skip["code"] for skip in first.document["skipped"]}
