"""What is handed to users: a wheel and a source distribution, built twice, and a release by the installed wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = """
manifest: 1
version: 1.0.0
owner: acme
licence: apache-2.0
base: {{folder: "{base}", model: acme/tiny-base}}
adapter: "{adapter}"
artifacts: [base, adapter, merged]
smoke: [{{prompt: "1+1=?", expect: {{min_tokens: 1}}, max_new_tokens: 4}}]
card: {{limitations: limits.md}}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution of the tree, and the wheel made of it."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def build(source: Path, out: Path, *only: str) -> Path:
    """Build without an environment of its own, so without a network."""
    run(sys.executable, "-m", "build", "--no-isolation", *only, "--outdir", out, source)
    return out


def run(*command: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only_one(folder: Path, pattern: str) -> Path:
    [file] = folder.glob(pattern)
    return file


def entries(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tracked(folder: str) -> Iterator[str]:
    for file in (ROOT / folder).rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(ROOT).as_posix()


def test_a_second_build_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    again = build(ROOT, tmp_path)
    for first in built.iterdir():
        assert (again / first.name).read_bytes() == first.read_bytes(), first.name


def test_the_wheel_of_the_source_distribution_is_the_wheel_of_the_tree(built: Path, tmp_path: Path) -> None:
    """`build` makes the first of the unpacked source distribution: nothing that the wheel needs is missing there."""
    from_tree = build(ROOT, tmp_path, "--wheel")
    assert entries(only_one(from_tree, "*.whl")) == entries(only_one(built, "*.whl"))


def test_the_wheel_holds_every_module_template_and_table(built: Path) -> None:
    held = entries(only_one(built, "*.whl"))
    wanted = set(tracked("publisher")) | {
        file.replace("templates/", "publisher/_templates/", 1) for file in tracked("templates")
    }
    assert wanted - held.keys() == set()


def test_the_source_distribution_holds_what_the_tests_read(built: Path) -> None:
    with tarfile.open(only_one(built, "*.tar.gz")) as archive:
        top = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {
        *("publisher", "templates", "tests", "benchmarks", "model_cards", "docs"),
        *("README.md", "constraints.txt"),
    } <= top


def test_the_description_leads_nowhere_that_a_package_index_does_not_have(built: Path) -> None:
    """Nothing lies beside it there: a link into the repository is a dead one, and a picture a hole."""
    held = entries(only_one(built, "*.whl"))
    [metadata] = [Metadata.from_email(held[name]) for name in held if name.endswith(".dist-info/METADATA")]
    text = metadata.description or ""
    inline = [token for block in MarkdownIt("commonmark").parse(text) for token in block.children or []]
    led = [str(token.attrs.get("href") or token.attrs.get("src")) for token in inline if token.attrs]

    assert "text/markdown" == metadata.description_content_type
    assert [] == [link for link in led if not link.startswith("https://")]
    assert (ROOT / "docs" / "demo.txt").read_text() in text, "instead of the picture"
    assert "in ten minutes: docs/tutorial.md. In short:" in text


def test_a_package_index_would_take_both(built: Path) -> None:
    told = run(sys.executable, "-m", "twine", "check", "--strict", *sorted(built.iterdir()))
    assert told.count("PASSED") == 2


@pytest.mark.models
@pytest.mark.long
def test_the_installed_wheel_makes_a_release(
    built: Path, tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """From a folder far from the checkout, by the wheel alone; the packages that it needs are those of this environment."""
    room = tmp_path / "venv"
    venv.create(room, with_pip=False)
    python, hubpub = room / "bin" / "python", room / "bin" / "hubpub"
    here, site = (
        Path(sysconfig.get_path("purelib", vars={"base": str(base)})) for base in (sys.prefix, room)
    )
    (site / "others.pth").write_text(
        f"{here}\n"
    )  # `here` as a path alone: its own .pth files are not followed
    wheel = only_one(built, "*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "OMP_NUM_THREADS": threads}
    where = run(python, "-c", "import publisher; print(publisher.__file__)", cwd=tmp_path, env=env)
    project = tmp_path / "project"
    (project / "model_cards" / "tiny").mkdir(parents=True)
    (project / "model_cards" / "tiny" / "release.yaml").write_text(
        MANIFEST.format(base=tiny_base, adapter=tiny_adapter)
    )
    (project / "model_cards" / "tiny" / "limits.md").write_text("It cannot add.\n")
    run(hubpub, "release", "tiny", "--hub", "local", "--yes", cwd=project, env=env)
    receipt = json.loads(
        (project / ".hubpub" / "tiny" / "hubs" / "local" / "receipts" / "1.0.0.json").read_text()
    )

    assert Path(where.strip()).is_relative_to(room)
    assert ("run", ["base", "adapter", "merged"]) == (
        receipt["proof"],
        [repo["artifact"] for repo in receipt["repos"]],
    )
