"""What a merge refuses: damaged bases, adapters of something else, and disks that fill; nothing half-made gets a name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from publisher.engine.jobs import Merge
from publisher.errors import HubpubError

pytestmark = pytest.mark.models
pytest.importorskip("torch")

from publisher.engine import merge  # noqa: E402

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 4000000\n".format("0" * 64)
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
# A disk of four shards and a half, of which another program takes what is left after the second shard.
FILLING = """
import json, os, shutil, subprocess, sys
from pathlib import Path
from publisher.engine import merge
from publisher.engine.jobs import Merge
base, adapter, disk = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", disk], check=True)
job, filler = Merge(base, adapter, f"{disk}/out"), Path(disk, "filler")
seen = []
def fill(event):
    seen.append(event)
    if len(seen) == 2:
        there = os.statvfs(disk)
        filler.write_bytes(bytes(there.f_bavail * there.f_frsize - 8192))
try:
    merge.run(job, fill)
except OSError as error:
    told = error.errno
before = sorted(os.listdir(disk))
filler.unlink()
again = []
merge.run(job, again.append)
print(json.dumps({"told": told, "seen": len(seen), "before": before, "after": sorted(os.listdir(disk))}))
"""


@pytest.fixture(scope="module")
def sharded(tmp_path_factory, make_llama) -> Path:
    """A base of several shards."""
    from transformers import AutoModelForCausalLM

    whole = make_llama(tmp_path_factory.mktemp("whole"), layers=3, tied=False)
    folder = tmp_path_factory.mktemp("sharded")
    AutoModelForCausalLM.from_pretrained(whole).save_pretrained(folder, max_shard_size="100KB")
    shutil.copyfile(whole / "config.json", folder / "config.json")
    return folder


@pytest.fixture(scope="module")
def adapter(sharded, tmp_path_factory, make_adapter) -> Path:
    return make_adapter(sharded, tmp_path_factory.mktemp("adapter"))


def edited(file: Path, **changes) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def truncated(base: Path, adapter: Path) -> None:
    os.truncate(next(base.glob("*.safetensors")), 60_000)


def a_shard_missing(base: Path, adapter: Path) -> None:
    sorted(base.glob("*.safetensors"))[1].unlink()


def out_of_the_index(base: Path, adapter: Path) -> None:
    index = json.loads((base / "model.safetensors.index.json").read_text())
    index["weight_map"].pop("model.norm.weight")
    (base / "model.safetensors.index.json").write_text(json.dumps(index))


def a_pointer(base: Path, adapter: Path) -> None:
    next(base.glob("*.safetensors")).write_text(POINTER)


def pickled(base: Path, adapter: Path) -> None:
    for file in base.glob("model*"):
        file.unlink()
    (base / "pytorch_model.bin").write_bytes(b"x")


def another_rank(base: Path, adapter: Path) -> None:
    edited(adapter / "adapter_config.json", r=8)


def another_key(base: Path, adapter: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    renamed = {name.replace("q_proj", "query"): tensor for name, tensor in tensors.items()}
    save_file(renamed, adapter / "adapter_model.safetensors")


def one_layer_less(base: Path, adapter: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    deeper = {name.replace("layers.2.", "layers.3."): tensor for name, tensor in tensors.items()}
    save_file(deeper, adapter / "adapter_model.safetensors")


def quantized(base: Path, adapter: Path) -> None:
    edited(base / "config.json", quantization_config={"quant_method": "bitsandbytes"})


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (truncated, "HP-W01"),
        (a_pointer, "HP-W01"),
        (a_shard_missing, "HP-W02"),
        (out_of_the_index, "HP-W02"),
        (pickled, "HP-W03"),
        (another_rank, "HP-A02"),
        (another_key, "HP-A05"),
        (one_layer_less, "HP-A01"),
        (quantized, "HP-M10"),
    ],
)
def test_what_cannot_be_merged_is_refused_before_anything_is_written(sharded, adapter, tmp_path, spoil, code):
    """peft merges half of these with a warning; what comes out nearly works."""
    base = shutil.copytree(sharded, tmp_path / "base")
    lora = shutil.copytree(adapter, tmp_path / "adapter")
    spoil(base, lora)
    with pytest.raises(HubpubError) as caught:
        merge.run(Merge(str(base), str(lora), str(tmp_path / "out")), lambda event: None)

    assert code == caught.value.code
    assert caught.value.hint
    assert not list(tmp_path.glob("out*"))


def test_an_alpha_that_was_edited_after_training_shows_in_the_facts(sharded, adapter, tmp_path):
    """It fits, and the merged model is another one: nothing but the configuration's digest can tell."""
    other = shutil.copytree(adapter, tmp_path / "adapter")
    edited(other / "adapter_config.json", lora_alpha=9)
    digests = []
    for number, folder in enumerate((adapter, other)):
        result = merge.run(
            Merge(str(sharded), str(folder), str(tmp_path / f"out{number}")), lambda event: None
        )
        facts = {fact.id: fact.value for fact in result.measured}
        digests.append(facts["merged.adapter_config_sha256"])

    assert 64 == len(digests[0]) == len(digests[1])
    assert digests[0] != digests[1]


def test_a_disk_that_fills_in_the_middle_leaves_whole_shards_and_no_output(sharded, adapter, tmp_path):
    """Room that was there at the start was taken by somebody else; with room again, the same merge goes on."""
    if subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode:
        pytest.skip("this kernel gives no mount namespace to users")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = [sys.executable, "-c", FILLING, str(sharded), str(adapter), str(disk)]
    done = subprocess.run([*NAMESPACE, *script], capture_output=True, text=True, timeout=300)

    assert 0 == done.returncode, done.stderr
    assert {
        "told": 28,  # ENOSPC, which the worker tells as HP-X01
        "seen": 2,
        "before": ["filler", "out.tmp"],
        "after": ["out"],
    } == json.loads(done.stdout.splitlines()[-1])


def test_a_merge_that_is_killed_leaves_no_output_and_is_gone_on_with(sharded, adapter, tmp_path):
    """kill -9 of the very process that writes: finished shards keep their place and their inode."""
    out = tmp_path / "out"
    code = (
        "import sys, time\nfrom publisher.engine import merge\nfrom publisher.engine.jobs import Merge\n"
        "merge.run(Merge(*sys.argv[1:]), lambda event: time.sleep(0.5))\n"
    )
    running = subprocess.Popen([sys.executable, "-c", code, str(sharded), str(adapter), str(out)])
    aside = tmp_path / "out.tmp"
    while running.poll() is None and len(list(aside.glob("*.safetensors"))) < 2:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {file.name: file.stat().st_ino for file in aside.glob("*.safetensors")}
    finished = not out.exists()
    merge.run(Merge(str(sharded), str(adapter), str(out)), lambda event: None)
    after = {file.name: file.stat().st_ino for file in out.glob("*.safetensors")}
    merge.run(Merge(str(sharded), str(adapter), str(tmp_path / "undisturbed")), lambda event: None)

    assert finished
    assert 2 <= len(kept) < len(after)
    assert len(kept) - 1 <= sum(after[name] == inode for name, inode in kept.items())
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "undisturbed").iterdir()
    }
