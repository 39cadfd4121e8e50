"""A card's code is what readers try first: it must run as it stands, and find no secret when we run it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from publisher.engine.jobs import Probe, Snippet
from publisher.engine.snippets import SnippetOutcome, run_snippet, run_snippets
from publisher.engine.worker import Limits, run_job
from publisher.errors import HubpubError

SPY = """
import os, pathlib
for name, value in sorted(os.environ.items()):
    print(name, "=", value)
for file in ("~/.cache/huggingface/token", "~/.huggingface/token", "~/.netrc"):
    path = pathlib.Path(os.path.expanduser(file))
    print("file", path, path.read_text() if path.exists() else "is not there")
import huggingface_hub
print("token", huggingface_hub.get_token())
"""


def run(code: str, *, limit_s: float = 60.0) -> SnippetOutcome:
    return run_snippet(Snippet("README.md:7", code), limit_s=limit_s)


def test_a_block_that_runs_leaves_what_it_printed() -> None:
    """The report shows it, so that a reader of the report sees the model speak."""
    outcome = run("import sys\nprint('one')\nprint('two', file=sys.stderr)")

    assert ("one\ntwo\n", None) == (outcome.output, outcome.error)


@pytest.mark.parametrize(
    ("code", "error", "line"),
    [
        ("x = 1\n\nx.missing()", "AttributeError: 'int' object has no attribute 'missing'", 3),
        (
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
            1,
        ),
        ("x = 1\nprint(x", "SyntaxError: '(' was never closed", 2),
        ("def f():\n    raise ValueError('deep')\n\nf()", "ValueError: deep", 2),
        ("raise SystemExit(3)", "SystemExit: 3", 1),
    ],
)
def test_a_block_that_fails_says_where_and_why(code: str, error: str, line: int) -> None:
    """The line is the block's own, however deep in a library it went on."""
    outcome = run(code)

    assert (error, line) == (outcome.error, outcome.line)


def test_a_block_may_end_itself_and_may_be_warned() -> None:
    """Neither is a failure for whoever pastes it."""
    with pytest.warns(UserWarning, match="old"):
        outcome = run("import warnings\nwarnings.warn('old')\nraise SystemExit")

    assert outcome.error is None


def test_blocks_share_no_names_no_environment_and_no_folder() -> None:
    """A reader may paste the second block alone."""
    before = (Path.cwd(), dict(os.environ), sys.argv)
    run("import os, sys\nleft = 1\nos.environ['LEFT'] = '1'\nopen('left', 'w').close()\nsys.argv = ['left']")
    outcome = run("import os\nprint('left' in globals(), 'LEFT' in os.environ, os.listdir('.'))")

    assert "False False []\n" == outcome.output
    assert before == (Path.cwd(), dict(os.environ), sys.argv)


@pytest.mark.parametrize(
    "code",
    ["while True: pass", "import time\ntry:\n    time.sleep(60)\nexcept Exception:\n    pass"],
    ids=["busy", "catches all"],
)
def test_a_block_without_end_is_ended(code: str) -> None:
    """A stuck download or an input() must not hang the release."""
    started = time.monotonic()
    outcome = run(code, limit_s=0.2)

    assert ("still running after 0.2 s", True) == (outcome.error, time.monotonic() - started < 10)


def test_all_blocks_are_tried_before_any_failure_is_told() -> None:
    """One run shows every block that needs mending."""
    events: list[dict[str, object]] = []
    blocks = [
        Snippet("README.md:3", "1/0"),
        Snippet("README.md:9", "print('fine')"),
        Snippet("docs.md:2", "\nnope"),
    ]
    with pytest.raises(HubpubError) as caught:
        run_snippets(blocks, events.append)

    told = (
        "2 of 3 code blocks of the card do not run: "
        "README.md:3, line 1 of the block: ZeroDivisionError: division by zero; "
        "docs.md:2, line 2 of the block: NameError: name 'nope' is not defined"
    )

    assert ("HP-E08", told) == (caught.value.code, caught.value.what)
    assert [1, 2, 3] == [event["done"] for event in events]


@pytest.mark.models
def test_a_block_finds_no_token_in_the_environment_nor_in_the_home_of_its_parent(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card's code may come from a pull request; a token that it can print is a token lost."""
    secret = "hf_" + "s3cr3t" * 6  # no real one, only shaped like it
    home = tmp_path / "parent-home"
    token_file = home / ".cache" / "huggingface" / "token"
    token_file.parent.mkdir(parents=True)
    token_file.write_text(secret)
    (home / ".netrc").write_text(f"machine huggingface.co login me password {secret}")
    monkeypatch.setenv("HOME", str(home))
    for name in (
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ):
        monkeypatch.setenv(name, secret)

    job = Probe("dataset", str(tiny_data), snippets=(Snippet("README.md:1", SPY),))
    result = run_job(
        job, scratch=tmp_path / "scratch", on_event=lambda event: None, limits=Limits(wall_s=120)
    )
    (outcome,) = result.details["snippets"]

    assert [] == [
        text
        for text in (secret, str(home), "HF_TOKEN", "OIDC", "AWS_", "ACTIONS_")
        if text in outcome["output"]
    ]
    assert "token None" in outcome["output"]
    assert 3 == outcome["output"].count("is not there")
