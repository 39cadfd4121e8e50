"""One embedded Hub with a few users, spoken to by the unmodified client."""

from __future__ import annotations

import os

# Read once, when the client is imported: these tests are about LFS, and Xet has a test of its own.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.utils import get_session

from publisher.staging.server import EmbeddedHub, running

USERS = """
- name: alice
  organisations: [acme]
  tokens: [{token: hf_alice, role: write}, {token: hf_alice_reads, role: read}]
- name: bob
  tokens: [{token: hf_bob}]
"""

ROOT = Path(__file__).parents[2]
SERVE = "import sys; from pathlib import Path; from publisher.staging.server import EmbeddedHub; "
SERVE += "EmbeddedHub(Path(sys.argv[1])).serve_forever()"

_names = itertools.count(1)


@pytest.fixture(autouse=True)
def _without_xet(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a run in which another room imported the client first."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "users.yaml").write_text(USERS)
    with EmbeddedHub(folder / "data", users=folder / "users.yaml") as running:
        yield running


@pytest.fixture(scope="session")
def data(hub: EmbeddedHub) -> Path:
    return hub._data


@pytest.fixture(scope="session")
def api(hub: EmbeddedHub) -> HfApi:
    """The owner of the data folder."""
    return HfApi(endpoint=hub.url, token=hub.token)


@pytest.fixture(scope="session")
def alice(hub: EmbeddedHub) -> HfApi:
    return HfApi(endpoint=hub.url, token="hf_alice")


@pytest.fixture(scope="session")
def bob(hub: EmbeddedHub) -> HfApi:
    return HfApi(endpoint=hub.url, token="hf_bob")


@pytest.fixture(scope="session")
def nobody(hub: EmbeddedHub) -> HfApi:
    return HfApi(endpoint=hub.url, token=False)


@pytest.fixture
def repo(alice: HfApi) -> str:
    """A fresh public model repo of alice's."""
    name = f"alice/model-{next(_names)}"
    alice.create_repo(name, private=False)
    return name


@pytest.fixture
def serve() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Start a server in a process of its own and wait until it answers; none outlives its test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(data: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(data)], cwd=ROOT)
        started.append(process)
        deadline = time.monotonic() + 15
        while running(data) is None:
            assert process.poll() is None, "the server died"
            assert time.monotonic() < deadline, "the server did not answer"
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def http() -> object:
    """A bare HTTP client, for what the client would never send."""
    return get_session()


@pytest.fixture(scope="session")
def git_of(data: Path) -> Callable[..., str]:
    """Run the system's git in a repo's bare repository."""

    def git(repo: str, *arguments: str) -> str:
        (folder,) = (data / "repos").glob(f"*--{repo.replace('/', '--')}--*.git")
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    return git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small release: weights that are a large file, and texts that are none."""
    made = tmp_path / "release"
    made.mkdir()
    (made / "model.safetensors").write_bytes(os.urandom(300_000))
    (made / "README.md").write_text("---\nlicense: mit\ntags: [aerial]\n---\n# A model\n")
    (made / "config.json").write_text("{}\n")
    (made / "sub").mkdir()
    (made / "sub" / "notes ä.txt").write_text("notes\n")
    return made


@pytest.fixture
def contents() -> Callable[[str | Path], dict[str, bytes]]:
    """Read all files under a folder."""

    def read(folder: str | Path) -> dict[str, bytes]:
        root = Path(folder)
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    return read
